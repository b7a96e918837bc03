"""The original with every removed index of its weights set to zero: a copy, or weights lent call by call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from slimgui.engine.effective import bake
from slimgui.engine.inputs import map_tensors, tensors_in
from slimgui.engine.keep import Kept
from slimgui.engine.memory import device_of
from slimgui.engine.pending import Numbers
from slimgui.engine.structural import copy_module, on_meta

Twin = Callable[[Tensor], Tensor]
SIZES = frozenset({"shape", "ndim", "dtype", "size", "dim", "stride", "numel", "__len__"})  # need no numbers


def _zeroed(tensor: Tensor, kept: dict[int, np.ndarray], dtype: torch.dtype | None) -> Tensor:
    """A copy of `tensor` in `dtype` with every index that is not in kept[dim] set to zero."""
    own = tensor.detach()
    cast = _cast(own, dtype)
    result = cast.clone() if cast is own else cast
    for dim, indices in kept.items():
        gone = torch.ones(tensor.shape[dim], dtype=torch.bool)
        gone[torch.from_numpy(indices)] = False
        result.index_fill_(dim, gone.nonzero().reshape(-1).to(result.device), 0)
    return result


def zeroed_copy(
    model: nn.Module, kept: Kept, dtype: torch.dtype | None = None, *, buffers: bool = True
) -> nn.Module:
    """A copy of `model` with the removed indices zeroed, its floating-point tensors in `dtype`.

    Of weights that are computed from others the effective weight is zeroed.
    """
    model, kept = _plain(model, kept)
    return copy_module(model, _twins(model, kept, dtype, _own_numbers, buffers=buffers))


def lent_copy(
    model: nn.Module,
    kept: Kept,
    dtype: torch.dtype | None = None,
    numbers: Numbers | None = None,
    *,
    device: torch.device | None = None,
    buffers: bool = True,
) -> tuple[nn.Module, AbstractContextManager[None]]:
    """The same with parameters that hold no numbers: those are made for each call that uses them.

    `numbers` gives the numbers of the model's tensors, where those do not hold them; they lie on `device`.

    Returns:
        The copy, and the mode to run it under. Buffers, and weights that are computed from others, are held.
    """
    model, kept = _plain(model, kept)
    twin = _twins(model, kept, dtype, numbers or _own_numbers, buffers=buffers)
    lending = _Lending(device or device_of(model))

    def stand_in(tensor: Tensor) -> Tensor:
        return lending.add(tensor, twin, dtype) if isinstance(tensor, nn.Parameter) else twin(tensor)

    return copy_module(model, stand_in), _both(_Escapes(), lending)


@contextmanager
def _both(one: AbstractContextManager[Any], other: AbstractContextManager[Any]) -> Iterator[None]:
    with one, other:
        yield


class _Escapes(TorchDispatchMode):
    """Raises when a placeholder reaches an op: torch multiplies by what a meta tensor does not hold."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if any(tensor.is_meta for tensor in tensors_in((args, kwargs), depth=4)):
            raise RuntimeError(f"a weight reaches {func} by a way on which it cannot be lent")
        return func(*args, **kwargs or {})


class _Lending(TorchFunctionMode):
    """Puts numbers in place of the placeholders among a call's arguments, and drops them after it."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.sources: dict[int, tuple[Tensor, Tensor, Twin]] = {}  # the placeholder is kept alive for its id

    def add(self, tensor: Tensor, twin: Twin, dtype: torch.dtype | None) -> Tensor:
        """A placeholder for twin(tensor), of its shape and dtype."""
        placeholder = nn.Parameter(_cast(on_meta(tensor).detach(), dtype), tensor.requires_grad)
        self.sources[id(placeholder)] = placeholder, tensor, twin
        return placeholder

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs, asked = kwargs or {}, getattr(func, "__name__", "")
        if asked == "__get__":
            asked = func.__self__.__name__
        if asked == "device" and id(args[0]) in self.sources:
            return self.device
        if asked in SIZES:
            return func(*args, **kwargs)
        return func(*map_tensors(args, self._lend), **map_tensors(kwargs, self._lend))

    def _lend(self, tensor: Tensor) -> Tensor:
        if id(tensor) not in self.sources:
            return tensor
        _, source, twin = self.sources[id(tensor)]
        return twin(source)


def _twins(
    model: nn.Module, kept: Kept, dtype: torch.dtype | None, numbers: Numbers, *, buffers: bool
) -> Twin:
    """What makes the masked twin of a tensor of `model`."""
    names = {id(tensor): name for name, tensor in model.named_parameters()}
    if buffers:
        names |= {id(tensor): name for name, tensor in model.named_buffers()}

    def twin(tensor: Tensor) -> Tensor:
        copy = _zeroed(numbers(tensor), kept.get(names.get(id(tensor), ""), {}), dtype)
        return nn.Parameter(copy, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else copy

    return twin


def _plain(model: nn.Module, kept: Kept) -> tuple[nn.Module, Kept]:
    """The model with computed weights as plain ones, sharing all others, and `kept` by its names."""
    if not kept:
        return model, kept
    shared = copy_module(model, lambda tensor: tensor).eval()  # in train mode spectral norm would iterate
    return shared, bake(shared, kept)


def _own_numbers(tensor: Tensor) -> Tensor:
    return tensor


def _cast(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    return tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor
