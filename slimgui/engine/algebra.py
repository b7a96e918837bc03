"""What the rules are made of: values that meet (join), and dimensions that end (reduce).

Every contraction is a join in the space of all its indices, followed by a reduction over the contracted
one; so matrix products, convolutions, norms and pointwise ops share these two functions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from slimgui.engine.labels import SOLUTIONS, Field, Fields, Ties, Where, compress, covered, lifted


@dataclass(frozen=True, slots=True, eq=False)
class Operand:
    """One tensor argument as the rules see it.

    Attributes:
        shape: its shape as traced.
        fields: its labels.
        uniform: all its elements are equal whatever its size (zeros, ones, full).
        tensor: the recorded tensor.
        still: it follows from weights alone, the same for every input.
        real: it follows from inputs and constants alone, so its numbers are known.
    """

    shape: tuple[int, ...]
    fields: Fields
    uniform: bool
    tensor: Tensor
    still: bool = False
    real: bool = False

    @property
    def rigidity(self) -> str:
        """Why a dimension of it that no field covers cannot shrink, in the user's words."""
        if not self.real:
            return "It meets a value whose size is fixed."
        if self.tensor.is_floating_point():
            return "It meets the model's input, which keeps its size."
        return "It meets positions or masks of a fixed size."

    def placed(self, dims: Sequence[int], ndim: int) -> Operand:
        """The operand in a space of `ndim` dimensions: its dimension i becomes dims[i]."""
        order = sorted(range(len(dims)), key=dims.__getitem__)
        place, in_order = dict(enumerate(dims)), order == sorted(order)

        def move(field: Field) -> Field:
            labels = field.labels if in_order else field.labels.permute(order)
            return field.moved(labels.reshape(_placed(field.labels.shape, dims, ndim)), place)

        fields = tuple(move(field) for field in self.fields)
        shape = _placed(self.shape, dims, ndim)
        return Operand(shape, fields, self.uniform, self.tensor, self.still, self.real)


def _placed(sizes: Sequence[int], dims: Sequence[int], ndim: int) -> tuple[int, ...]:
    form = [1] * ndim
    for size, dim in zip(sizes, dims, strict=True):
        form[dim] = size
    return tuple(form)


Zero = Callable[[frozenset[int]], bool]


def product_zero(zeroed: frozenset[int]) -> bool:
    """A product is zero where any of its factors is."""
    return bool(zeroed)


def join(ties: Ties, operands: Sequence[Operand], ndim: int, zero: Zero = product_zero) -> Fields:
    """Fields of a value computed elementwise from `operands`, broadcast to `ndim` dimensions.

    Args:
        ties: where the couplings are written down.
        operands: in the order of the call.
        ndim: dimensions of the result.
        zero: given the positions of the operands that are zero, whether the result is.
    """
    spread = [_lift(operand, ndim) for operand in operands]
    for operand in spread:
        for field in operand.fields:
            ties.square(field)
    for i, one in enumerate(spread):
        for j, other in enumerate(spread):
            if i != j:
                _meet_uncovered(ties, one, other)
            if i < j:
                for field in one.fields:
                    for partner in other.fields:
                        align(ties, field, partner)
    return _maximal(spread, zero)


def _lift(operand: Operand, ndim: int) -> Operand:
    if len(operand.shape) == ndim:
        return operand
    shape = (1,) * (ndim - len(operand.shape)) + operand.shape
    fields = tuple(lifted(field, ndim) for field in operand.fields)
    return replace(operand, shape=shape, fields=fields)


def align(ties: Ties, one: Field, other: Field) -> None:
    """Two fields of values that meet elementwise: tie what they share, lock what cannot follow."""
    if one.labels is other.labels:
        return
    live, partner_live = set(one.live), set(other.live)
    if live == partner_live:
        ties.tie(one.labels, other.labels)
        return
    shared = live & partner_live
    if not shared:
        return
    for where in SOLUTIONS:
        axis, partner_axis = one.axis(where), other.axis(where)
        if axis == partner_axis:
            ties.tie(_first(one, live - shared), _first(other, partner_live - shared), where)
            continue
        if axis in shared:
            ties.fix(one.labels, "It meets a value that is cut along another dimension.", where)
        if partner_axis in shared:
            ties.fix(other.labels, "It meets a value that is cut along another dimension.", where)


def _first(field: Field, dims: Collection[int]) -> Tensor:
    labels = field.labels
    for dim in dims:
        labels = labels.narrow(dim, 0, 1)
    return labels


def _meet_uncovered(ties: Ties, one: Operand, other: Operand) -> None:
    """Lock the fields of `one` where `other` has a dimension that cannot shrink."""
    if other.uniform:
        return
    free = covered(other.fields)
    rigid = {dim for dim, size in enumerate(other.shape) if size > 1 and dim not in free}
    for field in one.fields:
        lock_along(ties, field, rigid, other.rigidity)


def lock_along(ties: Ties, field: Field, dims: Collection[int], what: str) -> None:
    """Lock `field` in every solution that would cut it along one of `dims`."""
    where = cut_along(field, dims)
    if where:
        ties.fix(field.labels, what, where)
    if len(field.live) > 1:
        ties.give_up(field, where)


