"""What the graph view draws, worked out once per document: boxes, colours, arrows. No widgets."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QColor, QPainterPath, QPolygonF

from slimgui.core.graph import Layer
from slimgui.core.wire import BOX_HEIGHT, BOX_WIDTH, Document
from slimgui.gui.theme import LOCKED_COLOUR, group_colour

MARGIN = 24.0
_BEND = 8.0
_ARROW = 5.0


@dataclass(frozen=True, slots=True)
class Box:
    """One layer as drawn. `group` holds its output; `locked` is the reason when that must stay whole."""

    layer: Layer
    group: str
    rect: QRectF
    colour: QColor
    locked: str
    before: int


@dataclass(frozen=True, slots=True)
class Arrow:
    """One edge as drawn: smooth from near, straight lines from far away."""

    source: int
    target: int
    path: QPainterPath
    bounds: QRectF
    lines: tuple[QLineF, ...]
    head: QPolygonF


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole document as drawn."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    bounds: QRectF
    members: dict[str, frozenset[int]]  # group id -> boxes that it touches

    def box_at(self, point: QPointF) -> int | None:
        """The number of the box under `point`."""
        return next((number for number, box in enumerate(self.boxes) if box.rect.contains(point)), None)


def picture(document: Document) -> Picture:
    """Work out everything that does not depend on the plan."""
    graph = document.graph
    number_of = {row.id: number for number, row in enumerate(document.groups)}
    locked = {row.id: str(row.locked) for row in document.groups if row.locked}
    sizes = {row.id: row.size for row in document.groups}
    writes = {member.layer: row.id for row in document.groups for member in row.members if member.dim == 0}
    boxes = []
    for layer, (x, y) in zip(graph.layers, graph.positions, strict=True):
        group = layer.group or writes.get(layer.name, "")
        reason = layer.locked or locked.get(group, "")
        free = group in number_of and not reason
        colour = group_colour(number_of[group]) if free else QColor(LOCKED_COLOUR)
        rect = QRectF(x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2, BOX_WIDTH, BOX_HEIGHT)
        boxes.append(Box(layer, group, rect, colour, reason, layer.channels.at(sizes)))
    arrows = tuple(
        _arrow(edge, [QPointF(x, y) for x, y in route])
        for edge, route in zip(graph.edges, document.routes, strict=True)
        if len(route) > 1
    )
    bounds = QRectF()
    for area in [box.rect for box in boxes] + [arrow.bounds for arrow in arrows]:
        bounds = bounds.united(area)
    return Picture(
        tuple(boxes), arrows, bounds.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN), _members(document)
    )


def _members(document: Document) -> dict[str, frozenset[int]]:
    number_of = {layer.name: number for number, layer in enumerate(document.graph.layers)}
    members = {
        row.id: {number_of[name] for name in row.layers if name in number_of} for row in document.groups
    }
    for number, layer in enumerate(document.graph.layers):
        if layer.group in members:
            members[layer.group].add(number)
    return {group: frozenset(numbers) for group, numbers in members.items()}


def _arrow(edge: tuple[int, int], points: list[QPointF]) -> Arrow:
    path = QPainterPath(points[0])
    for number in range(1, len(points)):
        before, here = points[number - 1], points[number]
        after = points[number + 1] if number + 1 < len(points) else None
        if _straight(before, here):
            _line(path, before, here, after)
        else:  # leave and arrive vertically
            middle = (before.y() + here.y()) / 2
            path.cubicTo(QPointF(before.x(), middle), QPointF(here.x(), middle), here)
    lines = tuple(QLineF(a, b) for a, b in itertools.pairwise(points))
    tip = points[-1]
    up = -_ARROW if points[-2].y() <= tip.y() else _ARROW
    head = QPolygonF(
        [tip, QPointF(tip.x() - 4, tip.y() + 1.6 * up), QPointF(tip.x() + 4, tip.y() + 1.6 * up)]
    )
    return Arrow(edge[0], edge[1], path, path.boundingRect().adjusted(-3, -3, 3, 3), lines, head)


def _straight(one: QPointF, other: QPointF) -> bool:
    return abs(one.x() - other.x()) < 0.5 or abs(one.y() - other.y()) < 0.5


def _line(path: QPainterPath, before: QPointF, here: QPointF, after: QPointF | None) -> None:
    """A straight line to `here`, with a round bend when the next one leaves at a right angle."""
    turns = after is not None and _straight(here, after)
    length, onward = QLineF(before, here), QLineF(here, after or here)
    if not turns or length.length() < 2 * _BEND or onward.length() < 2 * _BEND:
        path.lineTo(here)
        return
    path.lineTo(length.pointAt(1 - _BEND / length.length()))
    path.quadTo(here, onward.pointAt(_BEND / onward.length()))
