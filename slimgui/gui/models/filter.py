"""Sorting and finding in the tree of groups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
            rows = range(self._groups.rowCount())
            with self._filter_changes():
                self._words = words
                self._matches = frozenset(row for row in rows if self._matching(row))

    @contextmanager
    def _filter_changes(self) -> Iterator[None]:
        """Rows come and go by what changes inside; their order stays, and nothing is sorted again."""
        if hasattr(self, "beginFilterChange"):
            self.beginFilterChange()
            yield
            self.endFilterChange(QSortFilterProxyModel.Direction.Rows)
        else:  # before Qt 6.10
            yield
            self.invalidateFilter()

    def filterAcceptsRow(self, row: int, parent: QModelIndex | QPersistentModelIndex) -> bool:
        """See Qt."""
        return parent.isValid() or not self._words or row in self._matches

    def _matching(self, row: int) -> bool:
        content = self._groups.searchable(row)
        return all(word in content for word in self._words)
