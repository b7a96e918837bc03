"""The list of plans as a tree whose names are changed in place, as file managers do it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QAbstractItemModel, QEvent, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QStyledItemDelegate, QStyleOptionViewItem, QTreeWidget, QWidget

Index = QModelIndex | QPersistentModelIndex
NAME: Final = 0  # the column
_OWN: Final = (Qt.Key.Key_F2, Qt.Key.Key_Delete)


class _Names(QStyledItemDelegate):
    """Edits names only; what was typed is told, never written: whoever owns the plans decides."""

    typed = Signal(str, str)  #: the old name and the new one

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        """See Qt."""
        del option
        if index.column() != NAME:
            return None  # type: ignore[return-value]  # Qt takes it for "no editor"
        editor = QLineEdit(parent)
        editor.setAccessibleName("Name of the plan")
        return editor

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """See Qt."""
        del model
        assert isinstance(editor, QLineEdit), "made above"
        self.typed.emit(str(index.data()), editor.text().strip())


class PlanNames(QTreeWidget):
    """F2, a double click, or a click on the name of the chosen plan edits it in its place; Del removes it."""

    renamed = Signal(str, str)  #: the old name and the new one
    delete_wanted = Signal(str)  #: the name of the plan that is to go

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        triggers = QTreeWidget.EditTrigger
        self.setEditTriggers(triggers.EditKeyPressed | triggers.DoubleClicked | triggers.SelectedClicked)
        self.setExpandsOnDoubleClick(False)
        names = _Names(self)
        self.setItemDelegate(names)
        queued = (
            Qt.ConnectionType.QueuedConnection
        )  # the tree may be built anew: not while it closes the editor
        names.typed.connect(self.renamed, queued)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """F2 changes the name, whichever column was clicked; Del removes the plan."""
        item = self.currentItem()
        if event.key() == Qt.Key.Key_Delete and item is not None:
            self.delete_wanted.emit(item.text(NAME))
            return
        if event.key() == Qt.Key.Key_F2 and item is not None:
            self.setCurrentItem(item, NAME)
        super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """These are the tree's own keys while it has the focus; elsewhere they mean a group."""
        override = QEvent.Type.ShortcutOverride
        if isinstance(event, QKeyEvent) and event.type() == override and event.key() in _OWN:
            event.accept()
            return True
        return super().event(event)
