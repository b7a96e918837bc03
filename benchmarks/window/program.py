"""A real window with its real engine, driven from a benchmark."""

from __future__ import annotations

import gc
import itertools
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import sub
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QObject, QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.facts.notice import Notice
from slimgui.gui.main_window import MainWindow
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings
from slimgui.gui.theme import Theme
from slimgui.gui.work.worker import Worker

BEAT = 5  # milliseconds
LOOK = 10  # milliseconds
FRAME = 16  # milliseconds
PATIENCE = 600.0  # seconds
_TICKS = os.sysconf("SC_CLK_TCK")  # in a second


class Program:
    """A window, shown; everything it remembers lies in `folder`."""

    def __init__(self, app: QApplication, folder: Path, worker: Worker | None = None) -> None:
        settings = Settings(QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat))
        self.worker = worker or Worker()
        self.session = Session(self.worker)
        self.window = MainWindow(self.session, settings, Theme(app, "light"), Dialogs())
        self.window.first_painted.connect(self.worker.start)
        self.notices: list[Notice] = []
        self.session.noticed.connect(self.notices.append)
        self.window.furnished.connect(gc.freeze)  # as gui/app.py does
        self.window.show()
        until(self.worker.isRunning)  # it was painted, and is whole

    def open(self, source: str, shape: str = "", trusted: tuple[str, ...] = ()) -> None:
        """Open a model and wait until all of it is seen: what is not painted costs nothing."""
        self.session.open(source, shape, trusted)
        self.wait_idle()
        if self.session.document is None:
            raise RuntimeError(f"{source} was not opened: {self.notices}")
        panels = self.window.panels
        spies = [_PaintSpy(view.viewport()) for view in (panels.graph, panels.groups.tree)]
        until(lambda: all(spy.has_painted for spy in spies))

    def wait_idle(self) -> None:
        """Let the window live until no task is running."""
        until(lambda: self.session.task is None)

    def close(self) -> None:
        """End window and engine."""
        self.session.undo_stack.setClean()
        self.window.close()
        self.worker.close()


class _PaintSpy(QObject):
    """Knows whether a widget was painted since.

    Attributes:
        has_painted: says so.
    """

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.has_painted = False
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.has_painted |= event.type() == QEvent.Type.Paint
        return False


def until(done: Callable[[], bool]) -> None:
    """Run the event loop until `done`, asleep between events as the program is.

    `processEvents` with a time limit never sleeps (see Qt): the engine would be left half of the machine.
    """
    loop, end = QEventLoop(), time.monotonic() + PATIENCE
    look = QTimer(interval=LOOK)
    look.timeout.connect(lambda: loop.quit() if done() or time.monotonic() > end else None)
    if not done():
        look.start()
        loop.exec()
        look.stop()
    if not done():
        raise TimeoutError("the window waited too long")


def at_each_frame(steps: Iterator[None]) -> None:
    """Take one of `steps` at each frame of a screen, as a slider that is dragged does."""
    timer, left = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=FRAME), [True]

    def step() -> None:
        left[0] = next(steps, timer) is None

    timer.timeout.connect(step)
    timer.start()
    until(lambda: not left[0])
    timer.stop()


def painted() -> None:
    """Handle what is waiting: events that were posted, then the paint that they asked for, at once.

    Qt paints a few milliseconds after it was asked to; without the last line nothing would be painted here.
    """
    QCoreApplication.sendPostedEvents()
    QCoreApplication.processEvents()
    for window in QApplication.topLevelWidgets():
        if window.isVisible():
            QCoreApplication.sendEvent(window, QEvent(QEvent.Type.UpdateRequest))


@dataclass(frozen=True, slots=True)
class Gap:
    """What lies between two beats, in milliseconds.

    Attributes:
        long: how much.
        taken: of it, what the host of this virtual machine kept from the processor that lost most
            (`steal` of proc_stat(5), in steps of 10 ms): no program can do anything then.
    """

    long: float
    taken: float


@contextmanager
def heartbeat() -> Iterator[list[Gap]]:
    """What lies between the beats of a timer inside the block."""
    beats: list[tuple[float, list[float]]] = []
    timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=BEAT)
    timer.timeout.connect(lambda: beats.append((time.perf_counter() * 1000, _stolen())))
    gaps: list[Gap] = []
    timer.start()
    try:
        yield gaps
    finally:
        timer.stop()
        gaps += [_gap(*earlier, *later) for earlier, later in itertools.pairwise(beats)]


def _gap(since: float, stolen: list[float], until: float, stolen_then: list[float]) -> Gap:
    return Gap(until - since, max(map(sub, stolen_then, stolen)))


def _stolen() -> list[float]:
    """Milliseconds since the machine was started in which the host ran others, for each processor."""
    lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    return [int(line.split()[8]) * 1000 / _TICKS for line in lines if re.match(r"cpu\d", line)]


def percentile(numbers: list[float], share: float) -> float:
    """The number that `share` of them do not exceed."""
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
