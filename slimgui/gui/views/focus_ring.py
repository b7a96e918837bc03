"""Where the keyboard is: a ring around the large views, which look alike with and without it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QColor, QFocusEvent, QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import QWidget

from slimgui.gui.theme import colours

_WIDTH: Final = 2
_BY_KEY: Final = frozenset(
    {
        Qt.FocusReason.TabFocusReason,
        Qt.FocusReason.BacktabFocusReason,
        Qt.FocusReason.ShortcutFocusReason,
    }
)
_MOVED: Final = frozenset({QEvent.Type.Resize, QEvent.Type.Move})
_OVER: Final = frozenset({QEvent.Type.FocusOut, QEvent.Type.Hide, QEvent.Type.MouseButtonPress})


class FocusRing(QWidget):
    """Lies over the view that a key went to; a click needs no ring.

    Args:
        views: that may have one.
        window: holds them.
    """

    def __init__(self, views: Iterable[QWidget], window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._around: QWidget | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Keyboard focus")
        self.hide()
        for view in views:
            view.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the focus, and the view that has it."""
        kind = event.type()
        if kind == QEvent.Type.FocusIn and isinstance(event, QFocusEvent) and isinstance(watched, QWidget):
            self._lie_over(watched if event.reason() in _BY_KEY else None)
        elif watched is self._around and (kind in _MOVED or kind in _OVER):
            self._lie_over(self._around if kind in _MOVED else None)
        return super().eventFilter(watched, event)

    def _lie_over(self, view: QWidget | None) -> None:
        self._around = view
        self.setVisible(view is not None)
        if view is not None:
            corner = view.mapTo(self._window, QPoint(0, 0))
            self.setGeometry(QRect(corner, view.size()))
            inner = self.rect().adjusted(_WIDTH, _WIDTH, -_WIDTH, -_WIDTH)
            self.setMask(QRegion(self.rect()) - QRegion(inner))  # what is inside is painted as ever
            self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        """See Qt."""
        del event
        QPainter(self).fillRect(self.rect(), QColor(colours(self.palette()).accent))
