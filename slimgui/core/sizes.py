"""Sizes as closed forms of the group counts: 3 + 2·n(a) + 4·n(b)·n(c)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod


@dataclass(frozen=True, slots=True)
class Size:
    """The length of one dimension: `fixed` + Σ coefficient · Π counts of the named groups.

    Attributes:
        fixed: indices that no plan can remove.
        terms: (coefficient, group ids); two ids mean a product, as in heads x head_dim.
    """

    fixed: int
    terms: tuple[tuple[int, tuple[str, ...]], ...] = ()

    def at(self, counts: Mapping[str, int]) -> int:
        """The length when group g keeps counts[g] channels."""
        total = self.fixed
        for coefficient, ids in self.terms:
            for group_id in ids:
                coefficient *= counts[group_id]
            total += coefficient
        return total

    def groups(self) -> frozenset[str]:
        """The ids this size depends on."""
        return frozenset(group_id for _, ids in self.terms for group_id in ids)


@dataclass(frozen=True, slots=True)
class Product:
    """`scale` · Π sizes: the elements of one tensor, or the MACs of one op.

    Attributes:
        layer: dotted path of the module it belongs to, "" for the model itself.
        scale: constant factor (batch, spatial positions, kernel, bytes per element).
        factors: the sizes that depend on the plan.
    """

    layer: str
    scale: int
    factors: tuple[Size, ...]

    def at(self, counts: Mapping[str, int]) -> int:
        """The value when group g keeps counts[g] channels."""
        return self.scale * prod(size.at(counts) for size in self.factors)

    def groups(self) -> frozenset[str]:
        """The ids this product depends on."""
        return frozenset[str]().union(*(size.groups() for size in self.factors))


def total(products: Iterable[Product], counts: Mapping[str, int]) -> int:
    """Sum of `products`; every distinct size is evaluated once."""
    known: dict[Size, int] = {}
    result = 0
    for product in products:
        value = product.scale
        for size in product.factors:
            length = known.get(size)
            if length is None:
                length = known[size] = size.at(counts)
            value *= length
        result += value
    return result
