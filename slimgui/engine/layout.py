"""What is to be drawn in one frame -> where: layered, deterministic, folded into columns.

A net much taller than wide is cut where few arrows cross and continues in a next column.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from slimgui.core.view import BOX_HEIGHT, Point
from slimgui.engine.ordering import Edge, Item, Layers, layered

SPACE = 28.0  # between rows
PITCH = BOX_HEIGHT + SPACE  # from row to row of boxes
GUTTER = 64.0  # between columns
ASPECT = 1.15  # width : height that folding aims at
MOST_COLUMNS = 40
UNFOLDED = 8 * PITCH  # what is no taller always stays one column


@dataclass(frozen=True, slots=True)
class Layout:
    """`positions`: centre of every item. `routes`: per edge the points its arrow passes, ends included.

    All of it lies between 0 and `width`, 0 and `height`.
    """

    positions: tuple[Point, ...]
    routes: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def layout(
    items: Sequence[Item],
    edges: Sequence[Edge],
    *,
    first: bool = False,
    last: bool = False,
    unfolded: float = UNFOLDED,
) -> Layout:
    """Place items and arrows; an arrow from an item to itself gets no route.

    Args:
        items: in order of the forward pass.
        edges: pairs of indices of items; an arrow backwards takes the way of one forwards.
        first: whether item 0 has to stand above all others.
        last: whether the last one has to stand below.
        unfolded: what is no taller stays one column.
    """
    if not items:
        return Layout((), (), 0.0, 0.0)
    forward = sorted({(min(edge), max(edge)) for edge in edges if edge[0] != edge[1]})
    layers = layered(items, forward, first, last)
    placed = _Placed(layers, _columns(layers, unfolded))
    positions = tuple(placed.points[node] for node in range(len(items)))
    return Layout(positions, tuple(placed.route(edge) for edge in edges), placed.width, placed.height)


def _columns(layers: Layers, unfolded: float) -> list[range]:
    """Rows of each column: of all foldings the one that is drawn largest in a frame of ASPECT."""
    if _height(layers, range(len(layers.rows))) <= unfolded:
        return [range(len(layers.rows))]
    crossing = _crossing(layers)
    tries = [_cut(layers, crossing, count) for count in range(1, MOST_COLUMNS + 1)]
    return max(tries, key=lambda columns: _scale(layers, columns))


def _crossing(layers: Layers) -> list[int]:
    """Arrows between each row and the next."""
    row_of = {node: index for index, row in enumerate(layers.rows) for node in row}
    crossing = [0] * len(layers.rows)
    for upper, _ in layers.links():
        crossing[row_of[upper]] += 1
    return crossing


def _cut(layers: Layers, crossing: Sequence[int], count: int) -> list[range]:
    """About `count` columns of about the same height, cut where few arrows cross."""
    ends = list(itertools.accumulate(_step(layers, row) for row in range(len(crossing))))
    cuts, slack = [0], max(1, len(crossing) // (4 * count))
    for index in range(1, count):
        ideal = 1 + next(row for row, end in enumerate(ends) if end >= index * ends[-1] / count)
        spots = range(max(cuts[-1] + 1, ideal - slack), min(len(crossing), ideal + slack + 1))
        if spots:
            cuts.append(min(spots, key=lambda row: (crossing[row - 1], abs(row - ideal))))
    return [range(start, end) for start, end in zip(cuts, [*cuts[1:], len(crossing)], strict=True)]


def _step(layers: Layers, row: int) -> float:
    """From the top of a row to the top of the next; a row of ports alone takes little."""
    height = layers.height(row)
    return height + (SPACE if height else SPACE / 2)


def _height(layers: Layers, column: range) -> float:
    return sum(_step(layers, row) for row in column)


def _scale(layers: Layers, columns: Sequence[range]) -> float:
    """How large the folded net is drawn in a frame of height 1 and width ASPECT."""
    width = sum(high - low + GUTTER for low, high in (_span(layers, column) for column in columns))
    return min(ASPECT / width, 1 / max(_height(layers, column) for column in columns))


def _span(layers: Layers, column: range) -> tuple[float, float]:
    """Left and right end of a column, before it is moved to its place."""
    nodes = [node for row in column for node in layers.rows[row]]
    low = min((layers.x[node] - layers.width(node) / 2 for node in nodes), default=0.0)
    high = max((layers.x[node] + layers.width(node) / 2 for node in nodes), default=0.0)
    return low, high


class _Placed:
    """Where every node lies: its centre, top and bottom of its row, the gutter to the left of its column."""

    def __init__(self, layers: Layers, columns: Sequence[range]) -> None:
        self._layers = layers
        self.points: dict[int, Point] = {}
        self._rows: dict[int, tuple[float, float]] = {}
        self._gutters: dict[int, float] = {}
        self.width = self.height = 0.0
        for column in columns:
            self._add(column, self.width + (GUTTER if column.start else 0.0))

    def _add(self, column: range, left: float) -> None:
        low, high = _span(self._layers, column)
        top = bottom = 0.0
        for row in column:
            bottom = top + self._layers.height(row)
            for node in self._layers.rows[row]:
                x = self._layers.x[node] - low + left
                self.points[node] = (round(x, 1), round((top + bottom) / 2, 1))
                self._rows[node] = (round(top, 1), round(bottom, 1))
                self._gutters[node] = round(left - GUTTER / 2, 1)
            top += _step(self._layers, row)
        self.width = left + high - low
        self.height = max(self.height, bottom)

    def route(self, edge: Edge) -> tuple[Point, ...]:
        """Out of one item, between the rows, along the lanes, into the other."""
        chain = self._layers.chains.get((min(edge), max(edge)))
        if chain is None:
            return ()
        points = [self._leave(chain[0]), self._below(chain[0])]
        for upper, lower in itertools.pairwise(chain):
            if self._rows[lower][0] < self._rows[upper][1] or self._gutters[lower] != self._gutters[upper]:
                points += self._round(upper, lower, 8.0 * (chain[0] % 3 - 1))
            points.append(self._above(lower))
            points.append(self._below(lower) if self._layers.is_lane(lower) else self._arrive(lower))
        route = [point for point, _ in itertools.groupby(points)]
        return tuple(route if edge[0] < edge[1] else route[::-1])

    def _round(self, upper: int, lower: int, shift: float) -> list[Point]:
        """The next row begins the next column: down, across the gutter, up and in."""
        lane = self._gutters[lower] + shift
        below, above = self._below(upper), self._above(lower)
        low, high = below[1] + 13, above[1] - 13
        return [(below[0], low), (lane, low), (lane, high), (above[0], high)]

    def _leave(self, node: int) -> Point:
        x, y = self.points[node]
        return x + self._layers.outlet(node), y + self._layers.items[node].height / 2

    def _arrive(self, node: int) -> Point:
        x, y = self.points[node]
        return x + self._layers.inlet(node), y - self._layers.items[node].height / 2

    def _below(self, node: int) -> Point:
        return self.points[node][0] + self._layers.outlet(node), self._rows[node][1]

    def _above(self, node: int) -> Point:
        return self.points[node][0] + self._layers.inlet(node), self._rows[node][0]
