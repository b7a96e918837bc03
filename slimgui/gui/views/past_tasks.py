"""What the engine was asked to do, and what became of it."""

from __future__ import annotations

import time
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from slimgui.gui.facts import text
from slimgui.gui.theme import SPACE
from slimgui.gui.views.own_keys import copy_rows
from slimgui.gui.work.tasks import Ended

MOST: Final = 200
HEADINGS: Final = ("Task", "Began", "Took", "Result")


class PastTasks(QWidget):
    """The tasks that are over, the newest first; details open below one, and can be copied."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Past tasks")
        self.tree = QTreeWidget(self)
        self.tree.setAccessibleName("Tasks that are over")
        self.tree.setHeaderLabels(HEADINGS)
        self.tree.setRootIsDecorated(False)  # until one of them has details to open
        self.tree.setStyleSheet(f"QTreeView::item {{ padding: {SPACE // 4}px 0; }}")
        self.copy_button = QPushButton("Copy", self)
        self.copy_button.setAccessibleName("Copy the selected task with its details")
        self.clear_button = QPushButton("C&lear", self)
        self.clear_button.setAccessibleName("Forget all past tasks")
        self.copy_button.clicked.connect(self.copy)
        self.clear_button.clicked.connect(self.clear)
        self.tree.itemSelectionChanged.connect(self._show_buttons)
        copy_rows(self.tree, self.copy)
        buttons = QVBoxLayout()
        buttons.addWidget(self.copy_button)
        buttons.addWidget(self.clear_button)
        buttons.addStretch()
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        row.addWidget(self.tree, 1)
        row.addLayout(buttons)
        self._show_buttons()

    def add(self, task: Ended) -> None:
        """Put one on top."""
        began = time.strftime("%H:%M:%S", time.localtime(task.began))
        title = task.doing[0].upper() + task.doing[1:]
        item = QTreeWidgetItem([title, began, text.elapsed(task.took), task.result])
        item.setData(0, Qt.ItemDataRole.UserRole, task)
        for column in (0, 3):
            item.setToolTip(column, item.text(column))
        self.tree.setRootIsDecorated(self.tree.rootIsDecorated() or bool(task.details))
        for line in task.details.splitlines():
            QTreeWidgetItem(item, [line]).setFirstColumnSpanned(True)
        self.tree.insertTopLevelItem(0, item)
        self.tree.takeTopLevelItem(MOST)
        self.tree.resizeColumnToContents(0)
        self._show_buttons()

    def clear(self) -> None:
        """Forget them."""
        self.tree.clear()
        self.tree.setRootIsDecorated(False)
        self._show_buttons()

    def copy(self) -> None:
        """Put the selected one on the clipboard."""
        item = self.tree.currentItem()
        while item is not None and item.parent() is not None:
            item = item.parent()
        if item is not None:
            task: Ended = item.data(0, Qt.ItemDataRole.UserRole)
            head = "  ".join(item.text(column) for column in range(len(HEADINGS)))
            QGuiApplication.clipboard().setText("\n".join(filter(None, (head, task.details))))

    def _show_buttons(self) -> None:
        none, empty = not self.tree.selectedItems(), self.tree.topLevelItemCount() == 0
        self.copy_button.setEnabled(not none)
        self.copy_button.setToolTip("Select a task first" if none else "Copy it, for a report")
        self.clear_button.setEnabled(not empty)
        self.clear_button.setToolTip("There is nothing to forget" if empty else "Forget what is over")
