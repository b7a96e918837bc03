"""A trace -> who reads the channels of a group: the calls that multiply them by something and sum.

Found by labels alone: a matrix product or convolution whose contracted dimension carries the labels of a
group, whatever module it stands in. It is described as the function call in the code (F.linear, F.conv2d,
torch.einsum, scaled_dot_product_attention), which meets the same places at any batch size and in a deployed
model too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from slimgui.engine.algebra import Operand
from slimgui.engine.in_step import InStep
from slimgui.engine.inputs import tensors_in
from slimgui.engine.labels import SOLUTIONS
from slimgui.engine.propagate import Labelled
from slimgui.engine.recording import Call, Function, Ref
from slimgui.engine.trace import Traced

aten = torch.ops.aten
Ints = NDArray[np.int64]

# Per op its two factors: (number among the tensor arguments, dimension that is summed over).
_FACTORS: Final = {
    aten.convolution: ((0, 1), (1, 1)),
    aten.mm: ((0, 1), (1, 0)),
    aten.addmm: ((1, 1), (2, 0)),
    aten.bmm: ((0, 2), (1, 1)),
    aten.baddbmm: ((1, 2), (2, 1)),
    aten.mv: ((0, 1), (1, 0)),
    aten.dot: ((0, 0), (1, 0)),
    aten.linear: ((0, -1), (1, 1)),
}


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """One function call that sums over channels of a group.

    Attributes:
        group: id of the group.
        function: number of the call, see `Function.number`.
        data: which tensor argument holds the channels, counted over positional and keyword arguments.
        dim: the dimension of it along which they lie.
        channels: int array [length of that dimension]: the channel there, -1 for none of this group.
        weight: which tensor argument they are multiplied by, -1 when the call makes it itself.
        weight_dim: the dimension of it that is summed over; shorter than `channels` in a grouped convolution.
        parameter: name of the parameter that the weight is, "" when it is computed.
    """

    group: str
    function: int
    data: int
    dim: int
    channels: Ints = field(repr=False)
    weight: int
    weight_dim: int
    parameter: str

    def strength(self, weight: Tensor) -> Tensor:
        """Float64 [length of `channels`]: sum of squares of all that multiplies each place of the data."""
        length, dim = len(self.channels), self.weight_dim
        squares = weight.detach().double().square()
        # the rows of block b of a grouped convolution read block b of the data; else there is one block
        blocks = length // squares.shape[dim]
        own = squares.unflatten(0, (blocks, -1)) if blocks > 1 else squares[None]
        sums: Tensor = own.movedim(dim + 1, 1).flatten(2).sum(2) if own.ndim > 2 else own
        return sums.reshape(-1)

    def per_channel(self, values: Tensor, size: int) -> NDArray[np.float64]:
        """`values` [length of `channels`] summed per channel of the group: float64 [size]."""
        mine = self.channels >= 0
        sums = np.zeros(size)
        np.add.at(sums, self.channels[mine], values.double().cpu().numpy()[mine])
        return sums


def readers_of(traced: Traced) -> tuple[Reader, ...]:
    """Every reader of every group that may be cut, in order of the eval pass.

    Groups that only recurrent kernels or calls in C code sum over have none.
    """
    labelled = traced.passes[0]
    functions = {made.number: made for made in labelled.capture.functions}
    found: dict[tuple[str, int, int, int], Reader] = {}
    for call in labelled.capture.calls:
        function = functions.get(call.function)
        if function is not None and call.func.overloadpacket in _FACTORS:
            for reader in _of_call(traced, labelled, call, function):
                key = (reader.group, reader.function, reader.data, reader.weight)
                found.setdefault(key, reader)
    return tuple(found.values())


def _of_call(traced: Traced, labelled: Labelled, call: Call, function: Function) -> Iterator[Reader]:
    arguments = _references(function)
    factors = [(call.operands[number], dim) for number, dim in _factors(call)]
    sides = [(labelled.operands[index], dim) for index, dim in factors]
    for (source, dim), (weight, weight_dim) in (sides, sides[::-1]):
        place = _find(source, dim, arguments, labelled)
        if source.still or place is None:
            continue
        other = _find(weight, weight_dim, arguments, labelled) or (-1, -1)
        name = labelled.capture.values[arguments[other[0]]].name if other[0] >= 0 else ""
        for group, channels in _channels(traced, labelled.operands[arguments[place[0]]], place[1]):
            if _sums_over(call, channels):
                yield Reader(group, function.number, *place, channels, *other, name)


def _factors(call: Call) -> Sequence[tuple[int, int]]:
    transposed = call.func.overloadpacket is aten.convolution and call.args[6]
    return ((0, 1), (1, 0)) if transposed else _FACTORS[call.func.overloadpacket]


def _references(function: Function) -> list[int]:
    """Values among the arguments of a function call, in the order of `given_tensors`."""

    def walk(value: Any) -> Iterator[int]:
        if isinstance(value, Ref):
            yield value.index
        elif isinstance(value, tuple):
            for item in value:
                yield from walk(item)

    return list(walk((function.args, tuple(function.kwargs.values()))))


def given_tensors(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    """The tensor arguments of a call, as `Reader.data` and `Reader.weight` count them."""
    return list(tensors_in((args, tuple(kwargs.values()))))


def _along(operand: Operand, dim: int) -> Tensor | None:
    """The labels along one dimension, at the start of all others; None where no label varies."""
    dim %= len(operand.shape)
    for found in operand.fields:
        if dim in found.live:
            labels = found.labels
            for other in found.live:
                labels = labels if other == dim else labels.narrow(other, 0, 1)
            return labels.reshape(-1)
    return None


def _find(operand: Operand, dim: int, arguments: list[int], labelled: Labelled) -> tuple[int, int] | None:
    """Where the labels along `dim` lie among the arguments of the function call: (number, dimension)."""
    wanted = _along(operand, dim)
    if wanted is None:
        return None
    for number, index in enumerate(arguments):
        argument = labelled.operands[index]
        for place in range(len(argument.shape)):
            have = _along(argument, place)
            if have is not None and torch.equal(wanted, have):
                return number, place
    return None


def _channels(traced: Traced, operand: Operand, dim: int) -> Iterator[tuple[str, Ints]]:
    """Groups along one dimension of a value, each with its channel at every index, -1 for none."""
    labels, solved = _along(operand, dim), traced.solved
    several = next(found for found in operand.fields if dim in found.live)
    assert labels is not None, "the dimension was found by its labels"
    for position, where in enumerate(SOLUTIONS):
        if len(several.live) > 1 and several.axis(where) != dim:
            continue
        group_of = solved.group_of[position][labels.numpy()]
        for index in np.unique(group_of[group_of >= 0]).tolist():
            if solved.groups[index].locked is None:
                channels = np.where(group_of == index, solved.channel_of[position][labels.numpy()], -1)
                yield solved.groups[index].id, channels


def _sums_over(call: Call, channels: Ints) -> bool:
    """Whether the call sums over these channels: a convolution sums within each of its groups only."""
    blocks = call.args[8] if call.func.overloadpacket is aten.convolution else 1
    grouped = channels.reshape(blocks, -1)
    return bool((grouped != grouped[:, :1]).any())


Report = Callable[[Reader, Tensor, Tensor | None], None]


class Reading(InStep):
    """Reports what every reader is given while the traced model, or one deployed from it, runs in eval mode.

    Args:
        traced: of the original.
        readers: of `traced`.
        report: takes a reader, its data and its weight (None when the call makes that itself).
    """

    def __init__(self, traced: Traced, readers: Sequence[Reader], report: Report) -> None:
        super().__init__(traced.passes[0].capture.functions)
        self.report = report
        self.readers: dict[int, list[Reader]] = {}
        for reader in readers:
            self.readers.setdefault(reader.function, []).append(reader)

    def see(self, call: Function | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Report what the readers of this call are given."""
        if call is not None and call.number in self.readers:
            given = given_tensors(args, kwargs)
            for reader in self.readers[call.number]:
                self.report(reader, given[reader.data], given[reader.weight] if reader.weight >= 0 else None)

    def compute(
        self, func: Callable[..., Any], call: Function | None, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """As the model does, reported."""
        self.see(call, args, kwargs)
        return func(*args, **kwargs)
