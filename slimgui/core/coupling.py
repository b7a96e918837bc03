"""Why the members of a group move together: the way their channels take through the graph."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

Edge = tuple[int, int]
FAR = 12  # members that are further apart than this are not joined by a way that anybody could follow


@dataclass(frozen=True, slots=True)
class Coupling:
    """What is lit when a group is selected.

    Attributes:
        members: layers that the group touches.
        between: layers that lie on the way from some to others.
        edges: the way: edges of the graph.
    """

    members: frozenset[int] = frozenset()
    between: frozenset[int] = frozenset()
    edges: frozenset[Edge] = frozenset()


def coupling(edges: Sequence[Edge], members: Collection[int], carriers: Collection[int]) -> Coupling:
    """Follow the channels of a group.

    An edge carries them when they leave its source and its target works on them. Where they are hidden from
    the graph for a while (heads that are folded away, a product), the shortest way joins what they left with
    what they reach again.

    Args:
        edges: of the graph, pairs of layers.
        members: layers that the group touches.
        carriers: those of them whose output consists of its channels.
    """
    carried = {(source, target) for source, target in edges if source in carriers and target in members}
    parts = _parts(members, carried)
    ways = _joined(parts, _around(edges)) if len(parts) > 1 else []
    steps = {step for way in ways for step in itertools.pairwise(way)}
    found = carried | {edge for edge in edges if edge in steps or edge[::-1] in steps}
    on_the_way = {layer for way in ways for layer in way}
    return Coupling(frozenset(members), frozenset(on_the_way) - frozenset(members), frozenset(found))


def _parts(members: Iterable[int], carried: Iterable[Edge]) -> list[set[int]]:
    """Members that are joined already."""
    around, parts, seen = _around(carried), list[set[int]](), set[int]()
    for member in sorted(members):
        if member in seen:
            continue
        part, waiting = {member}, [member]
        while waiting:
            fresh = [layer for layer in around.get(waiting.pop(), ()) if layer not in part]
            part.update(fresh)
            waiting += fresh
        seen |= part
        parts.append(part)
    return parts


def _around(edges: Iterable[Edge]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for source, target in edges:
        found.setdefault(source, []).append(target)
        found.setdefault(target, []).append(source)
    return found


def _joined(parts: Sequence[set[int]], around: Mapping[int, Sequence[int]]) -> list[list[int]]:
    """Shortest ways, each from the parts before to the next one that is in reach."""
    ways, reached, left = [], set(parts[0]), list(parts[1:])
    while left:
        way = _way(reached, set[int]().union(*left), around)
        part = next((part for part in left if way and way[-1] in part), left[0])
        ways += [way] if way else []
        reached |= part | set(way)
        left.remove(part)
    return ways


def _way(start: set[int], goal: set[int], around: Mapping[int, Sequence[int]]) -> list[int]:
    """The shortest way, ends included; empty when it is too far."""
    before: dict[int, int | None] = dict.fromkeys(sorted(start))
    waiting = deque((layer, 0) for layer in sorted(start))
    while waiting:
        layer, steps = waiting.popleft()
        if layer in goal:
            way = [layer]
            while (previous := before[way[-1]]) is not None:
                way.append(previous)
            return way[::-1]
        for other in around.get(layer, ()) if steps < FAR else ():
            if other not in before:
                before[other] = layer
                waiting.append((other, steps + 1))
    return []
