"""Ops that pick a part of a dimension, or take it apart into parts."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from slimgui.engine.algebra import Operand, lock_along
from slimgui.engine.labels import Field, Fields, Ties
from slimgui.engine.rules.movement import carried
from slimgui.engine.rules.registry import Step, rule

aten = torch.ops.aten


def _picked(step: Step, field: Field, dim: int, labels: Tensor, what: str) -> None:
    """Code names channels of dimension `dim` by number: lock those, or the solution that cuts along it."""
    if dim not in field.live:
        return
    if len(field.live) == 1:
        step.ties.fix(labels, what)
        return
    lock_along(step.ties, field, {dim}, what)


@rule(aten.select)
def select(step: Step) -> Fields:
    """One index of a dimension: that channel is locked, for code names it by its number."""
    source, dim = step.given[0], step.arg("dim") % len(step.given[0].shape)
    result = []
    for field in source.fields:
        got = carried(field, source.shape, lambda labels: labels.select(dim, step.arg("index")))
        _picked(step, field, dim, got.labels, "It is picked by a fixed index.")
        result.append(got)
    return tuple(result)


@rule(aten.unbind)
def unbind(step: Step) -> list[Fields]:
    """Every index of a dimension as a value of its own: the dimension is locked."""
    source, dim = step.given[0], step.arg("dim", 0) % len(step.given[0].shape)
    for field in source.fields:
        _picked(step, field, dim, field.labels, "Its channels are taken apart one by one.")
    return _parts(source, source.shape[dim], lambda labels, i: labels.select(dim, i))


@rule(aten.slice)
def sliced(step: Step) -> Fields:
    """A range of a dimension. With a step, neighbours are cut together, so that the step stays right."""
    source, dim = step.given[0], step.arg("dim", 0) % len(step.given[0].shape)
    start, end, stride = (step.arg(name) for name in ("start", "end", "step"))
    whole = _is_block(source.shape[dim], step.shape[dim], start or 0)
    for field in source.fields if source.still and not whole else ():
        lock_along(step.ties, field, {dim}, "How much of it is used may depend on the input.")
    if stride not in (None, 1):
        for field in source.fields:
            _tie_strided(step.ties, field, dim, stride)
    return tuple(
        carried(field, source.shape, lambda labels: aten.slice(labels, dim, start, end, stride))
        for field in source.fields
    )


def _is_block(size: int, length: int, start: int) -> bool:
    """Whether a range is everything, or one of several equal parts; the first may be a length as well."""
    return size == length or (start > 0 and length > 0 and size % length == 0 and start % length == 0)


def _tie_strided(ties: Ties, field: Field, dim: int, stride: int) -> None:
    if dim not in field.live:
        return
    if field.labels.shape[dim] % stride:
        lock_along(ties, field, {dim}, "It is picked with a step.")
        return
    blocks = field.labels.unflatten(dim, (-1, stride))
    ties.tie(blocks, blocks.narrow(dim + 1, 0, 1))


@rule(aten.split, aten.unsafe_split)
def split(step: Step) -> list[Fields]:
    """Equal parts: position j of every part is cut together, for python recomputes their size."""
    source, dim = step.given[0], step.arg("dim", 0) % len(step.given[0].shape)
    sizes = [shape[dim] for shape in step.shapes if shape is not None]
    for field in source.fields:
        _tie_parts(step, field, dim, sizes)
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return _parts(source, len(sizes), lambda labels, i: labels.narrow(dim, starts[i], sizes[i]))


def _tie_parts(step: Step, field: Field, dim: int, sizes: list[int]) -> None:
    if dim not in field.live or len(sizes) == 1:
        return
    if sizes[0] != sizes[-1]:
        lock_along(step.ties, field, {dim}, "It is split into parts of unequal size.")
    elif sizes[0] == 1:
        _picked(step, field, dim, field.labels, "It is split into single channels.")
    else:
        blocks = field.labels.unflatten(dim, (len(sizes), sizes[0]))
        step.ties.tie(blocks, blocks.narrow(dim, 0, 1))


@rule(aten.glu)
def glu(step: Step) -> Fields:
    """The first half times the sigmoid of the second: position j of both halves is cut together."""
    source = step.given[0]
    dim = step.arg("dim") % len(source.shape)
    half = source.shape[dim] // 2
    for field in source.fields:
        _tie_parts(step, field, dim, [half, half])
    (first,) = _parts(source, 1, lambda labels, _: labels.narrow(dim, 0, half))
    return first


@rule(aten.split_with_sizes, aten.unsafe_split_with_sizes)
def split_with_sizes(step: Step) -> list[Fields]:
    """Parts of given sizes."""
    source, dim = step.given[0], step.arg("dim", 0) % len(step.given[0].shape)
    sizes = list(step.arg("split_sizes"))
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    for field in source.fields:
        for start, size in zip(starts, sizes, strict=True):
            if dim in field.live and size == 1:
                _picked(step, field, dim, field.labels.narrow(dim, start, 1), "It is a part of one channel.")
    return _parts(source, len(sizes), lambda labels, i: labels.narrow(dim, starts[i], sizes[i]))


def _parts(source: Operand, count: int, part: Callable[[Tensor, int], Tensor]) -> list[Fields]:
    def one(field: Field, i: int) -> Field:
        return carried(field, source.shape, lambda labels: part(labels, i))

    return [tuple(one(field, i) for field in source.fields) for i in range(count)]
