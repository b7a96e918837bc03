"""A layer graph -> where to draw its boxes and arrows: layered, deterministic, folded into columns.

Rows follow the forward pass from top to bottom. An arrow that skips rows gets a narrow lane of its own in
each row it passes. A net much taller than wide is cut where few arrows cross and continues in a next column.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from slimgui.core.graph import LayerGraph
from slimgui.core.wire import BOX_HEIGHT, BOX_WIDTH

PITCH = BOX_HEIGHT + 28.0  # from row to row
GAP = 20.0  # between boxes of a row
LANE = 14.0  # room of an arrow that passes a row
GUTTER = 64.0  # between columns
ASPECT = 1.15  # width : height that folding aims at
MOST_COLUMNS = 40
UNFOLDED = 8  # rows that always stay one column
OWN_LIMIT = 300  # below this many boxes the own ordering is as fast, and steadier

Point = tuple[float, float]
Edge = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """`positions`: centre of every box. `routes`: per edge the points its arrow passes, ends included."""

    positions: tuple[Point, ...]
    routes: tuple[tuple[Point, ...], ...]


@dataclass(slots=True)
class _Layers:
    """Boxes 0..n-1 and lanes n.. in rows, left to right; `chains[edge]`: what it passes, ends included."""

    boxes: int
    rows: list[list[int]]
    chains: dict[Edge, list[int]]
    x: dict[int, float] = field(default_factory=dict)

    def links(self) -> Iterable[Edge]:
        """Pairs of neighbours in adjacent rows."""
        for chain in self.chains.values():
            yield from itertools.pairwise(chain)

    def width(self, node: int) -> float:
        """Room that `node` takes in its row, gap included."""
        return BOX_WIDTH + GAP if node < self.boxes else LANE


def layout(graph: LayerGraph) -> Layout:
    """Place the boxes and arrows of `graph`; an arrow from a box to itself gets no route."""
    count = len(graph.layers)
    edges = sorted({(min(edge), max(edge)) for edge in graph.edges if edge[0] != edge[1]})
    layers = _layered(count, edges)
    _place(layers)
    columns = _columns(layers)
    points, gutters = _points(layers, columns)
    positions = tuple(points[node] for node in range(count))
    routes = tuple(_route(edge, layers, points, gutters) for edge in graph.edges)
    return Layout(positions, routes)


def _layered(count: int, edges: Sequence[Edge]) -> _Layers:
    if count >= OWN_LIMIT and edges:
        try:
            return _ordered_by_library(count, edges)
        except Exception:  # noqa: BLE001, S110 - a layout is a comfort: whatever the library does, the own one serves
            pass
    return _ordered(count, edges)


def _ranks(count: int, edges: Sequence[Edge]) -> list[int]:
    """Row of each box: the longest way from a start; what nothing enters sits right above its first use."""
    ranks = [0] * count
    for source, target in sorted(edges, key=lambda edge: edge[1]):
        ranks[target] = max(ranks[target], ranks[source] + 1)
    entered = {target for _, target in edges}
    first_use: dict[int, int] = {}
    for source, target in edges:
        first_use[source] = min(first_use.get(source, ranks[target]), ranks[target])
    for box, row in first_use.items():
        if box not in entered:
            ranks[box] = max(0, row - 1)
    return ranks


def _ordered(count: int, edges: Sequence[Edge]) -> _Layers:
    """The own ordering: ranks, lanes, and sweeps that sort each row by the mean place of its neighbours."""
    ranks = _ranks(count, edges)
    rows: list[list[int]] = [[] for _ in range(max(ranks, default=0) + 1)]
    for box, rank in enumerate(ranks):
        rows[rank].append(box)
    chains, lane = {}, count
    for source, target in edges:
        between = range(ranks[source] + 1, ranks[target])
        chains[source, target] = [source, *range(lane, lane + len(between)), target]
        for node, rank in zip(chains[source, target][1:-1], between, strict=True):
            rows[rank].append(node)
        lane += len(between)
    layers = _Layers(count, [row for row in rows if row], chains)
    above, below = _neighbours(layers)
    for sweep in range(6):
        order, near = (layers.rows, above) if sweep % 2 == 0 else (layers.rows[::-1], below)
        place = {node: spot for row in layers.rows for spot, node in enumerate(row)}
        for row in order:
            row.sort(key=lambda node: _mean([place[other] for other in near[node]], place[node]))
            place.update({node: spot for spot, node in enumerate(row)})
    return layers


def _ordered_by_library(count: int, edges: Sequence[Edge]) -> _Layers:
    """Ranks, lanes and order by fast-sugiyama; boxes without an edge go into a first row of their own."""
    from fast_sugiyama import from_edges

    layers = _Layers(count, [], {})
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


def _neighbours(layers: _Layers) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    above: dict[int, list[int]] = {node: [] for row in layers.rows for node in row}
    below: dict[int, list[int]] = {node: [] for row in layers.rows for node in row}
    for upper, lower in layers.links():
        above[lower].append(upper)
        below[upper].append(lower)
    return above, below


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _place(layers: _Layers) -> None:
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


def _settle(layers: _Layers, row: Sequence[int], near: dict[int, list[int]]) -> None:
    """Least squares with minimum distances: pool adjacent violators (isotonic regression)."""
    offsets, pools = [], []
    total = 0.0
    for index, node in enumerate(row):
        if index:
            total += (layers.width(row[index - 1]) + layers.width(node)) / 2
        offsets.append(total)
        others = near[node]
        wanted = _mean([layers.x[other] for other in others], layers.x[node]) - total
        straight = len(others) == 1 and others[0] >= layers.boxes and node >= layers.boxes
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


def _columns(layers: _Layers) -> list[range]:
    """Rows of each column: of all foldings the one that is drawn largest in a frame of ASPECT."""
    if len(layers.rows) <= UNFOLDED:
        return [range(len(layers.rows))]
    crossing = _crossing(layers)
    tries = [_cut(crossing, count) for count in range(1, MOST_COLUMNS + 1)]
    return max(tries, key=lambda columns: _scale(layers, columns))


def _crossing(layers: _Layers) -> list[int]:
    """Arrows between each row and the next."""
    row_of = {node: index for index, row in enumerate(layers.rows) for node in row}
    crossing = [0] * len(layers.rows)
    for upper, _ in layers.links():
        crossing[row_of[upper]] += 1
    return crossing


def _cut(crossing: Sequence[int], count: int) -> list[range]:
    """About `count` columns of about the same height, cut where few arrows cross."""
    cuts, height = [0], len(crossing) / count
    slack = max(1, int(height / 4))
    for index in range(1, count):
        ideal = round(index * height)
        spots = range(max(cuts[-1] + 1, ideal - slack), min(len(crossing), ideal + slack + 1))
        if spots:
            cuts.append(min(spots, key=lambda row: (crossing[row - 1], abs(row - ideal))))
    return [range(start, end) for start, end in zip(cuts, [*cuts[1:], len(crossing)], strict=True)]


def _scale(layers: _Layers, columns: Sequence[range]) -> float:
    """How large the folded net is drawn in a frame of height 1 and width ASPECT."""
    width = sum(high - low + GUTTER for low, high in (_span(layers, column) for column in columns))
    return min(ASPECT / width, 1 / (PITCH * max(len(column) for column in columns)))


def _span(layers: _Layers, column: range) -> tuple[float, float]:
    """Left and right end of a column, before it is moved to its place."""
    nodes = [node for row in column for node in layers.rows[row]]
    low = min((layers.x[node] - layers.width(node) / 2 for node in nodes), default=0.0)
    high = max((layers.x[node] + layers.width(node) / 2 for node in nodes), default=0.0)
    return low, high


def _points(layers: _Layers, columns: Sequence[range]) -> tuple[dict[int, Point], dict[int, float]]:
    """Where every node lies, and the x of the gutter to the left of its column."""
    points: dict[int, Point] = {}
    gutters: dict[int, float] = {}
    left = 0.0
    for column in columns:
        low, high = _span(layers, column)
        for depth, row in enumerate(column):
            for node in layers.rows[row]:
                points[node] = (round(layers.x[node] - low + left, 1), round(depth * PITCH, 1))
                gutters[node] = left - GUTTER / 2
        left += high - low + GUTTER
    return points, gutters


def _route(
    edge: Edge, layers: _Layers, points: dict[int, Point], gutters: dict[int, float]
) -> tuple[Point, ...]:
    chain = layers.chains.get((min(edge), max(edge)))
    if chain is None:
        return ()
    half = BOX_HEIGHT / 2
    route = [(points[chain[0]][0], points[chain[0]][1] + half)]
    for upper, lower in itertools.pairwise(chain):
        (x0, y0), (x1, y1) = points[upper], points[lower]
        if y1 <= y0:  # the next row begins the next column: down, across the gutter, up and in
            lane = gutters[lower] + 8 * (chain[0] % 3 - 1)
            below, above = y0 + half + 13, y1 - half - 13
            route += [(x0, below), (lane, below), (lane, above), (x1, above)]
        route.append((x1, y1 - half))
        if lower >= layers.boxes:
            route.append((x1, y1 + half))
    return tuple(route if edge[0] < edge[1] else route[::-1])
