"""Keys that mean something else in one widget than in the window: to copy rows, to drop what was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QSpinBox, QWidget

from slimgui.gui.facts.rows_text import as_tsv

_KEYS: Final = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress)


class OwnKey(QObject):
    """Claims a key for a widget, before the shortcuts of the window are looked at.

    Args:
        widget: that has the focus.
        is_wanted: whether a key is claimed, as things are now.
        act: what it does then.
    """

    def __init__(
        self, widget: QWidget, is_wanted: Callable[[QKeyEvent], bool], act: Callable[[], None]
    ) -> None:
        super().__init__(widget)
        self._is_wanted, self._act = is_wanted, act
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """See Qt: the claim comes first, then the key itself."""
        if not (isinstance(event, QKeyEvent) and event.type() in _KEYS and self._is_wanted(event)):
            return super().eventFilter(watched, event)
        if event.type() == QEvent.Type.KeyPress:
            self._act()
        event.accept()
        return True


def copy_rows(view: QAbstractItemView, copy: Callable[[], None] | None = None) -> None:
    """Let the key that copies everywhere copy rows of this view, by default those that are selected."""
    put = QGuiApplication.clipboard().setText
    OwnKey(view, _copies, copy or (lambda: put(selected_rows(view))))


def escape_reverts(box: QSpinBox) -> None:
    """Let Esc drop what was typed into a box and not taken with Enter."""

    def shown() -> str:
        return f"{box.prefix()}{box.textFromValue(box.value())}{box.suffix()}"

    def revert() -> None:
        box.lineEdit().setText(shown())
        box.selectAll()

    OwnKey(box, lambda event: event.key() == Qt.Key.Key_Escape and box.text() != shown(), revert)


def selected_rows(view: QAbstractItemView) -> str:
    """What the selected rows of a view say, from top to bottom, below the titles of the columns."""
    model, rows = view.model(), sorted(index.row() for index in view.selectionModel().selectedRows())
    columns = range(model.columnCount())
    head = [str(model.headerData(each, Qt.Orientation.Horizontal) or "") for each in columns]
    return as_tsv([head, *([str(model.index(row, each).data() or "") for each in columns] for row in rows)])


def _copies(event: QKeyEvent) -> bool:
    return event.matches(QKeySequence.StandardKey.Copy)
