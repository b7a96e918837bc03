"""Everything torch tags as pointwise: values that meet are tied."""

from __future__ import annotations

from typing import Any

import torch

from slimgui.engine.algebra import Operand, join
from slimgui.engine.labels import Fields
from slimgui.engine.recording import Ref
from slimgui.engine.rules.registry import Step, rule

aten = torch.ops.aten


def pointwise(step: Step) -> Fields:
    """Align by broadcasting; a dimension that is fixed in one operand is fixed in all."""
    return join(step.ties, step.given, len(step.shape), lambda zeroed: stays_zero(step, zeroed))


@rule(
    aten.copy_, aten.hardswish, aten.hardswish_, aten.rrelu_with_noise, aten.rrelu_with_noise_,
    aten._prelu_kernel, aten.complex, aten.polar,
)  # fmt: skip
def pointwise_without_tag(step: Step) -> Fields:
    """Elementwise ops that torch does not tag (in every overload)."""
    return pointwise(step)


ELEMENTWISE = (pointwise, pointwise_without_tag)


def stays_zero(step: Step, zeroed: frozenset[int]) -> bool:
    """Whether the result is zero where the operands at these positions are: found by trying it.

    The op runs on four numbers per operand, zeros for the named positions; so no list of
    zero-preserving functions is needed.
    """
    if not zeroed:
        return False
    position = 0

    def sample(value: Any) -> Any:
        nonlocal position
        if isinstance(value, Ref):
            operand = step.operands[value.index]
            position += 1
            return _numbers(operand, zero=position - 1 in zeroed)
        return [sample(item) for item in value] if isinstance(value, tuple) else value

    args = [sample(value) for value in step.call.args]
    kwargs = {
        name: sample(value)
        for name, value in step.call.kwargs.items()
        if name not in ("device", "dtype", "layout", "memory_format", "pin_memory")
    }
    try:
        result = step.call.func(*args, **kwargs)
    except (RuntimeError, TypeError, ValueError, NotImplementedError):
        return False
    return isinstance(result, torch.Tensor) and bool((result == 0).all())


def _numbers(operand: Operand, *, zero: bool) -> torch.Tensor:
    if operand.tensor.dtype == torch.bool:
        return torch.tensor([True, False, True, False])
    if zero:
        return torch.zeros(4, dtype=torch.float64)
    if operand.real and operand.tensor.numel() == 1:
        return operand.tensor.reshape(1).expand(4).clone()
    return torch.tensor([-1.7, 0.3, 0.9, 2.6], dtype=torch.float64)