def without(ties: Ties, fields: Fields, dims: set[int], what: str) -> Fields:
    """The fields in their other dimensions, for an op that keeps the size of `dims`."""
    result = []
    for field in fields:
        lock_along(ties, field, dims, what)
        ended = dims & set(field.live)
        if ended != set(field.live):
            result.append(project(ties, field, ended) if ended else field)
    return tuple(result)


def blur_along(ties: Ties, field: Field, dims: Collection[int], what: str) -> None:
    """Mark `field` inexact in every solution that would cut it along one of `dims`."""
    where = cut_along(field, dims)
    if where:
        ties.blur(field.labels, what, where)


def cut_along(field: Field, dims: Collection[int]) -> Where:
    """The solutions that cut `field` along one of `dims`."""
    result = Where(0)
    for where in SOLUTIONS:
        if field.axis(where) in dims:
            result |= where
    return result


def _maximal(operands: Sequence[Operand], zero: Zero) -> Fields:
    """One field per set of live dimensions, without those that another one refines."""
    first: dict[tuple[int, ...], Field] = {}
    zeroed: dict[tuple[int, ...], set[int]] = {}
    for position, operand in enumerate(operands):
        for field in operand.fields:
            first.setdefault(field.live, field)
            if field.zero:
                zeroed.setdefault(field.live, set()).add(position)
    kept = [live for live in first if not any(set(live) < set(other) for other in first)]
    return tuple(replace(first[live], zero=zero(frozenset(zeroed.get(live, ())))) for live in sorted(kept))


def reduce(ties: Ties, fields: Fields, dims: Collection[int], what: str, *, keepdim: bool) -> Fields:
    """Fields after dimensions end.

    Args:
        ties: where the couplings are written down.
        fields: of the value that is reduced.
        dims: the dimensions that end.
        what: why cutting along one of them does not equal zeroing; "" where it does because removed
            positions hold zeros and the op is a sum (fields whose `zero` is False are inexact all the same).
        keepdim: the dimensions stay, with size 1.
    """
    lives = [set(field.live) - set(dims) for field in fields]
    result = []
    for field, rest in zip(fields, lives, strict=True):
        ended = set(field.live) & set(dims)
        if ended and (what or not field.zero):
            blur_along(ties, field, ended, what or "It is summed where removed channels are not zero.")
        if not rest or (ended and any(rest <= other for other in lives if other is not rest)):
            continue
        kept = project(ties, field, ended) if ended else field
        result.append(kept if keepdim else _drop(kept, dims))
    return tuple(result)


def project(ties: Ties, field: Field, ended: Collection[int]) -> Field:
    """The field over the live dimensions that remain when `ended` are summed away."""
    ties.square(field)
    first = _first(field, ended)
    unique, place = torch.unique(first, return_inverse=True)
    labels = ties.new(unique.shape)[place.reshape(first.shape)]
    for where in SOLUTIONS:
        if field.axis(where) in ended:
            ties.fix(labels, "The dimension inside it ends here.", where)
        else:
            ties.tie(labels, first, where)
    return replace(field, labels=labels)


def _drop(field: Field, dims: Collection[int]) -> Field:
    stay = [dim for dim in range(field.labels.ndim) if dim not in dims]
    labels = field.labels.reshape([field.labels.shape[dim] for dim in stay])
    return field.moved(labels, {dim: i for i, dim in enumerate(stay)})


def settle(ties: Ties, fields: Sequence[Field], clashing: Collection[tuple[int, int]] = ()) -> Fields:
    """Compress `fields`, merge the `clashing` pairs of places, tie the rectangles."""
    result: list[tuple[set[int], Field]] = []
    for place, field in enumerate(fields):
        labels = compress(field.labels)
        field = field if labels is field.labels else replace(field, labels=labels)
        if not field.live:
            ties.fix(field.labels, "It is picked by a fixed index.")
            continue
        places = {place}
        for others, other in list(result):
            if any((each, place) in clashing for each in others):
                result.remove((others, other))
                field, places = _merge(ties, other, field), places | others
        ties.square(field)
        result.append((places, field))
    return tuple(field for _, field in result)


def _merge(ties: Ties, outer: Field, inner: Field) -> Field:
    """One field for a dimension that a reshape made of two: an element goes where either label goes."""
    if outer.free or inner.free:
        lost, kept = (outer, inner) if outer.free else (inner, outer)
        ties.fix(lost.labels, "It shares a dimension with channels.")
        return kept
    one, other = torch.broadcast_tensors(outer.labels, inner.labels)
    pairs, place = torch.unique(one * ties.count + other, return_inverse=True)
    labels = compress(ties.new(pairs.shape)[place])
    full = torch.broadcast_to(labels, one.shape)
    ties.tie(full, inner.labels, Where.FINE)
    ties.fix(outer.labels, "It shares a dimension with one inside it.", Where.FINE)
    ties.tie(full, outer.labels, Where.COARSE)
    ties.fix(inner.labels, "It shares a dimension with one around it.", Where.COARSE)
    return Field(labels, outer.zero and inner.zero)
