"""What the engine is asked to do, one thing at a time, and what became of it. Knows no plan."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec
from PySide6.QtCore import QObject, Signal, SignalInstance

from slimgui.core import wire
from slimgui.gui.facts import notice
from slimgui.gui.facts.notice import Notice
from slimgui.gui.work.worker import Stopped

Then = Callable[[Any], None]


class Transport(Protocol):
    """What tasks need of a worker; tests have one without a process."""

    @property
    def answered(self) -> SignalInstance: ...
    @property
    def stopped(self) -> SignalInstance: ...
    def submit(self, request: wire.Asked) -> None: ...
    def cancel(self) -> None: ...
    def renew(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Task:
    """What the engine is doing for us. `doing` as in "opening net.pt"; `since` by time.monotonic."""

    number: int
    doing: str
    since: float
    phase: str = ""
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """A task that is over. `began`: seconds since 1970; `took`: seconds; `result` in a word or two."""

    doing: str
    began: float
    took: float
    result: str
    details: str = ""


class Tasks(QObject):
    """The running task, and whether the engine still holds the model that is shown."""

    changed = Signal()  #: a task began, moved on or ended
    noticed = Signal(object)  #: Notice for the user
    ended = Signal(object)  #: Ended

    def __init__(self, transport: Transport, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.task: Task | None = None
        self.engine_ready = False
        self.torch = ""  # its version, once the engine has said it
        self._transport = transport
        self._numbers = itertools.count(1)
        self._request: wire.Request | None = None  # the running one
        self._then: Then | None = None
        self._refused: tuple[int, str, Then] | None = (
            None  # number, doing and receiver of what was refused last
        )
        self._after_reload: wire.DocumentRequest | None = None
        self._opened: wire.Open | None = None  # what opened the model that is shown
        self._document: wire.Document | None = None
        self._held = 0  # task number of the Open whose model the engine holds, 0 for none of ours
        self._cancelled = False
        self._reading = 0  # number of the Open by which a fresh engine reads that model unasked, 0 for none
        self._gave_up = False  # that failed: the next request tells why
        transport.answered.connect(self._on_answered)
        transport.stopped.connect(self._on_stopped)

    @property
    def shape(self) -> str:
        """The shape of the open model's input as the user gave it, "" when it was found by itself."""
        return self._opened.shape if self._opened else ""

    @property
    def held(self) -> int:
        """Task number of the Open whose model the engine holds, 0 when it holds none of ours."""
        return self._held

    @property
    def at_work(self) -> str:
        """What would be lost if the program ended now, as in "saving net.pt"; reading a model is not."""
        return self.task.doing if self.task and not isinstance(self._request, wire.Open) else ""

    def refuse_while_busy(self) -> bool:
        """Whether something is running; says so."""
        if self.task is None:
            return False
        hint = "Wait until it is done, or cancel it."
        self.noticed.emit(Notice("note", f"SlimGUI is still {self.task.doing}.", "", hint))
        return True

    def start(self, request: wire.Request, doing: str, then: Then) -> None:
        """Send a request; nothing may be running.

        Args:
            request: its task number is set here, and the number of the open document.
            doing: as in "opening net.pt".
            then: takes the answer, unless that is a failure, which is told.
        """
        assert self.task is None, "the engine does one thing at a time"
        self._then, self._refused, self._cancelled = then, None, False
        phase = "" if self.engine_ready else "Starting the engine"
        self.task = Task(0, doing, time.monotonic(), phase)
        if isinstance(request, wire.DocumentRequest) and not self._held:
            self._read_first(request)
        else:
            self._submit(request)
        self.changed.emit()

    def again(self, refused: wire.DocumentRequest) -> None:
        """Send once more what was refused last, with what was missing; nothing may be running."""
        if self._refused is not None and self._refused[0] == refused.task:
            _, doing, then = self._refused
            self.start(refused, doing, then)

    def cancel(self) -> None:
        """Stop the running task at once."""
        if self.task is not None:
            self._cancelled = True
            self._transport.cancel()

    def _read_first(self, request: wire.DocumentRequest) -> None:
        """Let a restarted engine read the open model, then do `request`; it may be reading already."""
        assert self.task, "requests belong to a task"
        assert self._opened, "the request is about an open model"
        self._after_reload = request
        if self._reading:
            self._request = self._opened
            self.task = replace(self.task, number=self._reading, phase="Reading the model again")
        else:
            self._submit(self._opened)

    def _read_unasked(self) -> None:
        """Let a fresh engine read the open model while nobody waits for it."""
        if self._opened and not (self.task or self._held or self._gave_up):
            self._reading = next(self._numbers)
            self._transport.submit(msgspec.structs.replace(self._opened, task=self._reading))

    def _on_unasked(self, answer: wire.Answer) -> None:
        """A fresh engine has read the open model, or could not."""
        self._reading = 0
        if self.task is None or self.task.number != answer.task:
            self._held = answer.task if self._is_the_open_one(answer) else 0
            self._gave_up = not self._held

    def _is_the_open_one(self, answer: wire.Answer) -> bool:
        known = self._document
        return (
            isinstance(answer, wire.Opened) and known is not None and answer.document.groups == known.groups
        )

    def forget(self) -> None:
        """The model that the engine holds is no longer shown."""
        self._held = self._reading = 0
        self._opened = self._document = None

    def renew(self) -> None:
        """Start a fresh engine, unless this one is at work."""
        if self.task is None and self.engine_ready:
            self._transport.renew()

    def _submit(self, request: wire.Request) -> None:
        assert self.task, "requests belong to a task"
        number = next(self._numbers)
        self._request = msgspec.structs.replace(request, task=number)
        if isinstance(request, wire.DocumentRequest):
            self._request = msgspec.structs.replace(self._request, document=self._held)
        self.task = replace(self.task, number=number)
        self._transport.submit(self._request)

    def _finish(self, result: str, details: str = "") -> None:
        assert self.task, "a task ends once"
        took = time.monotonic() - self.task.since
        self.ended.emit(Ended(self.task.doing, time.time() - took, took, result, details))
        self.task = self._request = self._after_reload = self._then = None
        self.changed.emit()

    def _on_answered(self, answer: wire.Answer) -> None:
        if isinstance(answer, wire.Ready):
            self.engine_ready, self.torch = True, answer.torch
            self._read_unasked()
        if self._reading and answer.task == self._reading and not isinstance(answer, wire.Progress):
            self._on_unasked(answer)
        if self.task is None or answer.task != self.task.number:
            return
        if isinstance(answer, wire.Progress):
            self.task = replace(self.task, phase=answer.phase, done=answer.done, total=answer.total)
            self.changed.emit()
        elif isinstance(answer, wire.Failed):
            request, known = self._request, self._document if self._after_reload else None
            assert self._then, "every task has a receiver"
            self._refused = (answer.task, self.task.doing, self._then)
            told = (answer.what, answer.why, answer.hint, answer.details)
            self._finish("refused", "\n".join(filter(None, told)))
            told_as = notice.not_read_again(known.name, answer) if known else notice.failed(answer, request)
            self.noticed.emit(told_as)
        elif isinstance(answer, wire.Opened):
            self._on_opened(answer)
        else:
            self._hand_over(answer)

    def _hand_over(self, answer: wire.Answer) -> None:
        then = self._then
        assert then, "every task has a receiver"
        self._finish("done")
        then(answer)

    def _on_opened(self, answer: wire.Opened) -> None:
        self._held, self._gave_up = answer.task, False
        if self._after_reload is None:
            assert isinstance(self._request, wire.Open), "only Open is answered by Opened"
            self._opened, self._document = self._request, answer.document
            self._hand_over(answer)
        elif self._is_the_open_one(answer):
            request, self._after_reload = self._after_reload, None
            self._submit(request)
        else:
            self._held = 0
            self._finish("refused", "The file has changed since it was opened.")
            what = f"{answer.document.name} has changed since it was opened."
            why, hint = "The plan was made for the old file.", "Open the model again."
            self.noticed.emit(Notice("error", what, why, hint))

    def _on_stopped(self, stopped: Stopped) -> None:
        task, cancelled = self.task, self._cancelled
        self._gave_up = self._gave_up or bool(self._reading)
        self._held, self._reading, self.engine_ready, self._cancelled = 0, 0, False, False
        if task is not None:
            self._finish("cancelled" if cancelled else "engine ended", stopped.log)
        if cancelled:
            doing = f"Cancelled {task.doing}." if task else "Cancelled."
            kept = "The open model and your edits are unchanged." if self._document else ""
            self.noticed.emit(Notice("note", doing, "", kept))
        elif not stopped.ready and not stopped.killed:
            self.noticed.emit(notice.not_started(task.doing if task else "", stopped.log))
        elif task is not None:
            self.noticed.emit(
                notice.stopped(task.doing, self._document is not None, stopped.log, frozen=stopped.frozen)
            )
