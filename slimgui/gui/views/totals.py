"""What the whole model costs, before and after: four tiles along the bottom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from slimgui.core.cost import Cost
from slimgui.gui import text
from slimgui.gui.theme import SPACE, colours, scaled

Read = Callable[[Cost], int]

TILES: Final[tuple[tuple[str, str, Read, Callable[[float], str]], ...]] = (
    ("Parameters", "How many numbers the model has learned", lambda cost: cost.params, text.short),
    ("MACs", "Multiply-adds to process the example input", lambda cost: cost.macs, text.short),
    (
        "Weights",
        "Bytes of all parameters and stored statistics; a saved file adds a little",
        lambda cost: cost.bytes,
        text.file_size,
    ),
    (
        "Activations",
        "Memory written while one sample passes",
        lambda cost: cost.activation_bytes,
        text.file_size,
    ),
)


class Tile(QWidget):
    """One total: before, after, and a bar of what is left."""

    def __init__(
        self, title: str, tip: str, show: Callable[[float], str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._title, self._show = title, show
        self._before, self._after = 0, 0
        self.setToolTip(tip)
        self.setAccessibleName(title)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_values(self, before: int, after: int) -> None:
        """Show another pair."""
        if (before, after) != (self._before, self._after):
            self._before, self._after = before, after
            self.setAccessibleDescription(f"{self._show(before)} before, {self._show(after)} after")
            self.update()

    def sizeHint(self) -> QSize:
        """See Qt."""
        return QSize(180, 3 * self.fontMetrics().height() + 30)

    def minimumSizeHint(self) -> QSize:
        """See Qt."""
        return QSize(150, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """See Qt."""
        del event
        table = colours(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(table.border))
        painter.setBrush(QColor(table.raised))
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(frame, 7, 7)
        inner = frame.adjusted(12, 8, -12, -10)
        self._paint_text(painter, inner)
        track = QRectF(inner.left(), inner.bottom() - 5, inner.width(), 5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(table.border))
        painter.drawRoundedRect(track, 2.5, 2.5)
        if self._before:
            track.setWidth(max(5.0, track.width() * min(1.0, self._after / self._before)))
            painter.setBrush(QColor(table.accent))
            painter.drawRoundedRect(track, 2.5, 2.5)

    def _paint_text(self, painter: QPainter, inner: QRectF) -> None:
        table = colours(self.palette())
        height = self.fontMetrics().height()
        painter.setFont(self.font())
        painter.setPen(QColor(table.muted))
        top = QRectF(inner.left(), inner.top(), inner.width(), height)
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft, self._title)
        cut = self._before != self._after
        painter.setPen(QColor(table.success if self._after < self._before else table.muted))
        painter.drawText(top, Qt.AlignmentFlag.AlignRight, text.change(self._before, self._after))
        big = scaled(self.font(), 1.3, bold=True)
        line = QRectF(inner.left(), inner.top() + height + 3, inner.width(), height * 1.5)
        painter.setFont(big)
        painter.setPen(QColor(table.text))
        after = self._show(self._after)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, after)
        if cut:
            line.setLeft(line.left() + QFontMetricsF(big).horizontalAdvance(after) + 8)
            painter.setFont(self.font())
            painter.setPen(QColor(table.muted))
            painter.drawText(
                line,
                Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
                f"of {self._show(self._before)}",
            )


class Totals(QWidget):
    """The four tiles."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Totals before and after")
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        row.setSpacing(SPACE)
        self.tiles = {}
        for title, tip, _, show in TILES:
            self.tiles[title] = Tile(title, tip, show)
            row.addWidget(self.tiles[title])

    def set_costs(self, before: Cost, after: Cost) -> None:
        """Show what the model costs uncut and under the plan."""
        for title, _, read, _ in TILES:
            self.tiles[title].set_values(read(before), read(after))
