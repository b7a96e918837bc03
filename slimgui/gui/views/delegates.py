"""How the cells of the tree are drawn, and how counts are edited there.

A cell is painted from one `Cell`: Qt's own way asks the model a dozen times for each.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPalette, QPixmap, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from slimgui.gui import icons
from slimgui.gui.models.cells import Cell
from slimgui.gui.models.columns import EMPTY, Column, Role
from slimgui.gui.theme import Colours, colours
from slimgui.gui.views.count_editor import WIDTH, CountEditor
from slimgui.gui.views.narrow_tree import NarrowTree

Index = QModelIndex | QPersistentModelIndex
Apply = Callable[[str, int, str], None]
_PAD = 6
_SWATCH = 14
_ICON = 15


class CountDelegate(QStyledItemDelegate):
    """Draws cells, and edits counts in place, live: each step is applied, Esc goes back to the start.

    Args:
        apply: takes a group, its count, and what was done as an expression for the other selected groups.
        revert: puts back everything that was applied since the editor was opened.
    """

    editing_started = Signal()
    editing_ended = Signal()

    def __init__(self, apply: Apply, revert: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._apply, self._revert = apply, revert

    # --- editing

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        """See Qt."""
        editor = CountEditor(index.data(Role.SIZE), index.data(Qt.ItemDataRole.EditRole), parent)
        view = option.widget
        if isinstance(view, NarrowTree):  # whole columns are covered: half a number reads like another one
            editor.room = sum(view.columnWidth(column) for column in (Column.KEEP, Column.OF, Column.REMOVED))
        editor.valueChanged.connect(lambda: self.commitData.emit(editor))
        self.editing_started.emit()
        return editor

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        """In the cell, and beyond it where that is narrow."""
        del index
        rect = QRect(option.rect)
        rect.setWidth(max(rect.width(), WIDTH))
        editor.setGeometry(rect)

    def destroyEditor(self, editor: QWidget, index: Index) -> None:
        """See Qt."""
        self.editing_ended.emit()
        super().destroyEditor(editor, index)

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        """Only at the start: a live editor is ahead of the model, never behind."""
        if isinstance(editor, CountEditor) and not editor.hasFocus():
            editor.setValue(index.data(Qt.ItemDataRole.EditRole))
            editor.selectAll()

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """See Qt."""
        del model
        if not isinstance(editor, CountEditor):
            return
        if editor.is_typed or editor.value() != index.data(Qt.ItemDataRole.EditRole):
            self._apply(index.data(Role.GROUP_ID), editor.value(), editor.expression)

    def eventFilter(self, editor: QObject, event: QEvent) -> bool:
        """Esc takes back what the editor has applied so far; the default then closes it."""
        escaped = (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() == Qt.Key.Key_Escape
        )
        if escaped and isinstance(editor, CountEditor):
            editor.revert()
            self._revert()
        return super().eventFilter(editor, event)

    # --- drawing

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Room for the bar below the text."""
        cell: Cell = index.data(Role.CELL)
        wide = option.fontMetrics.horizontalAdvance(cell.text) + 2 * _PAD + (_SWATCH if cell.colour else 0)
        return QSize(wide, option.fontMetrics.height() + 14)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The text, with a swatch before it, a bar below it, or icons or a curve in its place."""
        view, rect = option.widget, QRect(option.rect)
        cell: Cell = index.data(Role.CELL)
        if isinstance(view, NarrowTree):
            if not view.exposed.intersects(rect):
                return
            if cell.wide:
                rect.setLeft(rect.left() - room_before(view, index.column()))
        table = colours(option.palette)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, option.palette.color(QPalette.ColorRole.Highlight))
        if cell.curve:
            draw_curve(painter, rect, cell, table)
        elif cell.icons:
            draw_icons(painter, rect, cell, table)
        else:
            self._paint_text(painter, rect, cell, option, index.column())

    def _paint_text(
        self, painter: QPainter, rect: QRect, cell: Cell, option: QStyleOptionViewItem, column: int
    ) -> None:
        table = colours(option.palette)
        left = rect.left() + _PAD
        if cell.colour:
            painter.drawPixmap(left, rect.center().y() - _SWATCH // 2 + 1, _swatch(cell.colour))
            left += _SWATCH + 4
        room = QRect(left, rect.top(), rect.right() - left - _PAD, rect.height())
        side = Qt.AlignmentFlag.AlignRight if cell.number else Qt.AlignmentFlag.AlignLeft
        is_name = column == Column.GROUP  # paths begin alike, and differ towards their ends
        mode = Qt.TextElideMode.ElideLeft if is_name else Qt.TextElideMode.ElideRight
        said = option.fontMetrics.elidedText(cell.text, mode, room.width())
        painter.setPen(QColor(table.muted if cell.muted else table.text))
        painter.drawText(room, side | Qt.AlignmentFlag.AlignVCenter, said)
        if cell.share is not None and cell.text:
            draw_bar(painter, rect, cell.share, table)


def room_before(view: NarrowTree, column: int) -> int:
    """How wide the cells before `column` are that are empty in the row of a layer."""
    header, room = view.header(), 0
    for place in range(header.visualIndex(column) - 1, -1, -1):
        logical = header.logicalIndex(place)
        if logical not in EMPTY and not header.isSectionHidden(logical):
            break
        room += header.sectionSize(logical)  # 0 for a hidden one
    return room


@cache
def _mark(name: str, colour: str) -> QPixmap:
    return icons.pixmap(name, colour, _ICON)


def draw_icons(painter: QPainter, rect: QRect, cell: Cell, table: Colours) -> None:
    """What stands for the state of a group; what the user decided stands out."""
    left, top = rect.left() + _PAD, rect.center().y() - _ICON // 2
    for name in cell.icons:
        painter.drawPixmap(left, top, _mark(name, table.accent if name == "pencil" else table.muted))
        left += _ICON + 3


@cache
def _swatch(colour: str) -> QPixmap:
    """A small round square."""
    picture = QPixmap(2 * _SWATCH, 2 * _SWATCH)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(4, 4, 20, 20, 6, 6)
    painter.end()
    picture.setDevicePixelRatio(2)
    return picture


def draw_bar(painter: QPainter, cell: QRect, share: float, table: Colours) -> None:
    """A bar along the lower edge of `cell`, filled from the left by `share`."""
    track = QRect(cell.left() + 8, cell.bottom() - 4, max(0, cell.width() - 12), 2)
    painter.fillRect(track, QColor(table.border))
    filled = QRect(track)
    filled.setWidth(round(track.width() * min(1.0, share)))
    painter.fillRect(filled, QColor(table.accent))


def draw_curve(painter: QPainter, rect: QRect, cell: Cell, table: Colours) -> None:
    """An importance curve over the width of a cell: its left part, which stays, is coloured."""
    area = QRectF(rect.adjusted(_PAD, 4, -_PAD, -4))
    steps = max(1, len(cell.curve) - 1)
    line = [
        QPointF(area.left() + area.width() * place / steps, area.bottom() - area.height() * height)
        for place, height in enumerate((*cell.curve, *cell.curve) if len(cell.curve) == 1 else cell.curve)
    ]
    shape = QPolygonF([area.bottomLeft(), *line, area.bottomRight()])
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(table.edge))
    painter.setOpacity(0.55)
    painter.drawPolygon(shape)
    kept = QRectF(area)
    kept.setWidth(area.width() * (1.0 if cell.share is None else cell.share))
    painter.setClipRect(kept, Qt.ClipOperation.IntersectClip)
    painter.setOpacity(1.0)
    painter.setBrush(QColor(table.accent))
    painter.drawPolygon(shape)
    painter.restore()
