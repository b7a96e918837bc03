"""Reductions: the reduced dimension's field ends there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import torch

from slimgui.engine.algebra import Operand, blur_along, lock_along, reduce
from slimgui.engine.labels import Fields
from slimgui.engine.rules.contraction import STATISTIC
from slimgui.engine.rules.pointwise import pointwise
from slimgui.engine.rules.registry import Step, rule

aten = torch.ops.aten


def reduced_dims(step: Step, operand: Operand) -> tuple[set[int], bool]:
    """The dimensions that the call reduces, and whether they stay with size 1."""
    given = step.arg("dim")
    ndim = len(operand.shape)
    if given is None or given == ():
        return set(range(ndim)), bool(step.arg("keepdim", False))
    dims = given if isinstance(given, (tuple, list)) else (given,)
    return {dim % ndim for dim in dims}, bool(step.arg("keepdim", False))


@rule(aten.sum, aten.linalg_vector_norm, aten.norm)
def summed(step: Step) -> Fields:
    """A sum (of powers): exact where removed channels are zero."""
    dims, keepdim = reduced_dims(step, step.given[0])
    what = STATISTIC if step.given[0].still else ""
    return reduce(step.ties, step.given[0].fields, dims, what, keepdim=keepdim)


@rule(
    aten.mean, aten.amax, aten.amin, aten.var, aten.std, aten.var_mean, aten.std_mean,
    aten.logsumexp, aten.prod,
)  # fmt: skip
def statistic(step: Step) -> list[Fields]:
    """A statistic over channels counts the removed ones no more."""
    dims, keepdim = reduced_dims(step, step.given[0])
    what = "A statistic runs over these channels."
    fields = reduce(step.ties, step.given[0].fields, dims, what, keepdim=keepdim)
    return [fields for shape in step.shapes if shape is not None]


@rule(aten.max, aten.min, aten.median, aten.mode)
def extreme(step: Step) -> list[Fields]:
    """Values, and the positions they came from."""
    if len(step.given) == 2:  # max(a, b) is pointwise
        return [pointwise(step)]
    rule_of = positional if 1 in step.read else statistic
    return rule_of(step)


@rule(aten.argmax, aten.argmin, aten.any, aten.all)
def positional(step: Step) -> list[Fields]:
    """Results that name positions: the reduced channels may not move."""
    dims, keepdim = reduced_dims(step, step.given[0])
    _lock(step, dims)
    fields = reduce(
        step.ties, step.given[0].fields, dims, "A position among them is returned.", keepdim=keepdim
    )
    return [fields for shape in step.shapes if shape is not None]


@rule(aten.cumsum, aten.cumprod, aten.sort, aten.topk)
def ordered(step: Step) -> list[Fields]:
    """Results that depend on the order or number of channels: they may not be cut."""
    operand = step.given[0]
    dim = step.arg("dim", -1) % len(operand.shape)
    _lock(step, {dim})
    fields = tuple(field for field in operand.fields if dim not in field.live)
    return [fields for shape in step.shapes if shape is not None]


def _lock(step: Step, dims: Collection[int]) -> None:
    for field in step.given[0].fields:
        lock_along(step.ties, field, dims, "The result names positions among these channels.")


@rule(aten._softmax, aten._log_softmax, aten.softmax, aten.log_softmax, aten._safe_softmax)
def softmax(step: Step) -> Fields:
    """Shares of a whole: removed channels take part in the sum no more."""
    operand = step.given[0]
    dim = step.arg("dim") % len(operand.shape)
    for field in operand.fields:
        blur_along(step.ties, field, {dim}, "A softmax runs over these channels.")
    return tuple(replace(field, zero=False) for field in operand.fields)
