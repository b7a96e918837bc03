"""The numbers that a function call has to be given once channels are gone, read off the labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from slimgui.engine.recording import Function, Ref
from slimgui.engine.view import View
from slimgui.runtime import Path, argument

Expected = Iterator[tuple[Path, Any]]


def expected(call: Function, view: View) -> Expected:
    """(path, number) for every size among the arguments that follows from the labels."""
    find = PREDICTORS.get(call.name)
    if find is not None:
        yield from find(call, view)


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, int]]:
    """The whole numbers in a number or a sequence of numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        yield path, value
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from _leaves(item, (*path, i))


def _sizes(call: Function, names: Sequence[str], start: int) -> list[tuple[Path, int]]:
    """The sizes of a call that takes them as numbers, as one sequence, or by keyword."""
    for name in names:
        if name in call.kwargs:
            return list(_leaves(call.kwargs[name], (name,)))
    if len(call.args) > start and isinstance(call.args[start], tuple):
        return list(_leaves(call.args[start], (start,)))
    return [leaf for i in range(start, len(call.args)) for leaf in _leaves(call.args[i], (i,))]


def _aligned(leaves: list[tuple[Path, int]], old: Sequence[int], new: Sequence[int]) -> Expected:
    """Sizes that stand for the last dimensions of a shape."""
    for (path, size), was, becomes in zip(leaves[::-1], old[::-1], new[::-1], strict=False):
        if size == was:
            yield path, becomes


def _shaped(start: int, *names: str) -> Callable[[Function, View], Expected]:
    """Functions whose sizes are the shape of the result."""

    def find(call: Function, view: View) -> Expected:
        if call.outputs:
            out = call.outputs[0]
            yield from _aligned(_sizes(call, names, start), view.old_shape(out), view.shape(out))

    return find


def _unflatten(call: Function, view: View) -> Expected:
    dim = call.kwargs.get("dim", call.args[1] if len(call.args) > 1 else 0)
    leaves = _sizes(call, ("sizes",), 2)
    out = call.outputs[0]
    first = dim if dim >= 0 else dim + len(view.old_shape(out)) - len(leaves) + 1
    span = slice(first, first + len(leaves))
    yield from _aligned(leaves, view.old_shape(out)[span], view.shape(out)[span])


def _split(call: Function, view: View) -> Expected:
    source = call.args[0]
    dim = call.kwargs.get("dim", call.args[2] if len(call.args) > 2 else 0) % len(view.old_shape(source))
    key: int | str = 1 if len(call.args) > 1 else next(k for k in call.kwargs if k.startswith("split"))
    given = argument(call.args, call.kwargs, (key,))
    sizes = [view.shape(out)[dim] for out in call.outputs]
    if isinstance(given, int):
        yield (key,), sizes[0]
    else:
        yield from (((key, i), size) for i, size in enumerate(sizes))


def _item(call: Function, view: View) -> Expected:
    source, key = call.args[0], call.args[1]
    items = key if isinstance(key, tuple) else (key,)
    rank = len(view.old_shape(source)) + sum(item is None for item in items)
    used = sum(item is not None and item is not Ellipsis for item in items)
    dim = 0
    for i, item in enumerate(items):
        path: Path = (1, i) if isinstance(key, tuple) else (1,)
        if item is Ellipsis:
            dim += rank - sum(item is None for item in items) - used
        elif item is not None:
            yield from _one_index(item, path, view.stays(source, dim), view)
            dim += 1


def _one_index(item: Any, path: Path, stays: list[bool], view: View) -> Expected:
    if all(stays):
        return
    if isinstance(item, bool):
        return
    if isinstance(item, int):
        yield path, moved(item, stays)
    elif isinstance(item, slice) and item.step in (None, 1):
        for name in ("start", "stop"):
            bound = getattr(item, name)
            if isinstance(bound, int):
                yield (*path, name), moved(bound, stays)
    elif isinstance(item, Ref):
        known, index = view.labelled.operands[item.index], view.labelled.capture.values[item.index].tensor
        if known.real and index.dtype == torch.int64 and index.ndim == 1:
            yield path, [moved(p, stays) for p in index.tolist() if stays[p]]


def moved(position: int, stays: list[bool]) -> int:
    """Where a position (or the bound of a range) comes to lie; counted from the end when negative."""
    if position < 0:
        return -sum(stays[position:])
    return sum(stays[:position])


def _index_select(call: Function, view: View) -> Expected:
    source = call.args[0]
    dim = call.args[1] if len(call.args) > 1 else call.kwargs["dim"]
    path: Path = (2,) if len(call.args) > 2 else ("index",)
    index = argument(call.args, call.kwargs, path)
    yield from _one_index(index, path, view.stays(source, dim % len(view.old_shape(source))), view)


