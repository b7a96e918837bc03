"""Cut a fresh model the way another of its class was cut: its tensors, its attributes, its calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from slimgui.errors import LoadError
from slimgui.runtime import Correction, install

Kept = Mapping[str, Mapping[int, NDArray[np.int64]]]


class RepairLike(Protocol):
    """One module attribute with its new value."""

    @property
    def module(self) -> str: ...
    @property
    def attribute(self) -> str: ...
    @property
    def value(self) -> object: ...


def replay(
    model: nn.Module, kept: Kept, repairs: Iterable[RepairLike], corrections: Iterable[Correction] = ()
) -> None:
    """Cut `model` in place. Tied parameters stay one, requires_grad and dtype stay.

    Args:
        model: of the class that was cut, whole.
        kept: parameter or buffer name -> dimension -> original indices that stay.
        repairs: attributes to set, in this order.
        corrections: calls to correct from now on, in this order.

    Raises:
        LoadError: the model is not the one that was cut; it may be half changed then.
    """
    tensors = _tensors(model)
    done: set[int] = set()
    for name, dims in kept.items():
        tensor = tensors.get(name)
        if tensor is None:
            raise _misfit(model, f"It has no {name!r}, which was cut")
        if id(tensor) not in done:
            done.add(id(tensor))
            tensor.data = sliced(model, name, tensor.detach(), dims)
    modules = dict(model.named_modules(remove_duplicate=False))
    for repair in repairs:
        _repair(model, modules.get(repair.module), repair)
    correct(model, corrections)


def correct(model: nn.Module, corrections: Iterable[Correction]) -> None:
    """Install the corrections that a file holds.

    Raises:
        LoadError: the model has no such module.
    """
    modules = dict(model.named_modules(remove_duplicate=False))
    for correction in corrections:
        if correction.module not in modules:
            raise _misfit(model, f"It has no module {correction.module!r}")
        install(model, [correction])


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    """Every parameter and buffer by every name it has."""
    named: dict[str, Tensor] = dict(model.named_parameters(remove_duplicate=False))
    named.update(model.named_buffers(remove_duplicate=False))
    return named


def sliced(model: nn.Module, name: str, tensor: Tensor, dims: Mapping[int, NDArray[np.int64]]) -> Tensor:
    """The kept indices of one tensor of `model`. Raises LoadError when it has no such indices."""
    for dim, indices in dims.items():
        if not 0 <= dim < tensor.ndim:
            raise _misfit(model, f"{name!r} has no dimension {dim}")
        if indices.ndim != 1 or not np.all((indices >= 0) & (indices < tensor.shape[dim])):
            raise _misfit(model, f"dimension {dim} of {name!r} has only {tensor.shape[dim]} indices")
        index = torch.from_numpy(np.ascontiguousarray(indices, dtype=np.int64))
        tensor = tensor.index_select(dim, index.to(tensor.device))
    return tensor.contiguous()


def _repair(model: nn.Module, module: nn.Module | None, repair: RepairLike) -> None:
    """Set one attribute; only plain values that replace plain values, so that a file cannot plant code."""
    if module is None:
        raise _misfit(model, f"It has no module {repair.module!r}")
    old = vars(module).get(repair.attribute, _MISSING)
    if old is _MISSING or not is_plain(old) or not is_plain(repair.value):
        raise _misfit(model, f"{repair.module!r} has no size called {repair.attribute!r}")
    setattr(module, repair.attribute, repair.value)


_MISSING = object()


def is_plain(value: object) -> bool:
    """Numbers, None, and tuples, lists or dicts of them: what a size attribute can be."""
    if isinstance(value, (tuple, list)):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, (str, int)) and is_plain(item) for key, item in value.items())
    return value is None or isinstance(value, (int, float))


def _misfit(model: nn.Module, why: str) -> LoadError:
    hint = "Use the model exactly as it was before it was slimmed."
    return LoadError(f"This {type(model).__name__} is not the model that was cut.", f"{why}.", hint)
