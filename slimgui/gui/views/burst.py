"""Steps that follow each other quickly as one gesture: a key that is held, a wheel that is turned."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, QTimerEvent, Signal
from PySide6.QtWidgets import QWidget

PAUSE_MS: Final = 800  # without a step: the next one is a gesture of its own


class Burst(QObject):
    """A gesture begins with the first step, and ends after a pause or when the focus leaves.

    Args:
        controls: whose steps are counted.
        parent: owns it.
    """

    begun = Signal()
    ended = Signal()

    def __init__(self, *controls: QWidget, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = 0  # number of the timer that runs, 0 for none
        for control in controls:
            control.installEventFilter(self)

    def step(self) -> None:
        """One step, which the receivers of `begun` may take part in."""
        if self._timer:
            self.killTimer(self._timer)
        else:
            self.begun.emit()
        self._timer = self.startTimer(PAUSE_MS)

    def stop(self) -> None:
        """The next step is a gesture of its own."""
        if self._timer:
            self.killTimer(self._timer)
            self._timer = 0
            self.ended.emit()

    def timerEvent(self, event: QTimerEvent) -> None:
        """See Qt."""
        del event
        self.stop()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Who leaves a control, or presses the mouse in it, begins something else."""
        if event.type() in (QEvent.Type.FocusOut, QEvent.Type.MouseButtonPress):
            self.stop()
        return super().eventFilter(watched, event)
