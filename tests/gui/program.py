"""The whole program, driven as a user drives it."""

from pathlib import Path

from fakes import FakeDialogs
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from slimgui.core import wire
from slimgui.gui.facts.notice import Notice
from slimgui.gui.main_window import MainWindow
from slimgui.gui.work.worker import Worker

PATIENCE = 60_000


class Program:
    """A window with its worker, and what it told the user."""

    def __init__(self, window: MainWindow, worker: Worker, dialogs: FakeDialogs, qtbot: QtBot) -> None:
        self.window, self.worker, self.dialogs, self.qtbot = window, worker, dialogs, qtbot
        self.notices: list[Notice] = []
        window.session.noticed.connect(self.notices.append)

    def wait_idle(self) -> None:
        self.qtbot.waitUntil(lambda: self.window.session.task is None, timeout=PATIENCE)
        self.qtbot.waitUntil(self.window.updatesEnabled)  # what was opened is shown

    def open_example(self) -> wire.Document:
        self.qtbot.mouseClick(self.window.welcome.example_button, Qt.MouseButton.LeftButton)
        self.wait_idle()
        document = self.window.session.document
        assert document, self.notices
        return document

    def open(self, path: Path) -> Notice | None:
        """Open through the dialog; returns what was said about it."""
        before = len(self.notices)
        self.dialogs.path = str(path)
        self.window.menus.actions["open"].trigger()
        self.wait_idle()
        return self.notices[-1] if len(self.notices) > before else None

    def open_source(self, source: str) -> None:
        """Open a source, and take what the messages offer until it is open or nothing more is offered."""
        self.window.document_actions.open_source(source)
        self.wait_idle()
        while self.window.card.isVisible() and self.window.card.offer.isVisible():
            self.window.card.offer.click()
            self.wait_idle()
