"""Ops that only move data are their own rule: they run on the labels."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from slimgui.engine.algebra import Operand, lock_along
from slimgui.engine.labels import Field, Fields, Ties, compress
from slimgui.engine.rules.registry import Step, refuse, rule

aten = torch.ops.aten


@rule(
    aten.clone, aten.alias, aten.detach, aten.contiguous, aten.lift_fresh, aten._to_copy, aten.lift,
    aten.detach_, aten.positive,
)  # fmt: skip
def same(step: Step) -> Fields:
    """The result has the shape and the data of the argument."""
    return step.given[0].fields


@rule(
    aten.permute, aten.transpose, aten.t, aten.unsqueeze, aten.squeeze, aten.expand, aten.flip, aten.roll,
    aten.repeat, aten.pixel_shuffle, aten.pixel_unshuffle, aten.channel_shuffle, aten.unfold, aten.movedim,
    aten.index_select, aten.diagonal, aten.transpose_, aten.unsqueeze_, aten.squeeze_, aten.t_,
)  # fmt: skip
def moved(step: Step) -> Fields | list[Fields]:
    """Run the op itself on the labels, expanded with stride 0 to the shape of the argument."""
    source = step.given[0]
    others = step.given[1:]
    if any(other.fields or not other.real for other in others):
        return refuse(step, "The positions it picks are computed by the model.")
    return tuple(
        Field(compress(_run(step, field.labels.expand(source.shape))), field.zero) for field in source.fields
    )


def _run(step: Step, labels: Tensor) -> Any:
    def real(value: Any) -> Any:
        if isinstance(value, Operand):
            return value.tensor
        return [real(item) for item in value] if isinstance(value, tuple) else value

    names = [argument.name for argument in step.call.func._schema.arguments]
    rest = [real(step.arg(name)) for name in names[1 : len(step.call.args)]]
    return step.call.func(labels, *rest)


@rule(aten.view, aten._unsafe_view, aten.reshape)
def reshaped(step: Step) -> Fields:
    """A reshape, done block by block: only the dimensions in which the label varies are expanded."""
    source = step.given[0]
    return tuple(
        Field(reshape_labels(field.labels, source.shape, step.shape), field.zero) for field in source.fields
    )


def reshape_labels(labels: Tensor, old: tuple[int, ...], new: tuple[int, ...]) -> Tensor:
    """The labels of a value of shape `old` after a reshape to `new`, with size 1 where they do not vary."""
    expand, shape = [], []
    for old_dims, new_dims in _blocks(old, new):
        live = any(labels.shape[dim] > 1 for dim in old_dims)
        expand += [old[dim] if live else 1 for dim in old_dims]
        shape += [new[dim] if live else 1 for dim in new_dims]
    return compress(labels.expand(expand).reshape(shape))


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


@rule(aten.select)
def select(step: Step) -> Fields:
    """One index of a dimension: that channel is locked, for code names it by its number."""
    source, dim = step.given[0], step.arg("dim") % len(step.given[0].shape)
    result = []
    for field in source.fields:
        lock_along(step.ties, field, {dim}, "It is picked by a fixed index.")
        picked = field.labels.expand(source.shape).select(dim, step.arg("index"))
        result.append(Field(compress(picked), field.zero))
    return tuple(result)


@rule(aten.unbind)
def unbind(step: Step) -> list[Fields]:
    """Every index of a dimension as a value of its own: the dimension is locked."""
    source, dim = step.given[0], step.arg("dim", 0) % len(step.given[0].shape)
    for field in source.fields:
        lock_along(step.ties, field, {dim}, "Its channels are taken apart one by one.")
    parts = [field.labels.expand(source.shape).unbind(dim) for field in source.fields]
    return [
        tuple(Field(compress(part[i]), field.zero) for part, field in zip(parts, source.fields, strict=True))
        for i in range(source.shape[dim])
    ]


@rule(aten.slice)
def sliced(step: Step) -> Fields:
    """A range of a dimension: locked, unless it is the whole of it."""
    source, dim = step.given[0], step.arg("dim", 0) % len(step.given[0].shape)
    if step.shape != source.shape:
        for field in source.fields:
            lock_along(step.ties, field, {dim}, "It is picked by a fixed range.")
    arguments = [step.arg(name) for name in ("start", "end", "step")]
    return tuple(
        Field(compress(aten.slice(field.labels.expand(source.shape), dim, *arguments)), field.zero)
        for field in source.fields
    )


@rule(aten.split)
def split(step: Step) -> list[Fields]:
    """Equal parts: position j of every part is cut together, for python recomputes their size."""
    source, dim = step.given[0], step.arg("dim", 0) % len(step.given[0].shape)
    sizes = [shape[dim] for shape in step.shapes if shape is not None]
    parts = [field.labels.expand(source.shape).split(sizes, dim) for field in source.fields]
    for field, part in zip(source.fields, parts, strict=True):
        _tie_parts(step.ties, field, dim, part)
    return _per_part(source, parts)


def _tie_parts(ties: Ties, field: Field, dim: int, parts: tuple[Tensor, ...]) -> None:
    if dim not in field.live:
        return
    if parts[0].shape != parts[-1].shape:
        lock_along(ties, field, {dim}, "It is split into parts of unequal size.")
        return
    for part in parts[1:]:
        ties.tie(compress(part), compress(parts[0]))
    if parts[0].shape[dim] == 1:
        lock_along(ties, field, {dim}, "It is split into single channels.")


@rule(aten.split_with_sizes)
def split_with_sizes(step: Step) -> list[Fields]:
    """Parts whose sizes stand in the code: the dimension is locked."""
    source, dim = step.given[0], step.arg("dim", 0) % len(step.given[0].shape)
    for field in source.fields:
        lock_along(step.ties, field, {dim}, "It is split into parts of fixed sizes.")
    sizes = list(step.arg("split_sizes"))
    return _per_part(source, [field.labels.expand(source.shape).split(sizes, dim) for field in source.fields])


def _per_part(source: Operand, parts: list[tuple[Tensor, ...]]) -> list[Fields]:
    count = len(parts[0]) if parts else 0
    return [
        tuple(Field(compress(part[i]), field.zero) for part, field in zip(parts, source.fields, strict=True))
        for i in range(count)
    ]


@rule(aten.cat)
def cat(step: Step) -> Fields:
    """Labels follow each other along the dimension; in every other one the parts are tied."""
    operands = [operand for operand in step.given if operand.shape != (0,)]
    dim = step.arg("dim", 0) % len(step.shape)
    along = _along(step, operands, dim)
    across = _across(step, operands, dim)
    return tuple(sorted(along + across, key=lambda field: field.live))


def _along(step: Step, operands: list[Operand], dim: int) -> Fields:
    found = [next((f for f in operand.fields if dim in f.live), None) for operand in operands]
    if not any(found):
        return ()
    shape = torch.broadcast_shapes(
        *((*f.labels.shape[:dim], 1, *f.labels.shape[dim + 1 :]) for f in found if f)
    )
    parts = []
    for operand, field in zip(operands, found, strict=True):
        size = [*shape[:dim], operand.shape[dim], *shape[dim + 1 :]]
        if field is not None:
            parts.append(field.labels.expand(size))
        elif operand.uniform:
            parts.append(step.ties.fixed(size, "It follows a value that cannot be cut."))
        else:
            parts.append(step.ties.fixed(size, "It is joined with a value that cannot be cut."))
    return (Field(torch.cat(parts, dim), all(field is not None and field.zero for field in found)),)


def _across(step: Step, operands: list[Operand], dim: int) -> Fields:
    """Fields that are not live along `dim` must be the same in every part."""
    from slimgui.engine.algebra import join, product_zero

    stripped = []
    for operand in operands:
        fields = tuple(field for field in operand.fields if dim not in field.live)
        shape = (*operand.shape[:dim], 1, *operand.shape[dim + 1 :])
        rest = tuple(field for field in operand.fields if dim in field.live)
        if rest and any(len(field.live) > 1 for field in rest):
            fields = ()
        stripped.append(Operand(shape, fields, operand.uniform, operand.tensor))
    everyone = frozenset(range(len(operands)))
    return join(
        step.ties, stripped, len(step.shape), lambda zeroed: zeroed == everyone and product_zero(zeroed)
    )


@rule(aten.constant_pad_nd)
def pad(step: Step) -> Fields:
    """Padding runs on the labels; what it adds is fixed."""
    source, pads, value = step.given[0], list(step.arg("pad")), step.arg("value", 0)
    ndim = len(source.shape)
    result = []
    for field in source.fields:
        padded = {ndim - 1 - i // 2 for i, n in enumerate(pads) if n}
        form = [
            source.shape[d] if d in padded and d in field.live else n
            for d, n in enumerate(field.labels.shape)
        ]
        own = [n if (ndim - 1 - i // 2) in field.live else 0 for i, n in enumerate(pads)]
        labels = aten.constant_pad_nd(field.labels.expand(form), own, -1)
        hole = labels < 0
        if bool(hole.any()):
            labels = labels.masked_scatter(hole, step.ties.fixed((int(hole.sum()),), "It is padding."))
        result.append(Field(labels, (field.zero and value == 0) or not padded - set(field.live)))
    return tuple(result)
