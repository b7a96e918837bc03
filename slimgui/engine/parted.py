"""Where a failed proof parts: the first module whose output is not the masked original's."""

from __future__ import annotations

import math
from contextlib import suppress

import torch
from torch import Tensor

from slimgui.core.plan import Selection
from slimgui.engine.crossings import Crossing
from slimgui.engine.keep import labels_gone
from slimgui.engine.propagate import read_values
from slimgui.engine.sides import Sides, gap
from slimgui.engine.trace import Traced
from slimgui.engine.view import View

HELD = 1 << 28  # bytes of the deployed model's outputs kept at a time; the rest is compared in further runs
NOISE = 1e-3  # of the tolerance: rounding in a value may come from larger ones that cancel in it


def parted_at(sides: Sides, selection: Selection, tolerance: float) -> str | None:
    """Path of the first module that goes its own way, "" for the model itself; None when none does.

    That is the first module whose output differs at the kept indices. Where a module is given something
    else already, although all before it agree, it is the module whose forward calls it.

    Args:
        sides: both models.
        selection: which channels stay.
        tolerance: largest difference relative to a tensor's largest entry that rounding explains.
    """
    agreement = _Agreement(sides.deployed.traced, selection, tolerance)
    start = 0
    while True:
        held = _Held(start)
        sides.small(held.report)
        agreement.small = held.tensors
        sides.masked(selection, agreement.report)
        if agreement.parted is not None or held.complete:
            return agreement.parted
        start += len(held.tensors)


def raises_at(sides: Sides) -> str:
    """Path of the module in whose forward the deployed model raises, "" for the model itself."""
    running: list[str] = []

    def report(crossing: Crossing, tensors: list[Tensor]) -> None:
        if crossing.entering:
            running.append(crossing.module)
        else:
            del running[running.index(crossing.module) :]

    with suppress(Exception):  # the caller has it already
        sides.small(report)
    return running[-1] if running else ""


class _Held:
    """What crosses the borders of the deployed model's modules, from crossing number `start` on."""

    def __init__(self, start: int) -> None:
        self.start, self.number, self.bytes, self.complete = start, -1, 0, True
        self.tensors: dict[Crossing, list[Tensor]] = {}

    def report(self, crossing: Crossing, tensors: list[Tensor]) -> None:
        self.number += 1
        if self.number < self.start:
            return
        if self.bytes > HELD:
            self.complete = False
            return
        # some are changed in place later; a weight that is only lent holds nothing
        self.tensors[crossing] = [t if t.is_meta else t.detach().clone() for t in tensors]
        self.bytes += sum(tensor.nbytes for tensor in tensors)


class _Agreement:
    """Compares what crosses the borders of the masked original with what did in the deployed model."""

    def __init__(self, traced: Traced, selection: Selection, tolerance: float) -> None:
        self.capture = traced.passes[0].capture
        self.view = View(traced.passes[0], labels_gone(traced.solved, selection))
        self.read = read_values(self.capture)
        self.tolerance, self.largest = tolerance, 0.0
        self.small: dict[Crossing, list[Tensor]] = {}
        self.parted: str | None = None

    def report(self, crossing: Crossing, tensors: list[Tensor]) -> None:
        values, have = self.capture.crossings.get(crossing), self.small.get(crossing)
        if self.parted is not None or values is None or have is None or len(values) != len(tensors):
            return
        agree = len(have) == len(tensors) and all(map(self._agree, values, tensors, have))
        if not agree:
            self.parted = crossing.caller if crossing.entering else crossing.module

    def _agree(self, value: int, want: Tensor, have: Tensor) -> bool:
        """Whether the kept indices of `want` are `have`; True where the labels say nothing of it."""
        if want.is_meta or (value not in self.read and value >= 0):
            return True
        kept = want if value < 0 else self._kept(value, want)
        if kept is None or (kept.shape != have.shape and self._any_size(value)):
            return True
        if kept.shape != have.shape:
            return False
        difference, scale = gap(kept, have)
        self.largest = max(self.largest, scale)
        if math.isnan(difference):
            return bool(torch.equal(kept.isnan(), have.isnan()))
        return difference <= self.tolerance * max(scale, NOISE * self.largest)

    def _any_size(self, value: int) -> bool:
        return value < 0 or self.view.labelled.operands[value].uniform

    def _kept(self, value: int, tensor: Tensor) -> Tensor | None:
        """What stays of a value with these numbers; None when it is not the value that was traced."""
        operand = self.view.labelled.operands[value]
        if tensor.ndim != len(operand.shape):
            return None
        for dim in sorted({dim for field in operand.fields for dim in field.live}):
            stays = torch.tensor(self.view.stays(value, dim))
            if len(stays) != tensor.shape[dim]:
                return None
            tensor = tensor.index_select(dim, stays.nonzero().reshape(-1).to(tensor.device))
        return tensor
