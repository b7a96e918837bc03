"""Ops that only move data are their own rule: they run on the labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from math import prod
from typing import Any

import torch
from torch import Tensor

from slimgui.engine.algebra import Operand, lock_along, without
from slimgui.engine.labels import SOLUTIONS, Field, Fields, Origin, Ties, Where, compress
from slimgui.engine.rules.registry import Step, find_rule, refuse, rule

aten = torch.ops.aten


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


COMPUTED = "The positions it picks are computed by the model."


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


@rule(aten.channel_shuffle, aten.native_channel_shuffle)
def channel_shuffle(step: Step) -> Fields:
    """[groups, channels per group] is turned over: a cut has to leave such a rectangle."""
    result = []
    for field in step.given[0].fields:
        if 1 in field.live:
            blocks = field.labels.unflatten(1, (step.arg("groups"), -1))
            step.ties.square(Field(compress(blocks), field.zero))
            field = replace(field, labels=blocks.transpose(1, 2).flatten(1, 2))
        result.append(field)
    return tuple(result)


REGROUPED = "Pixels are regrouped along it."


@rule(aten.pixel_shuffle)
def pixel_shuffle(step: Step) -> Fields:
    """r² channels become one: they are cut together."""
    source, r = step.given[0], step.arg("upscale_factor")
    dim = len(source.shape) - 3
    result = []
    for field in without(step.ties, source.fields, {dim + 1, dim + 2}, REGROUPED):
        if dim in field.live:
            blocks = field.labels.unflatten(dim, (-1, r * r))
            step.ties.tie(blocks, blocks.narrow(dim + 1, 0, 1))
            field = replace(field, labels=blocks.select(dim + 1, 0))
        result.append(field)
    return tuple(result)


@rule(aten.pixel_unshuffle)
def pixel_unshuffle(step: Step) -> Fields:
    """One channel becomes r²."""
    source, r = step.given[0], step.arg("downscale_factor")
    dim = len(source.shape) - 3
    return _repeated(step, source, dim, r * r)


def _repeated(step: Step, source: Operand, dim: int, times: int) -> Fields:
    result = []
    pixels = set(range(dim + 1, len(source.shape)))
    for field in without(step.ties, source.fields, pixels, REGROUPED):
        labels = field.labels.repeat_interleave(times, dim) if dim in field.live else field.labels
        shape = [*labels.shape[: dim + 1], *[1] * (len(step.shape) - dim - 1)]
        result.append(replace(field, labels=labels.reshape(shape)))
    return tuple(result)


@rule(aten.im2col)
def im2col(step: Step) -> Fields:
    """Every channel becomes one row per kernel position."""
    return _repeated(step, step.given[0], 1, prod(step.arg("kernel_size")))


@rule(aten.col2im)
def col2im(step: Step) -> Fields:
    """The rows of one channel are summed back: they are cut together."""
    source, positions = step.given[0], prod(step.arg("kernel_size"))
    result = []
    for field in without(step.ties, source.fields, {2}, REGROUPED):
        if field.live == (1,):
            blocks = field.labels.reshape(-1, positions)
            step.ties.tie(blocks, blocks[:, :1])
            result.append(replace(field, labels=blocks[:, 0].reshape(1, -1, *[1] * (len(step.shape) - 2))))
    return tuple(result)
