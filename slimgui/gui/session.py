"""The one owner of what changes: document, plan, undo stack, running task. Knows no widget.

State flows one way: a wish comes in as a method call, an undo command replaces the frozen plan, a new
snapshot is computed, and `snapshot_changed` says what differs.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, Signal, SignalInstance
from PySide6.QtGui import QUndoStack

from slimgui.core import wire
from slimgui.core.plan import Plan
from slimgui.errors import PlanError
from slimgui.gui import notice
from slimgui.gui.commands import NO_GESTURE, PlanCommand
from slimgui.gui.notice import Notice
from slimgui.gui.snapshot import Resolver, Snapshot, difference
from slimgui.gui.worker import Stopped


class Transport(Protocol):
    """What the session needs of a worker; tests have one without a process."""

    @property
    def answered(self) -> SignalInstance: ...
    @property
    def stopped(self) -> SignalInstance: ...
    def submit(self, request: wire.Request) -> None: ...
    def cancel(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Task:
    """What the engine is doing for us. `doing` as in "opening net.pt"; `since` by time.monotonic."""

    number: int
    doing: str
    since: float
    phase: str = ""
    done: int = 0
    total: int = 0


class Session(QObject):
    """Document, plan and task, and the only methods that change them."""

    document_changed = Signal()  #: another model is open
    snapshot_changed = Signal(object)  #: Change: the plan is another one
    selection_changed = Signal(str)  #: id of the selected group, "" for none
    task_changed = Signal()  #: a task began, moved on or ended
    noticed = Signal(object)  #: Notice for the user
    saved = Signal(str)  #: path of the file just written
    opened = Signal(str)  #: source of the model just opened

    def __init__(self, transport: Transport, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self.task: Task | None = None
        self.engine_ready = False
        self.selected = ""
        self._transport = transport
        self._numbers = itertools.count(1)
        self._gestures = itertools.count(NO_GESTURE + 1)
        self._gesture = NO_GESTURE
        self._begun_from: Snapshot | None = None  # what the gesture began with
        self._resolver: Resolver | None = None
        self._base: Snapshot | None = None
        self._snapshot: Snapshot | None = None
        self._request: wire.Request | None = None  # the running one
        self._after_reload: wire.Save | None = None
        self._held = 0  # task number of the Open whose model the engine holds, 0 for none of ours
        self._shape = ""  # of the input, as the user gave it for the open model
        self._cancelled = False
        transport.answered.connect(self._on_answered)
        transport.stopped.connect(self._on_stopped)

    @property
    def document(self) -> wire.Document | None:
        """The open model."""
        return self._resolver.document if self._resolver else None

    @property
    def snapshot(self) -> Snapshot | None:
        """What the plan makes of the open model."""
        return self._snapshot

    @property
    def base(self) -> Snapshot | None:
        """The open model, uncut."""
        return self._base

    @property
    def modified(self) -> bool:
        """Whether there are edits that no saved file holds."""
        return self.document is not None and not self.undo_stack.isClean()

    # --- edits

    def begin_gesture(self) -> None:
        """Edits from here to `end_gesture` merge to one undo step per subject."""
        self._gesture = next(self._gestures)
        self._begun_from = self._snapshot

    def end_gesture(self) -> None:
        """The next edit is a step of its own."""
        self._gesture = NO_GESTURE
        self._begun_from = None

    def set_count(self, group_id: str, count: int) -> None:
        """Keep `count` channels of a group; a locked group or a count out of range is told, not done."""
        if self._snapshot is None or self._snapshot.counts[group_id] == count:
            return
        size = self._row(group_id).size
        title = f"Keep {count} of {size} channels of {group_id}"
        begun, plan = self._begun_from, self._snapshot.plan.with_count(group_id, count)
        if begun is not None and begun.counts[group_id] == count and group_id not in begun.by_hand:
            plan = plan.without(group_id)  # back where the gesture began
        self._edit(title, plan, group_id)

    def reset_group(self, group_id: str) -> None:
        """Let a group follow the ratio of the whole model again."""
        if self._snapshot is not None and group_id in self._snapshot.by_hand:
            self._edit(f"Reset {group_id}", self._snapshot.plan.without(group_id))

    def reset_all(self) -> None:
        """Give every group all its channels back."""
        if self._snapshot is not None and self._snapshot.plan != Plan():
            self._edit("Reset all groups", Plan())

    def set_ratio(self, ratio: float) -> None:
        """Remove the share `ratio` of every group whose count was not set by hand."""
        if self._snapshot is not None and self._snapshot.plan.ratio != ratio:
            self._edit(f"Remove {ratio:.0%} of every group", replace(self._snapshot.plan, ratio=ratio), "*")

    def select(self, group_id: str) -> None:
        """Make a group the selected one, in every view."""
        if group_id != self.selected:
            self.selected = group_id
            self.selection_changed.emit(group_id)

    def _edit(self, title: str, plan: Plan, subject: str = "") -> None:
        assert self._resolver and self._snapshot, "edits need a document"
        try:
            self._resolver.snapshot(plan)
        except PlanError as error:
            self.noticed.emit(Notice("error", error.what, error.why, error.hint))
            return
        before = self._snapshot.plan
        gesture = self._gesture if subject else NO_GESTURE
        self.undo_stack.push(PlanCommand(title, before, plan, self._apply, subject=subject, gesture=gesture))

    def _apply(self, plan: Plan) -> None:
        assert self._resolver, "a command needs the document it was made for"
        old, self._snapshot = self._snapshot, self._resolver.snapshot(plan)
        self.snapshot_changed.emit(difference(old, self._snapshot))

    def _row(self, group_id: str) -> wire.GroupRow:
        assert self.document, "a group needs a document"
        return next(row for row in self.document.groups if row.id == group_id)

    # --- tasks

    def open(self, source: str, shape: str = "") -> None:
        """Read, trace and show another model; the open one stays until this has succeeded."""
        if not self._refuse_while_busy():
            self._start(wire.Open(next(self._numbers), source, shape), f"opening {Path(source).name}")

    def save(self, path: str, accept_unproven: bool = False) -> None:
        """Build the smaller model, prove it and write it to `path`."""
        if self._snapshot is None or self.document is None or self._refuse_while_busy():
            return
        if _same_file(path, self.document.source):
            what = "This would replace the original model."
            hint = "Choose another name: the original is what the smaller model is proven against."
            self.noticed.emit(Notice("error", what, "", hint))
            return
        request = wire.Save(next(self._numbers), path, self._snapshot.plan, self._held, accept_unproven)
        if self._held:
            self._start(request, f"saving {Path(path).name}")
            return
        self._after_reload = request
        again = wire.Open(next(self._numbers), self.document.source, self._shape)
        self._start(again, f"saving {Path(path).name}")

    def cancel(self) -> None:
        """Stop the running task at once."""
        if self.task is not None:
            self._cancelled = True
            self._transport.cancel()

    def _refuse_while_busy(self) -> bool:
        if self.task is None:
            return False
        hint = "Wait until it is done, or cancel it."
        self.noticed.emit(Notice("note", f"SlimGUI is still {self.task.doing}.", "", hint))
        return True

    def _start(self, request: wire.Request, doing: str) -> None:
        self._request = request
        self._cancelled = False
        phase = "" if self.engine_ready else "Starting the engine"
        self.task = Task(request.task, doing, time.monotonic(), phase)
        self._transport.submit(request)
        self.task_changed.emit()

    def _finish(self) -> None:
        self.task = self._request = self._after_reload = None
        self.task_changed.emit()

    # --- answers

    def _on_answered(self, answer: wire.Answer) -> None:
        if isinstance(answer, wire.Ready):
            self.engine_ready = True
        if self.task is None or answer.task != self.task.number:
            return
        if isinstance(answer, wire.Progress):
            self.task = replace(self.task, phase=answer.phase, done=answer.done, total=answer.total)
            self.task_changed.emit()
        elif isinstance(answer, wire.Opened):
            self._on_opened(answer)
        elif isinstance(answer, wire.Saved):
            self._on_saved(answer)
        elif isinstance(answer, wire.Unproven):
            self._finish()
            self.noticed.emit(notice.unproven(answer))
        elif isinstance(answer, wire.Failed):
            subject = self._request.source if isinstance(self._request, wire.Open) else ""
            self._finish()
            self.noticed.emit(notice.failed(answer, subject))

    def _on_opened(self, answer: wire.Opened) -> None:
        self._held = answer.task
        if self._after_reload is not None:
            self._continue_save(answer.document, self._after_reload)
            return
        assert isinstance(self._request, wire.Open), "only Open is answered by Opened"
        self._shape = self._request.shape
        self._finish()
        self.undo_stack.clear()
        self.end_gesture()
        self._resolver = Resolver(answer.document)
        self._base = self._snapshot = self._resolver.snapshot(Plan())
        self.selected = ""
        self.document_changed.emit()
        self.opened.emit(answer.document.source)

    def _continue_save(self, document: wire.Document, request: wire.Save) -> None:
        """The engine was restarted and has read the model again: save, if it is still the same model."""
        assert self.task and self.document, "a reload belongs to a save"
        if document.groups != self.document.groups:
            self._held = 0
            self._finish()
            what = f"{document.name} has changed since it was opened."
            self.noticed.emit(
                Notice("error", what, "The plan was made for the old file.", "Open the model again.")
            )
            return
        self._request = wire.Save(
            request.task, request.path, request.plan, self._held, request.accept_unproven
        )
        self._after_reload = None
        self.task = replace(self.task, number=self._request.task)
        self._transport.submit(self._request)

    def _on_saved(self, answer: wire.Saved) -> None:
        assert isinstance(self._request, wire.Save), "only Save is answered by Saved"
        assert self._snapshot and self._base, "a save needs a document"
        written = self._request.plan
        self._finish()
        if self._snapshot.plan == written:
            self.undo_stack.setClean()
        self.noticed.emit(notice.saved(answer, self._base.cost))
        self.saved.emit(answer.path)

    def _on_stopped(self, stopped: Stopped) -> None:
        task, cancelled = self.task, self._cancelled
        self._held, self.engine_ready, self._cancelled = 0, False, False
        if task is not None:
            self._finish()
        if cancelled:
            doing = f"Cancelled {task.doing}." if task else "Cancelled."
            self.noticed.emit(
                Notice(
                    "note", doing, "", "The open model and your edits are unchanged." if self.document else ""
                )
            )
        elif not stopped.ready:
            self.noticed.emit(notice.not_started(task.doing if task else "", stopped.log))
        elif task is not None:
            self.noticed.emit(notice.stopped(task.doing, self.document is not None, stopped.log))


def _same_file(one: str, other: str) -> bool:
    return Path(one).exists() and Path(other).exists() and Path(one).samefile(other)
