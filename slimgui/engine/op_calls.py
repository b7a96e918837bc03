"""A recorded function call and the shapes it has under a selection -> the same call on tensors of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from slimgui.engine.predict import expected
from slimgui.engine.recording import Capture, Function, Ref
from slimgui.engine.view import View
from slimgui.runtime import replaced


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor to be made.

    Attributes:
        order: its dimensions from the outermost to the innermost one in memory.
        stretched: dimensions that are expanded, with stride 0.
        is_weight: a parameter or buffer, which nothing has touched since the last forward pass.
        value: its numbers, where these are known and may matter (an index).
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    order: tuple[int, ...]
    stretched: frozenset[int]
    is_weight: bool
    value: Tensor | None

    def __str__(self) -> str:
        layout = "" if self.order == tuple(range(len(self.shape))) else f" in memory {self.order}"
        stretched = f" stretched {sorted(self.stretched)}" if self.stretched else ""
        name = str(self.dtype).removeprefix("torch.")
        return f"{name}[{', '.join(map(str, self.shape))}]{layout}{stretched}"

    def make(self, device: torch.device) -> Tensor:
        """The tensor: numbers between 0.5 and 1.5, so that no op meets a division by zero."""
        if self.value is not None:
            return self.value.to(device, copy=True)
        sizes = [1 if dim in self.stretched else self.shape[dim] for dim in self.order]
        if self.dtype.is_floating_point:
            flat = torch.rand(sizes, device=device, dtype=self.dtype).add_(0.5)
        else:
            flat = torch.zeros(sizes, device=device, dtype=self.dtype)
        back = sorted(range(len(self.order)), key=self.order.__getitem__)
        return flat.permute(back).expand(self.shape)


@dataclass(frozen=True, slots=True)
class Ready:
    """A call that can be made again and again, and the tensors that were written just before it."""

    run: Callable[[], Any]
    fresh: tuple[Tensor, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class OpCall:
    """A call with its arguments: Operands in place of tensors."""

    func: Callable[..., Any]
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __str__(self) -> str:
        given = [*map(_word, self.args), *(f"{key}={_word(item)}" for key, item in self.kwargs.items())]
        return f"{self.name}({', '.join(given)})"

    def ready(self, device: torch.device) -> Ready:
        """With tensors on `device`; an operand given twice is made twice."""
        made: list[tuple[Operand, Tensor]] = []

        def make(value: Any) -> Any:
            if isinstance(value, Operand):
                made.append((value, value.make(device)))
                return made[-1][1]
            if isinstance(value, torch.device):
                return device
            return _inside(value, make)

        func, args = self.func, tuple(map(make, self.args))
        kwargs = {key: make(item) for key, item in self.kwargs.items()}
        fresh = tuple(tensor for operand, tensor in made if not operand.is_weight)
        size = sum(tensor.untyped_storage().nbytes() for _, tensor in made)
        return Ready(lambda: func(*args, **kwargs), fresh, size)


def op_call(function: Function, view: View) -> OpCall:
    """The call as it will be once the cut of `view` is made."""
    args, kwargs = function.args, function.kwargs
    for path, value in expected(function, view):
        args, kwargs = replaced(args, kwargs, path, partial(_instead, value))

    def make(value: Any) -> Any:
        return operand(value.index, view) if isinstance(value, Ref) else _inside(value, make)

    return OpCall(
        function.func,
        function.name,
        tuple(map(make, args)),
        {key: make(item) for key, item in kwargs.items()},
    )


def _instead(value: Any, before: Any) -> Any:
    del before
    return value


def operand(index: int, view: View) -> Operand:
    """A value of the forward pass, of the shape it will have; laid out in memory as it was."""
    value, shape = view.labelled.capture.values[index], view.shape(index)
    strides = value.tensor.stride()
    stretched = frozenset(dim for dim, stride in enumerate(strides) if stride == 0 and value.shape[dim] != 1)
    real = not value.tensor.is_meta and not value.tensor.is_floating_point() and shape == value.tensor.shape
    rank = range(len(shape))
    order = tuple(sorted(rank, key=lambda dim: -strides[dim])) if len(strides) == len(shape) else tuple(rank)
    return Operand(
        shape, value.tensor.dtype, order, stretched, bool(value.name), value.tensor if real else None
    )


def timed_functions(capture: Capture) -> Iterator[tuple[Function, bool]]:
    """Every call that does work by itself, and whether it only looks at memory in another way."""
    looks: dict[int, bool] = {}
    for call in capture.calls:
        looks[call.function] = looks.get(call.function, True) and call.func.is_view
    for function in capture.functions:
        if not function.is_open and function.number in looks:
            yield function, looks[function.number]


def refs(function: Function) -> list[int]:
    """Indices of the values that go into the call and come out of it."""
    found: list[int] = []

    def look(value: Any) -> Any:
        if isinstance(value, Ref):
            found.append(value.index)
            return value
        return _inside(value, look)

    for value in (*function.args, *function.kwargs.values()):
        look(value)
    return [*found, *function.outputs]


def _inside(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(map(change, value)) if type(value) in (list, tuple) else value
    if isinstance(value, dict):
        return {key: change(item) for key, item in value.items()}
    return value


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"({', '.join(map(_word, value))})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_word(item)}' for key, item in value.items())}}}"
    return "device" if isinstance(value, torch.device) else str(value)
