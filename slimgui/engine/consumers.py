"""A trace and a cut -> who reads the channels: contractions by weights, in the order in which they run.

Everything is told by labels and by memory: a consumer is a contraction one of whose factors is a view of a
parameter; it reads a cut when labels of its contracted dimension go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from slimgui.core.groups import Refusal
from slimgui.core.plan import Selection
from slimgui.engine.keep import labels_gone
from slimgui.engine.products import BIAS, OPERANDS, aten, positions, storage_of
from slimgui.engine.recording import Call, Ref
from slimgui.engine.rules import find_rule, movement
from slimgui.engine.trace import Traced
from slimgui.engine.view import View

Labels = NDArray[np.int64]
NORMS = frozenset({aten.native_batch_norm, aten.cudnn_batch_norm, aten._native_batch_norm_legit_no_training})
PASSING = frozenset({movement.same, movement.moved, movement.reshaped})


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """A weight that is added to every output channel, or subtracted from it: where a constant can go.

    Attributes:
        name: of the parameter, or of the running mean.
        sign: 1 where it is added, -1 for a running mean.
        inside: the contraction adds it itself.
    """

    name: str
    sign: int
    inside: bool


@dataclass(frozen=True, slots=True, eq=False)
class Consumer:
    """One weight and every contraction that it is a factor of.

    Attributes:
        weight: name of the parameter.
        calls: which of the contractions by that parameter these are, counted from 0; all read the same part.
        reads_cut: labels of its contracted dimension go.
        shift: where a constant goes, None where nothing is added.
        statistics: names of running mean and variance of the norm that reads the output, or none.
        data: index of the traced value it reads first.
        call: the first of them, as traced.
        operand: where the weight stands among its arguments.
    """

    weight: str
    calls: tuple[int, ...]
    reads_cut: bool
    shift: Shift | None
    statistics: tuple[str, ...]
    data: int
    call: Call
    operand: int

    def refusal(self, what: str) -> Refusal:
        """Why it is left alone."""
        return Refusal(
            f"{self.weight} stays as it is: {what}", self.call.name, self.call.module, self.call.source
        )


def consumers_of(traced: Traced, selection: Selection) -> tuple[list[Consumer], list[Refusal]]:
    """Every consumer, and for contractions over a cut that are none the reason."""
    return _Reading(traced, selection).found()


class _Reading:
    """The eval pass of a trace, seen from its weights."""

    def __init__(self, traced: Traced, selection: Selection) -> None:
        self.labelled, self.solved = traced.passes[0], traced.solved
        self.capture = self.labelled.capture
        self.view = View(self.labelled, labels_gone(traced.solved, selection))
        self.names: dict[int, list[str]] = {}
        self.readers: dict[int, list[Call]] = {}
        for value in self.capture.values:
            if value.kind == "parameter":
                self.names.setdefault(storage_of(value.tensor), []).append(value.name)
        for call in self.capture.calls:
            for index in call.operands:
                self.readers.setdefault(index, []).append(call)

    def found(self) -> tuple[list[Consumer], list[Refusal]]:
        grouped: dict[tuple[object, ...], list[_Use]] = {}
        times: dict[str, int] = {}
        left: list[Refusal] = []
        for call in self.capture.calls:
            for data, weight in OPERANDS.get(call.func.overloadpacket, ()):
                name = self._parameter(call.args[weight])
                if name:
                    time = times[name] = times.get(name, -1) + 1
                    key = (name, *_part(self._tensor(call.args[weight])))
                    grouped.setdefault(key, []).append(_Use(time, call, data, weight))
                    break
            else:
                left.extend(self._left(call))
        consumers = [self._consumer(str(key[0]), uses) for key, uses in grouped.items()]
        taken = {name: self._also_read(name, grouped) for name in times}
        left += [reason for reason in taken.values() if reason is not None]
        return [consumer for consumer in consumers if taken[consumer.weight] is None], left

    def _also_read(self, name: str, grouped: dict[tuple[object, ...], list[_Use]]) -> Refusal | None:
        """Why a weight may not change for its contractions' sake: something else reads it too."""
        parts = [uses[0] for key, uses in grouped.items() if key[0] == name]
        if len(parts) > 1:
            places = torch.cat([positions(self._tensor(u.call.args[u.weight])).unique() for u in parts])
            if len(places.unique()) != len(places):
                return Refusal(f"{name} is read in two ways.", parts[0].call.name, parts[0].call.module)
        memory = storage_of(self._tensor(parts[0].call.args[parts[0].weight]))
        ours = {id(use.call) for key, uses in grouped.items() if key[0] == name for use in uses}
        for call in self.capture.calls:
            if id(call) in ours or not any(self._memory(index) == memory for index in call.operands):
                continue
            if not all(index is not None and self._memory(index) == memory for index in call.outputs):
                return Refusal(f"{name} is read here too.", call.name, call.module, call.source)
        return None

    def _memory(self, index: int) -> int:
        return storage_of(self.capture.values[index].tensor)

    def _tensor(self, ref: Any) -> Tensor:
        tensor: Tensor = self.capture.values[ref.index].tensor
        return tensor

    def _parameter(self, operand: object) -> str:
        """Name of the parameter that an operand is a view of, "" for none."""
        if not isinstance(operand, Ref):
            return ""
        names = self.names.get(storage_of(self.capture.values[operand.index].tensor), [])
        return names[0] if len(names) == 1 else ""

    def _consumer(self, name: str, uses: list[_Use]) -> Consumer:
        reads_cut = any(not all(self.view.stays(use.call.args[use.data], use.contracted)) for use in uses)
        after = [self._after(use, len(uses)) for use in uses]
        shift, statistics = after[0]
        if len(after) > 1:  # shared: a constant can go where every call adds the same one
            same = len({found.name if found else "" for found, _ in after}) == 1
            shift, statistics = shift if same and shift and shift.sign > 0 else None, ()
        first = uses[0]
        data, times = first.call.args[first.data].index, tuple(use.time for use in uses)
        return Consumer(name, times, reads_cut, shift, statistics, data, first.call, first.weight)

    def _left(self, call: Call) -> Iterator[Refusal]:
        """Why a contraction over a cut is no consumer."""
        for data, weight in OPERANDS.get(call.func.overloadpacket, ())[:1]:
            if not all(self.view.stays(call.args[data], _Use(0, call, data, weight).contracted)):
                still = any(self.labelled.operands[call.args[i].index].still for i in (data, weight))
                what = "Its weight is computed from others." if still else "Both of its factors are data."
                yield Refusal(what, call.name, call.module, call.source)

    def _after(self, use: _Use, times: int) -> tuple[Shift | None, tuple[str, ...]]:
        """What is added to the result next, `times` in all, and the running statistics that follow."""
        call, channels = use.call, self._channels(use)
        bias = BIAS.get(call.func.overloadpacket)
        name = self._of_channels(call.args[bias], channels, times) if bias is not None else ""
        shift = Shift(name, 1, inside=True) if name else None
        value = call.outputs[0]
        statistics: tuple[str, ...] = ()
        while value is not None and len(self.readers.get(value, ())) == 1:
            (reader,) = self.readers[value]
            packet = reader.func.overloadpacket
            if packet in NORMS:
                statistics = tuple(self._of_channels(ref, channels, 1) for ref in reader.args[3:5])
                break
            if packet is aten.add and reader.args[0] == Ref(value) and not reader.kwargs:
                name = self._of_channels(reader.args[1], channels, times)
                if not name or shift is not None:
                    break
                shift = Shift(name, 1, inside=False)
            elif find_rule(reader.func) not in PASSING:
                break
            value = reader.outputs[0]
        statistics = statistics if all(statistics) else ()
        if shift is None and statistics:
            shift = Shift(statistics[0], -1, inside=False)
        return shift, statistics

    def _channels(self, use: _Use) -> Labels | None:
        """The labels of the weight's output channels; none where there is one channel only."""
        operand = self.labelled.operands[use.call.args[use.weight].index]
        if use.free < 0:
            return None
        if operand.shape[use.free] == 1:
            return np.zeros(0, np.int64)
        found = (field.labels for field in operand.fields if field.live == (use.free,))
        return next((labels.reshape(-1).numpy() for labels in found), None)

    def _of_channels(self, ref: object, channels: Labels | None, times: int) -> str:
        """Name of the weight that `ref` is, where it has a number for each of these channels and is read
        so often only; else "".
        """
        if not isinstance(ref, Ref) or channels is None or len(self.readers[ref.index]) != times:
            return ""
        value, fields = self.capture.values[ref.index], self.labelled.operands[ref.index].fields
        if not value.name or len(fields) > 1:
            return ""
        theirs = [field.labels.reshape(-1).numpy() for field in fields]
        if sum(map(len, theirs)) != len(channels):
            return ""
        rows, channel = self.solved.row_of, self.solved.channel_of[0]
        tied = all(
            np.array_equal(rows[channels], rows[other])
            and np.array_equal(channel[channels], channel[other])
            and (rows[other] >= 0).all()
            for other in theirs
        )
        return value.name if tied else ""


