"""The charts of the model: stage by stage, and the plans worth having. pyqtgraph draws them.

It is imported when somebody looks, in a thread, where it holds Python's lock for a few milliseconds at a
time. What only the window's own thread can do, to make the charts, is done in turns, one by one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QThread, QTimer, Signal
from PySide6.QtGui import QAction, QPaintEvent
from PySide6.QtWidgets import QLabel, QSplitter, QVBoxLayout, QWidget

from slimgui.gui.session import Session
from slimgui.gui.turns import NEXT_TURN

if TYPE_CHECKING:
    from slimgui.gui.views.front_chart import FrontChart
    from slimgui.gui.views.stage_chart import StageChart


class Importer(QThread):
    """Imports what draws charts, and the charts."""

    def run(self) -> None:
        """See Qt."""
        for module in ("front_chart", "stage_chart"):
            import_module(f"slimgui.gui.views.{module}")


class Charts(QWidget):
    """Both charts, once they can be drawn; they follow the session while they can be seen.

    Args:
        session: whose model and plans are shown.
    """

    ready = Signal()  #: the charts are there

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._is_stale = True
        self.front: FrontChart | None = None
        self.stages: StageChart | None = None
        self._importer = Importer(self)
        self._importer.finished.connect(self._make_next)
        self._next_turn = QTimer(self, singleShot=True, interval=NEXT_TURN)
        self._next_turn.timeout.connect(self._make_next)
        self._keep = QAction(self)
        self._wait = QLabel("Preparing the charts…", self)
        self._wait.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(self._wait)
        for signal in (session.document_changed, session.snapshot_changed, session.plans_changed):
            signal.connect(self.refresh)
        session.insight.changed.connect(self.refresh)
        session.judging.changed.connect(self.refresh)

    def set_action(self, keep: QAction) -> None:
        """What keeps the front as plans."""
        keep.setIconText("Keep as Plans")
        self._keep = keep

    def sizeHint(self) -> QSize:
        """See Qt."""
        return QSize(300, 600)

    def refresh(self) -> None:
        """Show the model and its plans as they are now, where somebody can see it."""
        self._is_stale = self.visibleRegion().isEmpty()
        if not self._is_stale and self.front and self.stages and self._session.snapshot:
            self.stages.refresh()
            self.front.refresh()

    def refresh_colours(self) -> None:
        """Follow the theme."""
        if self.front and self.stages:
            self.front.refresh_colours()
            self.stages.refresh_colours()
            self.refresh()

    def close_down(self) -> None:
        """Wait for a running import, which cannot be cut short."""
        self._importer.wait()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Somebody looks: behind another tab, which counts as visible, nothing was kept up to date."""
        super().paintEvent(event)
        if self._is_stale:
            QTimer.singleShot(0, self, self.refresh)
        if self.stages is None and not self._importer.isRunning():
            self._importer.start(QThread.Priority.LowPriority)

    def _make_next(self) -> None:
        """One chart: both at once would stop the window for 50 ms."""
        if self.stages is None:
            from slimgui.gui.views.stage_chart import StageChart

            self.stages = StageChart(self._session, self)
        elif self.front is None:
            from slimgui.gui.views.front_chart import FrontChart

            self.front = FrontChart(self._session, self._keep, self)
        else:
            self._show(self.front, self.stages)
            return
        self._next_turn.start()

    def _show(self, front: FrontChart, stages: StageChart) -> None:
        self._wait.hide()
        splitter = QSplitter(Qt.Orientation.Vertical, self)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(front)
        splitter.addWidget(stages)
        self._column.addWidget(splitter)
        self.refresh()
        self.ready.emit()
