"""Questions that run beside the tasks: nothing waits for them, and nothing is shown of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Final

import msgspec
from PySide6.QtCore import QObject, Signal

from slimgui.core import wire
from slimgui.gui.work.tasks import Tasks, Transport
from slimgui.gui.work.worker import Stopped

FIRST: Final = 1 << 32  # far from the numbers of tasks: an answer is one or the other


class Aside(QObject):
    """Asks the engine about the open model; its process does one thing after the other, so a task may follow.

    An engine that was restarted holds no model, and is not asked: who needs an answer asks again later.
    """

    answered = Signal()  #: a question has its answer, or will never have one

    def __init__(self, transport: Transport, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._transport, self._tasks = transport, tasks
        self._numbers = itertools.count(FIRST)
        self._asked: dict[int, tuple[str, Callable[[Any], None]]] = {}
        self.refusals: dict[str, str] = {}  # by key, why a question has no answer
        transport.answered.connect(self._on_answered)
        transport.stopped.connect(self._on_stopped)

    def reset(self) -> None:
        """Another model is open: answers about the old one are dropped."""
        self._asked.clear()
        self.refusals.clear()

    def is_asked(self, key: str) -> bool:
        """Whether the answer to a question is on its way."""
        return any(known == key for known, _ in self._asked.values())

    def ask(self, key: str, request: wire.DocumentRequest, then: Callable[[Any], None]) -> None:
        """Ask, unless it was asked or refused before.

        Args:
            key: says what is asked.
            request: its numbers are set here.
            then: takes the answer.
        """
        if self._tasks.held and key not in self.refusals and not self.is_asked(key):
            number = next(self._numbers)
            self._asked[number] = (key, then)
            numbers = {"task": number, "document": self._tasks.held}
            self._transport.submit(msgspec.structs.replace(request, **numbers))

    def _on_answered(self, answer: wire.Answer) -> None:
        if isinstance(answer, wire.Progress) or answer.task not in self._asked:
            return
        key, then = self._asked.pop(answer.task)
        if isinstance(answer, wire.Failed):
            self.refusals[key] = " ".join(filter(None, (answer.what, answer.why, answer.hint)))
        else:
            then(answer)
        self.answered.emit()

    def _on_stopped(self, stopped: Stopped) -> None:
        del stopped
        if self._asked:
            self._asked.clear()
            self.answered.emit()
