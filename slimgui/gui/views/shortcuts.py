"""The list of keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from slimgui.gui.actions.listing import Command
from slimgui.gui.theme import SPACE

ELSEWHERE: Final = (
    ("Menus", "Alt and the underlined letter", "everywhere"),
    ("Next and previous control", "Tab, Shift+Tab", "everywhere"),
    (
        "Set the count of a group: 48, 50%, /2, -8",
        "F2 or Enter, then Enter; Esc takes it back",
        "tree of groups",
    ),
    ("Show and hide the layers of a group", "Right, Left", "tree of groups"),
    ("Rename a plan, remove it", "F2, Del", "tree of plans"),
)


class Shortcuts(QDialog):
    """Every action that has keys, and the keys that belong to no action.

    Args:
        commands: of the window.
    """

    def __init__(self, parent: QWidget, commands: Sequence[Command]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keyboard Shortcuts")
        self.box = QLineEdit(self)
        self.box.setPlaceholderText("Find an action or a key")
        self.box.setAccessibleName("Find an action or a key")
        self.table = QTreeWidget(self)
        self.table.setAccessibleName("Keyboard shortcuts")
        self.table.setHeaderLabels(["Action", "Keys", "Where"])
        self.table.setRootIsDecorated(False)
        self.table.setStyleSheet(f"QTreeView::item {{ padding: {SPACE // 4}px 0; }}")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        rows = [(one.title.partition(":")[0], one.keys, one.place) for one in commands if one.keys]
        for row in (*rows, *ELSEWHERE):
            QTreeWidgetItem(self.table, list(row))
        self.table.header().setStretchLastSection(False)
        wide = 0
        for column in range(3):
            self.table.resizeColumnToContents(column)
            wide += self.table.columnWidth(column)
        self.table.header().setStretchLastSection(True)
        layout = QVBoxLayout(self)
        layout.addWidget(self.box)
        layout.addWidget(self.table)
        self.resize(wide + 8 * SPACE, 560)  # the scroll bar and the margins beside the columns
        self.box.textChanged.connect(self._narrow)

    def _narrow(self, typed: str) -> None:
        for number in range(self.table.topLevelItemCount()):
            item = self.table.topLevelItem(number)
            assert item, "there are that many"
            words = " ".join(item.text(column) for column in range(3)).lower()
            item.setHidden(not all(word in words for word in typed.lower().split()))
