"""A recorded function call -> the lengths that its time depends on, and the counts at which to measure it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from slimgui.core.latency_table import MULTIPLES
from slimgui.core.sizes import Product, Size, total
from slimgui.engine.costing import Sizes
from slimgui.engine.costing import product as as_product

SHARES = {1: (1.0, 0.75, 0.5, 0.25, 0.125), 2: (1.0, 0.75, 0.5, 0.25), 3: (1.0, 0.5, 0.25)}  # by axes
ROOM = 4  # an axis is measured at multiples of what it has room for so often
BELOW = (1, 7, 8, 15, 16, 24, 31)  # an even length: first and last of the blocks of 8, 16 and 32 there
Form = tuple[Product, ...]
Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class GridAxis:
    """One length of a call.

    Attributes:
        form: its closed form.
        groups: that shrink it, and no other axis of the call.
        points: counts of these groups at which to measure, by falling length; the first is whole.
        uneven: counts for an even length, for uneven ones below it and for the next even one.
    """

    form: Form
    groups: tuple[str, ...]
    points: tuple[Counts, ...]
    uneven: tuple[Counts, ...]

    def length(self, counts: Counts) -> int:
        """The length under these counts."""
        return total(self.form, counts)


def axes(values: Sequence[Sizes], full: Counts) -> tuple[GridAxis, ...]:
    """The independent lengths of a call: at most three, else one that stands for all its elements.

    Args:
        values: sizes of every tensor that goes in or comes out.
        full: counts of the whole model.
    """
    parts = _parts({size for sizes in values for size in sizes if size.terms})
    if any(form is None for _, form in parts) or len(parts) > max(SHARES):
        groups = tuple(sorted({name for names, _ in parts for name in names}))
        form = tuple(as_product("", sizes) for sizes in values if any(size.terms for size in sizes))
        return (_axis(form, groups, full, SHARES[1], even=False),) if groups else ()
    return tuple(
        _axis((as_product("", (form,)),), names, full, SHARES[len(parts)], even=True)
        for names, form in parts
        if form is not None
    )


def _parts(sizes: Iterable[Size]) -> list[tuple[tuple[str, ...], Size | None]]:
    """Groups that always occur together, and a length that depends on them alone, if there is one."""
    where: dict[str, set[Size]] = {}
    for size in sorted(sizes, key=str):
        for name in size.groups():
            where.setdefault(name, set()).add(size)
    together: dict[frozenset[Size], list[str]] = {}
    for name in sorted(where):
        together.setdefault(frozenset(where[name]), []).append(name)
    result = []
    for found, names in together.items():
        pure = [size for size in found if size.groups() == set(names)]
        if not pure and len(names) == 1:
            pure = [Size(0, ((1, (names[0],)),))]
        result.append((tuple(names), min(pure, key=str, default=None)))
    return result


def _axis(
    form: Form, groups: tuple[str, ...], full: Counts, shares: Sequence[float], *, even: bool
) -> GridAxis:
    length = total(form, full)
    unit = next((m for m in MULTIPLES[:-1] if length >= ROOM * m), MULTIPLES[-2]) if even else length
    wanted = [length, *(max(1, int(length * share)) for share in shares[1:])]
    uneven: list[int] = []
    if length >= 2 * unit:
        wanted[1:] = [max(unit, n // unit * unit) for n in wanted[1:]]
        top = max(2 * unit, length // 2 // unit * unit)
        uneven = [top, *(top - n for n in BELOW if n < unit), top - unit]
    points = {total(form, counts): counts for counts in (_near(form, groups, full, n) for n in wanted)}
    around = tuple(_near(form, groups, full, n) for n in uneven)
    return GridAxis(form, groups, tuple(points[n] for n in sorted(points, reverse=True)), around)


def _near(form: Form, groups: Sequence[str], full: Counts, wanted: int) -> Counts:
    """Counts that give the length `wanted`, or come near it: all groups alike, the rest made up by some."""
    low, high = 0.0, 1.0
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (low, middle) if total(form, _shared(groups, full, middle)) > wanted else (middle, high)
    counts = dict(full) if total(form, full) <= wanted else _shared(groups, full, low)
    for name in groups:
        now = total(form, counts)
        if now == wanted or counts[name] >= full[name]:
            continue
        step = total(form, {**counts, name: counts[name] + 1}) - now
        if step > 0:
            counts[name] = min(full[name], counts[name] + (wanted - now) // step)
    return {name: counts[name] for name in groups}


def _shared(groups: Sequence[str], full: Counts, share: float) -> dict[str, int]:
    return {**full, **{name: max(1, int(full[name] * share)) for name in groups}}


def combined(parts: Iterable[Sequence[Counts]]) -> list[dict[str, int]]:
    """Every combination of one entry of each part, the last part fastest."""
    return [{name: n for counts in chosen for name, n in counts.items()} for chosen in product(*parts)]
