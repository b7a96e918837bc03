"""Rows of two lines: what it is, and below, dimmed and smaller, what is to be known of it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from slimgui.gui.theme import SPACE, colours, scaled

Index = QModelIndex | QPersistentModelIndex
BELOW: Final = Qt.ItemDataRole.UserRole + 1  # role of the second line
_SMALLER: Final = 0.9
_PAD: Final = SPACE // 2


class TwoLines(QStyledItemDelegate):
    """Draws the text of an item, and that of the role BELOW under it."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """See Qt: background and selection are those of every list."""
        shown = QStyleOptionViewItem(option)
        self.initStyleOption(shown, index)
        shown.text = ""
        style = option.widget.style() if option.widget else QApplication.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, shown, painter, option.widget)
        area = option.rect.adjusted(SPACE, _PAD, -SPACE, -_PAD)
        small = scaled(option.font, _SMALLER)
        below = QRect(area)
        below.setTop(area.top() + option.fontMetrics.height())
        table = colours(option.palette)
        painter.save()
        _write(painter, area, option.font, table.text, index.data())
        _write(painter, below, small, table.muted, index.data(BELOW))
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """See Qt."""
        first, second = option.fontMetrics, QFontMetrics(scaled(option.font, _SMALLER))
        width = max(first.horizontalAdvance(index.data()), second.horizontalAdvance(index.data(BELOW)))
        return QSize(width + 2 * SPACE, first.height() + second.height() + 2 * _PAD)


def _write(painter: QPainter, area: QRect, font: QFont, colour: str, words: str) -> None:
    """One line at the top of an area, as much as there is room for."""
    painter.setFont(font)
    painter.setPen(QColor(colour))
    shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(area, Qt.AlignmentFlag.AlignTop, shown)
