"""The closed forms of a cost as arrays: one evaluation and one gradient in tens of microseconds.

A search asks thousands of times what a few counts cost. Numbers are float64, exact up to 2**53.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from slimgui.core.cost import CostModel
from slimgui.core.sizes import Product, Size

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class CostArrays:
    """Some resources of a cost model as functions of a vector of counts.

    Args:
        cost: the closed forms.
        resources: names of its fields, in the order of the results.
        groups: ids, in the order of the counts.
    """

    def __init__(self, cost: CostModel, resources: Sequence[str], groups: Sequence[str]) -> None:
        place = {name: number for number, name in enumerate(groups)}
        products = [getattr(cost, name) for name in resources]
        sizes: dict[Size, int] = {}
        for size in (size for each in products for product in each for size in product.factors):
            sizes.setdefault(size, len(sizes))
        self._one = len(groups)  # a count that is always 1 fills terms and products up
        self._number = len(sizes)
        self._fixed = np.array([*(size.fixed for size in sizes), 1.0])
        terms = [(number, c, ids) for size, number in sizes.items() for c, ids in size.terms]
        self._owner = np.array([number for number, _, _ in terms], np.int64)
        self._coefficient = np.array([coefficient for _, coefficient, _ in terms], np.float64)
        self._ids = _padded([[place[name] for name in ids] for _, _, ids in terms], self._one)
        self._tables = [self._table(each, sizes) for each in products]

    def _table(self, products: Sequence[Product], sizes: dict[Size, int]) -> tuple[Floats, Ints]:
        scales = np.array([product.scale for product in products], np.float64)
        factors = [[sizes[size] for size in product.factors] for product in products]
        return scales, _padded(factors, self._number)

    def _sizes(self, counts: Ints) -> tuple[Floats, Floats]:
        """Every distinct size, and the counts that each term multiplies, [factors, terms]."""
        factors = np.append(counts, 1).astype(np.float64)[self._ids]
        terms = self._coefficient * factors.prod(axis=0)
        return self._fixed + np.bincount(self._owner, terms, self._number + 1), factors

    def at(self, counts: Ints) -> Floats:
        """What `counts` [groups] cost: [resources]."""
        sizes, _ = self._sizes(counts)
        return np.array([scales @ sizes[factors].prod(axis=0) for scales, factors in self._tables])

    def gradient(self, counts: Ints) -> Floats:
        """What one more channel of each group costs: [resources, groups].

        To first order: exact for groups that no product holds twice.
        """
        sizes, factors = self._sizes(counts)
        result = np.zeros((len(self._tables), len(counts)))
        for number, (scales, places) in enumerate(self._tables):
            by_size = _partials(scales, sizes[places], places, self._number + 1)
            along = by_size[self._owner] * self._coefficient
            result[number] = _partials(along, factors, self._ids, self._one + 1)[:-1]
        return result


def _padded(rows: Sequence[Sequence[int]], filler: int) -> Ints:
    """Rows of different lengths as the columns of one int array: long and few, so that products are fast."""
    width = max((len(row) for row in rows), default=1) or 1
    table = np.full((width, len(rows)), filler, np.int64)
    for number, row in enumerate(rows):
        table[: len(row), number] = row
    return table


def _partials(scales: Floats, factors: Floats, places: Ints, length: int) -> Floats:
    """Σ scale · Π of all other factors, per place: the derivative of Σ scale · Π factors."""
    result = np.zeros(length)
    for row in range(len(factors)):
        others = np.delete(factors, row, axis=0).prod(axis=0)
        result += np.bincount(places[row], scales * others, length)
    return result
