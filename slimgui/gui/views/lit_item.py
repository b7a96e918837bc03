"""Lights a few boxes of the graph and lines between them, and dims the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from slimgui.gui.views import arrows
from slimgui.gui.views.cells import RADIUS, square
from slimgui.gui.views.graph_item import FAR, NEAR
from slimgui.gui.views.lighting import Lit
from slimgui.gui.views.scene import Picture, united

_HALO = 120.0  # scene units around what is lit: an outline is as wide as that from far away
VEIL = 34  # of 255: how much of the rest is covered; its small print can still be read
_FEW = 40  # boxes that are outlined finely from everywhere: 800 round outlines take half a second


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines that lie near each other, as they look from near and from far away, and the room they take."""

    smooth: QPainterPath
    straight: QPainterPath
    room: QRectF


class LitItem(QGraphicsItem):
    """Lies over the graph; takes no more room than what it lights, unless it dims the rest.

    Args:
        picture: what there is to light.
        width: of the outlines, in pixels.
    """

    def __init__(self, picture: Picture, width: float) -> None:
        super().__init__()
        self._picture, self._width = picture, width
        self._lit = Lit()
        self._lines: list[_Lines] = []
        self._veil = QPainterPath()
        self._rects: list[QRectF] = []
        self._passed: list[QRectF] = []
        self._bounds = QRectF()
        self._colour, self._cover = QColor(), QColor()
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)  # for the exposed part

    def light(self, lit: Lit, colour: QColor, cover: QColor | None = None) -> None:
        """Light these boxes and lines; none clears. `cover`: the colour that the rest is dimmed with."""
        if (lit, colour, cover or QColor()) == (self._lit, self._colour, self._cover):
            return
        self.prepareGeometryChange()
        self._lit, self._colour, self._cover = lit, colour, cover or QColor()
        self._lines = self._lines_of(lit.pieces)
        self._rects, self._passed = self._rects_of(lit.boxes), self._rects_of(lit.between)
        self._veil = QPainterPath()
        self._bounds = self._around(lit)
        if cover is not None and lit.boxes:
            self._veil.addRect(self._picture.bounds)
            self._veil.addPath(_rounded([*self._rects, *self._passed]))  # holes: a path is filled odd-even
            self._cover.setAlpha(VEIL)
            self._bounds = self._picture.bounds

    @property
    def rects(self) -> list[QRectF]:
        """Of the boxes that are lit, or passed."""
        return [*self._rects, *self._passed]

    def boundingRect(self) -> QRectF:
        """See Qt."""
        return self._bounds

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Outlines that stay visible from far away."""
        del widget
        scale = max(painter.worldTransform().m11(), 0.05)
        wide = max(self._width, self._width / scale)
        near = option.exposedRect.adjusted(-_HALO, -_HALO, _HALO, _HALO)
        boxes, passed = ([rect for rect in of if near.intersects(rect)] for of in (self._rects, self._passed))
        is_fine = scale >= NEAR or len(self._rects) + len(self._passed) <= _FEW
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._cover)
        painter.drawPath(self._veil_near(near, [*boxes, *passed]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, is_fine)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._colour, max(self._width, 0.8 * self._width / scale)))
        for lines in self._lines:
            if lines.room.intersects(near):
                painter.drawPath(lines.smooth if scale >= FAR else lines.straight)
        if not is_fine:
            self._paint_many(painter, boxes, passed)
            return
        painter.setPen(QPen(self._colour, wide / 2, Qt.PenStyle.DashLine))
        painter.drawPath(_rounded(passed))
        for pen in (QPen(self._halo(), max(9.0, 6 / scale)), QPen(self._colour, wide)):
            painter.setPen(pen)
            painter.drawPath(_rounded(boxes))

    def _veil_near(self, near: QRectF, rects: list[QRectF]) -> QPainterPath:
        """The veil over `near`, where few of the boxes are; a path of 800 holes takes 10 ms to fill."""
        if self._veil.isEmpty() or 2 * len(rects) > len(self._rects) + len(self._passed):
            return self._veil
        veil = QPainterPath()
        veil.addRect(united([near, *rects]).intersected(self._picture.bounds))
        veil.addPath(_rounded(rects))
        return veil

    def _paint_many(self, painter: QPainter, boxes: list[QRectF], passed: list[QRectF]) -> None:
        """Plain rectangles, which the painter fills and frames a hundred times as fast."""
        for rects, width, brush in ((passed, 1, QColor(0, 0, 0, 0)), (boxes, 2, self._halo())):
            pen = QPen(self._colour, width)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.setBrush(brush)
            painter.drawRects(rects)

    def _halo(self) -> QColor:
        halo = QColor(self._colour)
        halo.setAlpha(60)
        return halo

    def _rects_of(self, boxes: Iterable[int]) -> list[QRectF]:
        return [self._picture.boxes[number].rect for number in sorted(boxes)]

    def _lines_of(self, pieces: Iterable[int]) -> list[_Lines]:
        """Lines that begin in the same square of the picture are drawn together."""
        squares: dict[tuple[int, int], list[int]] = {}
        for number in sorted(pieces):
            squares.setdefault(square(*self._picture.pieces[number][0]), []).append(number)
        return [self._together(numbers) for numbers in squares.values()]

    def _together(self, numbers: Sequence[int]) -> _Lines:
        routes = [self._picture.pieces[number] for number in numbers]
        room = united([self._picture.areas[number] for number in numbers])
        return _Lines(arrows.smooth(routes), arrows.straight(routes), room)

    def _around(self, lit: Lit) -> QRectF:
        if not lit.boxes | lit.between:
            return QRectF()
        rects = [self._picture.boxes[number].rect for number in lit.boxes | lit.between]
        bounds = united([*rects, *(self._picture.areas[number] for number in lit.pieces)])
        return bounds.adjusted(-_HALO, -_HALO, _HALO, _HALO)


def _rounded(rects: Iterable[QRectF]) -> QPainterPath:
    path = QPainterPath()
    for rect in rects:
        path.addRoundedRect(rect, RADIUS, RADIUS)
    return path
