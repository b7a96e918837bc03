"""A trace and weights -> the mean of what a value holds, without data.

Behind a batch norm in eval mode a channel is taken to be normal, with the norm's shift as its mean and its
scale as its deviation. What pointwise ops make of that is summed up over a grid of the normal distribution:
for ReLU it is the closed form μ Φ(μ/σ) + σ φ(μ/σ). Data movement, averages and sums are linear: they run on
the means themselves.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from slimgui.engine.consumers import NORMS, PASSING
from slimgui.engine.products import aten
from slimgui.engine.recording import Call, Ref
from slimgui.engine.rules import find_rule
from slimgui.engine.rules.pointwise import ELEMENTWISE
from slimgui.engine.trace import Traced

LINEAR = frozenset({aten.mean, aten.avg_pool1d, aten.avg_pool2d, aten.avg_pool3d, aten._adaptive_avg_pool2d})
GRID = torch.linspace(-8, 8, 2049, dtype=torch.float64)  # the trapezoid rule is off by 1e-5 σ at a kink
SHARES = torch.exp(-GRID.square() / 2) / torch.exp(-GRID.square() / 2).sum()


class Expected:
    """Means of the values of one model.

    Args:
        traced: of the model.
        weights: its parameters and buffers, by name.
    """

    def __init__(self, traced: Traced, weights: dict[str, Tensor]) -> None:
        self.capture = traced.passes[0].capture
        self.weights = weights
        self.makers: dict[int, Call] = {}
        for call in self.capture.calls:
            for index in call.outputs[:1]:
                if index is not None:
                    self.makers[index] = call
        self.means: dict[int, Tensor | None] = {}

    def mean(self, index: int) -> Tensor | None:
        """The mean of every element of a value, of its traced shape; None where nothing says it."""
        if index not in self.means:
            found = self._mean(index)
            shape = self.capture.values[index].shape
            self.means[index] = None if found is None else found.expand(shape)
        return self.means[index]

    def _mean(self, index: int) -> Tensor | None:
        normal = self.normal(index)
        if normal is not None:
            return (normal * SHARES.reshape(-1, *[1] * (normal.ndim - 1))).sum(0)
        call = self.makers.get(index)
        if call is None or not call.operands:
            return None
        packet, given = call.func.overloadpacket, call.operands
        is_linear = packet in LINEAR or (find_rule(call.func) in PASSING and len(given) == 1)
        if not (is_linear or packet is aten.add):
            return None
        means = {i: self.mean(i) for i in given}
        if any(mean is None for mean in means.values()):
            return None
        result: Tensor = call.func(*_filled(call.args, means), **call.kwargs)
        return result

    def normal(self, index: int) -> Tensor | None:
        """The value at every point of GRID, [points, 1, channels, 1 ...], behind a norm and pointwise ops."""
        call = self.makers.get(index)
        if call is None:
            return None
        if call.func.overloadpacket in NORMS:
            return self._behind_norm(call)
        if find_rule(call.func) not in ELEMENTWISE or len(call.operands) != 1:
            return None
        before = self.normal(call.operands[0])
        if before is None:
            return None
        args = _filled(call.args, {call.operands[0]: before.clone()})
        result: Tensor = call.func(*args, **call.kwargs)
        return result

    def _behind_norm(self, call: Call) -> Tensor | None:
        scale, shift = (self._named(call.args[i]) for i in (1, 2))
        if scale is None or shift is None:
            return None
        form = [1, -1] + [1] * (len(self.capture.values[call.operands[0]].shape) - 2)
        points = GRID.reshape(-1, *[1] * len(form))
        return shift.double().reshape(form) + scale.double().abs().reshape(form) * points

    def _named(self, ref: Any) -> Tensor | None:
        name = self.capture.values[ref.index].name if isinstance(ref, Ref) else ""
        return self.weights[name].detach() if name in self.weights else None


def _filled(value: Any, tensors: dict[int, Any]) -> Any:
    """Recorded arguments with tensors in place of what stands for them."""
    if isinstance(value, Ref):
        return tensors[value.index]
    if isinstance(value, tuple):
        return tuple(_filled(item, tensors) for item in value)
    return value
