"""Keeps a journal of the plans while they are edited: a window that is killed costs less than a second."""

from __future__ import annotations

import os
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QIODevice, QLockFile, QObject, QSaveFile, QThreadPool, QTimer, Signal

from slimgui.core.plan_set import PlanSet
from slimgui.errors import PlanError
from slimgui.gui.facts.notice import Notice
from slimgui.gui.facts.snapshot import Resolver
from slimgui.gui.journal.record import Entry
from slimgui.gui.session import Session

PAUSE_MS: Final = 500  # between two writes; the first edit after a pause is written at once
LAST: Final = "last.json"
_NOTHING: Final = ""


class Journal(QObject):
    """Writes the unsaved plans of a session to a file of its own, in a thread of its own.

    The file is there while there are edits that no other file holds. Its lock tells the journal of a window
    that is open from one that was left behind. Beside it, `last.json` says what was open last.

    Args:
        session: whose edits are written.
        folder: for journals; it may not be there yet.
    """

    written = Signal()  #: the journal holds what the session held when this write began
    failed = Signal(str)  #: why the journal cannot be written

    def __init__(self, session: Session, folder: Path) -> None:
        super().__init__(session)
        self._session, self._folder = session, folder
        self._path = folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}.json"
        self._lock: QLockFile | None = None
        self._told = self._closed = False
        self._due = False
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)  # writes keep their order
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self._on_pause_over)
        session.undo_stack.indexChanged.connect(self._note)
        session.undo_stack.cleanChanged.connect(self._note)
        session.opened.connect(self._on_opened)
        session.closing.connect(self._keep_last)
        session.replacing.connect(self._leave)
        self.failed.connect(self._on_failed)

    def close(self) -> None:
        """The window closes, and its edits are saved or given up: leave only what was open last."""
        if self._closed:
            return
        self._closed = True
        self._session.undo_stack.indexChanged.disconnect(self._note)
        self._session.undo_stack.cleanChanged.disconnect(self._note)
        self._pause.stop()
        self._keep_last()
        self._pool.waitForDone()
        if self._lock is not None:
            self._path.unlink(missing_ok=True)
            self._lock.unlock()

    def _note(self, *_: object) -> None:
        self._due = True
        if not self._pause.isActive():
            self._write()

    def _on_pause_over(self) -> None:
        if self._due:
            self._write()

    def _write(self) -> None:
        """Put the present plans into the journal, or take the journal away when they are saved."""
        self._due = False
        resolver, modified = self._session.resolver, self._session.modified
        if resolver is None or (self._lock is None and not (modified and self._begin())):
            return
        self._pause.start()
        self._put(self._path, self._entry(self._session.plans) if modified else None, resolver)

    def _begin(self) -> bool:
        """Lock the journal; False, and said once, where that is not possible."""
        lock = locked(self._path) if _made(self._folder) else None
        if lock is None:
            self._on_failed(f"{self._folder} cannot be written.")
        self._lock = lock
        return lock is not None

    def _entry(self, plans: PlanSet) -> Entry:
        document = self._session.document
        assert document, "plans are for an open model"
        return Entry(document.name, document.source, self._session.shape, time.time(), plans)

    def _put(self, path: Path, entry: Entry | None, resolver: Resolver) -> None:
        """Write or remove a file, in the other thread: the disk may take its time."""

        def put() -> None:
            if entry is None:
                path.unlink(missing_ok=True)
                return
            if problem := replaced(path, _text(entry, resolver)):
                self.failed.emit(problem)
            elif path == self._path:
                self.written.emit()

        self._pool.start(put)

    def _leave(self) -> None:
        """Leave the plans behind as a crash would, to be offered when their model is opened again."""
        resolver = self._session.resolver
        assert resolver, "plans are for an open model"
        path = self._path.with_name(f"{os.getpid()}-{uuid.uuid4().hex[:8]}.json")
        if not _made(self._folder) or replaced(path, _text(self._entry(self._session.plans), resolver)):
            self._on_failed(f"{self._folder} cannot be written.")

    def _on_opened(self, source: str) -> None:
        del source
        self._put_last(PlanSet())

    def _keep_last(self) -> None:
        if not self._session.modified:
            self._put_last(self._session.plans)

    def _put_last(self, plans: PlanSet) -> None:
        if self._session.resolver is not None and _made(self._folder):
            self._put(self._folder / LAST, self._entry(plans), self._session.resolver)

    def _on_failed(self, why: str) -> None:
        if not self._told:
            self._told = True
            what, hint = "Your edits cannot be kept safe against a crash.", "Save your plans now and then."
            self._session.noticed.emit(Notice("note", what, why, hint))


@dataclass(frozen=True, slots=True)
class Orphan:
    """A journal that a window left behind, locked by us."""

    entry: Entry
    path: Path
    lock: QLockFile

    def remove(self) -> None:
        """It is no longer needed."""
        self.path.unlink(missing_ok=True)
        self.lock.unlock()


def orphans(folder: Path) -> list[Orphan]:
    """The journals that no open window writes, the newest first; damaged ones are removed."""
    found = []
    for path in folder.glob("*-*.json"):
        if (lock := locked(path)) is not None:
            if (entry := read(path)) is not None:
                found.append(Orphan(entry, path, lock))
            else:
                path.unlink(missing_ok=True)
                lock.unlock()
    return sorted(found, key=lambda orphan: orphan.entry.when, reverse=True)


def read(path: Path) -> Entry | None:
    """The entry in a file, None when there is none."""
    with suppress(OSError, UnicodeDecodeError, PlanError):
        return Entry.from_json(path.read_text(encoding="utf-8")).found()
    return None


def locked(path: Path) -> QLockFile | None:
    """The lock of a journal, held from now on; None when a living process holds it."""
    lock = QLockFile(str(path.with_suffix(".lock")))
    lock.setStaleLockTime(0)  # only the lock of a process that is gone is stale, however old
    return lock if lock.tryLock(0) else None


def _text(entry: Entry, resolver: Resolver) -> str:
    """An entry as its file holds it: without scores of samples."""
    return replace(entry, plans=entry.plans.mapped(resolver.lasting)).to_json()


def replaced(path: Path, text: str) -> str:
    """Put `text` into a file at once. Returns why that was not possible, "" when it was."""
    file = QSaveFile(str(path))
    if not file.open(QIODevice.OpenModeFlag.WriteOnly):
        return file.errorString()
    file.write(text.encode())
    return _NOTHING if file.commit() else file.errorString()


def _made(folder: Path) -> bool:
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return folder.is_dir()
