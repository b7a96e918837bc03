"""What the whole model costs, before and after: tiles along the bottom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QWidget

from slimgui.core.cost import Cost
from slimgui.core.wire import Timed
from slimgui.gui.facts import text
from slimgui.gui.theme import SPACE, colours, scaled

Read = Callable[[Cost], int]
_SIZES: Final = (1.3, 1.15, 1.0, 0.9)  # of the value, largest first
_NARROW: Final = 160  # pixels of a tile
_GAP: Final = 6
_MIDDLE: Final = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter

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
        self._before, self._after = 0.0, 0.0
        self._is_current = True  # the values are of the plan as it is now
        self.setToolTip(tip)
        self.setAccessibleName(title)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_values(self, before: float, after: float) -> None:
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
        return QSize(136, self.sizeHint().height())

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
        side = 12 if frame.width() > _NARROW else 8
        inner = frame.adjusted(side, 8, -side, -10)
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
        painter.setPen(QColor(table.success if self._after < self._before else table.muted))
        said = text.change(self._before, self._after) if self._is_known() else "not measured"
        widths = map(QFontMetricsF(self.font()).horizontalAdvance, (self._title, said))
        if sum(widths) + _GAP <= top.width():
            painter.drawText(top, Qt.AlignmentFlag.AlignRight, said)
        if self._is_known():
            self._paint_values(
                painter, QRectF(inner.left(), inner.top() + height + 3, inner.width(), height * 1.5)
            )

    def _is_known(self) -> bool:
        """Whether there are values to show."""
        return True

    def _paint_values(self, painter: QPainter, line: QRectF) -> None:
        table = colours(self.palette())
        after, before = self._show(self._after), f"of {self._show(self._before)}"
        is_cut = self._before != self._after and self._is_current
        rest = QFontMetricsF(self.font()).horizontalAdvance(before) + _GAP if is_cut else 0.0
        big = self._largest(after, line.width() - rest)
        painter.setFont(big)
        painter.setPen(QColor(table.text))
        painter.drawText(line, _MIDDLE, after)
        if is_cut:
            line.setLeft(line.left() + QFontMetricsF(big).horizontalAdvance(after) + _GAP)
            painter.setFont(self.font())
            painter.setPen(QColor(table.muted))
            painter.drawText(line, _MIDDLE, before)

    def _largest(self, words: str, room: float) -> QFont:
        """The largest font in which they fit; half a number would read like another one."""
        fonts = [scaled(self.font(), size, bold=True) for size in _SIZES]
        return next((f for f in fonts if QFontMetricsF(f).horizontalAdvance(words) <= room), fonts[-1])


class LatencyTile(Tile):
    """The time of a forward pass, which somebody has to measure: the button does, and again after an edit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            "Latency", "How long one forward pass of the example input takes", text.seconds, parent
        )
        self.button = QToolButton(self)
        self.button.setAccessibleName("Measure latency")

    def set_actions(self, measure: QAction, others: Sequence[QAction]) -> None:
        """What the button does; it is grey when that is, and says why. `others` say how: in its menu."""
        measure.setIconText("Measure")
        self.button.setDefaultAction(measure)
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        for widget in (self, self.button):
            widget.addActions(others)
            widget.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def set_time(self, timed: Timed | None, is_current: bool) -> None:
        """Show what was measured, and whether it is of the plan as it is now."""
        before, after = (timed.before, timed.after) if timed else (0.0, 0.0)
        self._title = "Latency" if is_current or timed is None else "Latency before the edit"
        self._is_current = is_current
        self.button.setVisible(not is_current)
        self.set_values(before, after)
        self.setToolTip(_about(timed) if timed else "How long one forward pass of the example input takes")
        self.update()

    def _is_known(self) -> bool:
        return self._before > 0

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The button stands on the right of the values."""
        super().resizeEvent(event)
        size = self.button.sizeHint()
        top = (self.height() - size.height()) // 2 + 4
        self.button.setGeometry(self.width() - size.width() - 10, top, size.width(), size.height())


def _about(timed: Timed) -> str:
    spread = f"± {text.seconds(timed.spread[1])}, measured in turns" if timed.spread else "by its table"
    advice = "\n".join(filter(None, (timed.warning, timed.advice)))
    return f"On {timed.device}, {spread}.\n{advice}".strip()


class Totals(QWidget):
    """All tiles."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Totals before and after")
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        row.setSpacing(SPACE)
        self.tiles: dict[str, Tile] = {}
        for title, tip, _, show in TILES:
            self.tiles[title] = Tile(title, tip, show)
            row.addWidget(self.tiles[title])
        self.latency = LatencyTile(self)
        row.addWidget(self.latency)

    def set_costs(self, before: Cost, after: Cost) -> None:
        """Show what the model costs uncut and under the plan."""
        for title, _, read, _ in TILES:
            self.tiles[title].set_values(read(before), read(after))
