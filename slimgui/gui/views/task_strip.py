"""What the engine is doing: phase, progress, time, Cancel. Nothing is shown for what is over in a blink."""

from __future__ import annotations

import time
from typing import Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QWidget

from slimgui.gui.facts import text
from slimgui.gui.theme import SPACE, scaled
from slimgui.gui.work.tasks import Task

PATIENCE_MS: Final = 300
_TICK_MS: Final = 250


class TaskStrip(QWidget):
    """Follows the session's task; Cancel leaves as `cancelled`."""

    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Running task")
        self._task: Task | None = None
        self.title, self.phase, self.clock = QLabel(self), QLabel(self), QLabel(self)
        for label, name in ((self.title, "Task"), (self.phase, "Phase"), (self.clock, "Elapsed time")):
            label.setAccessibleName(name)
        self.title.setFont(scaled(self.font(), 1.0, bold=True))
        self.phase.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        )  # never pushes panels
        self.title.setMinimumWidth(1)  # nor does a long title
        self.bar = QProgressBar(self)
        self.bar.setAccessibleName("Progress")
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(180, 8)
        self.button = QPushButton("&Cancel", self)
        self.button.setAccessibleName("Cancel the running task")
        self.button.setToolTip("Stop at once; the open model and your edits stay as they are")
        self.button.clicked.connect(self.cancelled)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * SPACE, SPACE // 2, SPACE, SPACE // 2)
        row.setSpacing(2 * SPACE)
        row.addWidget(self.title)
        row.addWidget(self.phase, 1)
        row.addWidget(self.bar)
        row.addWidget(self.clock)
        row.addWidget(self.button)
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._patience.timeout.connect(self._on_patience_over)
        self._ticks = QTimer(self, interval=_TICK_MS)
        self._ticks.timeout.connect(self._show_clock)
        self.hide()

    def set_task(self, task: Task | None) -> None:
        """Follow `task`; None when nothing runs."""
        started = task is not None and self._task is None
        self._task = task
        if task is None:
            self._patience.stop()
            self._ticks.stop()
            self.hide()
            return
        self.title.setText(task.doing[0].upper() + task.doing[1:])
        self.title.setToolTip(self.title.text())
        self.phase.setText(task.phase)
        self.phase.setToolTip(task.phase)  # it may be longer than its place
        self.bar.setRange(0, task.total)
        self.bar.setValue(task.done)
        if started:
            self._patience.start()

    def _on_patience_over(self) -> None:
        self._show_clock()
        self._ticks.start()
        self.show()

    def _show_clock(self) -> None:
        if self._task is not None:
            self.clock.setText(text.elapsed(time.monotonic() - self._task.since))
