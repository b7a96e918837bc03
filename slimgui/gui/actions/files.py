"""The handlers that work with files beside the open model: looked into, proven again, opened with help."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from slimgui.core import wire
from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings

if TYPE_CHECKING:
    from slimgui.gui.main_window import MainWindow


class FileActions:
    """One method per action.

    Args:
        window: that questions and windows belong to.
        session: is told what to look into and to prove.
        dialogs: ask the user.
        settings: remember folders and allowed code.
    """

    def __init__(self, window: MainWindow, session: Session, dialogs: Dialogs, settings: Settings) -> None:
        self._window, self._session, self._dialogs, self._settings = window, session, dialogs, settings
        session.others.looked.connect(self._on_looked)

    def look(self) -> None:
        """Ask which file to look into, and say what is in it."""
        title, kinds = "Look into a file", "All files (*)"
        if path := self._dialogs.open_path(self._window, self._settings.folder, title, kinds):
            self._settings.folder = str(Path(path).parent)
            self._session.others.look(path)

    def prove(self) -> None:
        """Ask for a saved file and its original, and prove it again."""
        document = self._session.document
        wanted = self._dialogs.proof(self._window, document.source if document else "")
        if wanted is not None:
            trusted = self._settings.trusted
            self._session.others.prove(msgspec.structs.replace(wanted, trusted=trusted))

    def open_with(self) -> None:
        """Ask for a model that a file alone does not say, and open it."""
        document = self._session.document
        start = (document.source, self._session.shape) if document else ("", "")
        if found := self._dialogs.model_source(self._window, *start):
            self._window.document_actions.open_source(*found)

    def _on_looked(self, found: wire.Looked) -> None:
        from slimgui.gui.views.file_window import FileWindow

        shown = FileWindow(self._window, found)
        shown.wanted.connect(self._window.document_actions.open_source)
        shown.show()
