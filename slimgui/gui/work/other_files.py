"""What is done with files that are not the open model: looked into, proven again. No widget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, Signal

from slimgui.core import wire
from slimgui.gui.facts import notice
from slimgui.gui.work.tasks import Tasks

if TYPE_CHECKING:
    from slimgui.gui.session import Session


class OtherFiles(QObject):
    """The part of the session that works with files beside the open model, or without one."""

    looked = Signal(object)  #: wire.Looked: what a file holds

    def __init__(self, session: Session, tasks: Tasks) -> None:
        super().__init__(session)
        self._session, self._tasks = session, tasks

    def look(self, path: str) -> None:
        """Say what a file holds, without opening it as a model."""
        if not self._tasks.refuse_while_busy():
            self._tasks.start(wire.Look(0, path), f"looking into {Path(path).name}", self.looked.emit)

    def prove(self, request: wire.Prove) -> None:
        """Prove a file that was saved earlier, and measure its time where the user wants latency measured."""
        if not self._tasks.refuse_while_busy():
            by = self._session.insight
            request = msgspec.structs.replace(request, device=by.device, threads=by.threads)
            self._tasks.start(request, f"proving {Path(request.small).name}", self._on_proven)

    def _on_proven(self, answer: wire.Verified) -> None:
        self._session.noticed.emit(notice.proven_again(answer))
