"""Statistics over the kept channels only: what the masked original has to compute at its normalisers.

A mask zeroes channels, but a mean over eight channels of which three are zero is not the mean over five.
Run under this mode, every statistic over a cut dimension gathers the kept channels first. A sum leaves out
channels of inexact groups: a sigmoid of zero is not zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from slimgui.core.plan import Selection
from slimgui.engine.in_step import InStep
from slimgui.engine.keep import labels_gone
from slimgui.engine.predict import blocks_left
from slimgui.engine.recapture import CONTRACTIONS
from slimgui.engine.recording import Function, Ref
from slimgui.engine.trace import Traced
from slimgui.engine.view import View

Kept = dict[int, Tensor]  # dimension -> indices that stay, only where some go
REDUCING = frozenset(
    {
        "mean", "var", "std", "var_mean", "std_mean", "amax", "amin", "max", "min", "median", "logsumexp",
        "prod",
    }
)  # fmt: skip
SHARING = frozenset({"softmax", "log_softmax", "softmin"})
NORMALISING = frozenset({"layer_norm", "rms_norm"})
SUMMING = CONTRACTIONS | {"sum", "nansum", "norm", "vector_norm", "mm", "baddbmm"}


class KeptOnly(InStep):
    """Runs one forward pass of the masked original with statistics over kept channels.

    Args:
        traced: the original's trace.
        selection: which channels stay.
    """

    def __init__(self, traced: Traced, selection: Selection) -> None:
        labelled = traced.passes[0]
        super().__init__(labelled.capture.functions)
        blurred = {g.id: np.arange(g.size) if g.exact else selection.keep[g.id] for g in traced.groups}
        self.view = View(labelled, labels_gone(traced.solved, selection))
        self.blurred = View(labelled, labels_gone(traced.solved, Selection(blurred)))

    def compute(
        self, func: Callable[..., Any], call: Function | None, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Without the removed channels, where the call reduces over them."""
        if call is None:
            return func(*args, **kwargs)
        if call.name in SUMMING:
            return func(*_without_removed(args, call.args, self.blurred), **kwargs)
        find = STATISTICS.get(call.name)
        if find is None or not isinstance(call.args[0], Ref):
            return func(*args, **kwargs)
        return find(func, call, self.view, args, kwargs)


def _without_removed(value: Any, traced: Any, view: View) -> Any:
    """`value` with zeros in place of what is removed; `traced` is the argument as it was recorded."""
    if isinstance(value, Tensor) and isinstance(traced, Ref):
        for field in view.labelled.operands[traced.index].fields:
            gone = view.gone[field.labels].to(value.device)
            value = value.masked_fill(gone, 0) if bool(gone.any()) else value
        return value
    if isinstance(value, (tuple, list)) and isinstance(traced, tuple):
        return type(value)(_without_removed(*pair, view) for pair in zip(value, traced, strict=True))
    return value


def _kept(call: Function, view: View, dims: Sequence[int], device: torch.device) -> Kept:
    rank = len(view.old_shape(call.args[0]))
    stays = {dim % rank: torch.tensor(view.stays(call.args[0], dim % rank), device=device) for dim in dims}
    return {dim: mask.nonzero().reshape(-1) for dim, mask in stays.items() if not bool(mask.all())}


def _gathered(value: Tensor, kept: Kept) -> Tensor:
    for dim, indices in kept.items():
        value = value.index_select(dim, indices)
    return value


