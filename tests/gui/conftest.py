"""Windows for tests, and what must not be left behind by one."""

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, QThread, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shiboken6 import Shiboken

sys.path.insert(0, str(Path(__file__).parent))  # demo, fakes

from demo import demo
from fakes import FakeDialogs, FakeTransport
from program import Program

from slimgui.gui.facts.notice import Notice
from slimgui.gui.main_window import MainWindow
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings
from slimgui.gui.theme import Theme
from slimgui.gui.work.tasks import Transport
from slimgui.gui.work.worker import Worker

MakeWindow = Callable[..., MainWindow]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The offscreen platform says this for every window; it is about window managers, not about us."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.qt_log_ignore("propagateSizeHints", r"raise\(\)"))


@pytest.fixture(autouse=True)
def nothing_left_behind(qapp: QApplication) -> Iterator[None]:
    """Fail a test after which a window, a running thread or a ticking timer is still there."""
    threads = set(threading.enumerate())
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    for _ in range(20):  # something may still be due in the next frame
        if not any(isinstance(item, QTimer) and item.isSingleShot() and _is_busy(item) for item in _items()):
            break
        QTest.qWait(5)
    windows = [repr(widget) for widget in qapp.topLevelWidgets() if widget.isVisible()]
    busy = [repr(item) for item in _items() if _is_busy(item)]
    extra = [thread.name for thread in threading.enumerate() if thread not in threads and _is_ours(thread)]
    assert (windows, busy, extra) == ([], [], [])


def _is_ours(thread: threading.Thread) -> bool:
    """Python keeps a stand-in for each QThread it has seen; those are counted as QThreads."""
    return thread.is_alive() and not isinstance(thread, threading._DummyThread)


def _items() -> list[object]:
    """Everything of Qt that Python knows."""
    return list(Shiboken.getAllValidWrappers())


def _is_busy(item: object) -> bool:
    if isinstance(item, QThread):
        return item.isRunning() and item is not QThread.currentThread()
    return isinstance(item, QTimer) and item.isActive()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
def session(transport: FakeTransport) -> Session:
    return Session(transport)


@pytest.fixture
def dialogs() -> FakeDialogs:
    return FakeDialogs()


@pytest.fixture
def make_window(
    qtbot: QtBot, qapp: QApplication, settings: Settings, dialogs: FakeDialogs
) -> Iterator[MakeWindow]:
    """A shown window around a transport; closed for good at the end."""
    made: list[MainWindow] = []

    def make(transport: Transport) -> MainWindow:
        session = Session(transport)
        window = MainWindow(session, settings, Theme(qapp, "light"), dialogs)
        session.setParent(window)
        window.show()
        qtbot.waitExposed(window)
        assert window.panels  # they are there before an engine is: it starts after the first paint
        made.append(window)
        return window

    yield make
    for window in made:
        window.session.undo_stack.setClean()
        window.close()
        window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def window(make_window: MakeWindow, transport: FakeTransport) -> MainWindow:
    return make_window(transport)


@pytest.fixture
def program(make_window: MakeWindow, dialogs: FakeDialogs, qtbot: QtBot) -> Iterator[Program]:
    worker = Worker()
    window = make_window(worker)
    worker.start()
    yield Program(window, worker, dialogs, qtbot)
    worker.close()


@pytest.fixture
def notices(session: Session) -> list[Notice]:
    heard: list[Notice] = []
    session.noticed.connect(heard.append)
    return heard


@pytest.fixture
def opened(qapp: QApplication, session: Session, transport: FakeTransport) -> Session:
    session.open("/models/demo.pt")
    transport.open(demo())
    return session
