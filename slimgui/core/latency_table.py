"""Seconds of one op over its lengths: measured on a grid, interpolated between.

A kernel takes less time for fewer channels, but not in proportion, and for some lengths more than for longer
ones (a processor works on 8, 16 or 32 numbers at once). So a table holds seconds over even lengths, between
which time is interpolated linearly in each length, and factors for lengths that are no multiple of 32.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from statistics import fmean
from typing import Final

MULTIPLES: Final = (32, 16, 8, 1)
_PLAIN: Final = 0.001  # how much a factor counts as an error: of equal explanations the one with small ones
_LEAST: Final = 0.05  # of the nearest measured time: what an extrapolation to few channels leaves at least


def evenness(length: int) -> int:
    """The greatest of `MULTIPLES` that divides `length`."""
    return next(multiple for multiple in MULTIPLES if length % multiple == 0)


def padded(length: int, step: int) -> int:
    """The next multiple of `step`."""
    return -(-length // step) * step


@dataclass(frozen=True, slots=True)
class Axis:
    """One length that an op's time depends on.

    Attributes:
        lengths: where it was measured, ascending, padded to `step`.
        step: the kernel works on so many at once: other lengths take as long as the next multiple.
        factors: (multiple, factor): a length of that `evenness` takes so much longer on top; those that
            are not listed take no longer.
    """

    lengths: tuple[int, ...]
    step: int = 1
    factors: tuple[tuple[int, float], ...] = ()

    def factor(self, length: int) -> float:
        """What `length` costs for not being even."""
        return dict(self.factors).get(evenness(length), 1.0) if self.factors else 1.0

    def around(self, length: int) -> tuple[int, float]:
        """(i, t): `length` lies at the share t between lengths[i] and lengths[i + 1]; t may leave 0..1."""
        if len(self.lengths) == 1:
            return 0, 0.0
        length = padded(length, self.step)
        i = min(max(bisect_left(self.lengths, length) - 1, 0), len(self.lengths) - 2)
        low, high = self.lengths[i : i + 2]
        return i, (length - low) / (high - low)


@dataclass(frozen=True, slots=True, eq=False)  # read through a cache: its hash has to be quick
class Table:
    """Seconds of one op over its lengths.

    Attributes:
        op: the call at its whole size, in words.
        axes: the lengths it depends on; none for an op that no plan changes.
        seconds: of even lengths, the last axis fastest.
    """

    op: str
    axes: tuple[Axis, ...]
    seconds: tuple[float, ...]

    def at(self, lengths: Sequence[int]) -> float:
        """Seconds at these lengths, one per axis."""
        places = [axis.around(length) for axis, length in zip(self.axes, lengths, strict=True)]
        value, nearest = 0.0, 0
        for corner in product((0, 1), repeat=len(places)):
            share, index = 1.0, 0
            for upper, (i, t), axis in zip(corner, places, self.axes, strict=True):
                share *= t if upper else 1 - t
                index = index * len(axis.lengths) + min(i + upper, len(axis.lengths) - 1)
            nearest = index if corner == (0,) * len(places) else nearest
            value += share * self.seconds[index] if share else 0.0
        value = max(value, _LEAST * self.seconds[nearest])
        return value * prod(a.factor(n) for a, n in zip(self.axes, lengths, strict=True))


@dataclass(frozen=True, slots=True)
class Line:
    """Measurements along one axis.

    Attributes:
        lengths: of the grid, falling, the whole one first.
        uneven: (length, seconds) with every other axis whole: an even length, uneven ones below it, the next
            even one; empty where the axis is too short for that.
    """

    lengths: tuple[int, ...]
    uneven: tuple[tuple[int, float], ...] = ()

    def axis(self) -> Axis:
        """The axis, with the step and the factors that explain the uneven lengths best."""
        step, factors = self._explained()
        rising = sorted({padded(length, step) for length in self.lengths})
        return Axis(tuple(rising), step, factors)

    def _explained(self) -> tuple[int, tuple[tuple[int, float], ...]]:
        if not self.uneven or min(seconds for _, seconds in self.uneven) <= 0:
            return 1, ()
        even = self.uneven[0][0] - self.uneven[-1][0]
        fits = [(*self._factors(step), step) for step in MULTIPLES[::-1] if step <= even]
        _, factors, step = min(fits, key=lambda fit: fit[0])
        return step, factors

    def _factors(self, step: int) -> tuple[float, tuple[tuple[int, float], ...]]:
        """(error left, factors) if kernels work on `step` at once: per evenness the mean of the ratios."""
        (top, most), *between, (low, least) = self.uneven
        ratios: dict[int, list[float]] = {}
        for length, seconds in between:
            even = least + (most - least) * (padded(length, step) - low) / (top - low)
            ratios.setdefault(evenness(length), []).append(seconds / even)
        means = {multiple: fmean(own) for multiple, own in ratios.items()}
        error = sum(
            (r / means[m] - 1) ** 2 + _PLAIN * (means[m] - 1) ** 2 for m, own in ratios.items() for r in own
        )
        return error, tuple(sorted(means.items()))


def table_of(op: str, lines: Sequence[Line], seconds: Sequence[float]) -> Table:
    """The table that returns what was measured.

    Args:
        op: the call in words.
        lines: one per axis.
        seconds: at every combination of their lengths, the last axis fastest.
    """
    axes = tuple(line.axis() for line in lines)
    places = product(*(line.lengths for line in lines))
    even = [
        there / prod(axis.factor(length) for axis, length in zip(axes, place, strict=True))
        for there, place in zip(seconds, places, strict=True)
    ]
    return Table(op, axes, tuple(even[::-1]))  # lengths fall along every axis: reversed, all rise
