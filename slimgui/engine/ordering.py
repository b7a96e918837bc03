"""Boxes and arrows -> rows from top to bottom, the order within each row, and an x for everything.

Rows follow the forward pass. An arrow that skips rows gets a narrow lane of its own in each row it passes.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from slimgui.core.view import BOX_HEIGHT, BOX_WIDTH

GAP = 20.0  # between boxes of a row
LANE = 14.0  # room of an arrow that passes a row
OWN_LIMIT = 300  # below this many boxes the own ordering is as fast, and steadier

Edge = tuple[int, int]
Near = dict[
    int, list[tuple[int, float]]
]  # per node its neighbours in the next row, and how far right of them


@dataclass(frozen=True, slots=True)
class Item:
    """Something to place: its size, and how far right of its centre arrows arrive and leave."""

    width: float = BOX_WIDTH
    height: float = BOX_HEIGHT
    inlet: float = 0.0
    outlet: float = 0.0


@dataclass(slots=True)
class Layers:
    """Items 0..n-1 and lanes n.. in rows, left to right; `chains[edge]`: what it passes, ends included."""

    items: Sequence[Item]
    rows: list[list[int]]
    chains: dict[Edge, list[int]]
    x: dict[int, float] = field(default_factory=dict)

    def links(self) -> Iterable[Edge]:
        """Pairs of neighbours in adjacent rows."""
        for chain in self.chains.values():
            yield from itertools.pairwise(chain)

    def is_lane(self, node: int) -> bool:
        """Whether `node` is where an arrow passes a row."""
        return node >= len(self.items)

    def width(self, node: int) -> float:
        """Room that `node` takes in its row, gap included."""
        return LANE if self.is_lane(node) else self.items[node].width + GAP

    def height(self, row: int) -> float:
        """Height of the tallest item of a row."""
        return max(
            (self.items[node].height for node in self.rows[row] if not self.is_lane(node)), default=0.0
        )

    def inlet(self, node: int) -> float:
        """How far right of its centre arrows arrive."""
        return 0.0 if self.is_lane(node) else self.items[node].inlet

    def outlet(self, node: int) -> float:
        """How far right of its centre arrows leave."""
        return 0.0 if self.is_lane(node) else self.items[node].outlet


def layered(items: Sequence[Item], edges: Sequence[Edge], first: bool, last: bool) -> Layers:
    """Rows and x of `items`.

    Args:
        items: what is to be placed.
        edges: pairs of indices, the smaller one first.
        first: whether item 0 has to stand above all others.
        last: whether the last one has to stand below.
    """
    layers = None
    if len(items) >= OWN_LIMIT and edges and not (first or last):
        try:
            layers = _ordered_by_library(items, edges)
        except Exception as error:  # noqa: BLE001 - whatever the library does, the own layout serves
            warnings.warn(f"fast-sugiyama did not order {len(items)} boxes: {error!r}", stacklevel=2)
    layers = layers or _ordered(items, edges, _ranks(len(items), edges, first, last))
    _place(layers)
    return layers


def _ranks(count: int, edges: Sequence[Edge], first: bool, last: bool) -> list[int]:
    """Row of each item: the longest way from a start; what nothing enters sits right above its first use."""
    ranks = [0] * count
    for source, target in sorted(edges, key=lambda edge: edge[1]):
        ranks[target] = max(ranks[target], ranks[source] + 1)
    entered = {target for _, target in edges}
    first_use: dict[int, int] = {}
    for source, target in edges:
        first_use[source] = min(first_use.get(source, ranks[target]), ranks[target])
    for item, row in first_use.items():
        if item not in entered:
            ranks[item] = max(0, row - 1)
    if first and 0 in ranks[1:]:
        ranks = [0, *(rank + 1 for rank in ranks[1:])]
    if last:
        ranks[-1] = max(ranks[:-1], default=0) + 1
    return ranks


def _ordered(items: Sequence[Item], edges: Sequence[Edge], ranks: Sequence[int]) -> Layers:
    """The own ordering: lanes, and sweeps that sort each row by the mean place of its neighbours."""
    rows: list[list[int]] = [[] for _ in range(max(ranks, default=0) + 1)]
    for item, rank in enumerate(ranks):
        rows[rank].append(item)
    chains, lane = {}, len(items)
    for source, target in edges:
        between = range(ranks[source] + 1, ranks[target])
        chains[source, target] = [source, *range(lane, lane + len(between)), target]
        for node, rank in zip(chains[source, target][1:-1], between, strict=True):
            rows[rank].append(node)
        lane += len(between)
    layers = Layers(items, [row for row in rows if row], chains)
    above, below = _neighbours(layers)
    for sweep in range(6):
        order, near = (layers.rows, above) if sweep % 2 == 0 else (layers.rows[::-1], below)
        place = {node: spot for row in layers.rows for spot, node in enumerate(row)}
        for row in order:
            row.sort(key=lambda node: _mean([place[other] for other, _ in near[node]], place[node]))
            place.update({node: spot for spot, node in enumerate(row)})
    return layers


def _ordered_by_library(items: Sequence[Item], edges: Sequence[Edge]) -> Layers:
    """Ranks, lanes and order by fast-sugiyama; boxes without an edge go into a first row of their own."""
    from fast_sugiyama import from_edges

    count = len(items)
    layers = Layers(items, [], {})
    linked, lane = set(), count
    for placed, _width, _height, links in from_edges(list(edges), vertex_spacing=10):
        names: dict[int, int] = {}
        for node, _ in placed:
            names[int(node)] = int(node) if int(node) < count else lane + len(names)
        lane += 2 * len(names)
        linked |= {node for node in names.values() if node < count}
        bottom_up = sorted({float(spot[1]) for _, spot in placed}, reverse=True)
        row_of = {y: row for row, y in enumerate(bottom_up)}
        layers.rows += [[] for _ in range(len(bottom_up) - len(layers.rows))]
        for node, spot in sorted(placed, key=lambda item: float(item[1][0])):
            layers.rows[row_of[float(spot[1])]].append(names[int(node)])
        follow: dict[int, list[int]] = {}
        for source, target in links or ():
            follow.setdefault(names[int(source)], []).append(names[int(target)])
        layers.chains.update(_chains(follow, count))
    if set(layers.chains) != set(edges):
        raise ValueError("the library returned other edges than it was given")
    alone = [node for node in range(count) if node not in linked]
    layers.rows[:0] = [alone] if alone else []
    return layers


def _chains(follow: dict[int, list[int]], count: int) -> dict[Edge, list[int]]:
    """From each box along its lanes to the next box."""
    result = {}
    for source in [node for node in follow if node < count]:
        for step in follow[source]:
            chain = [source, step]
            while chain[-1] >= count:
                chain.append(follow[chain[-1]][0])
            result[source, chain[-1]] = chain
    return result


def _neighbours(layers: Layers) -> tuple[Near, Near]:
    above: Near = {node: [] for row in layers.rows for node in row}
    below: Near = {node: [] for row in layers.rows for node in row}
    for upper, lower in layers.links():
        shift = layers.outlet(upper) - layers.inlet(lower)  # a straight arrow is vertical
        above[lower].append((upper, shift))
        below[upper].append((lower, -shift))
    return above, below


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _place(layers: Layers) -> None:
    """Give every node an x near its neighbours', in the order of its row and without overlap."""
    above, below = _neighbours(layers)
    for row in layers.rows:
        edge = 0.0
        for node in row:
            layers.x[node] = edge + layers.width(node) / 2
            edge += layers.width(node)
    for sweep in range(10):
        rows = layers.rows if sweep % 2 == 0 else layers.rows[::-1]
        near = above if sweep % 2 == 0 else below
        for row in rows:
            _settle(layers, row, near)


def _settle(layers: Layers, row: Sequence[int], near: Near) -> None:
    """Least squares with minimum distances: pool adjacent violators (isotonic regression)."""
    offsets, pools = [], []
    total = 0.0
    for index, node in enumerate(row):
        if index:
            total += (layers.width(row[index - 1]) + layers.width(node)) / 2
        offsets.append(total)
        others = near[node]
        wanted = _mean([layers.x[other] + shift for other, shift in others], layers.x[node]) - total
        straight = len(others) == 1 and layers.is_lane(others[0][0]) and layers.is_lane(node)
        pools.append([wanted, 8.0 if straight else 2.0 if others else 0.1, 1.0])
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            value, weight, size = pools.pop()
            last = pools[-1]
            last[0] = (last[0] * last[1] + value * weight) / (last[1] + weight)
            last[1] += weight
            last[2] += size
    values = [value for value, _, size in pools for _ in range(int(size))]
    for node, value, offset in zip(row, values, offsets, strict=True):
        layers.x[node] = value + offset
