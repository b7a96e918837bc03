"""The line of a dialog that says what is missing in it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QHBoxLayout, QLabel, QSizePolicy, QWidget

from slimgui.gui.theme import colours


class Problem(QLabel):
    """What is missing, said beside the buttons: there it needs no room of its own while nothing is."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setAccessibleName("What is missing")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFixedHeight(2 * self.fontMetrics().lineSpacing())
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # paths are long words

    def beside(self, box: QDialogButtonBox) -> QHBoxLayout:
        """The last line of a dialog: this, and its buttons."""
        line = QHBoxLayout()
        line.addWidget(self, 1)
        line.addWidget(box)
        return line

    def tell(self, problem: str) -> None:
        """Show `problem`, or nothing."""
        self.setText(problem)
        self.setToolTip(problem)
        self.setStyleSheet(f"color: {colours(self.palette()).error}" if problem else "")
