"""The files whose code may run without being asked about; each can be forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from slimgui.gui.settings import Allowed, Settings
from slimgui.gui.theme import SPACE

_ABOUT: Final = (
    "You allowed the code of these files to run without being asked again. They are known by their bytes: a "
    "file that changed is asked about. Forget what you trust no longer; what is open now stays open."
)
_NONE: Final = (
    "No file's code may run without being asked about. The question that comes with such a file can remember "
    "your answer."
)
_UNKNOWN: Final = "a file allowed by an older SlimGUI"
_WIDTHS: Final = (200, 110)  # of name and date; the folder takes the rest


class AllowedCode(QDialog):
    """One row per file, by name; what is forgotten is asked about again at once.

    Args:
        settings: remember the files.
    """

    def __init__(self, parent: QWidget, settings: Settings) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Allowed Code")
        self._settings = settings
        self._shown: tuple[Allowed, ...] = ()
        self.about, self.table = QLabel(self), QTreeWidget(self)
        self.about.setWordWrap(True)
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        action = QDialogButtonBox.ButtonRole.ActionRole
        self.forget = box.addButton("&Forget", action)
        self.forget_all = box.addButton("Forget &All", action)
        self._build_table()
        column = QVBoxLayout(self)
        column.setSpacing(2 * SPACE)
        for widget in (self.about, self.table, box):
            column.addWidget(widget)
        self.resize(620, 360)
        for button in (self.forget, self.forget_all):
            button.setAutoDefault(False)  # Enter closes
        self.forget.setToolTip("Ask again about the selected files (Delete)")
        self.forget_all.setToolTip("Ask again about every file")
        self.forget.clicked.connect(self._forget_selected)
        self.forget_all.clicked.connect(self._forget_all)
        box.rejected.connect(self.close)
        self.table.itemSelectionChanged.connect(self._enable)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self.table, self._forget_selected)
        self.refresh()

    def refresh(self) -> None:
        """Show what is allowed now."""
        current = self.table.currentItem()
        wanted = current.data(0, Qt.ItemDataRole.UserRole) if current else ""
        self.table.clear()
        self._shown = self._settings.allowed
        for one in self._shown:
            path = Path(one.path)
            texts = [path.name, one.since, str(path.parent)] if one.path else [_UNKNOWN, one.since or "–", ""]
            row = QTreeWidgetItem(self.table, texts)
            row.setData(0, Qt.ItemDataRole.UserRole, one.sha256)
            for place in range(3):
                row.setToolTip(place, f"{one.path}\nSHA-256 {one.sha256}".strip())
            if not self.table.selectedItems() or one.sha256 == wanted:
                self.table.setCurrentItem(row)
        self.about.setText(_ABOUT if self.table.topLevelItemCount() else _NONE)
        self._enable()

    def changeEvent(self, event: QEvent) -> None:
        """Somebody comes back to it: another file may have been allowed meanwhile."""
        super().changeEvent(event)
        is_back = event.type() == QEvent.Type.ActivationChange and self.isActiveWindow()
        if is_back and self._settings.allowed != self._shown:
            self.refresh()

    def _build_table(self) -> None:
        self.table.setAccessibleName("Files whose code may run")
        self.table.setHeaderLabels(["File", "Allowed on", "Folder"])
        self.table.setRootIsDecorated(False)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.setStyleSheet(f"QTreeView::item {{ padding: {SPACE // 4}px 0; }}")
        for place, width in enumerate(_WIDTHS):
            self.table.setColumnWidth(place, width)

    def _enable(self) -> None:
        self.forget.setEnabled(bool(self.table.selectedItems()))
        self.forget_all.setEnabled(self.table.topLevelItemCount() > 0)

    def _forget_selected(self) -> None:
        for row in self.table.selectedItems():
            self._settings.forget_trusted(row.data(0, Qt.ItemDataRole.UserRole))
        self.refresh()

    def _forget_all(self) -> None:
        self._settings.clear_trusted()
        self.refresh()
