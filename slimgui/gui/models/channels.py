"""The channels of one group as a table: which stay, how important they are, what each of them is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from slimgui.gui.work.judging import Places

Index = QModelIndex | QPersistentModelIndex
Pick = Callable[[Sequence[int]], None]
_NOWHERE: Final = QModelIndex()


class Column(IntEnum):
    """Columns, left to right."""

    CHANNEL = 0
    SCORE = 1
    PLACES = 2


_HEADERS: Final = {
    Column.CHANNEL: ("Channel", "Its number in the original model; ticked channels stay"),
    Column.SCORE: ("Importance", "By the criterion of the plan; 1 is the average of the group"),
    Column.PLACES: (
        "Comes from",
        "What goes with it: a part of one layer, and +N of others; all are in the tooltip of a row",
    ),
}


class ChannelModel(QAbstractTableModel):
    """Shows what it is given; what the user ticks leaves through `pick`.

    Args:
        pick: takes all channels that are to stay.
    """

    def __init__(self, pick: Pick, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pick = pick
        self._size = 0
        self._kept: frozenset[int] | None = None  # not known yet
        self._is_free = False
        self._scores: Sequence[float] = ()
        self._places: Places | None = None
        self._order: list[int] = []
        self._sorted_by = (Column.CHANNEL, Qt.SortOrder.AscendingOrder)

    def set_group(self, size: int, is_free: bool) -> None:
        """Show another group, of which nothing else is known yet; `is_free`: its channels may be chosen."""
        self.beginResetModel()
        self._size, self._is_free = size, is_free
        self._kept, self._scores, self._places = None, (), None
        self._order = list(range(size))
        self.endResetModel()

    def set_kept(self, kept: Sequence[int] | None) -> None:
        """Show which channels stay; None while nobody knows, which is no box at all."""
        now = None if kept is None else frozenset(kept)
        if now != self._kept:
            self._kept = now
            self._tell(Column.CHANNEL, Column.CHANNEL)

    def set_scores(self, scores: Sequence[float]) -> None:
        """Show how important they are, as shares of the group's average; () when nobody judged them."""
        if scores is not self._scores:
            self._scores = scores
            self.sort(*self._sorted_by)

    def set_places(self, places: Places | None) -> None:
        """Show what they are made of."""
        if places is not self._places:
            self._places = places
            self._tell(Column.PLACES, Column.PLACES)

    def channel(self, row: int) -> int:
        """The channel in a row."""
        return self._order[row]

    def tick(self, channels: Sequence[int], stays: bool) -> None:
        """Keep these channels, or remove them."""
        if self._is_free and self._kept is not None:
            self._pick(sorted(self._kept.union(channels) if stays else self._kept.difference(channels)))

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By number or by importance; equal ones by number."""
        self._sorted_by = (Column(column), order)
        self.layoutAboutToBeChanged.emit()
        held = [(index, self._order[index.row()]) for index in self.persistentIndexList()]
        by_score = column == Column.SCORE and len(self._scores)
        falling = order == Qt.SortOrder.DescendingOrder
        self._order = sorted(
            range(self._size), key=self._scores.__getitem__ if by_score else None, reverse=falling
        )
        place = {channel: row for row, channel in enumerate(self._order)}
        moved = [self.index(place[channel], index.column()) for index, channel in held]
        self.changePersistentIndexList([index for index, _ in held], moved)
        self.layoutChanged.emit()

    def _tell(self, first: Column, last: Column) -> None:
        if self._size:
            self.dataChanged.emit(self.index(0, first), self.index(self._size - 1, last))

    # --- what Qt asks

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        """See Qt."""
        return 0 if parent.isValid() else self._size

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        """See Qt."""
        return 0 if parent.isValid() else len(Column)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Channels may be ticked where the group may be cut."""
        flags = super().flags(index)
        if index.isValid() and index.column() == Column.CHANNEL and self._is_free and self._kept is not None:
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        return flags

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """See Qt."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(Column):
            return None
        title, tip = _HEADERS[Column(section)]
        return (
            title
            if role == Qt.ItemDataRole.DisplayRole
            else tip
            if role == Qt.ItemDataRole.ToolTipRole
            else None
        )

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """See Qt."""
        if not index.isValid():
            return None
        channel, column = self._order[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.CheckStateRole and column == Column.CHANNEL and self._kept is not None:
            return Qt.CheckState.Checked if channel in self._kept else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.DisplayRole:
            return self._shown(channel, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            places = self._places.of(channel) if self._places else []
            return "\n".join((self._fate(channel), *places))
        return None

    def _fate(self, channel: int) -> str:
        if self._kept is None:
            return f"It is not known yet whether channel {channel} stays."
        return f"Channel {channel} {'stays' if channel in self._kept else 'is removed'}."

    def _shown(self, channel: int, column: Column) -> str:
        if column == Column.CHANNEL:
            return str(channel)
        if column == Column.SCORE:
            return f"{self._scores[channel]:.3f}" if len(self._scores) else "–"
        return self._places.shortly(channel) if self._places else ""  # the tooltip has all

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """A tick was set or taken away."""
        if role != Qt.ItemDataRole.CheckStateRole or not self.flags(index) & Qt.ItemFlag.ItemIsUserCheckable:
            return False
        self.tick([self._order[index.row()]], Qt.CheckState(value) == Qt.CheckState.Checked)
        return True
