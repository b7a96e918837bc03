"""A tree view that paints the rows that changed and no others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, Signal
from PySide6.QtGui import QPaintEvent, QRegion, QResizeEvent
from PySide6.QtWidgets import QTreeView, QWidget

Index = QModelIndex | QPersistentModelIndex


class NarrowTree(QTreeView):
    """Qt paints all when more than one row has changed; this view, the cells that are seen and changed.

    Attributes:
        exposed: what is to be painted now; Qt's own drawing asks for whole rows.
    """

    resized = Signal()  #: there is another room for the columns

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.exposed = QRegion()

    def paintEvent(self, event: QPaintEvent) -> None:
        """See Qt."""
        self.exposed = event.region()
        super().paintEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """See Qt."""
        super().resizeEvent(event)
        self.resized.emit()

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] = ()) -> None:
        """See Qt. An open editor is not told: it is ahead of the model."""
        del roles
        left = self.columnViewportPosition(first.column())
        right = self.columnViewportPosition(last.column()) + self.columnWidth(last.column())
        region, above = QRegion(), first.parent()
        for index in self._seen():
            if first.row() <= index.row() <= last.row() and index.parent() == above:
                row = self.visualRect(index)
                region += QRect(left, row.top(), right - left, row.height())
        self.viewport().update(region)

    def _seen(self) -> Iterator[QModelIndex]:
        """The rows in the viewport, from top to bottom."""
        index, bottom = self.indexAt(QPoint(0, 0)), self.viewport().height()
        while index.isValid() and self.visualRect(index).top() < bottom:
            yield index
            index = self.indexBelow(index)
