"""The whole graph, small, in a corner of the view: where one is, and a quick way to elsewhere."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from slimgui.gui.theme import colours
from slimgui.gui.views.scene import Picture

_LARGEST: Final = QSize(190, 140)
_MARGIN: Final = 6.0


class Minimap(QWidget):
    """Shows a picture and a rectangle around what is seen of it; a spot that is pressed is `wanted`."""

    wanted = Signal(QPointF)  #: a spot of the picture, which is to be seen in the middle

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Overview of the graph")
        self.setToolTip("Overview: drag to move")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._picture: Picture | None = None
        self._drawn: QPixmap | None = None
        self._seen = QRectF()
        self.hide()

    def set_picture(self, picture: Picture) -> None:
        """Show another picture."""
        self._picture, self._drawn = picture, None
        size = picture.bounds.size().scaled(_LARGEST, Qt.AspectRatioMode.KeepAspectRatio).toSize()
        self.resize(size.expandedTo(QSize(24, 24)))

    def set_seen(self, area: QRectF) -> None:
        """Say what is seen of the picture; when that is all of it, an overview says nothing."""
        self._seen = area
        self.setVisible(self._picture is not None and not area.contains(self._picture.bounds))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """See Qt."""
        del event
        if self._picture is None:
            return
        if self._drawn is None or self._drawn.devicePixelRatio() != self.devicePixelRatioF():
            self._drawn = self._draw(self._picture)
        table = colours(self.palette())
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._drawn)
        painter.setPen(QPen(QColor(table.accent), 1.5))
        fill = QColor(table.accent)
        fill.setAlpha(40)
        painter.setBrush(fill)
        painter.drawRect(self._small(self._seen).intersected(QRectF(self.rect()).adjusted(1, 1, -1, -1)))
        painter.end()

    def _draw(self, picture: Picture) -> QPixmap:
        """Frame, and a mark for every box; made once."""
        table, ratio = colours(self.palette()), self.devicePixelRatioF()
        drawn = QPixmap(self.size() * ratio)
        drawn.setDevicePixelRatio(ratio)
        drawn.fill(QColor(table.raised))
        painter = QPainter(drawn)
        painter.setPen(QColor(table.border))
        painter.setBrush(QColor(table.faint))
        painter.drawRects([self._small(border.rect) for border in picture.borders if not border.depth])
        painter.setPen(Qt.PenStyle.NoPen)
        for box in picture.boxes:
            painter.setBrush(box.colour)
            rect = self._small(box.rect)
            painter.drawRect(QRectF(rect.topLeft(), rect.size().expandedTo(QSize(2, 1))))
        painter.setPen(QColor(table.border))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()
        return drawn

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go there."""
        self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go along."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event)

    def _go(self, event: QMouseEvent) -> None:
        if self._picture is not None:
            corner, spot = self._picture.bounds.topLeft(), event.position() - QPointF(_MARGIN, _MARGIN)
            self.wanted.emit(corner + spot / self._scale())
        event.accept()

    def _scale(self) -> float:
        assert self._picture, "there is nothing to scale without a picture"
        room = QSize(self.width() - int(2 * _MARGIN), self.height() - int(2 * _MARGIN))
        bounds = self._picture.bounds
        return min(room.width() / max(1.0, bounds.width()), room.height() / max(1.0, bounds.height()))

    def _small(self, area: QRectF) -> QRectF:
        assert self._picture, "there is nothing to scale without a picture"
        scale, corner = self._scale(), self._picture.bounds.topLeft()
        spot = (area.topLeft() - corner) * scale + QPointF(_MARGIN, _MARGIN)
        return QRectF(spot, area.size() * scale)