def _dims(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Sequence[int]:
    """The dimensions of a reduction; all of them where none is given."""
    given = kwargs.get("dim", args[1] if len(args) > 1 and not isinstance(args[1], bool) else None)
    if given is None:
        return range(args[0].ndim)
    return given if isinstance(given, (tuple, list)) else (given,)


def _reducing(func: Any, call: Function, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if len(args) > 1 and isinstance(args[1], Tensor):  # max(a, b) is no statistic
        return func(*args, **kwargs)
    kept = _kept(call, view, _dims(args, kwargs), args[0].device)
    return func(_gathered(args[0], kept), *args[1:], **kwargs)


def _sharing(func: Any, call: Function, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    kept = _kept(call, view, _dims(args, kwargs), args[0].device)
    return _put_back(args[0], func(_gathered(args[0], kept), *args[1:], **kwargs), kept)


def _put_back(whole: Tensor, part: Tensor, kept: Kept) -> Tensor:
    """`part` at the kept indices of a tensor of zeros."""
    if not kept:
        return part
    result = torch.zeros_like(whole, dtype=part.dtype)
    if len(kept) == 1:
        ((dim, indices),) = kept.items()
        return result.index_copy(dim, indices, part)
    places = torch.ones_like(whole, dtype=torch.bool)
    for dim, indices in kept.items():
        mask = torch.zeros(whole.shape[dim], dtype=torch.bool, device=whole.device)
        mask[indices] = True
        places = places & mask.reshape([-1 if d == dim else 1 for d in range(whole.ndim)])
    return result.masked_scatter(places, part)


def _normalising(func: Any, call: Function, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    data, shape = args[0], tuple(args[1] if len(args) > 1 else kwargs["normalized_shape"])
    first = data.ndim - len(shape)
    kept = _kept(call, view, range(first, data.ndim), data.device)
    if not kept:
        return func(*args, **kwargs)
    inner = {dim - first: indices for dim, indices in kept.items()}
    part = _gathered(data, kept)
    rest = [_gathered(a, inner) if isinstance(a, Tensor) else a for a in args[2:]]
    named = {key: _gathered(v, inner) if isinstance(v, Tensor) else v for key, v in kwargs.items()}
    named.pop("normalized_shape", None)
    return _put_back(data, func(part, tuple(part.shape[first:]), *rest, **named), kept)


def _batch_norm(func: Any, call: Function, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    data = args[0]
    kept = _kept(call, view, [dim for dim in range(data.ndim) if dim != 1], data.device)
    return _put_back(data, func(_gathered(data, kept), *args[1:], **kwargs), kept)


def _group_norm(func: Any, call: Function, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    data, groups = args[0], args[1] if len(args) > 1 else kwargs["num_groups"]
    kept = _kept(call, view, (1,), data.device)
    if not kept:
        return func(*args, **kwargs)
    inner = {0: kept[1]}
    rest = [_gathered(a, inner) if isinstance(a, Tensor) else a for a in args[2:]]
    named = {key: _gathered(v, inner) if isinstance(v, Tensor) else v for key, v in kwargs.items()}
    named.pop("num_groups", None)
    left = blocks_left(view, call.args[0], groups)
    return _put_back(data, func(_gathered(data, kept), left, *rest, **named), kept)


def _attending(func: Any, call: Function, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Attention sums over the positions of keys and values: those that go are not attended to."""
    query, key, value, *rest = args
    mask = rest[0] if rest else kwargs.get("attn_mask")
    keys = call.args[1]
    assert isinstance(keys, Ref), "a key is a tensor"
    rank = len(view.old_shape(keys))
    stays = torch.tensor(view.stays(keys, rank - 2), device=key.device)
    if bool(stays.all()):
        return func(*args, **kwargs)
    kept = stays.nonzero().reshape(-1)
    if mask is not None and mask.shape[-1] == key.shape[-2]:
        mask = mask.index_select(-1, kept)
    named = {**kwargs, "attn_mask": mask} if not rest else kwargs
    rest = [mask, *rest[1:]] if rest else []
    return func(query, key.index_select(-2, kept), value.index_select(-2, kept), *rest, **named)


STATISTICS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(REDUCING, _reducing),
    **dict.fromkeys(SHARING, _sharing),
    **dict.fromkeys(NORMALISING, _normalising),
    "batch_norm": _batch_norm,
    "group_norm": _group_norm,
    "scaled_dot_product_attention": _attending,
}
