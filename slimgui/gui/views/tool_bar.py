"""A tool bar with a thin line below it, that leaves the words out where there is no room for them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QToolBar, QWidget

from slimgui.gui.theme import colours

_WORDS = Qt.ToolButtonStyle.ToolButtonTextBesideIcon
_ICONS = Qt.ToolButtonStyle.ToolButtonIconOnly


class ToolBar(QToolBar):
    """Fusion's line is nearly white in the dark theme; a style sheet would keep the colours of its start."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self.setToolButtonStyle(_WORDS)
        self._needed = 0  # pixels with all words

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window icons alone: the ratio, which is last, would go behind the arrow at the end."""
        super().resizeEvent(event)
        if self.toolButtonStyle() == _WORDS:
            self._needed = self.sizeHint().width()
        self.setToolButtonStyle(_WORDS if self.width() >= self._needed else _ICONS)

    def paintEvent(self, event: QPaintEvent) -> None:
        """See Qt."""
        del event
        line = self.rect().adjusted(0, self.height() - 1, 0, 0)
        QPainter(self).fillRect(line, QColor(colours(self.palette()).border))
