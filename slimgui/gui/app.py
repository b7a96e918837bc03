"""Start the window: nothing heavy is imported before it can be seen."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

import slimgui
from slimgui import resources
from slimgui.gui.main_window import MainWindow
from slimgui.gui.notice import Notice
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings
from slimgui.gui.theme import Theme
from slimgui.gui.worker import Worker

NO_DISPLAY = (
    "SlimGUI needs a display. Start it in a desktop session, or set DISPLAY (for example with xvfb-run)."
)


class FaultReporter(QObject):
    """Turns exceptions nobody caught, of any thread, into a card in the window."""

    noticed = Signal(object)  # Notice

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
        what, why = "Something went wrong inside SlimGUI.", f"{kind.__name__}: {error}"
        hint = "Your model and your edits are still there. Copy the details to report it."
        self.noticed.emit(Notice("error", what, why, hint, details))

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        self._on_exception(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)


def build(app: QApplication, settings: Settings, worker: Worker) -> MainWindow:
    """A window with everything behind it; the engine starts once the window can be seen."""
    session = Session(worker)
    window = MainWindow(session, settings, Theme(app, settings.theme))
    session.setParent(window)
    window.first_painted.connect(worker.start)
    window.first_painted.connect(window.restore.offer)
    return window


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window; the first argument may name a file or a factory to open.

    Returns:
        The exit code of the program.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
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
    worker = Worker()
    window = build(app, Settings(), worker)
    reporter = FaultReporter(window)
    reporter.noticed.connect(window.session.noticed)
    reporter.install()
    window.show()
    if arguments:
        QTimer.singleShot(0, window, lambda: window.document_actions.open_source(arguments[0]))
    try:
        return app.exec()
    finally:
        worker.close()


def _no_display() -> bool:
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return False
    return not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
