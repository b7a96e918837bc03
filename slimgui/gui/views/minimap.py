"""The whole graph, small, in a corner of the view: where one is, and a quick way to elsewhere.

It takes the corner in which it covers least, and looks again whenever the view has come to rest: the box that
keys move from, then what is selected or was searched for, then any box is not to lie below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from slimgui.gui.theme import SPACE, colours
from slimgui.gui.views.scene import Picture

_LARGEST: Final = QSize(190, 140)
_MARGIN: Final = 6.0
REST_MS: Final = 120  # without a move: the view has come to rest
CORNERS: Final = ((1, 1), (0, 1), (1, 0), (0, 0))  # right or left, below or above; the first that will do


class Minimap(QWidget):
    """Shows a picture and a rectangle around what is seen of it; a spot that is pressed is `wanted`.

    Attributes:
        toggle: whether it is shown where there is more than what is seen.
    """

    wanted = Signal(QPointF)  #: a spot of the picture, which is to be seen in the middle

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Overview of the graph")
        self.setToolTip("Overview: drag to move")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._picture: Picture | None = None
        self._drawn: QPixmap | None = None
        self._seen, self._room = QRectF(), QRect()
        self._corner = 0
        self.toggle = QAction("Overview of the graph", self, checkable=True, checked=True)
        self.toggle.toggled.connect(self._settle)
        self._held: tuple[Sequence[QRectF], ...] = ()
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._settle)
        self.hide()

    def set_picture(self, picture: Picture) -> None:
        """Show another picture."""
        self._picture, self._drawn = picture, None
        size = picture.bounds.size().scaled(_LARGEST, Qt.AspectRatioMode.KeepAspectRatio).toSize()
        self.resize(size.expandedTo(QSize(24, 24)))

    def set_seen(self, area: QRectF, room: QRect) -> None:
        """Say what is seen of the picture, and where in the window."""
        self._seen, self._room = area, room
        self.move(self._places()[self._corner].topLeft())
        if not self._says_something:
            self.hide()
        self._rest.start()
        self.update()

    def make_way(self, *held: Sequence[QRectF]) -> None:
        """Leave these spots of the picture free, the first ones before the others."""
        self._held = held
        self._rest.start()

    @property
    def _says_something(self) -> bool:
        """Whether there is more than what is seen, and room: in a small one it would hide what it shows."""
        has_room = 2 * self.width() <= self._room.width()
        return has_room and self._picture is not None and not self._seen.contains(self._picture.bounds)

    def _settle(self) -> None:
        """Take the corner in which least is covered; of equal ones that of now, not to jump about."""
        if not (self.toggle.isChecked() and self._says_something):
            self.hide()
        elif not self.underMouse():  # who drags in it holds it
            places = self._places()
            costs = [self._cost(place) for place in places]
            if costs[self._corner] > min(costs):
                self._corner = costs.index(min(costs))
            self.move(places[self._corner].topLeft())
            self.show()

    def _places(self) -> list[QRect]:
        """Where it would be in each corner."""
        room = self._room.adjusted(SPACE, SPACE, -SPACE, -SPACE)
        free = room.size() - self.size()
        return [
            QRect(room.topLeft() + QPoint(x * free.width(), y * free.height()), self.size())
            for x, y in CORNERS
        ]

    def _cost(self, place: QRect) -> tuple[int, ...]:
        """How much would be covered there: of what is held first, then of all boxes."""
        assert self._picture, "boxes are of a picture"
        unit = self._seen.width() / max(1, self._room.width())
        corner = self._seen.topLeft() + QPointF(place.topLeft() - self._room.topLeft()) * unit
        area = QRectF(corner, place.size().toSizeF() * unit)
        return tuple(
            sum(area.intersects(rect) for rect in rects)
            for rects in (*self._held, [box.rect for box in self._picture.boxes])
        )

    def leaveEvent(self, event: QEvent) -> None:
        """See Qt: it may step aside again."""
        super().leaveEvent(event)
        self._rest.start()

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
        self._draw_boxes(painter, picture)
        painter.setPen(QColor(table.border))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()
        return drawn

    def _draw_boxes(self, painter: QPainter, picture: Picture) -> None:
        """A mark for each: thousands of them in a call per colour, framed so that the smallest is seen."""
        marks: dict[int, list[QRectF]] = {}
        for box in picture.boxes:
            marks.setdefault(box.colour.rgb(), []).append(box.rect)
        scale, corner = self._scale(), picture.bounds.topLeft()
        painter.save()
        painter.translate(_MARGIN, _MARGIN)
        painter.scale(scale, scale)
        painter.translate(-corner)
        for colour, rects in marks.items():
            painter.setPen(QPen(QColor(colour), 0))
            painter.setBrush(QColor(colour))
            painter.drawRects(rects)
        painter.restore()

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
