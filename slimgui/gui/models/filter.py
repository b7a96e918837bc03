"""Sorting and finding in the tree of groups."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel

from slimgui.gui.models.groups import GroupModel, Role


class GroupFilter(QSortFilterProxyModel):
    """Shows the groups whose name, layers or state hold every word that was typed.

    The rows that match are found once per key stroke; layers follow their group.
    """

    def __init__(self, source: GroupModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._groups = source
        self._words: tuple[str, ...] = ()
        self._matches: frozenset[int] = frozenset()
        self.setSourceModel(source)
        self.setSortRole(Role.SORT)
        self.setDynamicSortFilter(False)  # a row must not run away from the pointer while its count is edited

    def set_words(self, typed: str) -> None:
        """Show what matches `typed`; "" shows everything."""
        words = tuple(typed.lower().split())
        if words != self._words:
            self._words = words
            rows = range(self._groups.rowCount())
            self._matches = frozenset(row for row in rows if self._matching(row))
            self.invalidate()  # the one way to say it that every Qt from 6.8 to 6.12 accepts

    def filterAcceptsRow(self, row: int, parent: QModelIndex | QPersistentModelIndex) -> bool:
        """See Qt."""
        return parent.isValid() or not self._words or row in self._matches

    def _matching(self, row: int) -> bool:
        content = self._groups.searchable(row)
        return all(word in content for word in self._words)
