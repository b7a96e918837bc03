"""How counts are shown and edited in the tree."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPalette, QPixmap, QValidator
from PySide6.QtWidgets import QSpinBox, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from slimgui.gui.models.groups import Role
from slimgui.gui.text import parse_count
from slimgui.gui.theme import colours

Index = QModelIndex | QPersistentModelIndex


class CountEditor(QSpinBox):
    """A spin box that also understands "50%", "/2", "-8", "=64", meant for the count it started from."""

    def __init__(self, size: int, current: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.start = current
        self.setRange(1, size)
        self.setValue(current)
        self.setKeyboardTracking(False)
        self.setFrame(False)
        self.setAutoFillBackground(True)
        self.setAccessibleName("Channels to keep")
        self.setToolTip(f"1 to {size}; 50%, /2, -8 and =64 work as well. Enter takes it, Esc goes back")

    def validate(self, typed: str, position: int) -> tuple[QValidator.State, str, int]:
        """Anything that can still become a count is allowed while typing."""
        known = self._parse(typed) is not None
        hopeful = not typed.strip("0123456789.,%=+-*/ ")
        state = QValidator.State
        return (
            state.Acceptable if known else state.Intermediate if hopeful else state.Invalid,
            typed,
            position,
        )

    def valueFromText(self, typed: str) -> int:
        """The count that `typed` means."""
        count = self._parse(typed)
        return self.value() if count is None else count

    def fixup(self, typed: str) -> str:
        """What cannot be understood goes back to the present count."""
        del typed
        return str(self.value())

    def _parse(self, typed: str) -> int | None:
        return parse_count(typed, self.start, self.maximum())


class CountDelegate(QStyledItemDelegate):
    """Edits counts in place, live: each step is applied, Esc goes back to where the editor was opened."""

    editing_started = Signal()
    editing_ended = Signal()

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """A small round swatch in the colour of the group."""
        super().initStyleOption(option, index)
        colour = index.data(Qt.ItemDataRole.DecorationRole)
        if isinstance(colour, QColor):
            option.icon = _swatch(colour.name())
            option.decorationSize = QSize(14, 14)
        if index.parent().isValid():
            muted = QColor(colours(option.palette).muted)
            for role in (QPalette.ColorRole.Text, QPalette.ColorRole.HighlightedText):
                option.palette.setColor(role, muted)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Room for the bar below the text."""
        size = super().sizeHint(option, index)
        return QSize(size.width(), option.fontMetrics.height() + 14)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        """See Qt."""
        del option
        editor = CountEditor(index.data(Role.SIZE), index.data(Qt.ItemDataRole.EditRole), parent)
        editor.valueChanged.connect(lambda: self.commitData.emit(editor))
        self.editing_started.emit()
        return editor

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
        if isinstance(editor, CountEditor) and editor.value() != index.data(Qt.ItemDataRole.EditRole):
            model.setData(index, editor.value())

    def eventFilter(self, editor: QObject, event: QEvent) -> bool:
        """Esc takes back what the editor has applied so far; the default then closes it."""
        escaped = (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() == Qt.Key.Key_Escape
        )
        if escaped and isinstance(editor, CountEditor):
            editor.lineEdit().setText(str(editor.start))
            editor.setValue(editor.start)
            self.commitData.emit(editor)
        return super().eventFilter(editor, event)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The text, with a thin bar of its share below it."""
        super().paint(painter, option, index)
        share = index.data(Role.SHARE)
        if share is not None:
            draw_bar(painter, option.rect, float(share), option)


@cache
def _swatch(colour: str) -> QIcon:
    picture = QPixmap(28, 28)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(4, 4, 20, 20, 6, 6)
    painter.end()
    picture.setDevicePixelRatio(2)
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Selected)  # else the style would tint it
    return icon


def draw_bar(painter: QPainter, cell: QRect, share: float, option: QStyleOptionViewItem) -> None:
    """A bar along the lower edge of `cell`, filled from the left by `share`."""
    table = colours(option.palette)
    track = QRect(cell.left() + 8, cell.bottom() - 4, max(0, cell.width() - 12), 2)
    painter.fillRect(track, QColor(table.border))
    filled = QRect(track)
    filled.setWidth(round(track.width() * min(1.0, share)))
    painter.fillRect(filled, QColor(table.accent))
