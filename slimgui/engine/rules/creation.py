"""Tensors made on the spot, and look-ups in a table."""

from __future__ import annotations

from dataclasses import replace

import torch

from slimgui.engine.algebra import lock_along
from slimgui.engine.labels import Field, Fields, weight_fields
from slimgui.engine.rules.registry import Step, rule

aten = torch.ops.aten

# Made in the shape of another value, their elements alike or random: they tie nothing.
UNIFORM = frozenset(
    {
        aten.zeros_like, aten.ones_like, aten.full_like, aten.empty_like, aten.rand_like, aten.randn_like,
        aten.bernoulli_, aten.bernoulli, aten.uniform_, aten.normal_, aten.fill_, aten.zero_,
        aten.scalar_tensor,
    }
)  # fmt: skip

# Made in a size that stands in the code: they get labels of their own, which what they meet may cut.
STRETCHING = frozenset({aten.expand})
SIZED = frozenset(
    {
        aten.zeros, aten.ones, aten.full, aten.empty, aten.new_zeros, aten.new_ones, aten.new_full,
        aten.new_empty, aten.rand, aten.randn,
    }
)  # fmt: skip


@rule(*sorted(UNIFORM, key=str))
def created(step: Step) -> Fields:
    """Labels of its own where the argument has some; nothing ties them yet."""
    zero = step.call.func.overloadpacket in (aten.zeros_like, aten.zero_)
    source = step.given[0]
    if step.call.func._schema.is_mutable:
        return tuple(replace(field, zero=zero) for field in source.fields)
    return tuple(
        Field(step.ties.new(field.labels.shape), zero, field.axes, free=True) for field in source.fields
    )


@rule(*sorted(SIZED, key=str))
def sized(step: Step) -> Fields:
    """Labels that nothing ties yet."""
    zero = step.call.func.overloadpacket in (aten.zeros, aten.new_zeros)
    return weight_fields(step.ties, step.shape, zero=zero, free=True)


@rule(aten.embedding)
def embedding(step: Step) -> Fields:
    """Rows of a table: the rows are addressed by number, the columns pass on."""
    table, index = step.given[0], step.given[1]
    result = []
    for field in table.fields:
        if field.live == (0,):
            lock_along(step.ties, field, {0}, "Rows are looked up by number.")
        else:
            shape = (1,) * len(index.shape) + (table.shape[1],)
            result.append(Field(field.labels.reshape(shape), field.zero))
    return tuple(result)
