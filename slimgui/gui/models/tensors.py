"""The tensors in a file as a table: ten thousand of them are sorted and narrowed at once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from slimgui.core import wire
from slimgui.gui.facts import text

Index = QModelIndex | QPersistentModelIndex
_NOWHERE: Final = QModelIndex()
_NUMBERS: Final = re.compile(r"(\d+)")
_RIGHT: Final = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Column(IntEnum):
    """Columns, left to right."""

    NAME = 0
    SHAPE = 1
    TYPE = 2
    NUMBERS = 3
    SIZE = 4
    SET = 5


HEADERS: Final = {
    Column.NAME: ("Tensor", "As the file calls it"),
    Column.SHAPE: ("Shape", "Its sizes; of a convolution, output channels come first"),
    Column.TYPE: ("Type", "What its numbers are"),
    Column.NUMBERS: ("Numbers", "How many it holds"),
    Column.SIZE: ("Size", "Bytes of its numbers"),
    Column.SET: ("Lies in", "Which of the file's sets of weights it belongs to"),
}
_ON_THE_RIGHT: Final = frozenset({Column.NUMBERS, Column.SIZE})
Row = tuple[str, str, str, int, str]  # name, shape, type and bytes of a tensor, and the set it is of


class TensorModel(QAbstractTableModel):
    """Shows the tensors whose words hold all that was typed, in one order."""

    def __init__(self, sets: Sequence[wire.WeightSet], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = [
            (*row, one.name)
            for one in sets
            for row in zip(one.names, one.shapes, one.dtypes, one.bytes, strict=True)
        ]
        self._words = [_words(row) for row in self._rows]
        self._order = list(range(len(self._rows)))  # of all rows
        self._shown = self._order  # those that fit, in that order
        self._typed: list[str] = []

    @property
    def size(self) -> int:
        """How many tensors there are, shown or not."""
        return len(self._rows)

    def find(self, typed: str) -> None:
        """Show what holds every word of `typed`."""
        self._typed = typed.lower().split()
        self._show()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By a column, names by the numbers in them; -1 is the order of the file."""
        key, falling = _KEYS.get(column), order == Qt.SortOrder.DescendingOrder
        self._order = list(range(len(self._rows)))
        if key is not None:
            keys = [key(row) for row in self._rows]
            self._order.sort(key=keys.__getitem__, reverse=falling)
        self._show()

    def _show(self) -> None:
        self.beginResetModel()
        self._shown = [
            number for number in self._order if all(word in self._words[number] for word in self._typed)
        ]
        self.endResetModel()

    # --- what Qt asks

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """See Qt."""
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """See Qt."""
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """See Qt."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(Column):
            return None
        roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)
        if role in roles:
            return HEADERS[Column(section)][roles.index(role)]
        is_right = role == Qt.ItemDataRole.TextAlignmentRole and section in _ON_THE_RIGHT
        return _RIGHT if is_right else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """See Qt."""
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in _ON_THE_RIGHT:
            return _RIGHT
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        return _cell(self._rows[self._shown[index.row()]], index.column())


def _cell(row: Row, column: int) -> str:
    name, shape, dtype, size, home = row
    if column == Column.NAME:
        return name or "(the tensor itself)"
    if column == Column.SHAPE:
        return text.shape(_sizes(shape))
    if column == Column.TYPE:
        return dtype
    if column == Column.NUMBERS:
        return f"{math.prod(_sizes(shape)):,}"
    return text.file_size(size) if column == Column.SIZE else home or "the file itself"


def _sizes(shape: str) -> tuple[int, ...]:
    return tuple(map(int, shape.split("x"))) if shape else ()


def _words(row: Row) -> str:
    """What a search looks at."""
    name, shape, dtype, _, home = row
    return f"{name} {shape} {dtype} {home}".lower()


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts layer10 behind layer2."""
    parts = _NUMBERS.split(name.lower())
    return [(int(part) if part.isdecimal() else -1, part) for part in parts]


_KEYS: Final[dict[int, Callable[[Row], Any]]] = {
    Column.NAME: lambda row: _natural(row[0]),
    Column.SHAPE: lambda row: _sizes(row[1]),
    Column.TYPE: lambda row: row[2],
    Column.NUMBERS: lambda row: math.prod(_sizes(row[1])),
    Column.SIZE: lambda row: row[3],
    Column.SET: lambda row: row[4],
}
