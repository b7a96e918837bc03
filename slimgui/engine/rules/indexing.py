"""x[positions], read and written: positions that are known, or that the model computes."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from slimgui.engine.algebra import Operand, join, without
from slimgui.engine.labels import Field, Fields
from slimgui.engine.rules.movement import COMPUTED, carried
from slimgui.engine.rules.registry import Step, refuse, rule

aten = torch.ops.aten


@rule(aten.index, aten._unsafe_index)
def indexed(step: Step) -> Fields:
    """x[:, numbers]: known numbers pick channels, computed ones may pick only where there are none."""
    source, used, indices = step.given[0], indexed_dims(step), step.given[1:]
    known = _numbers_of(indices[0]) if len(used) == 1 else None
    if known is not None:
        return tuple(
            carried(field, source.shape, lambda labels: labels.index_select(used[0], known))
            for field in source.fields
        )
    if source.still and all(index.real for index in indices):
        return refuse(step, "It is looked up in a table of weights, and may be kept for the next call.")
    for field in (field for index in indices for field in index.fields):
        step.ties.fix(field.labels, COMPUTED)
    place = beside_picked(used, len(source.shape), len(step.shape))
    rest = without(step.ties, source.fields, set(used), COMPUTED)
    return tuple(placed(field, place, len(step.shape)) for field in rest)


def indexed_dims(step: Step) -> list[int]:
    """The dimensions that an index picks from; a mask picks from as many as it has."""
    used: list[int] = []
    dim = 0
    for index in step.arg("indices"):
        count = len(index.shape) if index is not None and index.tensor.dtype == torch.bool else 1
        used += range(dim, dim + count) if index is not None else ()
        dim += count
    return used


def _numbers_of(index: Operand) -> Tensor | None:
    """The positions that a one-dimensional index names; None when only a run of the model tells."""
    if index.fields or not index.real or len(index.shape) != 1 or index.tensor.is_floating_point():
        return None
    return index.tensor.nonzero().reshape(-1) if index.tensor.dtype == torch.bool else index.tensor


def beside_picked(used: list[int], ndim: int, result: int) -> dict[int, int]:
    """Where the dimensions that an index leaves alone lie in the result, which has `result` of them.

    What is picked comes in place of the dimensions in `used`, or first when those do not lie together.
    """
    stay = [dim for dim in range(ndim) if dim not in used]
    first = used[0] if used == list(range(used[0], used[-1] + 1)) else 0
    return {dim: i if dim < first else i + result - len(stay) for i, dim in enumerate(stay)}


def placed(field: Field, place: dict[int, int], ndim: int) -> Field:
    """The field in a space of `ndim` dimensions, after its dimension d became place[d], in the same order."""
    form = [1] * ndim
    for dim, new in place.items():
        form[new] = field.labels.shape[dim]
    return field.moved(field.labels.reshape(form), place)


@rule(aten.index_put, aten.index_put_, aten._unsafe_index_put)
def put(step: Step) -> Fields:
    """x[places] = values: what an index leaves alone meets the same in the values."""
    target, used, ndim = step.given[0], indexed_dims(step), len(step.shape)
    values = step.tensor("values")
    assert values is not None, "the op takes a tensor"
    indices = step.given[1:-1]
    for field in (field for index in indices for field in index.fields):
        step.ties.fix(field.labels, COMPUTED)
    picked = max(1 if index.tensor.dtype == torch.bool else len(index.shape) for index in indices)
    rank = ndim - len(used) + picked
    dim_of = {new: dim for dim, new in beside_picked(used, ndim, rank).items()}
    place = {
        i: dim_of[i + rank - len(values.shape)]
        for i in range(len(values.shape))
        if i + rank - len(values.shape) in dim_of
    }
    rest = without(step.ties, target.fields, set(used), COMPUTED)
    entering = without(step.ties, values.fields, set(range(len(values.shape))) - set(place), COMPUTED)
    shape = tuple(1 if dim in used else size for dim, size in enumerate(target.shape))
    written = [1] * ndim
    for i, dim in place.items():
        written[dim] = values.shape[i]
    operands = (
        replace(target, shape=shape, fields=rest),
        replace(values, shape=tuple(written), fields=tuple(placed(f, place, ndim) for f in entering)),
    )
    return join(step.ties, operands, ndim, lambda zeroed: zeroed == frozenset((0, 1)))
