"""The handlers of the File and Help menus: opening, saving, and what would be lost by it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QProcess, QUrl
from PySide6.QtGui import QDesktopServices

import slimgui
from slimgui import resources
from slimgui.core import wire
from slimgui.gui.dialogs import architecture, consent
from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.facts.notice import Notice
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings

if TYPE_CHECKING:
    from slimgui.gui.main_window import MainWindow


class DocumentActions:
    """One method per action on the document.

    Args:
        window: that questions belong to.
        session: is told what to open and save.
        dialogs: ask the user.
        settings: remember folders, recent files and allowed code.
    """

    def __init__(self, window: MainWindow, session: Session, dialogs: Dialogs, settings: Settings) -> None:
        self._window, self._session, self._dialogs, self._settings = window, session, dialogs, settings
        self._then: Callable[[], object] | None = None  # waits for a save
        session.noticed.connect(self._on_noticed)
        session.opened.connect(self._on_opened)
        session.saved.connect(self._on_saved)

    def choose_file(self) -> None:
        """Ask which file to open, and open it."""
        if path := self._dialogs.open_path(self._window, self._settings.folder):
            self._settings.folder = str(Path(path).parent)
            self.open_source(path)

    def new_window(self) -> None:
        """Open another window, beside this one."""
        home = str(Path(slimgui.__file__).parents[1])  # a clone need not be installed
        QProcess.startDetached(sys.executable, ["-m", "slimgui.gui.app", "--new-window"], home)

    def close_model(self) -> None:
        """Show no model any more, after asking about edits that would be lost."""
        self.unless_unsaved(self._session.close)

    def open_example(self) -> None:
        """Open the model that comes with the program."""
        try:
            self.open_source(str(resources.path(resources.EXAMPLE)))
        except FileNotFoundError as error:
            missing = Notice("error", "The example is missing.", str(error), "Install SlimGUI again.")
            self._session.noticed.emit(missing)

    def open_source(self, source: str) -> None:
        """Open a file or a factory, after asking about edits that would be lost."""
        if Path(source).exists():
            source = str(Path(source).absolute())
        self.unless_unsaved(lambda: self._session.open(source, trusted=self._settings.trusted))

    def choose_target(self) -> None:
        """Ask where to save the smaller model, and save it."""
        if self._session.document is None:
            return
        name = Path(self._session.document.name.replace(":", ".")).stem + "-slim.pt"
        path = self._dialogs.save_path(self._window, str(Path(self._settings.folder) / name))
        if not path:
            self._then = None
            return
        self._settings.folder = str(Path(path).parent)
        self._session.files.save(path if Path(path).suffix else path + ".pt")

    def verify(self) -> None:
        """Prove the cut without saving it."""
        self._session.files.verify()

    def clear_recent(self) -> None:
        """Forget the recent files."""
        self._settings.clear_recent()
        self._window.welcome.set_recent(self._settings.recent)

    def clear_trusted(self) -> None:
        """Ask again about every file whose code was allowed to run."""
        self._settings.clear_trusted()

    def pin(self) -> None:
        """Keep the open model in the list of recent ones, or do so no longer."""
        if (document := self._session.document) is not None:
            self._settings.pin(document.source, document.source not in self._settings.pinned)
            self._window.welcome.set_recent(self._settings.recent)

    def take_offer(self, notice: Notice) -> None:
        """Do what a message offers."""
        if notice.offer == "folder":
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(notice.subject).parent)))
        elif notice.offer == "accept":
            self._session.files.save(notice.subject, accept_unproven=True)
        elif notice.offer == "consent":
            consent.ask(self._window, self._dialogs, self._settings, self._session, notice)
        elif notice.offer == "restore":
            self._window.restore.take(notice.subject)
        elif notice.offer == "architecture":
            architecture.ask(self._window, self._dialogs, self._session, notice)
        elif shape := self._dialogs.input_shape(self._window, Path(notice.subject).name):
            trusted = notice.request.trusted if isinstance(notice.request, wire.Open) else ()
            self._session.open(notice.subject, shape, trusted)

    def unless_unsaved(self, action: Callable[[], None]) -> None:
        """Do `action` now, after a save, or not at all, as the user says."""
        if self.may_lose_edits(then=action):
            action()

    def may_lose_edits(self, then: Callable[[], object]) -> bool:
        """Ask about unsaved edits; when the user wants them saved, `then` follows the save."""
        if not self._session.modified or self._session.document is None:
            return True
        answer = self._dialogs.unsaved(self._window, self._session.document.name)
        if answer == "save":
            self._then = then
            self.choose_target()
        return answer == "discard"

    def _on_saved(self, path: str) -> None:
        del path
        self._window.menus.refresh()
        then, self._then = self._then, None
        if then is not None:
            then()

    def _on_noticed(self, notice: Notice) -> None:
        if notice.kind != "success":
            self._then = None
        self._window.card.show_notice(notice)

    def _on_opened(self, source: str) -> None:
        self._settings.add_recent(source)
        self._window.welcome.set_recent(self._settings.recent)
