"""What the graph view draws of a document and a view of it: boxes, frames, colours, arrows. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor

from slimgui.core.view import BOX_HEIGHT, BOX_WIDTH, Frame, Point, View
from slimgui.core.wire import Document
from slimgui.gui.facts import text
from slimgui.gui.theme import LOCKED_COLOUR, group_colour

MARGIN = 24.0
_AT_ONCE = 600  # boxes that are worked out in 10 ms
_HEAD = 6.0  # half the width of an arrow's head


@dataclass(frozen=True, slots=True)
class Box:
    """One box as drawn: a layer, or a closed module.

    Attributes:
        name: dotted path.
        title: the part of it that is not in the title of a frame around.
        kind: class or function name, of a module also how much is in it.
        layers: what it stands for.
        output: the one of them whose channels it puts out.
        group: that holds its output.
        locked: the reason when that must stay whole.
        before: channels that it puts out, uncut.
        inside: channels that all of its layers put out, uncut.
        module: path of the closed module, "" for a layer.
    """

    name: str
    title: str
    kind: str
    layers: tuple[int, ...]
    output: int
    group: str
    rect: QRectF
    colour: QColor
    locked: str
    before: int
    inside: int
    module: str

    def now(self, channels: Sequence[int]) -> int:
        """Channels that it puts out; `channels`: of every layer."""
        return channels[self.output]

    def share(self, channels: Sequence[int]) -> float:
        """The part of the channels in it that stays."""
        if not self.inside:
            return 1.0
        return sum(channels[layer] for layer in self.layers) / self.inside


@dataclass(frozen=True, slots=True)
class Border:
    """An open module as drawn; `title` as of a box."""

    path: str
    title: str
    kind: str
    rect: QRectF
    depth: int


@dataclass(frozen=True, slots=True)
class Arrow:
    """One edge: the boxes it joins, and the pieces it is drawn with."""

    source: int
    target: int
    pieces: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole document as drawn.

    Attributes:
        boxes: in order of the forward pass.
        box_of: per layer the box that stands for it.
        borders: outer ones before inner ones.
        arrows: from box to box.
        pieces: lines of the arrows; those that pass a border at the same place share some.
        areas: the room that each of them takes.
        tips: numbers of the pieces that end with a head.
        bounds: around all of it.
    """

    boxes: tuple[Box, ...]
    box_of: tuple[int, ...]
    borders: tuple[Border, ...]
    arrows: tuple[Arrow, ...]
    pieces: tuple[tuple[Point, ...], ...]
    areas: tuple[QRectF, ...]
    tips: frozenset[int]
    bounds: QRectF

    def box_at(self, point: QPointF) -> int | None:
        """The number of the box under `point`."""
        return next((number for number, box in enumerate(self.boxes) if box.rect.contains(point)), None)

    def border_at(self, point: QPointF) -> Border | None:
        """The innermost open module around `point`."""
        return next((border for border in reversed(self.borders) if border.rect.contains(point)), None)


class Making:
    """Works out everything that does not depend on the plan, part by part: thousands of boxes take a while.

    Args:
        document: whose graph is shown.
        view: which modules are open, and where all lies.
    """

    def __init__(self, document: Document, view: View) -> None:
        self._document, self.view = document, view
        self._boxes: list[Box] = []
        self._borders: tuple[Border, ...] = ()
        self._arrows: tuple[Arrow, ...] = ()
        self._areas: list[QRectF] = []
        self._made: Picture | None = None

    def parts(self) -> list[Callable[[], None]]:
        """What is to be done, in this order, before there is a picture."""
        boxes = range(0, len(self.view.boxes), _AT_ONCE)
        areas = range(0, len(self.view.pieces), 4 * _AT_ONCE)
        return [
            self._describe,
            *(partial(self._add_boxes, first) for first in boxes),
            self._add_borders,
            *(partial(self._add_areas, first) for first in areas),
            self._finish,
        ]

    @property
    def picture(self) -> Picture:
        """All of it, once the parts are done."""
        assert self._made, "the last part makes it"
        return self._made

    def _finish(self) -> None:
        rects = [*(box.rect for box in self._boxes), *(border.rect for border in self._borders)]
        bounds = united([*rects, *self._areas]).adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)
        tips = frozenset(arrow.pieces[-1] for arrow in self._arrows)
        boxes, areas, view = tuple(self._boxes), tuple(self._areas), self.view
        self._made = Picture(
            boxes, view.box_of, self._borders, self._arrows, view.pieces, areas, tips, bounds
        )

    def _describe(self) -> None:
        self._words = _Describe(self._document, self.view)

    def _add_boxes(self, first: int) -> None:
        some = range(first, min(first + _AT_ONCE, len(self.view.boxes)))
        self._boxes += [self._words.box(number) for number in some]

    def _add_borders(self) -> None:
        edges = zip(self.view.edges, self.view.passes, strict=True)
        self._borders = tuple(self._words.border(frame) for frame in self.view.frames)
        self._arrows = tuple(Arrow(*edge, way) for edge, way in edges if way)

    def _add_areas(self, first: int) -> None:
        self._areas += [_around(piece) for piece in self.view.pieces[first : first + 4 * _AT_ONCE]]