def _repeat_interleave(call: Function, view: View) -> Expected:
    key: int | str = 1 if len(call.args) > 1 else "repeats"
    repeats, dim = argument(call.args, call.kwargs, (key,)), call.kwargs.get("dim")
    dim = call.args[2] if dim is None and len(call.args) > 2 else dim
    if isinstance(repeats, int) and dim is not None and call.outputs:
        yield (key,), view.shape(call.outputs[0])[dim] // view.shape(call.args[0])[dim]


def _repeat(call: Function, view: View) -> Expected:
    leaves, source = _sizes(call, ("repeats",), 1), view.shape(call.args[0])
    after = view.shape(call.outputs[0])
    before = (1,) * (len(after) - len(source)) + source
    for (path, _), size, was in zip(leaves, after, before, strict=True):
        if size % was == 0:
            yield path, size // was


def _narrow(call: Function, view: View) -> Expected:
    source, dim, start, length = (*call.args, *call.kwargs.values())[:4]
    stays = view.stays(source, dim % len(view.old_shape(source)))
    if not all(stays) and len(call.args) == 4 and isinstance(start, int):
        yield (2,), sum(stays[:start])
        yield (3,), sum(stays[start : start + length])


def _roll(call: Function, view: View) -> Expected:
    shifts, dims = (*call.args[1:], *call.kwargs.values())[:2]
    key: int | str = 1 if len(call.args) > 1 else "shifts"
    for i, (shift, dim) in enumerate(zip(_tuple(shifts), _tuple(dims), strict=True)):
        stays = view.stays(call.args[0], dim % len(view.old_shape(call.args[0])))
        if not all(stays):
            path: Path = (key, i) if isinstance(shifts, tuple) else (key,)
            yield path, sum(stays[len(stays) - shift % len(stays) :])


def _tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _normalized_shape(call: Function, view: View) -> Expected:
    source = call.args[0]
    yield from _aligned(
        _sizes(call, ("normalized_shape",), 1)[: len(view.old_shape(source))],
        view.old_shape(source),
        view.shape(source),
    )


def _group_norm(call: Function, view: View) -> Expected:
    groups = call.args[1] if len(call.args) > 1 else call.kwargs["num_groups"]
    path: Path = (1,) if len(call.args) > 1 else ("num_groups",)
    yield path, blocks_left(view, call.args[0], groups)


def _channel_shuffle(call: Function, view: View) -> Expected:
    path: Path = (1,) if len(call.args) > 1 else ("groups",)
    yield path, blocks_left(view, call.args[0], argument(call.args, call.kwargs, path))


def _conv_groups(call: Function, view: View) -> Expected:
    path: Path = (6,) if len(call.args) > 6 else ("groups",)
    if len(call.args) > 6 or "groups" in call.kwargs:
        yield path, blocks_left(view, call.args[0], argument(call.args, call.kwargs, path))


def blocks_left(view: View, source: Ref, blocks: int) -> int:
    """Of the channels in `blocks` equal runs: in how many runs something stays."""
    if blocks == 1:
        return 1
    stays = torch.tensor(view.stays(source, 1)).reshape(blocks, -1)
    return int(stays.any(1).sum())


def _attention(call: Function, view: View) -> Expected:
    """The scale stays what it was, whether it is given or follows from the width."""
    scale = call.kwargs.get("scale", call.args[6] if len(call.args) > 6 else None)
    width, now = view.old_shape(call.args[0])[-1], view.shape(call.args[0])[-1]
    if width != now:
        yield (6,) if len(call.args) > 6 else ("scale",), width**-0.5 if scale is None else scale


def _multi_head(call: Function, view: View) -> Expected:
    """Its first lines only assert that the width divides by the heads; the calls inside are corrected."""
    width, (embedded, heads) = view.shape(call.args[0])[-1], call.args[3:5]
    if width != embedded:
        yield (3,), width
        yield (4,), heads if width % heads == 0 else 1


_TO_SHAPE = ("view", "reshape", "expand", "broadcast_to", "new_empty", "new_zeros", "new_ones")
_OF_SHAPE = ("zeros", "ones", "empty", "rand", "randn")
_CONVOLUTIONS = tuple(f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3))

PREDICTORS: dict[str, Callable[[Function, View], Expected]] = {
    **dict.fromkeys(_TO_SHAPE, _shaped(1, "size", "shape")),
    **dict.fromkeys(_OF_SHAPE, _shaped(0, "size")),
    **dict.fromkeys(_CONVOLUTIONS, _conv_groups),
    "full": _shaped(0, "size"),
    "new_full": _shaped(1, "size"),
    "unflatten": _unflatten,
    "split": _split,
    "split_with_sizes": _split,
    "__getitem__": _item,
    "__setitem__": _item,
    "repeat_interleave": _repeat_interleave,
    "repeat": _repeat,
    "index_select": _index_select,
    "narrow": _narrow,
    "roll": _roll,
    "layer_norm": _normalized_shape,
    "rms_norm": _normalized_shape,
    "group_norm": _group_norm,
    "channel_shuffle": _channel_shuffle,
    "scaled_dot_product_attention": _attention,
    "multi_head_attention_forward": _multi_head,
}
