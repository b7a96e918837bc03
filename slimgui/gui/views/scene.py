"""What the graph view draws, worked out once per document: boxes, colours, arrows. No widgets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor

from slimgui.core.graph import Layer
from slimgui.core.wire import BOX_HEIGHT, BOX_WIDTH, Document
from slimgui.gui.theme import LOCKED_COLOUR, group_colour

MARGIN = 24.0


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
    """One edge as drawn: the points it passes, ends included, and the room that takes."""

    source: int
    target: int
    points: tuple[tuple[float, float], ...]
    bounds: QRectF


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

    def between(self, boxes: frozenset[int]) -> list[Arrow]:
        """The arrows from one of `boxes` to another."""
        return [arrow for arrow in self.arrows if arrow.source in boxes and arrow.target in boxes]


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
        Arrow(*edge, route, _around(route))
        for edge, route in zip(graph.edges, document.routes, strict=True)
        if len(route) > 1
    )
    bounds = united([box.rect for box in boxes] + [arrow.bounds for arrow in arrows])
    bounds.adjust(-MARGIN, -MARGIN, MARGIN, MARGIN)
    return Picture(tuple(boxes), arrows, bounds, _members(document))


def united(areas: Iterable[QRectF]) -> QRectF:
    """The smallest rectangle around all `areas`."""
    ends = [(area.left(), area.top(), area.right(), area.bottom()) for area in areas]
    return _between(ends) if ends else QRectF()


def _around(route: Sequence[tuple[float, float]]) -> QRectF:
    return _between([(x, y, x, y) for x, y in route]).adjusted(-6, -6, 6, 6)  # the head sticks out


def _between(ends: Sequence[tuple[float, float, float, float]]) -> QRectF:
    left, top, right, bottom = zip(*ends, strict=True)
    return QRectF(QPointF(min(left), min(top)), QPointF(max(right), max(bottom)))


def _members(document: Document) -> dict[str, frozenset[int]]:
    number_of = {layer.name: number for number, layer in enumerate(document.graph.layers)}
    members = {
        row.id: {number_of[name] for name in row.layers if name in number_of} for row in document.groups
    }
    for number, layer in enumerate(document.graph.layers):
        if layer.group in members:
            members[layer.group].add(number)
    return {group: frozenset(numbers) for group, numbers in members.items()}