def picture(document: Document, view: View) -> Picture:
    """All of a picture at once."""
    making = Making(document, view)
    for part in making.parts():
        part()
    return making.picture


class _Describe:
    """Boxes of a view as drawn."""

    def __init__(self, document: Document, view: View) -> None:
        self._layers, self._view = document.graph.layers, view
        self._kinds = dict(document.graph.modules)
        self._number_of = {row.id: number for number, row in enumerate(document.groups)}
        self._locked = {row.id: str(row.locked) for row in document.groups if row.locked}
        sizes = {row.id: row.size for row in document.groups}
        self._before = [layer.channels.at(sizes) for layer in self._layers]
        self._writes = {
            member.layer: row.id for row in document.groups for member in row.members if member.dim == 0
        }
        self._inside: list[list[int]] = [[] for _ in view.boxes]
        for layer, box in enumerate(view.box_of):
            self._inside[box].append(layer)
        self._outputs = _outputs(document, view)
        self._frames = {frame.path for frame in view.frames}

    def box(self, number: int) -> Box:
        """One box."""
        spot, inside = self._view.boxes[number], tuple(self._inside[number])
        output = self._outputs.get(number, inside[-1])
        layer = self._layers[output]
        group = layer.group or self._writes.get(layer.name, "")
        reason = layer.locked or self._locked.get(group, "")
        free = group in self._number_of and not reason
        colour = group_colour(self._number_of[group]) if free else QColor(LOCKED_COLOUR)
        rect = QRectF(spot.x - BOX_WIDTH / 2, spot.y - BOX_HEIGHT / 2, BOX_WIDTH, BOX_HEIGHT)
        kind = layer.kind if spot.layer >= 0 else self._module_kind(spot.name, len(inside))
        module = "" if spot.layer >= 0 else spot.name
        channels = sum(self._before[layer] for layer in inside)
        title = _within(spot.name, self._frames)
        return Box(
            spot.name,
            title,
            kind,
            inside,
            output,
            group,
            rect,
            colour,
            reason,
            self._before[output],
            channels,
            module,
        )

    def border(self, frame: Frame) -> Border:
        """One frame."""
        rect = QRectF(frame.x, frame.y, frame.width, frame.height)
        title, kind = _within(frame.path, self._frames), self._kinds.get(frame.path, "")
        return Border(frame.path, title, kind, rect, frame.depth)

    def _module_kind(self, path: str, inside: int) -> str:
        return " · ".join(filter(None, (self._kinds.get(path, ""), text.plural(inside, "layer"))))


def _within(name: str, frames: Collection[str]) -> str:
    """`name` without the innermost of `frames` that it is in."""
    ends = [end for end, sign in enumerate(name) if sign in "./" and name[:end] in frames]
    return name[ends[-1] + 1 :] if ends else name


def _outputs(document: Document, view: View) -> dict[int, int]:
    """Per box the last layer whose output leaves it."""
    found: dict[int, int] = {}
    for source, target in document.graph.edges:
        box = view.box_of[source]
        if box != view.box_of[target]:
            found[box] = max(found.get(box, 0), source)
    return found


def united(areas: Iterable[QRectF]) -> QRectF:
    """The smallest rectangle around all `areas`."""
    ends = [area.getCoords() for area in areas]
    if not ends:
        return QRectF()
    left, top, right, bottom = zip(*ends, strict=True)
    return QRectF(QPointF(min(left), min(top)), QPointF(max(right), max(bottom)))


def _around(route: Sequence[Point]) -> QRectF:
    """The room that a line takes, with a head."""
    xs, ys = zip(*route, strict=True)
    left, top = min(xs) - _HEAD, min(ys) - _HEAD
    return QRectF(left, top, max(xs) + _HEAD - left, max(ys) + _HEAD - top)
