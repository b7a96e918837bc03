"""The graph in the middle of the window: zoom, pan, hover, select."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QResizeEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QGraphicsScene, QGraphicsView, QToolTip, QWidget

from slimgui.core.wire import Document
from slimgui.gui import text
from slimgui.gui.snapshot import Change, Snapshot
from slimgui.gui.theme import colours
from slimgui.gui.views.graph_item import GraphItem
from slimgui.gui.views.lit_item import LitItem
from slimgui.gui.views.scene import Picture, picture

MIN_SCALE: Final = 0.02
MAX_SCALE: Final = 4.0
READABLE: Final = 0.45  # a fresh document is never shown smaller than this
STEP: Final = 1.2
_DONE: Final = object()


class GraphView(QGraphicsView):
    """Shows a document; the group under a click leaves as `group_clicked`."""

    group_clicked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setScene(QGraphicsScene(self))
        self.setAccessibleName("Graph of the model")
        self.viewport().setAccessibleName("Graph of the model")
        self.setAccessibleDescription("The tree of groups holds the same content as text")
        self.setFrameShape(QGraphicsView.Shape.NoFrame)
        self.setDragMode(QGraphicsView.DragMode.ScrollHandDrag)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorUnderMouse)
        self.setOptimizationFlag(QGraphicsView.OptimizationFlag.DontSavePainterState)
        self.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # nothing below it is painted
        self.picture: Picture | None = None  # what is shown
        self._item: GraphItem | None = None
        self._lit: LitItem | None = None
        self._hover: LitItem | None = None
        self._snapshot: Snapshot | None = None
        self._pressed = QPoint()
        self._fit_pending = False
        self._follow: Callable[[], None] | None = None  # what a resize repeats, until the user zooms or moves
        self._selected = ""
        self._cold: Iterator[None] = iter(())  # what is still to be prepared for near views
        self._warming = QTimer(self, interval=0)
        self._warming.timeout.connect(self._warm)
        self._on_palette_changed()

    def set_document(self, document: Document, snapshot: Snapshot) -> None:
        """Show another model, as large as it fits but large enough to read."""
        self.picture = picture(document)
        self._snapshot = snapshot
        self._selected = ""
        scene = self.scene()
        scene.clear()
        self._item = GraphItem(self.picture, snapshot, self.font(), self.palette())
        self._lit, self._hover = LitItem(self.picture, 2.5), LitItem(self.picture, 1.5)
        for item in (self._item, self._hover, self._lit):
            scene.addItem(item)
        scene.setSceneRect(self.picture.bounds)
        self._cold = self._item.warm()
        self._warming.start()
        self._fit_pending = True
        if self.isVisible():
            self.first_fit()

    def set_snapshot(self, snapshot: Snapshot, change: Change) -> None:
        """Show another plan; only boxes whose channels differ are drawn again."""
        self._snapshot = snapshot
        if self._item is not None:
            self._item.set_snapshot(snapshot, change.layers)

    def set_selected(self, group_id: str) -> None:
        """Light the layers of a group, and bring them into view when none of them is."""
        self._selected = group_id
        if self.picture is None or self._lit is None:
            return
        numbers = self.picture.members.get(group_id, frozenset())
        self._lit.light(numbers, QColor(colours(self.palette()).accent))
        shown = self.mapToScene(self.viewport().rect()).boundingRect()
        rects = [self.picture.boxes[number].rect for number in sorted(numbers)]
        if rects and not any(shown.intersects(rect) for rect in rects):
            self.centerOn(rects[0].center())

    def fit(self) -> None:
        """Show the whole graph."""
        if self.picture is not None:
            self.fitInView(self.picture.bounds, Qt.AspectRatioMode.KeepAspectRatio)
            if self.transform().m11() > 1:
                self.resetTransform()
            self._follow = self.fit

    def zoom(self, factor: float) -> None:
        """Zoom by `factor`, within reason."""
        self._follow = None
        scale = self.transform().m11()
        wanted = max(MIN_SCALE, min(MAX_SCALE, scale * factor))
        self.scale(wanted / scale, wanted / scale)

    def first_fit(self) -> None:
        """Show a fresh document: whole if that can be read, else from its beginning."""
        self._fit_pending = False
        self.fit()
        if self.picture is not None and self.transform().m11() < READABLE:
            self.zoom(READABLE / self.transform().m11())
            self.horizontalScrollBar().setValue(self.horizontalScrollBar().minimum())
            self.verticalScrollBar().setValue(self.verticalScrollBar().minimum())
        self._follow = self.first_fit

    # --- events

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A graph that was fitted stays fitted."""
        super().resizeEvent(event)
        if self._follow is not None:
            self._follow()

    def showEvent(self, event: QShowEvent) -> None:
        """See Qt."""
        super().showEvent(event)
        if self._fit_pending:
            self.first_fit()

    def changeEvent(self, event: QEvent) -> None:
        """See Qt."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._on_palette_changed()

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
        """A press that did not move is a click on a box, or on nothing."""
        super().mouseReleaseEvent(event)
        here = event.position().toPoint()
        moved = (here - self._pressed).manhattanLength() >= QApplication.startDragDistance()
        self._follow = None if moved else self._follow
        if event.button() == Qt.MouseButton.LeftButton and not moved and self.picture is not None:
            number = self._box_at(here)
            self.group_clicked.emit("" if number is None else self.picture.boxes[number].group)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """See Qt."""
        super().mouseMoveEvent(event)
        if self._hover is not None and not event.buttons():
            number = self._box_at(event.position().toPoint())
            boxes = frozenset() if number is None else frozenset({number})
            self._hover.light(boxes, QColor(colours(self.palette()).edge))
            shape = Qt.CursorShape.OpenHandCursor if number is None else Qt.CursorShape.PointingHandCursor
            self.viewport().setCursor(shape)

    def viewportEvent(self, event: QEvent) -> bool:
        """See Qt."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            number = self._box_at(event.pos())
            QToolTip.showText(event.globalPos(), "" if number is None else self.describe(number), self)
            return True
        return super().viewportEvent(event)

    @property
    def is_warming(self) -> bool:
        """Whether near views are still being prepared."""
        return self._warming.isActive()

    def describe(self, number: int) -> str:
        """What a box has to say when the pointer rests on it."""
        assert self.picture, "a box needs a document"
        assert self._snapshot, "a box needs a document"
        box, now = self.picture.boxes[number], self._snapshot.channels[number]
        lines = [f"{box.layer.name or box.layer.kind} ({box.layer.kind})"]
        if box.before:
            lines.append(f"{now} of {text.plural(box.before, 'channel')} stay")
        if box.layer.shape:
            lines.append(f"Output as traced: {text.shape(box.layer.shape)}")
        if box.locked:
            lines.append(f"Must stay whole: {box.locked}")
        elif box.group:
            lines.append(f"Group: {box.group}")
        return "\n".join(lines)

    def _warm(self) -> None:
        """One slice of preparation: nothing waits for it."""
        if next(self._cold, _DONE) is _DONE:
            self._warming.stop()

    def _box_at(self, point: QPoint) -> int | None:
        return self.picture.box_at(self.mapToScene(point)) if self.picture else None

    def _on_palette_changed(self) -> None:
        table = colours(self.palette())
        self.setBackgroundBrush(QColor(table.canvas))
        if self._item is not None:
            self._item.set_palette(self.palette())
            self.set_selected(self._selected)
