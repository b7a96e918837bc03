"""Rows of a view on the clipboard, by the key that copies everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView

from slimgui.gui.facts.rows_text import as_tsv

_KEYS: Final = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress)
_COPY: Final = QKeySequence.StandardKey.Copy


class CopyKey(QObject):
    """Gives a view the key: else the window's action, which copies groups, takes it.

    Args:
        view: that has the focus.
        copy: puts something on the clipboard; by default the selected rows, with tabs, below their titles.
    """

    def __init__(self, view: QAbstractItemView, copy: Callable[[], None] | None = None) -> None:
        super().__init__(view)
        self._copy = copy or (lambda: QGuiApplication.clipboard().setText(selected_rows(view)))
        view.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Claim the key before shortcuts are looked at, then copy."""
        if not (isinstance(event, QKeyEvent) and event.type() in _KEYS and event.matches(_COPY)):
            return super().eventFilter(watched, event)
        if event.type() == QEvent.Type.KeyPress:
            self._copy()
        event.accept()
        return True


def selected_rows(view: QAbstractItemView) -> str:
    """What the selected rows of a view say, from top to bottom."""
    model, rows = view.model(), sorted(index.row() for index in view.selectionModel().selectedRows())
    columns = range(model.columnCount())
    head = [str(model.headerData(each, Qt.Orientation.Horizontal) or "") for each in columns]
    return as_tsv([head, *([str(model.index(row, each).data() or "") for each in columns] for row in rows)])
