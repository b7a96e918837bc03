"""Ops that put values side by side: concatenation and padding."""

from __future__ import annotations

from dataclasses import replace

import torch

from slimgui.engine.algebra import Operand, join, product_zero
from slimgui.engine.labels import Field, Fields
from slimgui.engine.rules.registry import Step, rule

aten = torch.ops.aten


@rule(aten.cat)
def cat(step: Step) -> Fields:
    """Labels follow each other along the dimension; in every other one the parts are tied."""
    operands = [operand for operand in step.given if 0 not in operand.shape]  # what is empty adds nothing
    dim = step.arg("dim", 0) % len(step.shape)
    return tuple(
        sorted(_along(step, operands, dim) + _across(step, operands, dim), key=lambda field: field.live)
    )


def _along(step: Step, operands: list[Operand], dim: int) -> Fields:
    found = [_one_along(step, operand, dim) for operand in operands]
    first = next((field for field in found if field is not None), None)
    if first is None:
        return ()
    forms = [(*f.labels.shape[:dim], 1, *f.labels.shape[dim + 1 :]) for f in found if f is not None]
    shape = torch.broadcast_shapes(*forms)
    parts = []
    for operand, field in zip(operands, found, strict=True):
        size = [*shape[:dim], operand.shape[dim], *shape[dim + 1 :]]
        if field is None:
            parts.append(step.ties.fixed(size, "It is joined with a value that cannot be cut."))
        else:
            parts.append(field.labels.expand(size))
    zero = all(field is not None and field.zero for field in found)
    return (replace(first, labels=torch.cat(parts, dim), zero=zero, free=False),)


def _one_along(step: Step, operand: Operand, dim: int) -> Field | None:
    """The field live along `dim`; of several that share it only one can be continued."""
    found = [field for field in operand.fields if dim in field.live]
    for other in found[1:]:
        step.ties.fix(other.labels, "It is joined along a dimension that it shares.")
    return found[0] if found else None


def _across(step: Step, operands: list[Operand], dim: int) -> Fields:
    """Fields that are not live along `dim` must be the same in every part."""
    stripped = []
    for operand in operands:
        fields = tuple(field for field in operand.fields if dim not in field.live)
        shape = list(operand.shape)
        shape[dim] = 1
        for field in operand.fields:
            for other in field.live if dim in field.live else ():
                shape[other] = 1  # `_along` speaks for the dimensions of that field
        stripped.append(replace(operand, shape=tuple(shape), fields=fields))
    everyone = frozenset(range(len(operands)))
    return join(
        step.ties, stripped, len(step.shape), lambda zeroed: zeroed == everyone and product_zero(zeroed)
    )


@rule(aten.stack)
def stack(step: Step) -> Fields:
    """The parts lie along a new dimension; in every other one they are tied."""
    operands, ndim = step.given, len(step.shape)
    dim = step.arg("dim", 0) % ndim
    dims = tuple(d for d in range(ndim) if d != dim)
    everyone = frozenset(range(len(operands)))
    return join(
        step.ties,
        [operand.placed(dims, ndim) for operand in operands],
        ndim,
        lambda zeroed: zeroed == everyone,
    )


@rule(aten.constant_pad_nd)
def pad(step: Step) -> Fields:
    """Padding runs on the labels; what it adds is fixed."""
    source, pads, value = step.given[0], list(step.arg("pad")), step.arg("value", 0)
    ndim = len(source.shape)
    padded = {ndim - 1 - i // 2 for i, n in enumerate(pads) if n}
    result = []
    for field in source.fields:
        own = [n if (ndim - 1 - i // 2) in field.live else 0 for i, n in enumerate(pads)]
        labels = aten.constant_pad_nd(field.labels, own, -1)
        hole = labels < 0
        if bool(hole.any()):
            labels = labels.masked_scatter(hole, step.ties.fixed((int(hole.sum()),), "It is padding."))
        zero = field.zero and (value == 0 or not padded)
        result.append(replace(field, labels=labels, zero=zero))
    return tuple(result)
