"""Parts of a picture that are drawn together: thousands of shapes cost a few calls of the painter.

A painter draws one path of a thousand lines ten times as fast as a list of them (no list is taken over from
Python), and what lies outside of the window is not even looked at. Paths are made when first needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainterPath

from slimgui.gui.views import arrows
from slimgui.gui.views.scene import Box, Picture, united

CELL: Final = 1000.0  # width and height of a cell in scene units: about 70 boxes
PAD: Final = 11.0  # from the edge of a box to what it holds
RADIUS: Final = 7.0
STACK: Final = 4.0  # how far what is behind a closed module sticks out
Piece = tuple[arrows.Route, bool, QRectF]  # a line, whether it ends with a head, and its room
Shares = Callable[[Box], float]
ByColour = dict[str, list[QRectF]]


class Cell:
    """What lies in one square of the picture."""

    def __init__(self, boxes: Sequence[tuple[int, Box]], pieces: Sequence[Piece]) -> None:
        self.boxes = boxes
        self._lines = [line for line, _, _ in pieces]
        self._tips = [line for line, tip, _ in pieces if tip]
        self._areas = [area for _, _, area in pieces]
        self._kept: ByColour | None = None
        self._bars: ByColour | None = None

    @cached_property
    def bounds(self) -> QRectF:
        """Around all of it."""
        return united([box.rect for _, box in self.boxes] + self._areas)

    @cached_property
    def lines(self) -> QPainterPath:
        """The arrows as straight lines."""
        return arrows.straight(self._lines)

    @cached_property
    def curves(self) -> QPainterPath:
        """The arrows as smooth lines."""
        return arrows.smooth(self._lines)

    @cached_property
    def heads(self) -> QPainterPath:
        """Their heads, to be filled."""
        return arrows.heads(self._tips)

    @cached_property
    def outlines(self) -> QPainterPath:
        """The boxes, rounded."""
        path = QPainterPath()
        for _, box in self.boxes:
            path.addRoundedRect(box.rect, RADIUS, RADIUS)
        return path

    @cached_property
    def stacks(self) -> QPainterPath:
        """What shows behind a closed module: it is a pile of boxes."""
        path = QPainterPath()
        for _, box in self.boxes:
            if box.module:
                path.addRoundedRect(box.rect.translated(STACK, STACK), RADIUS, RADIUS)
        return path

    @cached_property
    def whole(self) -> ByColour:
        """The boxes as rectangles."""
        return self._by_colour(lambda box: box.rect)

    @cached_property
    def stripes(self) -> ByColour:
        """The stripe on the left of each box that shows its group."""
        return self._by_colour(
            lambda box: QRectF(box.rect.left() + 5, box.rect.top() + 9, 3.5, box.rect.height() - 18)
        )

    @cached_property
    def tracks(self) -> list[QRectF]:
        """Where the bars of channels lie."""
        return [_track(box) for _, box in self.boxes if box.inside]

    def kept(self, share: Shares) -> ByColour:
        """Per colour the part of each box that stands for the channels that stay, from far away."""
        if self._kept is None:
            self._kept = self._by_colour(lambda box: _part(box.rect, share(box)))
        return self._kept

    def bars(self, share: Shares) -> ByColour:
        """The same from near: a bar in each box."""
        if self._bars is None:
            self._bars = self._by_colour(lambda box: _part(_track(box), share(box)) if box.inside else None)
        return self._bars

    def warm(self, share: Shares) -> None:
        """Make what near views are drawn with."""
        self.kept(share)
        self.bars(share)
        _ = self.curves, self.heads, self.outlines, self.stacks, self.stripes, self.tracks

    def forget_shares(self) -> None:
        """Other channels stay now."""
        self._kept = self._bars = None

    def _by_colour(self, shape: Callable[[Box], QRectF | None]) -> ByColour:
        found: ByColour = {}
        for _, box in self.boxes:
            if (rect := shape(box)) is not None:
                found.setdefault(box.colour.name(), []).append(rect)
        return found


def merged(tables: Iterable[ByColour]) -> ByColour:
    """All `tables` as one."""
    found: ByColour = {}
    for table in tables:
        for name, rects in table.items():
            found.setdefault(name, []).extend(rects)
    return found


class Cells:
    """A picture cut into cells; a box belongs to one by its corner, a line by its start."""

    def __init__(self, picture: Picture) -> None:
        boxes: dict[tuple[int, int], list[tuple[int, Box]]] = {}
        lines: dict[tuple[int, int], list[Piece]] = {}
        keys = [square(box.rect.left(), box.rect.top()) for box in picture.boxes]
        for number, (key, box) in enumerate(zip(keys, picture.boxes, strict=True)):
            boxes.setdefault(key, []).append((number, box))
        tips = (number in picture.tips for number in range(len(picture.pieces)))
        pieces = tuple(zip(picture.pieces, tips, picture.areas, strict=True))
        for piece in pieces:
            lines.setdefault(square(*piece[0][0]), []).append(piece)
        cells = {key: Cell(boxes.get(key, ()), lines.get(key, ())) for key in {**boxes, **lines}}
        self._whole = Cell(tuple(enumerate(picture.boxes)), pieces)
        self.parts = tuple(cells.values())
        self._part_of = [cells[key] for key in keys]

    def within(self, area: QRectF) -> list[Cell]:
        """The cells of which something may lie in `area`; one that holds everything in place of most."""
        found = [cell for cell in self.parts if cell.bounds.intersects(area)]
        return found if 2 * len(found) <= len(self.parts) else [self._whole]

    def forget_shares(self, boxes: Iterable[int]) -> None:
        """Other channels stay in these boxes now."""
        self._whole.forget_shares()
        for number in boxes:
            self._part_of[number].forget_shares()


def square(x: float, y: float) -> tuple[int, int]:
    """Which cell a point lies in."""
    return int(x // CELL), int(y // CELL)


def _track(box: Box) -> QRectF:
    return QRectF(box.rect.left() + PAD, box.rect.bottom() - 8.5, box.rect.width() - 2 * PAD, 4)


def _part(rect: QRectF, share: float) -> QRectF:
    return QRectF(rect.left(), rect.top(), rect.width() * share, rect.height())
