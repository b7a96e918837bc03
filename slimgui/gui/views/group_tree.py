"""The tree of groups with its search box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QSignalBlocker,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from slimgui.core.wire import Document
from slimgui.gui import icons
from slimgui.gui.facts import text
from slimgui.gui.facts.snapshot import Change, Snapshot
from slimgui.gui.models import query
from slimgui.gui.models.columns import Column, Role
from slimgui.gui.models.groups import Edit, GroupModel
from slimgui.gui.theme import SPACE
from slimgui.gui.views.count_editor import CountEditor
from slimgui.gui.views.delegates import CountDelegate
from slimgui.gui.views.narrow_tree import NarrowTree
from slimgui.gui.views.own_keys import OwnKey

if TYPE_CHECKING:
    from slimgui.core.resolve import Scores

_WIDTHS: Final = {
    Column.KEEP: 48, Column.OF: 46, Column.REMOVED: 64, Column.PARAMS: 58, Column.MACS: 50,
    Column.IMPORTANCE: 78, Column.STATE: 46,
}  # fmt: skip  # the name of the group takes what they leave
REST_MS: Final = 600  # without an edit: the rows that the search shows may be others
_ENTER: Final = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_NAME: Final = 160  # the least that a name can be told by, with the bar beside it
_INDENT: Final = 14


class GroupTree(QWidget):
    """Shows the groups; the selected one leaves as `group_selected`, edits through `edit`.

    Args:
        edit: takes channels to keep by group id.
    """

    group_selected = Signal(str)
    marked = Signal(list)  #: ids of all groups that are selected and shown

    def __init__(self, edit: Edit, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._edit = edit
        self._starts: dict[
            str, int
        ] = {}  # counts of the rows that an open editor changes, when it was opened
        self._extra = 0  # rows that are shown though they match no more
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._look_again)
        self.model = GroupModel(edit, self)
        self.delegate = CountDelegate(self._apply, self._revert, self)
        self.delegate.editing_started.connect(self._on_editing_started)
        self.search = QLineEdit(self)
        self.found = QLabel(self)
        self.tree = NarrowTree(self)
        self._set_up_search()
        self._set_up_tree()
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE, SPACE, 0, 0)
        column.setSpacing(SPACE)
        for widget in (self.search, self.found, self.tree):
            column.addWidget(widget)
        self.refresh_colours()

    def _set_up_search(self) -> None:
        self.search.setPlaceholderText("Find groups and layers, or locked:  macs>10%  removed>30%  (Ctrl+F)")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Find a group or a layer")
        self.search.setToolTip(query.HELP)
        self.search.textChanged.connect(self._on_search_changed)
        self.search.returnPressed.connect(self._go_to_first)
        OwnKey(self.search, lambda event: event.key() == Qt.Key.Key_Down, self._go_to_first)
        self.found.setAccessibleName("Groups found")

    def _set_up_tree(self) -> None:
        tree = self.tree
        tree.setModel(self.model)
        tree.setItemDelegate(self.delegate)
        OwnKey(tree, lambda event: event.key() in _ENTER and not self._editor(), self.edit_selected)
        tree.setAccessibleName("Groups of channels")
        tree.setFrameShape(QFrame.Shape.NoFrame)
        tree.setUniformRowHeights(True)
        tree.setIndentation(_INDENT)
        tree.setSortingEnabled(True)
        tree.sortByColumn(Column.GROUP, Qt.SortOrder.AscendingOrder)
        tree.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        triggers = QAbstractItemView.EditTrigger
        tree.setEditTriggers(triggers.DoubleClicked | triggers.EditKeyPressed | triggers.SelectedClicked)
        header = tree.header()
        header.setAccessibleName("Columns of the groups")
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(False)
        tree.resized.connect(self._fit_name)
        header.sectionResized.connect(self._on_section_resized)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.reset_columns()
        tree.selectionModel().currentRowChanged.connect(self._on_current_changed)
        tree.selectionModel().selectionChanged.connect(lambda: self.marked.emit(self.selected_ids()))

    def sizeHint(self) -> QSize:
        """Room for every column where there is some."""
        return QSize(620, 500)

    def minimumSizeHint(self) -> QSize:
        """The names and the counts; the other columns can be scrolled to."""
        return QSize(_NAME + _WIDTHS[Column.KEEP] + _WIDTHS[Column.OF] + 2 * SPACE, 120)

    def _fit_name(self) -> None:
        """Give the names what the other columns leave, and what can be read in any case."""
        header = self.tree.header()
        others = sum(header.sectionSize(column) for column in Column if column != Column.GROUP)
        header.resizeSection(Column.GROUP, max(_NAME, self.tree.viewport().width() - others))

    def _on_section_resized(self, column: int) -> None:
        if column != Column.GROUP:
            self._fit_name()

    # --- what is shown

    def set_document(self, document: Document, snapshot: Snapshot) -> None:
        """Show another model."""
        self.search.clear()
        self.model.set_document(document, snapshot)
        self.tree.selectionModel().clear()
        self._tell_found(self.model.rowCount())

    def set_snapshot(self, snapshot: Snapshot, change: Change) -> None:
        """Show another plan."""
        self.model.set_snapshot(snapshot, change)
        if self.search.text():
            self._rest.start()

    def set_scores(self, scores: Scores | None) -> None:
        """Draw how important channels are; None: nobody has judged them."""
        self.model.set_scores(scores)

    def set_selected(self, group_id: str) -> None:
        """Select the row of a group, without saying so; a search that hides it is cleared."""
        selection = self.tree.selectionModel()
        with QSignalBlocker(self):
            current = self.tree.currentIndex()
            if not group_id:
                selection.clear()
            elif current.data(Role.GROUP_ID) != group_id:
                index = self.model.index_of(group_id)
                if self.tree.isRowHidden(index.row(), QModelIndex()):
                    self.search.clear()
                flags = QItemSelectionModel.SelectionFlag
                selection.setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
                self.tree.scrollTo(index)
        self.tree.viewport().update()

    def selected_ids(self) -> list[str]:
        """Ids of the groups whose rows, or rows below, are selected, from top to bottom, each once."""
        return list(dict.fromkeys(index.data(Role.GROUP_ID) for index in self.selected_rows()))

    def selected_rows(self) -> list[QModelIndex]:
        """The rows that are selected, from top to bottom; what a search hides is not meant."""
        rows = self.tree.selectionModel().selectedRows()
        return sorted((row for row in rows if not self._is_hidden(row)), key=_place)

    def shown_rows(self) -> list[int]:
        """Rows of the groups that the search leaves, from top to bottom."""
        return [row for row in range(self.model.rowCount()) if not self.tree.isRowHidden(row, QModelIndex())]

    def reset_columns(self) -> None:
        """Show every column, in the order and the width of the start."""
        header = self.tree.header()
        for column in Column:
            header.setSectionHidden(column, False)
            header.moveSection(header.visualIndex(column), column)
        for column, width in _WIDTHS.items():
            header.resizeSection(column, width)

    def refresh_colours(self) -> None:
        """Follow the theme."""
        for action in self.search.actions():
            if action.objectName() == "search":
                action.setIcon(icons.icon("search", self.palette()))
                return
        position = QLineEdit.ActionPosition.LeadingPosition
        self.search.addAction(icons.icon("search", self.palette()), position).setObjectName("search")

    # --- edits

    def edit_selected(self) -> None:
        """Open the editor of the selected group's count; a search that hides it is cleared."""
        index = self.tree.currentIndex()
        if index.isValid() and self._is_hidden(index):
            self.search.clear()
        top = index.parent() if index.parent().isValid() else index
        cell = top.siblingAtColumn(Column.KEEP)
        if cell.isValid() and cell.flags() & Qt.ItemFlag.ItemIsEditable:
            self.tree.setFocus()
            flags = QItemSelectionModel.SelectionFlag
            self.tree.selectionModel().setCurrentIndex(cell, flags.Select | flags.Rows)
            self.tree.edit(cell)

    def close_editor(self) -> None:
        """Close the editor that is open; what was typed and not taken with Enter is dropped."""
        QCoreApplication.sendPostedEvents(self.delegate, QEvent.Type.MetaCall.value)  # Enter closes it late
        if (editor := self._editor()) is not None:
            self.delegate.closeEditor.emit(editor, QAbstractItemDelegate.EndEditHint.NoHint)

    def _editor(self) -> CountEditor | None:
        """The editor that is open; one that was closed is still there for a moment."""
        return next((one for one in self.tree.findChildren(CountEditor) if one.isVisible()), None)

    def _on_editing_started(self) -> None:
        cells = self.model.cells
        assert cells, "what is edited is shown"
        numbers = [
            (group_id, self.model.number(self.model.index_of(group_id))) for group_id in self.selected_ids()
        ]
        self._starts = {
            group_id: cells.kept(cells.rows[number]) for group_id, number in numbers if cells.may_edit(number)
        }

    def _apply(self, group_id: str, count: int, expression: str) -> None:
        """Set the count of the edited group, and do the same to the other selected ones."""
        kept = {group_id: count}
        for other, start in self._starts.items():
            if other != group_id:
                size = self.model.index_of(other).data(Role.SIZE)
                kept[other] = text.parse_count(expression, start, size) or start
        self._edit(kept)

    def _revert(self) -> None:
        starts: Mapping[str, int] = self._starts
        self._edit(starts)

    # --- search and selection

    def _go_to_first(self) -> None:
        """Enter in the search box: look again, as counts may be others by now, and go to the first one."""
        self._on_search_changed()
        if shown := self.shown_rows():
            self.tree.setCurrentIndex(self.model.index(shown[0], 0))
            self.tree.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_search_changed(self) -> None:
        self._rest.stop()
        self._narrow(held=())

    def _look_again(self) -> None:
        """Counts are others by now. While somebody edits no row goes, and none that is selected later."""
        if self._editor() is not None or QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton:
            self._rest.start()
        else:
            self._narrow(held=self.selected_ids())

    def _narrow(self, held: Sequence[str]) -> None:
        """Hide the rows that neither match nor are `held`: hidden ones keep their place, and are as open."""
        cells, everywhere = self.model.cells, QModelIndex()
        if cells is None:
            return
        found = query.matching(cells, query.parse(self.search.text()))
        extra = {self.model.number(self.model.index_of(group_id)) for group_id in held} - found
        for row in range(self.model.rowCount()):
            hidden = self.model.number(self.model.index(row, 0)) not in found | extra
            if hidden != self.tree.isRowHidden(row, everywhere):
                self.tree.setRowHidden(row, everywhere, hidden)
        self._extra = len(extra)
        self._tell_found(len(found))
        self.marked.emit(self.selected_ids())

    def _is_hidden(self, index: QModelIndex) -> bool:
        above = index.parent()
        return self.tree.isRowHidden((above if above.isValid() else index).row(), QModelIndex())

    def _tell_found(self, shown: int) -> None:
        rows = self.model.rowCount()
        told = text.plural(rows, "group") if shown == rows else f"{shown} of {rows} groups"
        fits = (
            "the selected one, which fits" if self._extra == 1 else f"{self._extra} selected ones, which fit"
        )
        self.found.setText(f"{told}, and {fits} no more" if self._extra else told)

    def _on_current_changed(self, current: QModelIndex) -> None:
        if self._extra:  # the one that was held need not stay
            self._rest.start()
        group_id = current.data(Role.GROUP_ID) if current.isValid() else None
        if group_id is not None:
            self.group_selected.emit(group_id)


def _place(index: QModelIndex) -> tuple[int, int]:
    above = index.parent()
    return (above.row(), index.row()) if above.isValid() else (index.row(), -1)
