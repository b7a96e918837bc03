"""A model of latency -> sums of products of sizes, as all other costs are: what a search can go by.

Each op is taken as scale · Π (offset + length), which holds for most kernels but for their steps; the tables
know better, so what is found this way is held to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import prod
from statistics import fmean
from typing import Final

from slimgui.core.latency import LatencyModel, TimedOp
from slimgui.core.latency_table import Table
from slimgui.core.sizes import Product, Size

FLAT: Final = 5  # an axis whose whole length is a smaller part of offset + length is left out
PER_SECOND: Final = 10**15  # the unit is the femtosecond: whole numbers, and a second fits into a float64


def closed_forms(latency: LatencyModel) -> tuple[Product, ...]:
    """Products whose sum is about the femtoseconds of the model; each rises with every count."""
    shapes = [_shape(table) for table in latency.tables]
    unit = latency.scale * PER_SECOND
    forms = [
        form
        for op in latency.ops
        for form in _products(op, [latency.lengths[i] for i in op.lengths], *shapes[op.table], unit)
    ]
    return (Product("", round(latency.overhead * PER_SECOND), ()), *forms)


def _shape(table: Table) -> tuple[float, tuple[int | None, ...]]:
    """(scale, offset per axis): seconds are about scale · Π (offset + length), over axes with an offset."""
    offsets = tuple(_offset(table, number) for number in range(len(table.axes)))
    rises = [
        prod(o + n for o, n in zip(offsets, place, strict=True) if o is not None)
        for place in product(*(axis.lengths for axis in table.axes))
    ]
    # least squares of the relative error
    pairs = [rise / seconds for rise, seconds in zip(rises, table.seconds, strict=True) if seconds > 0]
    return (sum(pairs) / sum(x * x for x in pairs) if pairs else 0.0), offsets


def _offset(table: Table, number: int) -> int | None:
    """Where the straight line through the seconds along one axis, all others whole, has its zero; negated.

    None where time hardly depends on the length.
    """
    axis = table.axes[number]
    whole = [each.lengths[-1] for each in table.axes]
    times = [table.at([*whole[:number], n, *whole[number + 1 :]]) / axis.factor(n) for n in axis.lengths]
    middle, mean = fmean(axis.lengths), fmean(times)
    spread = sum((n - middle) ** 2 for n in axis.lengths)
    rise = sum((n - middle) * (t - mean) for n, t in zip(axis.lengths, times, strict=True))
    if rise <= 0 or mean * spread / rise - middle > FLAT * axis.lengths[-1]:
        return None
    return max(0, round(mean * spread / rise - middle))


def _products(
    op: TimedOp,
    forms: Sequence[Sequence[Product]],
    scale: float,
    offsets: Sequence[int | None],
    unit: float,
) -> list[Product]:
    sizes: list[Size] = []
    for form, offset in zip(forms, offsets, strict=True):
        if offset is None:
            continue
        if len(form) != 1 or form[0].scale != 1 or len(form[0].factors) != 1:
            rising = [replace(p, layer=op.layer, scale=round(scale * unit * p.scale)) for p in form]
            return [Product(op.layer, round(scale * unit * offset), ()), *rising]
        size = form[0].factors[0]
        sizes.append(replace(size, fixed=size.fixed + offset))
    return [Product(op.layer, round(scale * unit), tuple(sizes))]
