"""Offers what was open before: plans that were lost with their window, and the model of last time."""

from __future__ import annotations

from PySide6.QtCore import QObject

from slimgui.gui.facts.notice import Notice
from slimgui.gui.journal.record import Entry
from slimgui.gui.journal.writer import LAST, Journal, Orphan, orphans, read
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings


class Restore(QObject):
    """Finds journals that were left behind, and gives their plans back when the user wants them.

    Args:
        session: opens the model and takes the plans.
        settings: say where journals are, and which code may run.
        journal: of this window, which takes over what was given back.
    """

    def __init__(self, session: Session, settings: Settings, journal: Journal) -> None:
        super().__init__(session)
        self._session, self._settings = session, settings
        self._folder = settings.data_folder / "journal"
        self._orphans: list[Orphan] = []
        self._wanted: Entry | None = None  # waits for its model to open, which may need a word of the user
        self.last = read(self._folder / LAST)
        self._given = ""  # path of the journal whose plans are back, but not yet in ours
        session.opened.connect(self._on_opened)
        journal.written.connect(self._on_written)

    def offer(self) -> None:
        """Ask about the newest journal that was left behind; the others stay for the next start."""
        self._orphans = orphans(self._folder)
        self._offer_next()

    def take(self, path: str) -> None:
        """Give the model of a journal its plans back; open it, unless it is."""
        entry = next(orphan.entry for orphan in self._orphans if str(orphan.path) == path)
        document = self._session.document
        if document is not None and document.source == entry.source:
            self._give_back(entry)
        else:
            self._open(entry)

    def discard(self, path: str) -> None:
        """Forget a journal, and ask about the next one."""
        self._remove(path)
        self._offer_next()

    def continue_last(self) -> None:
        """Open what was open last, with its plans."""
        if self.last is not None:
            self._open(self.last)

    def close(self) -> None:
        """Let another window ask about what was not answered."""
        for orphan in self._orphans:
            orphan.lock.unlock()
        self._orphans = []

    def _offer_next(self) -> None:
        if self._orphans and self._session.document is None:
            self._ask(self._orphans[0])

    def _ask(self, orphan: Orphan) -> None:
        entry, why = orphan.entry, "It was not saved before."
        what = f"Restore the plan of {entry.name} from {entry.moment}?"
        notice = Notice("note", what, why, entry.source, offer="restore", subject=str(orphan.path))
        self._session.noticed.emit(notice)

    def _open(self, entry: Entry) -> None:
        if not self._session.tasks.refuse_while_busy():
            self._wanted = entry
            self._session.open(entry.source, entry.shape, self._settings.trusted)

    def _on_opened(self, source: str) -> None:
        entry, self._wanted = self._wanted, None
        self._orphans += orphans(self._folder)  # left behind since
        if entry is not None and entry.source == source:
            self._give_back(entry)
        elif left := [orphan for orphan in self._orphans if orphan.entry.source == source]:
            self._ask(left[0])  # opened in another way, as by the argument of this start

    def _give_back(self, entry: Entry) -> None:
        self._session.files.put_back(entry.plans, f"Restore the plan from {entry.moment}")
        if entry is self.last:
            self._session.undo_stack.setClean()  # it was saved
        self._given = next((str(orphan.path) for orphan in self._orphans if orphan.entry is entry), "")

    def _on_written(self) -> None:
        if self._session.modified:
            self._remove(self._given)

    def _remove(self, path: str) -> None:
        for orphan in list(self._orphans):
            if str(orphan.path) == path:
                orphan.remove()
                self._orphans.remove(orphan)
