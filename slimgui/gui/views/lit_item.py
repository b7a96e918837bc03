"""Lights a few boxes of the graph, and the arrows between them."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from slimgui.gui.views import arrows
from slimgui.gui.views.cells import RADIUS
from slimgui.gui.views.scene import Picture, around, united

_HALO = 120.0  # scene units around what is lit: an outline is as wide as that from far away


class LitItem(QGraphicsItem):
    """Lies over the graph; takes no more room than what it lights.

    Args:
        picture: what there is to light.
        width: of the outlines, in pixels.
    """

    def __init__(self, picture: Picture, width: float) -> None:
        super().__init__()
        self._picture, self._width = picture, width
        self._boxes: frozenset[int] = frozenset()
        self._lines, self._outlines = QPainterPath(), QPainterPath()
        self._bounds = QRectF()
        self._colour = QColor()
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def light(self, boxes: frozenset[int], colour: QColor) -> None:
        """Light these boxes; none clears."""
        if boxes == self._boxes and colour == self._colour:
            return
        self.prepareGeometryChange()
        between = self._picture.between(boxes) if len(boxes) > 1 else []
        lines = [self._picture.pieces[n] for n in sorted({n for arrow in between for n in arrow.pieces})]
        rects = [self._picture.boxes[number].rect for number in boxes]
        self._boxes, self._colour = boxes, colour
        self._lines, self._outlines = arrows.smooth(lines), QPainterPath()
        for rect in rects:
            self._outlines.addRoundedRect(rect, RADIUS, RADIUS)
        bounds = united([*rects, *map(around, lines)])
        self._bounds = bounds.adjusted(-_HALO, -_HALO, _HALO, _HALO) if boxes else QRectF()

    def boundingRect(self) -> QRectF:
        """See Qt."""
        return self._bounds

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Outlines that stay visible from far away."""
        del option, widget
        scale = max(painter.worldTransform().m11(), 0.05)
        halo = QColor(self._colour)
        halo.setAlpha(60)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._colour, max(self._width, self._width / scale * 0.8)))
        painter.drawPath(self._lines)
        for pen in (
            QPen(halo, max(9.0, 6 / scale)),
            QPen(self._colour, max(self._width, self._width / scale)),
        ):
            painter.setPen(pen)
            painter.drawPath(self._outlines)
