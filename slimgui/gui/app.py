"""Start the window: nothing heavy is imported before it can be seen."""

from __future__ import annotations

import gc
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

import slimgui
from slimgui import resources
from slimgui.core.paths import exists
from slimgui.gui.diagnostics import Log
from slimgui.gui.facts.notice import Notice
from slimgui.gui.main_window import MainWindow
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings
from slimgui.gui.single import Doorbell, hand_over, socket_name
from slimgui.gui.theme import Theme
from slimgui.gui.work.worker import Worker

NO_DISPLAY = (
    "SlimGUI needs a display. Start it in a desktop session, or set DISPLAY (for example with xvfb-run)."
)


NEW_WINDOW: Final = "--new-window"


class FaultReporter(QObject):
    """Turns exceptions nobody caught, of any thread, into a card in the window, and a line of the log."""

    noticed = Signal(object)  # Notice

    def __init__(self, log: Log, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._log = log

    def install(self) -> None:
        """Take over both hooks of python."""
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, Exception):  # Ctrl+C in a terminal ends the program, as anywhere
            sys.__excepthook__(kind, error, trace)
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        self._log.write(details)
        what, why = "Something went wrong inside SlimGUI.", f"{kind.__name__}: {error}"
        hint = "Your model and your edits are still there. Help, Copy Diagnostics says what a report needs."
        self.noticed.emit(Notice("error", what, why, hint, details))

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        self._on_exception(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)


def build(app: QApplication, settings: Settings, worker: Worker) -> MainWindow:
    """A window with everything behind it; the engine starts once the window can be seen."""
    session = Session(worker)
    window = MainWindow(session, settings, Theme(app, settings.theme))
    session.setParent(window)
    window.first_painted.connect(worker.start)
    window.furnished.connect(window.restore.offer)
    return window


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window, or let the one that is open show what is to be opened.

    Args:
        argv: may name a file or a factory, behind --new-window where a window of its own is wanted.

    Returns:
        The exit code of the program.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    alone = NEW_WINDOW in arguments
    source = absolute(next((word for word in arguments if word != NEW_WINDOW), ""))
    if _no_display():
        print(NO_DISPLAY, file=sys.stderr)
        return 1
    QCoreApplication.setOrganizationName("SlimGUI")
    QCoreApplication.setApplicationName("SlimGUI")
    QCoreApplication.setApplicationVersion(slimgui.__version__)
    app = QApplication.instance()
    app = app if isinstance(app, QApplication) else QApplication([sys.argv[0]])
    with suppress(FileNotFoundError):  # a copy without its pictures still works
        app.setWindowIcon(QIcon(str(resources.path("icons/app.svg"))))
    settings = Settings()
    name = "" if alone else socket_name(settings.data_folder)
    if hand_over(name, source):
        return 0
    return _run(app, settings, name, source)


def _run(app: QApplication, settings: Settings, name: str, source: str) -> int:
    """A window of our own, until it is closed."""
    worker, log = Worker(), Log(settings.data_folder)
    window = build(app, settings, worker)
    reporter = FaultReporter(log, window)
    reporter.noticed.connect(window.session.noticed)
    reporter.install()
    doorbell = Doorbell(name, window, lambda: app.activeModalWidget() is None)  # else a question is open
    doorbell.rung.connect(window.show_source)
    window.furnished.connect(_collect_garbage)
    window.show()
    if source:
        QTimer.singleShot(0, window, lambda: window.document_actions.open_source(source))
    try:
        return app.exec()
    finally:
        doorbell.close()
        worker.close()
        log.close()


def _collect_garbage() -> None:
    """From now on; what is there by now stays, and looking through it would stop the window for a moment."""
    gc.freeze()
    gc.enable()


def absolute(source: str) -> str:
    """A file by its whole path: the window that opens it may have been started elsewhere."""
    return str(Path(source).absolute()) if exists(source) else source


def _no_display() -> bool:
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return False
    return not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
