"""The steps that were taken, to go back to any of them."""

from __future__ import annotations

from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QFrame, QUndoView, QWidget

from slimgui.gui.theme import SPACE


class History(QUndoView):
    """Every edit with its text; a click goes back or forth to it.

    Args:
        stack: of the session.
    """

    def __init__(self, stack: QUndoStack, parent: QWidget | None = None) -> None:
        super().__init__(stack, parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet(f"QListView::item {{ padding: {SPACE // 4}px {SPACE}px; }}")
        self.setEmptyLabel("As it was opened")
        self.setAccessibleName("History of edits")
        self.setToolTip("Click a step to go back, or forth, to it")
