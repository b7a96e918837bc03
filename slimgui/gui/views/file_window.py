"""What is in a file, in a window of its own: its tensors, what it says of itself, what it would run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QAbstractTableModel, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QTableView,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from slimgui.core import wire
from slimgui.gui.facts import text
from slimgui.gui.facts.rows_text import as_tsv
from slimgui.gui.models.tensors import Column, TensorModel
from slimgui.gui.models.texts import TextModel
from slimgui.gui.theme import SPACE, colours, scaled
from slimgui.gui.views.own_keys import copy_rows

_WIDTHS: Final = {Column.NAME: 330, Column.SHAPE: 140, Column.TYPE: 80, Column.NUMBERS: 100, Column.SIZE: 80}
_FACT_WIDTH, _NAME_WIDTH = 170, 330
_FORBIDDEN: Final = "Not allowed"


class FileWindow(QDialog):
    """Stays open beside the main window; "Open" leaves as `wanted`, with the path.

    Args:
        found: what the engine saw; nothing of the file was run.
    """

    wanted = Signal(str)

    def __init__(self, parent: QWidget, found: wire.Looked) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self._found, name = found, Path(found.path).name
        self.setWindowTitle(f"In {name}")
        self.tensors = TensorModel(found.sets, self)
        self.search, self.count = QLineEdit(self), QLabel(self)
        self.table = _table("Tensors in the file", self.tensors, self)
        self.facts = _table("What the file says", TextModel(("What", "Says"), found.facts, self), self)
        self.asks = _table("What the file would run", _asks_model(found, self), self)
        self.tabs = QTabWidget(self)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.copy_button = self.buttons.addButton("&Copy", QDialogButtonBox.ButtonRole.ActionRole)
        self.open_button = self.buttons.addButton("&Open", QDialogButtonBox.ButtonRole.ActionRole)
        self._set_up()
        self._arrange(name)
        self.resize(840, 600)
        self._tell_found()
        self.search.setFocus()

    def _set_up(self) -> None:
        self.search.setPlaceholderText("Find tensors: conv weight float32 64x3")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Find tensors")
        self.search.textChanged.connect(self._on_search_changed)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self.table.setColumnHidden(Column.SET, len(self._found.sets) < 2)
        for column, width in _WIDTHS.items():
            self.table.setColumnWidth(column, width)
        self.facts.setColumnWidth(0, _FACT_WIDTH)
        self.asks.setColumnWidth(0, _NAME_WIDTH)
        self.copy_button.setToolTip("Copy the selected rows for a spreadsheet, all of them when none is")
        self.copy_button.clicked.connect(self.copy)
        can_open = not self._found.refusal
        self.open_button.setEnabled(can_open)
        self.open_button.setToolTip("Open it as a model" if can_open else self._found.refusal[0])
        self.open_button.clicked.connect(lambda: self.wanted.emit(self._found.path))
        for button in (self.copy_button, self.open_button):
            button.setAutoDefault(False)
        self.buttons.rejected.connect(self.close)

    def _arrange(self, name: str) -> None:
        table = colours(self.palette())
        found, forbidden = self._found, any(not one.allowed for one in self._found.asks)
        head = _label(name, "Name of the file", self)
        head.setFont(scaled(self.font(), 1.15, bold=True))
        kind = found.kind[:1].upper() + found.kind[1:]
        what = _label(f"{kind}, {text.file_size(found.bytes)}", "Kind of file", self)
        runs = _label(found.runs, "What it would run", self)
        runs.setStyleSheet(f"color: {table.error if forbidden else table.success}; font-weight: 600")
        refusal = _label(" ".join(filter(None, found.refusal)), "Why it cannot be opened", self)
        refusal.setVisible(bool(found.refusal))
        column = QVBoxLayout(self)
        column.setSpacing(SPACE)
        for label in (head, what, runs, refusal):
            column.addWidget(label)
        column.addWidget(self.tabs, 1)
        column.addWidget(self.buttons)
        self.tabs.setAccessibleName("Parts of the file")
        self.tabs.tabBar().setAccessibleName("Parts of the file")
        for title, page in (
            (f"&Tensors ({self.tensors.size:,})", self._tensor_page()),
            ("&About the file", self.facts),
            (f"What it asks &for ({len(found.asks)})", self.asks),
        ):
            self.tabs.addTab(page, title)
        if not self.tensors.size:
            self.tabs.setCurrentIndex(2 if found.asks else 1)

    def _tensor_page(self) -> QWidget:
        page = QWidget(self)
        line = QHBoxLayout()
        line.addWidget(self.search, 1)
        line.addWidget(self.count)
        column = QVBoxLayout(page)
        column.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        column.addLayout(line)
        column.addWidget(self.table)
        return page

    def _on_search_changed(self, typed: str) -> None:
        self.tensors.find(typed)
        self._tell_found()

    def _tell_found(self) -> None:
        shown, size = self.tensors.rowCount(), self.tensors.size
        found = text.plural(size, "tensor") if shown == size else f"{shown:,} of {size:,} tensors"
        more = f"; {self._found.left_out:,} more are not listed" if self._found.left_out else ""
        self.count.setText(found + more)

    def copy(self) -> None:
        """Put the selected rows of the page on the clipboard, all rows when none is selected."""
        page = self.tabs.currentWidget()
        table = self.table if page.isAncestorOf(self.table) else page
        assert isinstance(table, QTableView), "every page is a table or holds one"
        model = table.model()
        chosen = sorted(index.row() for index in table.selectionModel().selectedRows())
        columns = [n for n in range(model.columnCount()) if not table.isColumnHidden(n)]
        head = [str(model.headerData(n, Qt.Orientation.Horizontal)) for n in columns]
        rows = [
            [str(model.index(row, n).data()) for n in columns] for row in chosen or range(model.rowCount())
        ]
        QGuiApplication.clipboard().setText(as_tsv([head, *rows]))


def _asks_model(found: wire.Looked, parent: QWidget) -> TextModel:
    rows = [(one.name, "Allowed" if one.allowed else _FORBIDDEN, one.meaning) for one in found.asks]
    return TextModel(("It asks for", "Verdict", "Which is"), rows, parent)


def _label(words: str, name: str, parent: QWidget) -> QLabel:
    """Words of a file, which are never taken for markup."""
    label = QLabel(words, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setAccessibleName(name)
    return label


def _table(name: str, model: QAbstractTableModel, parent: FileWindow) -> QTableView:
    table = QTableView(parent)
    table.setModel(model)
    table.setAccessibleName(name)
    table.setFrameShape(QTableView.Shape.NoFrame)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(parent.fontMetrics().height() + 6)
    header = table.horizontalHeader()
    header.setAccessibleName(f"Columns: {name}")
    header.setStretchLastSection(True)
    header.setHighlightSections(False)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    copy_rows(table, parent.copy)
    return table
