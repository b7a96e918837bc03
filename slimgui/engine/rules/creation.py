"""Tensors made on the spot, and look-ups in a table."""

from __future__ import annotations

import torch

from slimgui.engine.algebra import lock_along
from slimgui.engine.labels import Field, Fields
from slimgui.engine.rules.registry import Step, rule

aten = torch.ops.aten

# Their elements are alike (or random) whatever the size: they tie nothing.
UNIFORM = frozenset(
    {
        aten.zeros, aten.ones, aten.full, aten.empty, aten.zeros_like, aten.ones_like, aten.full_like,
        aten.empty_like, aten.new_zeros, aten.new_ones, aten.new_full, aten.new_empty, aten.empty_strided,
        aten.new_empty_strided, aten.rand, aten.randn, aten.rand_like, aten.randn_like, aten.bernoulli_,
        aten.bernoulli, aten.uniform_, aten.normal_, aten.scalar_tensor, aten.fill_, aten.zero_,
    }
)  # fmt: skip


@rule(*sorted(UNIFORM, key=str))
def created(step: Step) -> Fields:
    """Nothing of the arguments' labels reaches the result."""
    return ()


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
