"""The groups of the open model as a tree: one row per group, below it the layers that move with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from slimgui.core.wire import Document
from slimgui.gui.facts import text
from slimgui.gui.facts.snapshot import Change, Snapshot
from slimgui.gui.models.cells import Cells
from slimgui.gui.models.columns import HEADERS, NUMBERS, Column, Role

if TYPE_CHECKING:
    from slimgui.core.resolve import Scores

Index = QModelIndex | QPersistentModelIndex
Edit = Callable[[Mapping[str, int]], None]
_NOWHERE: Final = QModelIndex()
_TOP: Final = 0  # internal id of group rows; a layer's is 1 + number of its group
_COLUMNS: Final = len(Column)
_PLAIN: Final = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
_LEAF: Final = _PLAIN | Qt.ItemFlag.ItemNeverHasChildren
_EDITABLE: Final = _PLAIN | Qt.ItemFlag.ItemIsEditable
_RIGHT: Final = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT: Final = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class GroupModel(QAbstractItemModel):
    """Shows a document under a snapshot; edits leave through `edit`.

    It sorts by itself: through a proxy, every question of the view would be asked twice.

    Args:
        edit: takes channels to keep by group id; what becomes of them comes back by `set_snapshot`.
    """

    def __init__(self, edit: Edit, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._edit = edit
        self.cells: Cells | None = None
        self._order: list[int] = []  # number of the group in each row
        self._place: list[int] = []  # row of each group
        self._number_of: dict[str, int] = {}
        self._sorted_by = (Column.GROUP, Qt.SortOrder.AscendingOrder)

    def set_document(self, document: Document, snapshot: Snapshot) -> None:
        """Show another model."""
        self.beginResetModel()
        self.cells = Cells(document, snapshot)
        self._number_of = {row.id: number for number, row in enumerate(document.groups)}
        self._arrange()
        self.endResetModel()

    def set_snapshot(self, snapshot: Snapshot, change: Change) -> None:
        """Show another plan for the same model; says what changed, and no more."""
        assert self.cells, "a snapshot is of a document"
        self.cells.snapshot = snapshot
        for group_id in change.groups:
            top = self.index_of(group_id)
            self.dataChanged.emit(top, top.siblingAtColumn(Column.STATE))
            if count := self.rowCount(top):
                self.dataChanged.emit(self.index(0, 0, top), self.index(count - 1, Column.STATE, top))
        if change.groups:  # parameters and compute of the neighbours change with any count
            last = self.index(len(self._order) - 1, Column.MACS)
            self.dataChanged.emit(self.index(0, Column.PARAMS), last)

    def set_scores(self, scores: Scores | None) -> None:
        """Show how important channels are, or that nobody has judged them."""
        if self.cells and self._order:
            self.cells.set_scores(scores)
            column = Column.IMPORTANCE
            self.dataChanged.emit(self.index(0, column), self.index(len(self._order) - 1, column))

    def index_of(self, group_id: str) -> QModelIndex:
        """The row of a group, invalid for an id that is not shown."""
        number = self._number_of.get(group_id)
        return QModelIndex() if number is None else self.index(self._place[number], 0)

    def number(self, index: Index) -> int:
        """The number of the group that a row is, or is below."""
        return self._order[index.row()] if index.internalId() == _TOP else index.internalId() - 1

    # --- order

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Put the groups in the order of a column; an edit moves no row, until it is sorted again."""
        self._sorted_by = (Column(column), order)
        self.layoutAboutToBeChanged.emit()
        held = [
            (index, self.number(index)) for index in self.persistentIndexList() if index.internalId() == _TOP
        ]
        self._arrange()
        moved = [self.index(self._place[number], index.column()) for index, number in held]
        self.changePersistentIndexList([index for index, _ in held], moved)
        self.layoutChanged.emit()

    def _arrange(self) -> None:
        cells, (column, order) = self.cells, self._sorted_by
        self._order = list(range(len(cells.rows))) if cells else []
        if cells is not None:
            falling = order == Qt.SortOrder.DescendingOrder
            self._order.sort(key=lambda number: cells.value(number, column), reverse=falling)
        self._place = [0] * len(self._order)
        for row, number in enumerate(self._order):
            self._place[number] = row

    # --- structure

    def index(self, row: int, column: int, parent: Index = _NOWHERE) -> QModelIndex:
        """See Qt."""
        if not 0 <= column < _COLUMNS or not 0 <= row < self.rowCount(parent):
            return QModelIndex()
        return self.createIndex(row, column, 1 + self._order[parent.row()] if parent.isValid() else _TOP)

    def parent(self, index: Index = _NOWHERE) -> QModelIndex:  # type: ignore[override]  # Qt has two of this name
        """See Qt."""
        if not index.isValid() or index.internalId() == _TOP:
            return QModelIndex()
        return self.createIndex(self._place[index.internalId() - 1], 0, _TOP)

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """See Qt."""
        if not parent.isValid():
            return len(self._order)
        if parent.internalId() != _TOP or parent.column() != 0 or self.cells is None:
            return 0
        return len(self.cells.children[self._order[parent.row()]])

    def hasChildren(self, parent: Index = _NOWHERE) -> bool:
        """See Qt."""
        return self.rowCount(parent) > 0

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """See Qt."""
        del parent
        return _COLUMNS

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Only the count of a group that is not locked can be edited."""
        if not index.isValid() or self.cells is None:
            return Qt.ItemFlag.NoItemFlags
        if index.internalId() != _TOP:
            return _LEAF
        open_ = index.column() == Column.KEEP and self.cells.may_edit(self._order[index.row()])
        return _EDITABLE if open_ else _PLAIN

    # --- content

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """See Qt."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < _COLUMNS:
            return None
        title, tip = HEADERS[Column(section)]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if section in NUMBERS else _LEFT
        return (
            title
            if role == Qt.ItemDataRole.DisplayRole
            else tip
            if role == Qt.ItemDataRole.ToolTipRole
            else None
        )

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """See Qt."""
        if self.cells is None or not index.isValid():
            return None
        number, column = self.number(index), Column(index.column())
        if role == Role.GROUP_ID:
            return self.cells.rows[number].id
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column in NUMBERS else _LEFT
        if index.internalId() != _TOP:
            return self._layer_data(self.cells, number, index.row(), column, role)
        return self._group_data(self.cells, number, column, role)

    def _group_data(self, cells: Cells, number: int, column: Column, role: int) -> Any:
        if role == Role.CELL:
            return cells.cell(number, column)
        if role == Qt.ItemDataRole.DisplayRole:
            return cells.shown(number, column)
        if role in (Qt.ItemDataRole.EditRole, Role.SORT):
            return cells.value(number, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return cells.tip(number, column)
        return cells.rows[number].size if role == Role.SIZE else None

    def _layer_data(self, cells: Cells, number: int, child: int, column: Column, role: int) -> Any:
        if role == Role.CELL:
            return cells.layer_cell(number, child, column)
        if role == Qt.ItemDataRole.DisplayRole:
            return cells.layer_shown(number, child, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return cells.layer_tip(number, child)
        return child if role == Role.SORT else None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Pass a new count on; text such as "50%" is understood."""
        if role != Qt.ItemDataRole.EditRole or not self.flags(index) & Qt.ItemFlag.ItemIsEditable:
            return False
        assert self.cells, "what can be edited has cells"
        row = self.cells.rows[self.number(index)]
        count = text.parse_count(str(value), self.cells.kept(row), row.size)
        if count is None:
            return False
        self._edit({row.id: count})
        return True
