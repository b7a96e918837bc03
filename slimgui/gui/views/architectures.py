"""The question which architecture weights are of: a list to choose from, or a factory.

One alone is chosen already. Of several none is, however likely: names and shapes do not tell them apart.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from slimgui.core import wire
from slimgui.gui.theme import SPACE
from slimgui.gui.views.problem import Problem
from slimgui.gui.views.two_lines import BELOW, TwoLines

PYTHON = "Python files (*.py);;All files (*)"
TELLS = "Architectures can have the same names and shapes and still compute different things."
SEVERAL = f"{TELLS} Choose the one that these weights were trained in."
ONE = f"{TELLS} Open this one if these weights were trained in it."
NONE = "SlimGUI does not know the class of this model. Choose a factory: a function that makes the model."


class Architectures(QDialog):
    """Asks for one of `rows`, or for a factory; `chosen` is the source to open, "" for nothing yet."""

    def __init__(self, parent: QWidget, path: str, rows: Sequence[wire.Architecture]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Which architecture is this?")
        self._path = path
        self.list = QListWidget(self)
        self.list.setAccessibleName("Architectures that these weights may be of, the likeliest first")
        for row in rows:
            item = QListWidgetItem(row.factory, self.list)
            item.setToolTip(row.source)
            item.setData(Qt.ItemDataRole.UserRole, row.source)
            item.setData(BELOW, f"{row.how[:1].upper()}{row.how[1:]}")
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{row.factory}: {row.how}")
        self.list.setVisible(bool(rows))
        self.list.setItemDelegate(TwoLines(self.list))
        self.list.setSizeAdjustPolicy(QListWidget.SizeAdjustPolicy.AdjustToContents)
        self.factory = QLineEdit(self)
        self.factory.setAccessibleName("A factory of the model")
        self.factory.setPlaceholderText("my_net.py:build, or torchvision.models:resnet50")
        self.browse = QPushButton("&Browse…", self)
        self.browse.setToolTip("Choose a Python file with a function that makes the model")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.problem = Problem(self)
        self.take = self.buttons.addButton("&Open", QDialogButtonBox.ButtonRole.AcceptRole)
        words = SEVERAL if rows[1:] else ONE if rows else NONE
        self._lay_out(words, "Or a &factory:" if rows else "&Factory:")
        self._connect()
        if len(rows) == 1:  # there is nothing to choose from; opening it is still a word of its own
            self.list.setCurrentRow(0)
        self._refresh()
        if rows:  # a list with the focus shows its first row as if it were chosen
            self.buttons.button(QDialogButtonBox.StandardButton.Cancel).setFocus()

    def chosen(self) -> str:
        """What to open."""
        if typed := self.factory.text().strip():
            return f"{self._path}@{typed}"
        items = self.list.selectedItems()
        return str(items[0].data(Qt.ItemDataRole.UserRole)) if items else ""

    def _lay_out(self, words: str, label: str) -> None:
        told, named = QLabel(words, self), QLabel(label, self)
        told.setWordWrap(True)
        named.setBuddy(self.factory)
        line = QHBoxLayout()
        for widget in (named, self.factory, self.browse):
            line.addWidget(widget)
        column = QVBoxLayout(self)
        column.setSpacing(SPACE)
        column.addWidget(told)
        column.addWidget(self.list)
        column.addLayout(line)
        column.addLayout(self.problem.beside(self.buttons))
        self.resize(560, self.sizeHint().height())

    def _connect(self) -> None:
        self.list.itemSelectionChanged.connect(self._on_list_selected)
        self.list.itemDoubleClicked.connect(self.accept)
        self.factory.textEdited.connect(self._on_factory_edited)
        self.browse.clicked.connect(self._on_browse)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def _on_list_selected(self) -> None:
        if self.list.selectedItems():
            self.factory.clear()
        self._refresh()

    def _on_factory_edited(self) -> None:
        self.list.clearSelection()
        self._refresh()

    def _on_browse(self) -> None:
        path = QFileDialog.getOpenFileName(self, "The file that makes the model", "", PYTHON)[0]
        if path:
            self.factory.setText(path)
            self._on_factory_edited()

    def _refresh(self) -> None:
        missing = "Choose one of them, or name a factory." if self.list.count() else "Name a factory."
        problem = "" if self.chosen() else missing
        self.problem.tell(problem)
        self.take.setEnabled(not problem)
        self.take.setToolTip(problem)
