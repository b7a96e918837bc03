"""The importance of a group's channels, largest first, with a line between what stays and what goes.

It is painted here and not by pyqtgraph, whose import would be felt at the first click on a group.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from slimgui.gui.theme import colours
from slimgui.gui.views.burst import Burst

_PAD: Final = 8
_STEPS: Final = {
    Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1,
}  # fmt: skip


class Curve(QWidget):
    """Scores of one group; a drag of the line, or the arrow keys, leave as `count_changed`."""

    count_changed = Signal(int)
    gesture_started = Signal()
    gesture_ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scores: Sequence[float] = ()
        self._order: list[int] = []  # channels, the most important first
        self._heights: list[float] = []  # in that order, 0 to 1
        self._stays: list[bool] = []  # in that order
        self._says = ""
        self._is_free = False
        self._dragged = False
        self.count = 0
        self._burst = Burst(self, parent=self)
        self._burst.begun.connect(self.gesture_started)
        self._burst.ended.connect(self.gesture_ended)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Importance of the channels")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(90)

    def set_message(self, says: str) -> None:
        """Show a sentence in place of a curve."""
        self._order, self._heights, self._stays, self._says = [], [], [], says
        self.setAccessibleDescription(says)
        self.setToolTip("")
        self.unsetCursor()
        self.update()

    def set_scores(self, scores: Sequence[float], is_free: bool) -> None:
        """Show another group, or other scores of it; `is_free`: its channels may be cut."""
        self._scores, self._is_free, self._says = scores, is_free, ""
        self._order = sorted(range(len(scores)), key=lambda channel: -scores[channel])
        top = max(scores[self._order[0]], 1e-30)
        self._heights = [min(1.0, max(0.0, scores[channel] / top)) for channel in self._order]
        self.setCursor(Qt.CursorShape.SplitHCursor if is_free else Qt.CursorShape.ArrowCursor)
        self.set_kept(range(len(scores)))

    def set_kept(self, kept: Sequence[int]) -> None:
        """Show which channels stay."""
        if not self._order:
            return
        stays, total = set(kept), sum(self._scores) or 1.0
        self._stays = [channel in stays for channel in self._order]
        self.count = len(kept)
        share = 100 * sum(self._scores[channel] for channel in kept) / total
        said = f"{self.count} of {len(self._order)} stay, with {share:.0f} % of the importance"
        how = "Drag the line, or use the arrow keys" if self._is_free else "It must stay whole"
        self.setAccessibleDescription(said)
        self.setToolTip(f"{said}\n{how}")
        self.update()

    def sizeHint(self) -> QSize:
        """See Qt."""
        return QSize(280, 130)

    # --- painting

    def _area(self) -> QRectF:
        line = self.fontMetrics().height()
        return QRectF(self.rect()).adjusted(_PAD, _PAD + line, -_PAD, -_PAD)

    def paintEvent(self, event: QPaintEvent) -> None:
        """See Qt."""
        del event
        table, area, painter = colours(self.palette()), self._area(), QPainter(self)
        painter.setPen(QColor(table.muted))
        if not self._heights:
            painter.drawText(self.rect().adjusted(_PAD, 0, -_PAD, 0), _MIDDLE, self._says)
            return
        painter.drawText(QPointF(area.left(), area.top() - 5), self.accessibleDescription())
        painter.fillRect(area, QColor(table.faint))
        for stays, colour in ((True, table.accent), (False, table.edge)):
            painter.setPen(QColor(colour))
            painter.drawLines(self._columns(area, stays))
        self._paint_line(painter, area)
        if self.hasFocus():
            painter.setPen(QPen(QColor(table.accent), 1))
            painter.drawRect(area.adjusted(-2, -2, 2, 2))

    def _columns(self, area: QRectF, stays: bool) -> list[QLineF]:
        """One upright line per pixel, for the channels that stay or for the others."""
        width, tall, foot = int(area.width()), area.height(), area.bottom()
        places = ((area.left() + x, x * len(self._order) // width) for x in range(width))
        return [
            QLineF(x, foot, x, foot - tall * self._heights[rank])
            for x, rank in places
            if self._stays[rank] == stays
        ]

    def _paint_line(self, painter: QPainter, area: QRectF) -> None:
        table = colours(self.palette())
        x = area.left() + area.width() * self.count / len(self._order)
        painter.setPen(QPen(QColor(table.text), 1.5))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        if self._is_free:
            painter.setBrush(QColor(table.raised))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.drawRoundedRect(QRectF(x - 4, area.center().y() - 9, 8, 18), 3, 3)
            painter.setBrush(Qt.BrushStyle.NoBrush)

    # --- moving the line

    def _move_to(self, x: float) -> None:
        area = self._area()
        self._wish(round((x - area.left()) / area.width() * len(self._order)))

    def _wish(self, count: int) -> None:
        count = max(1, min(len(self._order), count))
        if count != self.count:
            self.count_changed.emit(count)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """See Qt."""
        if event.button() == Qt.MouseButton.LeftButton and self._is_free and self._heights:
            self._dragged = True
            self.gesture_started.emit()
            self._move_to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """See Qt."""
        if self._dragged:
            self._move_to(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """See Qt."""
        del event
        if self._dragged:
            self._dragged = False
            self.gesture_ended.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys move the line by one channel, Page keys by a tenth of the group."""
        tenth = max(1, len(self._order) // 10)
        pages = {Qt.Key.Key_PageUp: tenth, Qt.Key.Key_PageDown: -tenth}
        ends = {Qt.Key.Key_Home: -len(self._order), Qt.Key.Key_End: len(self._order)}
        step = {**_STEPS, **pages, **ends}.get(Qt.Key(event.key()))
        if step is None or not self._is_free or not self._heights:
            super().keyPressEvent(event)
        else:
            self._burst.step()
            self._wish(self.count + step)


_MIDDLE: Final = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
