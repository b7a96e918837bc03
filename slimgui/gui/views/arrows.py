"""Routes of arrows -> painter paths: smooth from near, straight lines from far away."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainterPath, QPolygonF

Point = tuple[float, float]
Route = Sequence[Point]
_BEND = 8.0
_ARROW = 5.0


def smooth(routes: Iterable[Route]) -> QPainterPath:
    """One path of all `routes`, with round bends: the painter draws one path faster than its parts."""
    path = QPainterPath()
    for route in routes:
        path.moveTo(*route[0])
        for number in range(1, len(route)):
            after = route[number + 1] if number + 1 < len(route) else None
            _add(path, route[number - 1], route[number], after)
    return path


def straight(routes: Iterable[Route]) -> QPainterPath:
    """One path of all `routes`, in straight lines."""
    path = QPainterPath()
    for route in routes:
        path.moveTo(*route[0])
        for x, y in route[1:]:
            path.lineTo(x, y)
    return path


def heads(routes: Iterable[Route]) -> QPainterPath:
    """One path of the heads of all `routes`, to be filled."""
    path = QPainterPath()
    for route in routes:
        (x, y), (_, before) = route[-1], route[-2]
        up = -1.6 * _ARROW if before <= y else 1.6 * _ARROW
        path.addPolygon(QPolygonF([QPointF(x, y), QPointF(x - 4, y + up), QPointF(x + 4, y + up)]))
        path.closeSubpath()
    return path


def _add(path: QPainterPath, before: Point, here: Point, after: Point | None) -> None:
    """A line to `here`: straight, with a round bend when the next one leaves at a right angle, or curved."""
    if not _is_straight(before, here):  # leave and arrive vertically
        middle = (before[1] + here[1]) / 2
        path.cubicTo(before[0], middle, here[0], middle, *here)
    elif after is not None and _turns(before, here, after):
        path.lineTo(*_towards(here, before))
        path.quadTo(*here, *_towards(here, after))
    else:
        path.lineTo(*here)


def _is_straight(one: Point, other: Point) -> bool:
    return abs(one[0] - other[0]) < 0.5 or abs(one[1] - other[1]) < 0.5


def _turns(before: Point, here: Point, after: Point) -> bool:
    """Whether both lines are straight and long enough for a bend."""
    long = min(math.dist(before, here), math.dist(here, after)) >= 2 * _BEND
    return long and _is_straight(here, after)


def _towards(here: Point, other: Point) -> Point:
    share = _BEND / math.dist(here, other)
    return here[0] + share * (other[0] - here[0]), here[1] + share * (other[1] - here[1])
