"""The groups of the open model as a tree: one row per group, below it the layers that move with it."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from slimgui.core.wire import Document, GroupRow
from slimgui.gui import text
from slimgui.gui.snapshot import Change, Snapshot
from slimgui.gui.theme import LOCKED_COLOUR, group_colour

Index = QModelIndex | QPersistentModelIndex
_NOWHERE: Final = QModelIndex()
_TOP: Final = 0  # internal id of group rows; a layer's is 1 + row of its group


class Column(IntEnum):
    """Columns, left to right."""

    GROUP = 0
    KEEP = 1
    OF = 2
    REMOVED = 3
    PARAMS = 4
    MACS = 5
    STATE = 6


class Role(IntEnum):
    """Roles of our own."""

    SORT = Qt.ItemDataRole.UserRole
    GROUP_ID = Qt.ItemDataRole.UserRole + 1
    SIZE = Qt.ItemDataRole.UserRole + 2
    SHARE = Qt.ItemDataRole.UserRole + 3  # 0..1, drawn as a bar


HEADERS: Final = {
    Column.GROUP: ("Group", "Channels that only go together, named after the first layer that writes them"),
    Column.KEEP: ("Keep", "How many channels stay. Double-click to change; 50%, /2, -8 and =64 work as well"),
    Column.OF: ("Of", "How many channels there are in the original model"),
    Column.REMOVED: ("Removed", "Share of the group's channels that is removed"),
    Column.PARAMS: ("Parameters", "Parameters of all layers this group touches, as they are now"),
    Column.MACS: ("MACs", "Share of the multiply-adds in this group's layers; a layer may be in two"),
    Column.STATE: ("State", "What is being done to the group, or why it must stay whole"),
}  # fmt: skip
_COLUMNS: Final = len(Column)
_NUMBERS: Final = (Column.KEEP, Column.OF, Column.REMOVED, Column.PARAMS, Column.MACS)
Child = tuple[str, int, int]  # layer, dimension, indices per channel


class GroupModel(QAbstractItemModel):
    """Shows a document under a snapshot; edits leave through `edit`.

    Args:
        edit: takes group id and channels to keep; what becomes of it comes back by `set_snapshot`.
    """

    def __init__(self, edit: Callable[[str, int], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._edit = edit
        self._rows: tuple[GroupRow, ...] = ()
        self._children: list[tuple[Child, ...]] = []
        self._row_of: dict[str, int] = {}
        self._snapshot: Snapshot | None = None

    def set_document(self, document: Document, snapshot: Snapshot) -> None:
        """Show another model."""
        self.beginResetModel()
        self._rows = document.groups
        self._children = [_children(row) for row in self._rows]
        self._row_of = {row.id: number for number, row in enumerate(self._rows)}
        self._snapshot = snapshot
        self.endResetModel()

    def set_snapshot(self, snapshot: Snapshot, change: Change) -> None:
        """Show another plan for the same model; says what changed, and no more."""
        self._snapshot = snapshot
        for group_id in change.groups:
            row = self._row_of[group_id]
            top = self.index(row, 0)
            self.dataChanged.emit(top, self.index(row, Column.STATE))
            if count := len(self._children[row]):
                self.dataChanged.emit(self.index(0, 0, top), self.index(count - 1, Column.STATE, top))
        if change.groups and self._rows:  # parameters and compute of the neighbours change with any count
            self.dataChanged.emit(self.index(0, Column.PARAMS), self.index(len(self._rows) - 1, Column.MACS))

    def index_of(self, group_id: str) -> QModelIndex:
        """The row of a group, invalid for an id that is not shown."""
        row = self._row_of.get(group_id)
        return _NOWHERE if row is None else self.index(row, 0)

    def searchable(self, row: int) -> str:
        """Everything the filter looks at, in lower case."""
        return " ".join((self._rows[row].id, *self._rows[row].layers, self._state(row))).lower()

    # --- structure

    def index(self, row: int, column: int, parent: Index = _NOWHERE) -> QModelIndex:
        """See Qt."""
        if not (
            0 <= column < _COLUMNS and 0 <= row < self.rowCount(parent)
        ):  # hasIndex, in a third of its time
            return QModelIndex()
        return self.createIndex(row, column, 1 + parent.row() if parent.isValid() else _TOP)

    def parent(self, index: Index = _NOWHERE) -> QModelIndex:  # type: ignore[override]  # Qt has two of this name
        """See Qt."""
        if not index.isValid() or index.internalId() == _TOP:
            return QModelIndex()
        return self.createIndex(index.internalId() - 1, 0, _TOP)

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """See Qt."""
        if not parent.isValid():
            return len(self._rows)
        if parent.internalId() != _TOP or parent.column() != 0:
            return 0
        return len(self._children[parent.row()])

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """See Qt."""
        del parent
        return _COLUMNS

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Only the count of a group that is not locked can be edited."""
        flags = super().flags(index)
        if index.isValid() and index.internalId() == _TOP and index.column() == Column.KEEP:
            row = self._rows[index.row()]
            held = self._snapshot is not None and row.id in self._snapshot.locked
            if row.locked is None and row.size > 1 and not held:
                flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    # --- content

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """See Qt."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(Column):
            return None
        title, tip = HEADERS[Column(section)]
        if role == Qt.ItemDataRole.DisplayRole:
            return title
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """See Qt."""
        if not index.isValid() or self._snapshot is None:
            return None
        column = Column(index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if index.internalId() != _TOP:
            return self._layer_data(index.internalId() - 1, index.row(), column, role)
        return self._group_data(index.row(), column, role)

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Pass a new count on; text such as "50%" is understood."""
        if role != Qt.ItemDataRole.EditRole or not self.flags(index) & Qt.ItemFlag.ItemIsEditable:
            return False
        row = self._rows[index.row()]
        count = text.parse_count(str(value), self._kept(row), row.size)
        if count is None:
            return False
        self._edit(row.id, count)
        return True

    def _kept(self, row: GroupRow) -> int:
        assert self._snapshot, "rows come with a snapshot"
        return self._snapshot.counts[row.id]

    def _group_data(self, number: int, column: Column, role: int) -> Any:
        row = self._rows[number]
        answers: dict[int, Callable[[], Any]] = {
            Qt.ItemDataRole.DisplayRole: lambda: self._shown(number, column),
            Qt.ItemDataRole.EditRole: lambda: self._value(number, column),
            Qt.ItemDataRole.ToolTipRole: lambda: self._tip(row, column),
            Role.SORT: lambda: self._value(number, column),
            Role.GROUP_ID: lambda: row.id,
            Role.SIZE: lambda: row.size,
            Role.SHARE: lambda: self._share(row, column),
        }
        if role == Qt.ItemDataRole.DecorationRole and column == Column.GROUP:
            return QColor(LOCKED_COLOUR) if row.locked else group_colour(number)
        return answers[role]() if role in answers else None

    def _value(self, number: int, column: Column) -> Any:
        """What a cell holds: the editor starts with it, and rows are sorted by it."""
        assert self._snapshot, "rows come with a snapshot"
        row = self._rows[number]
        if column in (Column.PARAMS, Column.MACS):
            sums = self._snapshot.params if column == Column.PARAMS else self._snapshot.macs
            return sums.get(row.id, 0)
        if column == Column.STATE:
            return self._state(number)
        kept = self._kept(row)
        numbers = {Column.GROUP: number, Column.KEEP: kept, Column.OF: row.size}
        return numbers.get(column, 1 - kept / row.size)

    def _shown(self, number: int, column: Column) -> str:
        """What a cell says."""
        assert self._snapshot, "rows come with a snapshot"
        if column == Column.GROUP:
            return self._rows[number].id or "(input)"
        value = self._value(number, column)
        if column == Column.REMOVED:
            return f"{100 * value:.0f} %" if value else "–"
        if column == Column.PARAMS:
            return text.short(value)
        if column == Column.MACS:
            return text.percent(value, self._snapshot.cost.macs)
        return str(value)

    def _share(self, row: GroupRow, column: Column) -> float | None:
        """How far the bar of a cell is filled; None where there is none."""
        assert self._snapshot, "rows come with a snapshot"
        if column == Column.KEEP:
            return self._kept(row) / row.size
        if column == Column.MACS and self._snapshot.cost.macs:
            return self._snapshot.macs.get(row.id, 0) / self._snapshot.cost.macs
        return None

    def _layer_data(self, number: int, child: int, column: Column, role: int) -> Any:
        if role == Role.SORT:
            return child
        row, (layer, dim, width) = self._rows[number], self._children[number][child]
        if role == Role.GROUP_ID:
            return row.id
        side = "output" if dim == 0 else "input"
        if role == Qt.ItemDataRole.DisplayRole:
            return self._layer_shown(row, layer, width, side, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{layer}: its {side} side loses the channels that this group loses"
        return None

    def _layer_shown(self, row: GroupRow, layer: str, width: int, side: str, column: Column) -> str:
        assert self._snapshot, "rows come with a snapshot"
        values = {
            Column.GROUP: layer,
            Column.KEEP: str(self._kept(row) * width),
            Column.OF: str(row.size * width),
            Column.PARAMS: text.short(self._snapshot.layer_params.get(layer, 0)),
            Column.STATE: f"{side} side",
        }
        return values.get(column, "")

    def _state(self, number: int) -> str:
        assert self._snapshot, "rows come with a snapshot"
        row = self._rows[number]
        if row.locked:
            return "Locked"
        if row.id in self._snapshot.locked:
            return "Locked by you"
        if self._kept(row) == row.size:
            return "Whole"
        state = "By hand" if row.id in self._snapshot.by_hand else "Reduced"
        return state if row.exact else f"{state}, approx."

    def _tip(self, row: GroupRow, column: Column) -> str:
        if row.locked:
            return f"{row.id} must stay whole.\n{row.locked}"
        if column == Column.KEEP:
            return HEADERS[column][1]
        layers = text.plural(len(row.layers), "layer")
        exact = (
            "" if row.exact else f"\nRemoving is approximate: {row.inexact or 'a normalisation runs over it'}"
        )
        return f"{row.id}: {row.size} channels that {layers} share.{exact}"


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _children(row: GroupRow) -> tuple[Child, ...]:
    """Each layer side once: weight and bias of one layer are one row."""
    return tuple(dict.fromkeys((member.layer, member.dim, member.width) for member in row.members))
