"""Labels that travel with the data: one integer per index of every dimension of every weight.

A value carries fields. A field is an int64 tensor of labels, broadcastable to the value, of size 1 in
every dimension along which the label does not vary; those in which it does are the field's *live*
dimensions. Where a label is removed, the element is removed. A dimension that no field covers is fixed.

A field with several live dimensions (heads x head_dim) can only be cut to a rectangle. So there are two
solutions of the same ties: FINE cuts along the innermost live dimension (the same channel of every
head), COARSE along the one before it (whole heads). A tie or a lock may hold in one solution only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntFlag

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from slimgui.core.groups import Kind, Refusal
from slimgui.engine.recording import Call


class Where(IntFlag):
    """The solutions in which a tie or a lock holds."""

    FINE = 1
    COARSE = 2
    BOTH = 3


@dataclass(frozen=True, slots=True)
class Origin:
    """A reshape (by its number) and the dimensions of its result that FINE and COARSE cut."""

    number: int
    fine: int
    coarse: int


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """Labels of one value along its live dimensions.

    Attributes:
        labels: int64, same number of dimensions as the value, size 1 where they do not vary.
        zero: in the masked original, removed positions hold exact zeros.
        axes: the live dimensions that the FINE and the COARSE solution cut, where those are not simply the
            last two: data that is permuted takes its inner and outer dimension along.
        free: the value was made on the spot (zeros, expand): any size will do.
        origin: the reshape that gave it several live dimensions, and which of them each solution cuts there.
        live: dimensions along which the label varies, outermost first.
    """

    labels: Tensor
    zero: bool
    axes: tuple[int, int] | None = None
    free: bool = False
    origin: Origin | None = None
    live: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "live", tuple(d for d, size in enumerate(self.labels.shape) if size > 1))

    def axis(self, where: Where) -> int:
        """The live dimension that the FINE or COARSE solution cuts."""
        live = self.live
        if self.axes is not None:
            dim = self.axes[where is Where.COARSE]
            if dim in live:
                return dim
        return live[-2] if where is Where.COARSE and len(live) > 1 else live[-1]

    def moved(self, labels: Tensor, place: Mapping[int, int]) -> Field:
        """The field with other labels, after its dimension d became place[d]."""
        axes = None
        if len(self.live) > 1:
            fine, coarse = (place.get(self.axis(where), -1) for where in SOLUTIONS)
            axes = (fine, coarse)
        return Field(labels, self.zero, axes, self.free, self.origin)


Fields = tuple[Field, ...]

# The one lock that is not worth showing: the positions of a kernel are no channels.
SLIDES = "A convolution slides over this dimension."

_LARGE = 1000  # ties of fewer labels are not looked up: stating them again costs less

SOLUTIONS = (Where.FINE, Where.COARSE)


class Ties:
    """Collects what the rules state: equal labels, locks and inexactness, each with its op.

    Args:
        rigid: (reshape, dimension) for dimensions of reshaped values that turned out to be no channels: the
            3 of q, k, v, or pixels. No solution cuts along them.
        absorbed: paths of modules whose statistics of weights deploying keeps as they are.
    """

    def __init__(self, rigid: Iterable[tuple[int, int]] = (), absorbed: Iterable[str] = ()) -> None:
        self.rigid, self.absorbed = frozenset(rigid), frozenset(absorbed)
        self.found_rigid: set[tuple[int, int]] = set()
        self.number = 0
        self.count = 0
        self.pairs: list[tuple[Tensor, Tensor, Where]] = []
        self.locks: list[tuple[Tensor, Refusal, Where]] = []
        self.blurs: list[tuple[Tensor, Refusal, Where]] = []
        self.marks: list[tuple[Tensor, Kind]] = []
        self.call: Call | None = None
        self._squared: dict[int, Tensor] = {}
        self._stated: set[tuple[int, int, int, Where]] = set()

    def new(self, shape: Sequence[int]) -> Tensor:
        """Fresh labels of that shape."""
        size = int(torch.Size(shape).numel())
        labels = torch.arange(self.count, self.count + size).reshape(tuple(shape))
        self.count += size
        return labels

    def fixed(self, shape: Sequence[int], what: str) -> Tensor:
        """Fresh labels that no plan may cut."""
        labels = self.new(shape)
        self.fix(labels, what)
        return labels

    def tie(self, one: Tensor, other: Tensor, where: Where = Where.BOTH) -> None:
        """`one` and `other`, broadcast against each other, are cut together."""
        if one is other:
            return
        if one.shape != other.shape:
            one, other = torch.broadcast_tensors(one, other)
        one, other = one.reshape(-1), other.reshape(-1)
        if one.numel() > _LARGE and self._is_stated(one, other, where):
            return
        self.pairs.append((one, other, where))

    def _is_stated(self, one: Tensor, other: Tensor, where: Where) -> bool:
        """Whether these very pairs were stated before, in whatever order; remembers them.

        A window attention states the same ties of its positions after every reshape: thirteen times in all.
        """
        mixed = _mixed(_mixed(one.numpy().view(np.uint64)) ^ other.numpy().view(np.uint64))
        key = (int(mixed.sum(dtype=np.uint64)), int(np.bitwise_xor.reduce(mixed)), one.numel(), where)
        known = key in self._stated
        self._stated.add(key)
        return known

    def fix(self, labels: Tensor, what: str, where: Where = Where.BOTH) -> None:
        """`labels` may not be cut because of `what`; the op at hand is named as the reason."""
        self.locks.append((labels.reshape(-1), self.refusal(what), where))

    def blur(self, labels: Tensor, what: str, where: Where) -> None:
        """Cutting `labels` is allowed but does not equal zeroing, because of `what`."""
        self.blurs.append((labels.reshape(-1), self.refusal(what), where))

    def mark(self, labels: Tensor, kind: Kind) -> None:
        """Say what the outer dimension of a field is: heads, or the groups of a convolution."""
        self.marks.append((labels.reshape(-1), kind))

    def refusal(self, what: str) -> Refusal:
        """`what`, with the op, module and line at hand."""
        if self.call is None:
            return Refusal(what)
        return Refusal(what, self.call.name, self.call.module, self.call.source)

    def give_up(self, field: Field, where: Where) -> None:
        """Remember that the dimension which `where` cuts is none of channels, wherever it came from."""
        if field.origin is not None:
            for each, dim in ((Where.FINE, field.origin.fine), (Where.COARSE, field.origin.coarse)):
                if where & each:
                    self.found_rigid.add((field.origin.number, dim))

    def square(self, field: Field) -> None:
        """A field with several live dimensions may only be cut to a rectangle."""
        if len(field.live) < 2 or id(field.labels) in self._squared:
            return
        self._squared[id(field.labels)] = field.labels  # kept alive, so that its id stays its own
        for where in SOLUTIONS:
            first = field.labels
            for dim in field.live:
                if dim != field.axis(where):
                    first = first.narrow(dim, 0, 1)
            self.tie(field.labels, first, where)


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A hash of every number: the finalizer of splitmix64 (Steele, Lea and Flood 2014)."""
    mixed = numbers * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def compress(labels: Tensor) -> Tensor:
    """`labels` with every dimension along which they do not vary narrowed to size 1."""
    for dim, size in enumerate(labels.shape):
        if size > 1 and (labels.stride(dim) == 0 or _constant(labels, dim)):
            labels = labels.narrow(dim, 0, 1)
    return labels


def _constant(labels: Tensor, dim: int) -> bool:
    array = labels.numpy()
    if not array.size:
        return True
    start = [0] * labels.ndim
    step = start.copy()
    step[dim] = 1
    if array.size and array[tuple(start)] != array[tuple(step)]:  # most dimensions differ here already
        return False
    return bool((array == array.take([0], dim)).all())


def lifted(field: Field, ndim: int) -> Field:
    """The field with leading dimensions of size 1, as broadcasting adds them."""
    more = ndim - field.labels.ndim
    if not more:
        return field
    labels = field.labels.reshape((1,) * more + tuple(field.labels.shape))
    return field.moved(labels, {dim: dim + more for dim in field.live})


def weight_fields(ties: Ties, shape: Sequence[int], *, zero: bool = True, free: bool = False) -> Fields:
    """Fields of a weight: one label per index of every dimension longer than 1."""
    fields = []
    for dim, size in enumerate(shape):
        if size > 1:
            form = [1] * len(shape)
            form[dim] = size
            fields.append(Field(ties.new(form), zero, free=free))
    return tuple(fields)


def covered(fields: Iterable[Field]) -> set[int]:
    """Dimensions in which some field is live."""
    return {dim for field in fields for dim in field.live}
