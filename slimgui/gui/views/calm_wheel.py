"""The mouse wheel turns a control that has the focus; over any other one it scrolls what lies around."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QWidget


class CalmWheel(QObject):
    """Keeps the wheel from controls without the focus, which it does not give them either.

    Args:
        controls: boxes, lists that fold down, sliders.
        parent: owns it.
    """

    def __init__(self, *controls: QWidget, parent: QObject) -> None:
        super().__init__(parent)
        for control in controls:
            control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            control.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """See Qt: an event that is ignored goes on to what the control lies in."""
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)
