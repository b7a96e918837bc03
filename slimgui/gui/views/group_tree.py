"""The tree of groups with its search box."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QLineEdit,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from slimgui.core.wire import Document
from slimgui.gui import icons
from slimgui.gui.delegates import CountDelegate
from slimgui.gui.models.filter import GroupFilter
from slimgui.gui.models.groups import Column, GroupModel, Role
from slimgui.gui.snapshot import Change, Snapshot
from slimgui.gui.theme import SPACE, colours, mixed

_WIDTHS = {
    Column.GROUP: 158, Column.KEEP: 62, Column.OF: 44, Column.REMOVED: 74, Column.PARAMS: 86, Column.MACS: 74,
    Column.STATE: 70,
}  # fmt: skip


class GroupTree(QWidget):
    """Shows the groups; the selected one leaves as `group_selected`, edits through `edit`."""

    group_selected = Signal(str)

    def __init__(self, edit: Callable[[str, int], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = GroupModel(edit, self)
        self.filter = GroupFilter(self.model, self)
        self.delegate = CountDelegate(self)
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Find a group or a layer (Ctrl+F)")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Find a group or a layer")
        self.search.setToolTip("Shows the groups whose name, layers or state hold every word you type")
        self.search.textChanged.connect(self._on_search_changed)
        self.tree = QTreeView(self)
        self._set_up_tree()
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE, SPACE, 0, 0)
        column.setSpacing(SPACE)
        column.addWidget(self.search)
        column.addWidget(self.tree)

    def _set_up_tree(self) -> None:
        tree = self.tree
        tree.setModel(self.filter)
        tree.setItemDelegate(self.delegate)
        tree.setAccessibleName("Groups of channels")
        tree.setFrameShape(QFrame.Shape.NoFrame)
        tree.setUniformRowHeights(True)
        tree.setSortingEnabled(True)
        tree.sortByColumn(Column.GROUP, Qt.SortOrder.AscendingOrder)
        tree.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        triggers = QAbstractItemView.EditTrigger
        tree.setEditTriggers(triggers.DoubleClicked | triggers.EditKeyPressed | triggers.SelectedClicked)
        header = tree.header()
        header.setAccessibleName("Columns of the groups")
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        for column, width in _WIDTHS.items():
            header.resizeSection(column, width)
        tree.selectionModel().currentRowChanged.connect(self._on_current_changed)

    def set_document(self, document: Document, snapshot: Snapshot) -> None:
        """Show another model."""
        self.search.clear()
        self.model.set_document(document, snapshot)
        self.tree.selectionModel().clear()

    def set_snapshot(self, snapshot: Snapshot, change: Change) -> None:
        """Show another plan."""
        self.model.set_snapshot(snapshot, change)

    def set_selected(self, group_id: str) -> None:
        """Select the row of a group, without saying so."""
        selection = self.tree.selectionModel()
        with QSignalBlocker(self):
            current = self.tree.currentIndex()
            if not group_id:
                selection.clear()
            elif current.data(Role.GROUP_ID) != group_id:
                index = self.filter.mapFromSource(self.model.index_of(group_id))
                flags = QItemSelectionModel.SelectionFlag
                selection.setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
                self.tree.scrollTo(index)
        self.tree.viewport().update()

    def edit_selected(self) -> None:
        """Open the editor of the selected group's count."""
        index = self.tree.currentIndex()
        top = index.parent() if index.parent().isValid() else index
        cell = top.siblingAtColumn(Column.KEEP)
        if cell.isValid() and cell.flags() & Qt.ItemFlag.ItemIsEditable:
            self.tree.setFocus()
            self.tree.setCurrentIndex(cell)
            self.tree.edit(cell)

    def refresh_colours(self) -> None:
        """Follow the theme: the search icon, and a selection that leaves colours and bars visible."""
        table = colours(self.palette())
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.Highlight, mixed(table.accent, table.surface, 0.2))
        palette.setColor(QPalette.ColorRole.HighlightedText, QColor(table.text))
        self.tree.setPalette(palette)
        for action in self.search.actions():
            if action.objectName() == "search":
                action.setIcon(icons.icon("search", self.palette()))
                return
        position = QLineEdit.ActionPosition.LeadingPosition
        self.search.addAction(icons.icon("search", self.palette()), position).setObjectName("search")

    def _on_search_changed(self, typed: str) -> None:
        self.filter.set_words(typed)

    def _on_current_changed(self, current: QModelIndex) -> None:
        group_id = current.data(Role.GROUP_ID) if current.isValid() else None
        if group_id is not None:
            self.group_selected.emit(group_id)
