"""Matrix products and convolutions: a join over all indices, then a sum over the contracted one."""

from __future__ import annotations

from dataclasses import replace

import torch

from slimgui.engine.algebra import Operand, join, reduce, without
from slimgui.engine.labels import SLIDES, Field, Fields
from slimgui.engine.rules.movement import reshape_labels
from slimgui.engine.rules.registry import Step, refuse, rule

aten = torch.ops.aten


STATISTIC = "A statistic of the weights runs over these channels."


def contract(step: Step, one: Operand, other: Operand, ndim: int, over: int) -> Fields:
    """Multiply two operands that lie in the same space of `ndim` indices, sum over index `over`."""
    return reduce(step.ties, join(step.ties, (one, other), ndim), {over}, "", keepdim=False)


def add_bias(step: Step, fields: Fields, bias: Operand | None) -> Fields:
    """The result of a contraction plus a bias that broadcasts against it."""
    if bias is None:
        return fields
    result = Operand(step.shape, fields, uniform=False, tensor=step.given[0].tensor)
    return join(step.ties, (result, bias), len(step.shape), lambda zeroed: zeroed == frozenset((0, 1)))


@rule(aten.mm)
def mm(step: Step) -> Fields:
    """[m, k] x [k, n]."""
    one, other = step.given
    return contract(step, one.placed((0, 1), 3), other.placed((1, 2), 3), 3, over=1)


@rule(aten.addmm)
def addmm(step: Step) -> Fields:
    """Bias + [m, k] x [k, n]."""
    bias, one, other = step.given
    return add_bias(step, contract(step, one.placed((0, 1), 3), other.placed((1, 2), 3), 3, over=1), bias)


def batched(step: Step, one: Operand, other: Operand) -> Fields:
    """[b, m, k] x [b, k, n]: what is live along b are heads."""
    for field in (*one.fields, *other.fields):
        if 0 in field.live:
            step.ties.mark(field.labels, "heads")
    return contract(step, one.placed((0, 1, 2), 4), other.placed((0, 2, 3), 4), 4, over=2)


@rule(aten.bmm)
def bmm(step: Step) -> Fields:
    """[b, m, k] x [b, k, n]."""
    one, other = step.given
    return batched(step, one, other)


@rule(aten.baddbmm)
def baddbmm(step: Step) -> Fields:
    """Bias + [b, m, k] x [b, k, n]."""
    bias, one, other = step.given
    product = batched(step, one, other)
    return add_bias(step, product, bias)


def _lock_statistic(step: Step) -> None:
    """A vector product of weights alone is a number about them (a spectral norm), not a layer."""
    if all(operand.still for operand in step.given) and step.call.module not in step.ties.absorbed:
        refuse(step, STATISTIC)


@rule(aten.mv)
def mv(step: Step) -> Fields:
    """[m, k] x [k]."""
    one, other = step.given
    _lock_statistic(step)
    return contract(step, one, other.placed((1,), 2), 2, over=1)


@rule(aten.dot, aten.vdot)
def dot(step: Step) -> Fields:
    """[k] x [k]."""
    one, other = step.given
    _lock_statistic(step)
    return contract(step, one, other, 1, over=0)


@rule(aten.linear)
def linear(step: Step) -> Fields:
    """[..., k] x [n, k] + bias."""
    one, other = step.given[:2]
    ndim = len(one.shape)
    spread = one.placed(tuple(range(ndim)), ndim + 1)
    product = contract(step, spread, other.placed((ndim, ndim - 1), ndim + 1), ndim + 1, over=ndim - 1)
    return add_bias(step, product, step.tensor("bias"))


@rule(aten.convolution)
def convolution(step: Step) -> Fields:
    """Any convolution, in the space (conv group, out channel in it, in channel in it)."""
    source, weight, groups = step.given[0], step.given[1], step.arg("groups")
    sliding = {dim for dim in range(2, len(source.shape)) if not _stands(step, dim - 2)}
    source = slid_over(step, source, sliding)
    weight = slid_over(step, weight, set(range(2, len(weight.shape))))
    for field in (*source.fields, *weight.fields) if groups > 1 else ():
        step.ties.mark(field.labels, "conv_groups")
    entering = channel_blocks(source, 1, groups).placed((0, 2), 3)
    kernel = _kernel(weight, groups, transposed=step.arg("transposed"))
    product = contract(step, entering, kernel, 3, over=2)
    channels = step.shape[1]
    fields = tuple(_spread(step, field, channels) for field in product)
    bias = step.tensor("bias")
    if bias is not None:
        bias = bias.placed((1,), len(step.shape))
    beside = tuple(field for field in source.fields if field.live != (1,))
    return add_bias(step, (*beside, *fields), bias)


def _stands(step: Step, i: int) -> bool:
    """Whether the kernel is one point along spatial dimension `i`, and takes every point as it comes."""
    plain = {"stride": 1, "padding": 0, "output_padding": 0}
    given = {name: step.arg(name) for name in plain}
    return step.given[1].shape[2 + i] == 1 and all(
        values[min(i, len(values) - 1)] == plain[name] for name, values in given.items()
    )


def slid_over(step: Step, operand: Operand, spatial: set[int]) -> Operand:
    """The operand with fields in one dimension each, none of them in `spatial`: those keep their size."""
    what = SLIDES if operand.still else "A convolution slides over it."
    fields = without(step.ties, operand.fields, spatial, what)
    for field in fields:
        if len(field.live) > 1:
            step.ties.fix(field.labels, "A kernel is cut along two dimensions at once.")
    return replace(operand, fields=tuple(field for field in fields if len(field.live) == 1))


def channel_blocks(operand: Operand, dim: int, groups: int) -> Operand:
    """The channel dimension alone, as [groups, channels per group]."""
    size = operand.shape[dim]
    form = (groups, size // groups)
    fields = tuple(
        Field(reshape_labels(field.labels.reshape(-1), (size,), form), field.zero, free=field.free)
        for field in operand.fields
        if field.live == (dim,)
    )
    return Operand(form, fields, operand.uniform, operand.tensor)


def _kernel(weight: Operand, groups: int, *, transposed: bool) -> Operand:
    """The weight's channel dimensions in the space (conv group, out, in)."""
    grouped = channel_blocks(weight, 0, groups)
    plain = channel_blocks(weight, 1, 1)
    per_group, other = (2, 1) if transposed else (1, 2)  # which of (out, in) dimension 0 holds
    first, second = grouped.placed((0, per_group), 3), plain.placed((0, other), 3)
    shape = tuple(max(pair) for pair in zip(first.shape, second.shape, strict=True))
    return Operand(shape, first.fields + second.fields, weight.uniform, weight.tensor)


def _spread(step: Step, field: Field, channels: int) -> Field:
    """[groups, out per group] back to one channel dimension of the result."""
    form = tuple(field.labels.shape)
    groups = form[0] if form[0] > 1 else channels // form[1] if form[1] > 1 else 1
    labels = reshape_labels(field.labels, (groups, channels // groups), (channels,))
    shape = [1] * len(step.shape)
    shape[1] = channels
    return Field(labels.expand(channels).reshape(shape), field.zero)