@dataclass(frozen=True, slots=True, eq=False)
class _Use:
    """One contraction by a parameter: its number among those, and where data and weight stand."""

    time: int
    call: Call
    data: int
    weight: int

    @property
    def contracted(self) -> int:
        """The dimension of the data that is summed over."""
        if self.call.func.overloadpacket is aten.convolution:
            return 1
        return self._matrices - (1 if self._weight_right else 2)

    @property
    def free(self) -> int:
        """The dimension of the weight that its output channels are numbered along, -1 for several."""
        if self.call.func.overloadpacket is not aten.convolution:
            return self._matrices - (1 if self._weight_right else 2)
        transposed, groups = self.call.args[6], self.call.args[8]
        return int(transposed) if not transposed or groups == 1 else -1

    @property
    def _matrices(self) -> int:
        return 3 if self.call.func.overloadpacket in (aten.bmm, aten.baddbmm) else 2

    @property
    def _weight_right(self) -> bool:
        return OPERANDS[self.call.func.overloadpacket][0][1] == self.weight


def _part(weight: Tensor) -> tuple[object, ...]:
    """Which part of its parameter a view is, whatever the size of the batch it is stretched to."""
    moving = [(size, stride) for size, stride in zip(weight.shape, weight.stride(), strict=True) if stride]
    return weight.storage_offset(), *moving
