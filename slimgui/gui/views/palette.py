"""The command palette: type a few letters, press Enter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QFrame, QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from slimgui.gui.actions.listing import Command, ranked
from slimgui.gui.theme import SPACE, colours

_WIDTH: Final = 680
_HEIGHT: Final = 420
_MOVES: Final = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp)


class Palette(QDialog):
    """Finds a command by a few of its letters. What cannot be used is shown with the reason.

    Args:
        commands: to choose from.
    """

    def __init__(self, parent: QWidget, commands: Sequence[Command]) -> None:
        super().__init__(parent, Qt.WindowType.Tool | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName("Commands")
        self._window, self._commands = parent, commands
        self.box = QLineEdit(self)
        self.box.setPlaceholderText("What do you want to do?")
        self.box.setAccessibleName("Find a command")
        self.box.setClearButtonEnabled(True)
        self.list = QTreeWidget(self)
        self.list.setAccessibleName("Commands that fit")
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setHeaderHidden(True)
        self.list.setColumnCount(3)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setStyleSheet(f"QTreeView::item {{ padding: {SPACE // 2}px 0; }}")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # arrows go there from the box
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        column.addWidget(self.box)
        column.addWidget(self.list)
        self.resize(_WIDTH, _HEIGHT)
        self.box.textChanged.connect(self._fill)
        self.box.returnPressed.connect(self._choose)
        self.list.itemClicked.connect(self._take)
        self.box.installEventFilter(self)
        self._fill("")

    def open_over(self, window: QWidget) -> None:
        """Show it near the top of `window`."""
        corner = window.mapToGlobal(window.rect().topLeft())
        self.move(corner.x() + (window.width() - self.width()) // 2, corner.y() + 60)
        self.show()
        self.activateWindow()
        self.box.setFocus(Qt.FocusReason.PopupFocusReason)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A frame: no window manager draws one around it."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(QColor(colours(self.palette()).edge))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def changeEvent(self, event: QEvent) -> None:
        """Go away when the user turns to something else."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isVisible() and not self.isActiveWindow():
            self.close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows in the box walk the list."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in _MOVES:
            self.list.keyPressEvent(event)
            return True
        return super().eventFilter(watched, event)

    def _fill(self, typed: str) -> None:
        self.list.clear()
        faint = QColor(colours(self.palette()).muted)
        for number, command in enumerate(ranked(self._commands, typed)):
            beside = command.reason or command.place
            item = QTreeWidgetItem(self.list, [command.title, beside, command.keys])
            item.setData(0, Qt.ItemDataRole.UserRole, self._commands.index(command))
            item.setToolTip(1, beside)
            if not command.action.isEnabled():  # it can be reached, to read why
                for column in range(3):
                    item.setForeground(column, faint)
            if number == 0:
                self.list.setCurrentItem(item)
        self.list.resizeColumnToContents(0)
        self.list.setColumnWidth(1, max(180, _WIDTH - self.list.columnWidth(0) - 160))

    def _choose(self) -> None:
        if (item := self.list.currentItem()) is not None:
            self._take(item)

    def _take(self, item: QTreeWidgetItem) -> None:
        command = self._commands[item.data(0, Qt.ItemDataRole.UserRole)]
        if command.action.isEnabled():
            self.close()
            self._window.activateWindow()  # not every system does that by itself
            command.action.trigger()
