"""A tool bar with a thin line below it."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolBar

from slimgui.gui.theme import colours


class ToolBar(QToolBar):
    """Fusion's line is nearly white in the dark theme; a style sheet would keep the colours of its start."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """See Qt."""
        del event
        line = self.rect().adjusted(0, self.height() - 1, 0, 0)
        QPainter(self).fillRect(line, QColor(colours(self.palette()).border))
