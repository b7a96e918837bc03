"""A view of a large picture: zoom, pan, fit. What is drawn on it is somebody else's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QResizeEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QGraphicsScene, QGraphicsView, QWidget

MIN_SCALE: Final = 0.02
MAX_SCALE: Final = 4.0
READABLE: Final = 0.82  # a fresh picture is never shown smaller: 11 units of small print are 9 pixels
STEP: Final = 1.2


@dataclass(frozen=True, slots=True)
class Place:
    """What is seen of a picture: pixels per scene unit, and the spot in the middle."""

    zoom: float
    x: float
    y: float


class Canvas(QGraphicsView):
    """Shows a picture; the wheel zooms, dragging pans, also beyond its borders.

    Attributes:
        last: where the user was in this picture, shown at first; None to fit it, as when the user moved on.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setScene(QGraphicsScene(self))
        self.setFrameShape(QGraphicsView.Shape.NoFrame)
        self.setDragMode(QGraphicsView.DragMode.ScrollHandDrag)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorUnderMouse)
        self.setOptimizationFlag(QGraphicsView.OptimizationFlag.DontSavePainterState)
        self.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # nothing below it is painted
        self.bounds = QRectF()  # of the picture
        self.start = QPointF()  # what is seen first where not all of it can be
        self._pressed = QPoint()
        self._fit_pending = False
        self._follow: Callable[[], None] | None = None  # what a resize repeats, until the user zooms or moves
        self.last: Place | None = None

    @property
    def zoomed(self) -> float:
        """Pixels per scene unit."""
        return self.transform().m11()

    @property
    def place(self) -> Place | None:
        """What is seen, None while nobody has zoomed or moved."""
        if self._follow is not None:
            return self.last
        middle = self.mapToScene(self.viewport().rect().center())
        return Place(self.zoomed, middle.x(), middle.y())

    def _leave(self) -> None:
        """The user goes elsewhere."""
        self._follow = self.last = None

    def set_bounds(self, bounds: QRectF, start: QPointF) -> None:
        """The picture takes this room; around it is as much, so that every spot can be moved anywhere."""
        self.bounds, self.start, beyond = bounds, start, max(bounds.width(), bounds.height())
        self.scene().setSceneRect(bounds.adjusted(-beyond, -beyond, beyond, beyond))

    def visible_area(self) -> QRectF:
        """The part of the scene that is seen."""
        return self.mapToScene(self.viewport().rect()).boundingRect()

    def fit(self) -> None:
        """Show everything."""
        self.fit_area(self.bounds)
        self._follow = self.fit

    def fit_area(self, area: QRectF) -> None:
        """Show `area`, as large as it fits but not larger than drawn."""
        self._leave()
        if not area.isEmpty():
            self.fitInView(area, Qt.AspectRatioMode.KeepAspectRatio)
            if self.zoomed > 1:
                self.resetTransform()
                self.centerOn(area.center())

    def zoom(self, factor: float) -> None:
        """Zoom by `factor`, within reason."""
        self._leave()
        wanted = max(MIN_SCALE, min(MAX_SCALE, self.zoomed * factor))
        self.scale(wanted / self.zoomed, wanted / self.zoomed)

    def first_fit(self) -> None:
        """Show a fresh picture: whole if that can be read, else from its beginning."""
        self._fit_pending = False
        if self.last is not None:
            self._go_back(self.last)
            return
        self.fit()
        if self.zoomed < READABLE:
            self.zoom(READABLE / self.zoomed)
            room, bounds = self.viewport().rect().size() / self.zoomed, self.bounds
            left = _begin(bounds.left(), bounds.right(), room.width(), self.start.x())
            self.put(
                QPointF(left, _begin(bounds.top(), bounds.bottom(), room.height(), self.start.y())), QPoint()
            )
        self._follow = self.first_fit

    def _go_back(self, place: Place) -> None:
        self.resetTransform()
        self.scale(place.zoom, place.zoom)
        self.centerOn(place.x, place.y)
        self._follow = self.first_fit

    def fit_when_shown(self) -> None:
        """Fit a fresh picture as soon as there is a size to fit it to."""
        self._fit_pending = True
        if self.isVisible():
            self.first_fit()

    def put(self, spot: QPointF, where: QPoint) -> None:
        """Move, so that `spot` of the scene is seen at the point `where` of the view."""
        self._leave()
        away = QPointF(self.viewport().rect().center() - where) / self.zoomed
        self.centerOn(spot + away)

    def bring_into_view(self, area: QRectF) -> None:
        """Move as little as needed to see `area`."""
        self.ensureVisible(area, 24, 24)

    def was_click(self, event: QMouseEvent) -> bool:
        """Whether the pointer has not moved since it was pressed."""
        away = event.position().toPoint() - self._pressed
        return away.manhattanLength() < QApplication.startDragDistance()

    # --- events

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What was fitted stays fitted."""
        super().resizeEvent(event)
        if self._follow is not None:
            self._follow()

    def showEvent(self, event: QShowEvent) -> None:
        """See Qt."""
        super().showEvent(event)
        if self._fit_pending:
            self.first_fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel zooms at the pointer; a touch pad pans, and zooms with Ctrl."""
        touch = event.hasPixelDelta() if hasattr(event, "hasPixelDelta") else not event.pixelDelta().isNull()
        if touch and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(event)
            return
        self.zoom(STEP ** (event.angleDelta().y() / 120))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """See Qt."""
        self._pressed = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """See Qt."""
        super().mouseReleaseEvent(event)
        if not self.was_click(event):
            self._leave()


def _begin(low: float, high: float, room: float, start: float) -> float:
    """Where a view of `room` begins, so that `start` is in its middle and nothing beyond the ends is seen."""
    return (low + high - room) / 2 if high - low < room else min(max(low, start - room / 2), high - room)
