"""The handlers of the File and Help menus: opening, saving, and what would be lost by it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QProcess, QUrl
from PySide6.QtGui import QDesktopServices

import slimgui
from slimgui import resources
from slimgui.core import wire
from slimgui.core.paths import exists
from slimgui.gui.actions.reasons import can_save
from slimgui.gui.dialogs import architecture, consent
from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.facts.notice import Notice
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings
from slimgui.gui.work.files import file_of

if TYPE_CHECKING:
    from slimgui.gui.main_window import MainWindow

USUAL_SHAPE: Final = "1x3x224x224"
PICKLED: Final = "Whole module, pickled (*.pt *.pth)"


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
        QProcess.startDetached(sys.executable, ["-m", "slimgui.gui", "--new-window"], home)

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

    def open_source(self, source: str, shape: str | None = None) -> None:
        """Open a file or a factory, after asking about edits that would be lost.

        Args:
            source: as the user names it.
            shape: of its input, "" to let it be found; None for the one that was given last.
        """
        if exists(source):
            source = str(Path(source).absolute())
        if not self._session.tasks.refuse_while_busy():
            known = self._settings.shape_of(source) if shape is None else shape
            trusted = self._settings.trusted
            self.unless_unsaved(lambda: self._session.open(source, known, trusted))

    def open_dropped(self, paths: Sequence[str]) -> None:
        """Open the file that was dropped: a plan for the open model, or another model."""
        if len(paths) > 1:
            hint = "File › New Window opens another model beside this one."
            self._session.noticed.emit(Notice("note", "Drop one file at a time.", "", hint))
        elif self._session.document is not None and _is_plan(paths[0]):
            self._session.files.read_plans(paths[0])
        else:
            self.open_source(paths[0])

    def choose_target(self) -> None:
        """Ask where to save the smaller model, and save it."""
        if self._session.document is None:
            return
        path = self._dialogs.save_path(self._window, self._suggestion("-slim.pt"))
        if not path:
            self._then = None
            return
        self._settings.folder = str(Path(path).parent)
        self._session.files.save(path if Path(path).suffix else path + ".pt")

    def save_pickled(self) -> None:
        """Ask where to save the smaller model as a whole module, and save it."""
        title, suggestion = "Save as a pickled module", self._suggestion("-slim-module.pt")
        if path := self._dialogs.save_path(self._window, suggestion, title, PICKLED):
            self._settings.folder = str(Path(path).parent)
            self._session.files.save(path if Path(path).suffix else path + ".pt", format="pickle")

    def _suggestion(self, ending: str) -> str:
        """A name for something made of the open model, in the folder that was used last."""
        assert self._session.document, "it is made of an open model"
        stem = Path(self._session.document.name.replace(":", ".")).stem
        return str(Path(self._settings.folder) / (stem + ending))

    def verify(self) -> None:
        """Prove the cut without saving it."""
        self._session.files.verify()

    def clear_recent(self) -> None:
        """Forget the recent files."""
        self._settings.clear_recent()
        self.show_recent()

    def pin(self) -> None:
        """Keep the open model in the list of recent ones, or do so no longer."""
        if (document := self._session.document) is not None:
            self.keep_recent(document.source, document.source not in self._settings.pinned)

    def keep_recent(self, source: str, keep: bool) -> None:
        """Keep a source in the list of recent ones, or do so no longer."""
        self._settings.pin(source, keep)
        self.show_recent()

    def forget_recent(self, source: str) -> None:
        """Take a source out of the list of recent ones."""
        self._settings.remove_recent(source)
        self.show_recent()

    def show_recent(self) -> None:
        """Show the recent sources as they are now."""
        self._window.welcome.set_recent(self._settings.recent, self._settings.pinned)
        self._window.menus.refresh()

    def take_offer(self, notice: Notice) -> None:
        """Do what a message offers."""
        if notice.offer == "folder":
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(notice.subject).parent)))
        elif notice.offer == "accept":
            known = notice.request.format if isinstance(notice.request, wire.Save) else ""
            self._session.files.save(notice.subject, accept_unproven=True, format=known)
        elif notice.offer == "consent":
            consent.ask(self._window, self._dialogs, self._settings, self._session, notice)
        elif notice.offer == "forget":
            self.forget_recent(notice.subject)
        elif notice.offer == "look":
            self._session.others.look(notice.subject)
        elif notice.offer == "restore":
            self._window.restore.take(notice.subject)
        elif notice.offer == "architecture":
            architecture.ask(self._window, self._dialogs, self._session, notice)
        elif isinstance(notice.request, wire.Open):
            self._ask_shape(notice.request)

    def _ask_shape(self, request: wire.Open) -> None:
        """Ask for the shape of the input, beginning with the one that did not fit, and open it with that."""
        name, tried = Path(request.source).name, request.shape or USUAL_SHAPE
        if shape := self._dialogs.input_shape(self._window, name, tried):
            self._session.open(request.source, shape, request.trusted)

    def unless_unsaved(self, action: Callable[[], None]) -> None:
        """Do `action` now, after a save, or not at all, as the user says."""
        if self.may_lose_edits(then=action):
            action()

    def may_lose_edits(self, then: Callable[[], object]) -> bool:
        """Ask about unsaved edits; when the user wants them saved, `then` follows the save."""
        if not self._session.modified or self._session.document is None:
            return True
        is_cut = not can_save(self._session)
        answer = self._dialogs.unsaved(self._window, self._session.document.name, is_cut)
        if answer == "save":
            self._then = then
            self.choose_target()
        elif answer == "plans":
            self._window.plan_actions.save_file()
        return answer == "discard" or (answer == "plans" and not self._session.modified)

    def may_stop(self) -> bool:
        """Ask about what the engine is doing, when there is something that would be lost with it."""
        doing = self._session.tasks.at_work
        return not doing or self._dialogs.stop(self._window, doing)

    def _on_saved(self, path: str) -> None:
        del path
        self._window.menus.refresh()
        then, self._then = self._then, None
        if then is not None:
            then()

    def _on_noticed(self, notice: Notice) -> None:
        if notice.kind != "success":
            self._then = None
        gone, recent = notice.subject, self._settings.recent
        if notice.kind == "error" and not notice.offer and gone in recent and not exists(file_of(gone)):
            notice = replace(notice, offer="forget")
        self._window.card.show_notice(notice)

    def _on_opened(self, source: str) -> None:
        self._settings.add_recent(source)
        self._settings.remember_shape(source, self._session.shape)
        self.show_recent()


def _is_plan(path: str) -> bool:
    """Whether a file is one of plans or of a configuration; an index of shards is of weights."""
    return path.lower().endswith((".json", ".yaml", ".yml")) and not path.lower().endswith(".index.json")
