"""Ops that only move data are their own rule: they run on the labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from math import prod
from typing import Any

import torch
from torch import Tensor

from slimgui.engine.algebra import Operand
from slimgui.engine.labels import SOLUTIONS, Field, Fields, Origin, Ties, Where, compress
from slimgui.engine.rules.registry import Step, find_rule, refuse, rule

aten = torch.ops.aten

COMPUTED = "The positions it picks are computed by the model."


def carried(field: Field, shape: tuple[int, ...], run: Callable[[Tensor], Tensor]) -> Field:
    """The field after `run`, which moves data of that shape; its axes go where their indices go."""
    labels = compress(run(field.labels.expand(shape)))
    if len(field.live) < 2:
        return replace(field, labels=labels, axes=None)
    place = {}
    for where in SOLUTIONS[::-1]:
        dim = field.axis(where)
        form = [1] * len(shape)
        form[dim] = shape[dim]
        live = _live(compress(run(torch.arange(shape[dim]).reshape(form).expand(shape))))
        place[dim] = -1 if not live else live[-1] if where is Where.FINE else live[0]
    return field.moved(labels, place)


def _live(labels: Tensor) -> list[int]:
    return [dim for dim, size in enumerate(labels.shape) if size > 1]


@rule(
    aten.clone, aten.alias, aten.detach, aten.contiguous, aten.lift_fresh, aten._to_copy, aten.lift,
    aten.detach_, aten.positive, aten.view_as, aten.alias_copy, aten._conj, aten.resolve_conj,
)  # fmt: skip
def same(step: Step) -> Fields:
    """The result has the shape and the data of the argument."""
    return step.given[0].fields


@rule(
    aten.permute, aten.transpose, aten.t, aten.unsqueeze, aten.squeeze, aten.flip, aten.roll, aten.repeat,
    aten.unfold, aten.movedim, aten.index_select, aten.diagonal, aten.transpose_, aten.unsqueeze_,
    aten.squeeze_, aten.t_,
)  # fmt: skip
def moved(step: Step) -> Fields:
    """Run the op itself on the labels, expanded with stride 0 to the shape of the argument."""
    source = step.given[0]
    if any(other.fields or not other.real for other in step.given[1:]):
        return refuse(step, COMPUTED)
    return tuple(carried(field, source.shape, lambda labels: _run(step, labels)) for field in source.fields)


def _run(step: Step, labels: Tensor) -> Tensor:
    def real(value: Any) -> Any:
        if isinstance(value, Operand):
            return value.tensor
        return [real(item) for item in value] if isinstance(value, tuple) else value

    names = [argument.name for argument in step.call.func._schema.arguments]
    rest = [real(step.arg(name)) for name in names[1 : len(step.call.args)]]
    result: Tensor = step.call.func(labels, *rest)
    return result


@rule(aten.expand)
def expanded(step: Step) -> Fields:
    """Like the others; a dimension that is stretched gets labels of its own: any size will do."""
    source, more = step.given[0], len(step.shape) - len(step.given[0].shape)
    fields = list(moved(step))
    if not source.tensor.is_floating_point():
        return tuple(fields)
    for dim, size in enumerate(step.shape):
        if size > 1 and dim >= more and source.shape[dim - more] == 1 and dim > 0:
            form = [1] * len(step.shape)
            form[dim] = size
            fields.append(Field(step.ties.new(form), zero=False, free=True))
    return tuple(fields)


@rule(aten.view, aten._unsafe_view, aten.reshape, aten._reshape_copy)
def reshaped(step: Step) -> Fields:
    """A reshape, done block by block: only the dimensions in which the label varies are expanded."""
    source = step.given[0]

    def run(field: Field) -> Field:
        result = carried(
            field, tuple(field.labels.shape), lambda labels: reshape_labels(labels, source.shape, step.shape)
        )
        return _with_origin(step.ties, result) if len(field.live) < 2 <= len(result.live) else result

    return tuple(run(field) for field in source.fields)


def clashes(step: Step, results: Fields) -> set[tuple[int, int]]:
    """Pairs of fields of a reshape's result that share a dimension which it made of different ones."""
    if find_rule(step.call.func) is not reshaped:
        return set()
    fields = list(zip(step.given[0].fields, results, strict=True))
    blocks = _blocks(step.given[0].shape, step.shape)
    return {
        (i, j)
        for j, (was, now) in enumerate(fields)
        for i, (other, other_now) in enumerate(fields[:j])
        for old, new in blocks
        if set(now.live) & set(other_now.live) & set(new)
        if set(was.live) & set(old) != set(other.live) & set(old)
    }


def _with_origin(ties: Ties, field: Field) -> Field:
    """The field of a reshape, cut along its innermost dimensions but not along rigid ones."""
    free = [dim for dim in field.live if (ties.number, dim) not in ties.rigid] or list(field.live)
    fine, coarse = free[-1], free[-2] if len(free) > 1 else free[-1]
    return replace(field, axes=(fine, coarse), origin=Origin(ties.number, fine, coarse))


def reshape_labels(labels: Tensor, old: tuple[int, ...], new: tuple[int, ...]) -> Tensor:
    """The labels of a value of shape `old` after a reshape to `new`, with size 1 where they do not vary."""
    expand, shape = [], []
    for old_dims, new_dims in _blocks(old, new):
        live = any(labels.shape[dim] > 1 for dim in old_dims)
        expand += [old[dim] if live else 1 for dim in old_dims]
        shape += [new[dim] if live else 1 for dim in new_dims]
    return compress(labels.expand(expand).reshape(shape))


@lru_cache(1024)
def _blocks(old: tuple[int, ...], new: tuple[int, ...]) -> list[tuple[list[int], list[int]]]:
    """Runs of dimensions of `old` and of `new` that hold the same number of elements, in order."""
    blocks: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old) or j < len(new):
        left, right = list(range(i, min(i + 1, len(old)))), list(range(j, min(j + 1, len(new))))
        i, j = i + len(left), j + len(right)
        while (have := prod(old[d] for d in left)) != (want := prod(new[d] for d in right)):
            if have < want:
                left.append(i)
                i += 1
            else:
                right.append(j)
                j += 1
        blocks.append((left, right))
    return blocks
