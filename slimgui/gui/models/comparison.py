"""Two plans side by side as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from slimgui.gui.facts.comparison import Row

Index = QModelIndex | QPersistentModelIndex
_NOWHERE: Final = QModelIndex()
MARK: Final = "≠"
_HEADINGS: Final = ("", "", "This one", "Other")  # names of plans are long; the tooltip has them


class ComparisonModel(QAbstractTableModel):
    """What differs is marked by a sign and bold letters, so that it is seen without colours."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[Row] = ()
        self._titles = ("", "", "", "")

    def set_rows(self, rows: Sequence[Row], left: str, right: str) -> None:
        """Show another comparison, of the plans with these names."""
        self.beginResetModel()
        self._rows, self._titles = rows, ("", "", left, right)
        self.endResetModel()

    def group(self, row: int) -> str:
        """Id of the group that a row is about, "" for a total."""
        return self._rows[row].group

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """See Qt."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """See Qt."""
        return 0 if parent.isValid() else len(self._titles)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """See Qt."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(_HEADINGS):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _HEADINGS[section]
        return self._titles[section] if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """See Qt."""
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return (row.title, MARK if row.differs else "", row.left, row.right)[index.column()]
        if role == Qt.ItemDataRole.FontRole and row.differs:
            bold = QFont()
            bold.setBold(True)
            return bold
        if role == Qt.ItemDataRole.ToolTipRole:
            of = f" of {row.size} channels" if row.size else ""
            said = f"{row.left}, and {row.right}" if row.left != row.right else row.left
            return f"{row.title}: {said}{of}"
        return None
