"""The one owner of what changes: document, plans, undo stack, running task. Knows no widget.

State flows one way: a wish comes in as a method call, an undo command replaces the frozen plans, a new
snapshot of the current one is computed, and `snapshot_changed` says what differs.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, QTemporaryDir, Signal
from PySide6.QtGui import QUndoStack

from slimgui.core import wire
from slimgui.core.criteria import looks_at_data
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet, Statistics
from slimgui.core.plan_store import write_plans
from slimgui.core.report import Facts
from slimgui.core.resolve import with_ids
from slimgui.core.sampling import SampleSource
from slimgui.core.targets import parse_targets
from slimgui.errors import PlanError, SaveError, SlimError
from slimgui.gui import notice
from slimgui.gui.commands import NO_GESTURE, PlanCommand
from slimgui.gui.data_work import DataWork, trusting_request
from slimgui.gui.notice import Notice
from slimgui.gui.report import facts_of
from slimgui.gui.snapshot import Resolver, Snapshot, difference
from slimgui.gui.tasks import Task, Tasks, Transport


class Session(QObject):
    """Document, plans and task, and the only methods that change them."""

    document_changed = Signal()  #: another model is open
    snapshot_changed = Signal(object)  #: Change: the current plan is another one
    plans_changed = Signal()  #: a plan has come or gone, or its name or its statistics, or is current now
    selection_changed = Signal(str)  #: id of the selected group, "" for none
    task_changed = Signal()  #: a task began, moved on or ended
    noticed = Signal(object)  #: Notice for the user
    saved = Signal(str)  #: path of the file just written
    opened = Signal(str)  #: source of the model just opened

    def __init__(self, transport: Transport, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self.selected = ""
        self.facts: Facts | None = None  # of the smaller model that was saved last
        self._tasks = Tasks(transport, self)
        self._gestures = itertools.count(NO_GESTURE + 1)
        self._gesture = NO_GESTURE
        self._begun_from: Snapshot | None = None  # what the gesture began with
        self._resolver: Resolver | None = None
        self._plans = PlanSet()
        self._files = QTemporaryDir()  # the numbers of statistics: they outlive the engine's process
        self.data = DataWork(self, self._tasks, self._files.path())
        self._base: Snapshot | None = None
        self._snapshot: Snapshot | None = None
        self._tasks.changed.connect(self.task_changed)
        self._tasks.noticed.connect(self.noticed)

    @property
    def task(self) -> Task | None:
        """What the engine is doing."""
        return self._tasks.task

    @property
    def document(self) -> wire.Document | None:
        """The open model."""
        return self._resolver.document if self._resolver else None

    @property
    def resolver(self) -> Resolver | None:
        """The open model's groups, and what plans make of them."""
        return self._resolver

    @property
    def plans(self) -> PlanSet:
        """The plans for the open model."""
        return self._plans

    @property
    def shape(self) -> str:
        """The shape of the input as the user gave it, "" when it was found by itself."""
        return self._tasks.shape

    @property
    def snapshot(self) -> Snapshot | None:
        """What the current plan makes of the open model."""
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
        if group_id in self._snapshot.locked:
            self.noticed.emit(notice.locked_by_user(group_id))
            return
        title = f"Keep {count} of {self._row(group_id).size} channels of {group_id}"
        begun, plan = self._begun_from, self._snapshot.plan.with_count(group_id, count)
        if begun is not None and begun.counts[group_id] == count and group_id not in begun.by_hand:
            plan = plan.without(group_id)  # back where the gesture began
        self.edit(title, plan, group_id)

    def reset_group(self, group_id: str) -> None:
        """Let a group follow the ratio of the whole model again."""
        if self._snapshot is not None and group_id in self._snapshot.by_hand:
            self.edit(f"Reset {group_id}", self._snapshot.plan.without(group_id))

    def set_ratio(self, ratio: float) -> None:
        """Remove the share `ratio` of every group whose count was not set by hand."""
        if self._snapshot is not None and self._snapshot.plan.ratio != ratio:
            of = "every group" if self._snapshot.plan.scope == "local" else "all channels"
            self.edit(f"Remove {ratio:.0%} of {of}", replace(self._snapshot.plan, ratio=ratio), "*")

    def edit(self, title: str, plan: Plan, subject: str = "") -> None:
        """Replace the current plan, as one undo step; see `edit_plans`."""
        self.edit_plans(title, self._plans.with_plan(plan), subject)

    def edit_plans(self, title: str, plans: PlanSet, subject: str = "") -> None:
        """Replace the plans, as one undo step.

        What does not fit the model is told, not done. A plan that compares channels of all groups waits for
        the engine's scores when it is the first one to ask for them.

        Args:
            title: of the step, as the menu shows it.
            plans: in place of the present ones.
            subject: steps of one gesture with the same subject merge.
        """
        if self._resolver is None or plans == self._plans:
            return
        if self._resolver.lacks_scores(plans.plan, self.data.samples):
            self._rank(title, plans)
            return
        try:
            self._resolver.snapshot(plans.plan)
        except PlanError as error:
            self._tell(error)
            return
        gesture = self._gesture if subject else NO_GESTURE
        step = PlanCommand(title, self._plans, plans, self._apply, subject=subject, gesture=gesture)
        self.undo_stack.push(step)

    def select(self, group_id: str) -> None:
        """Make a group the selected one, in every view."""
        if group_id != self.selected:
            self.selected = group_id
            self.selection_changed.emit(group_id)

    def _apply(self, plans: PlanSet) -> None:
        assert self._resolver, "a command needs the document it was made for"
        before, self._plans = self._plans, plans
        renamed = (plans.names, plans.current) != (before.names, before.current)
        old, self._snapshot = self._snapshot, self._resolver.snapshot(plans.plan)
        self.snapshot_changed.emit(difference(old, self._snapshot))
        if renamed or (plans.fresh, plans.stale) != (before.fresh, before.stale):
            self.plans_changed.emit()
        if told := notice.statistics_changed(before, plans):
            self.noticed.emit(told)

    def _row(self, group_id: str) -> wire.GroupRow:
        assert self.document, "a group needs a document"
        return next(row for row in self.document.groups if row.id == group_id)

    # --- tasks

    def open(self, source: str, shape: str = "", trusted: tuple[str, ...] = ()) -> None:
        """Read, trace and show another model; the open one stays until this has succeeded.

        Args:
            source: a path or a factory.
            shape: of one input, "" when the user did not say.
            trusted: SHA-256 of the files whose code the user agreed to run.
        """
        if not self._tasks.refuse_while_busy():
            request = wire.Open(0, source, shape, trusted)
            self._tasks.start(request, f"opening {Path(_file(source)).name}", self._on_opened)

    def save(self, path: str, accept_unproven: bool = False) -> None:
        """Build the smaller model, prove it and write it to `path`."""
        if self._snapshot is None or self.document is None or self._tasks.refuse_while_busy():
            return
        if _same_file(path, _file(self.document.source)):
            what = "This would replace the original model."
            hint = "Choose another name: the original is what the smaller model is proven against."
            self.noticed.emit(Notice("error", what, "", hint))
            return
        plans, cut = self._plans, self._snapshot
        own = plans.fresh.get(plans.current)
        plan = self.lasting(plans.plan)
        request = wire.Save(0, path, plan, 0, accept_unproven, own, self.data.recovery)
        doing = f"saving {Path(path).name}"
        self._tasks.start(request, doing, lambda answer: self._on_saved(answer, plans, cut))

    def save_plans(self, path: str) -> None:
        """Write all plans to a file."""
        try:
            write_plans(path, self._plans.mapped(self.lasting))
        except SaveError as error:
            self._tell(error)
            return
        self.undo_stack.setClean()
        self.noticed.emit(notice.written(path))

    def read_plans(self, path: str) -> None:
        """Take over the plans, or the channel configuration, in a file."""
        if self.document is not None and not self._tasks.refuse_while_busy():
            request, name = wire.ReadPlans(0, path, 0, self._files.path()), Path(path).name
            self._tasks.start(request, f"reading {name}", lambda answer: self._on_plans_read(answer, name))

    def export(self, path: str, what: Literal["config", "kept"]) -> None:
        """Write what the current plan leaves: widths of layers, or the channels that stay."""
        if self._snapshot is not None and not self._tasks.refuse_while_busy():
            request = wire.Export(0, path, self.lasting(self._snapshot.plan), 0, what)
            self._tasks.start(request, f"writing {Path(path).name}", self._on_exported)

    def meet(self, targets: str, by_sensitivity: bool = False) -> None:
        """Replace the current plan by the one that meets `targets` and keeps the most importance.

        Args:
            targets: "macs=50%, params=-30%".
            by_sensitivity: channels are worth what was measured to be lost with them.
        """
        if self._snapshot is None or self._tasks.refuse_while_busy():
            return
        try:
            title = "Target: " + " and ".join(map(str, parse_targets(targets)))
        except PlanError as error:
            self._tell(error)
            return
        plan, sensed = self._snapshot.plan, self.data.sensed
        samples = self.data.samples if looks_at_data(plan.importance) else None
        curves = sensed.sensitivity if sensed and by_sensitivity else None
        before, request = self._plans, wire.Meet(0, targets, plan, 0, samples, curves)
        self._tasks.start(request, "searching for a plan", lambda answer: self._on_met(answer, title, before))

    def write_report(self, path: str) -> None:
        """Write a page about the smaller model that was saved last."""
        if self.facts is not None and not self._tasks.refuse_while_busy():
            request = wire.Report(0, path, self.facts, 0)
            self._tasks.start(request, f"writing {Path(path).name}", self._on_exported)

    def ask_again(self, request: wire.Open | wire.SampleRequest, sha256: str) -> None:
        """Try again what was refused, now that this code may run."""
        if isinstance(request, wire.Open):
            self.open(request.source, request.shape, (*request.trusted, sha256))
        elif not self._tasks.refuse_while_busy():
            self.data.trust(sha256)
            self._tasks.again(trusting_request(request, sha256))

    def judge_anew(self) -> None:
        """Ask for the scores of the current plan where they are of other samples."""
        plans = self._plans
        name, resolver = plans.plan.importance, self._resolver
        if resolver and looks_at_data(name) and resolver.lacks_scores(plans.plan, self.data.samples):
            self._rank(f"Judge by {name}", plans)

    def lasting(self, plan: Plan) -> Plan:
        """`plan` as the engine needs it, which keeps no scores of samples."""
        assert self._resolver, "plans are for an open model"
        return self._resolver.lasting(plan)

    def cancel(self) -> None:
        """Stop the running task at once."""
        self._tasks.cancel()

    def _rank(self, title: str, plans: PlanSet) -> None:
        """Ask for the scores that `plans` need, then edit."""
        name = plans.plan.importance
        samples = self.data.samples if looks_at_data(name) else None
        if looks_at_data(name) and samples is None:
            self.noticed.emit(notice.needs_samples(name))
        elif not self._tasks.refuse_while_busy():
            before, request = self._plans, wire.Rank(0, name, 0, samples)
            self._tasks.start(
                request,
                "judging every channel",
                lambda answer: self._on_ranked(answer, title, before, plans, samples),
            )

    def _on_opened(self, answer: wire.Opened) -> None:
        self.undo_stack.clear()
        self.end_gesture()
        self._resolver, self._plans = Resolver(answer.document), PlanSet()
        self._base = self._snapshot = self._resolver.snapshot(self._plans.plan)
        self.selected, self.facts = "", None
        self.data.reset()
        self.document_changed.emit()
        self.opened.emit(answer.document.source)

    def _on_saved(self, answer: wire.Saved | wire.Unproven, written: PlanSet, cut: Snapshot) -> None:
        assert self.document and self._base, "a save needs a document"
        if isinstance(answer, wire.Unproven):
            self.noticed.emit(notice.unproven(answer))
            return
        if _current(self._plans) == _current(written):
            self.undo_stack.setClean()
        self.facts = facts_of(self.document, written, self._base, cut, answer)
        self.noticed.emit(notice.saved(answer, self._base.cost, notice.with_statistics(written)))
        self.saved.emit(answer.path)

    def _on_plans_read(self, answer: wire.PlansRead, name: str) -> None:
        assert self._resolver, "plans are read for the open model"
        try:
            fitting = {known: with_ids(self._resolver.groups, plan) for known, plan in answer.plans.plans}
        except PlanError as error:
            self._tell(error)
            return
        owns = ((known, replace(own, plan=fitting[known])) for known, own in answer.plans.statistics)
        read = replace(answer.plans, plans=tuple(fitting.items()), statistics=tuple(owns))
        self.edit_plans(f"Open {name}", self._plans.merged(read, Path(name).stem))
        if answer.notes:
            what = f"{name} was opened without some statistics."
            self.noticed.emit(Notice("note", what, " ".join(answer.notes)))

    def _on_exported(self, answer: wire.Exported) -> None:
        self.noticed.emit(notice.written(answer.path))

    def _on_ranked(
        self,
        answer: wire.Ranked,
        title: str,
        before: PlanSet,
        plans: PlanSet,
        samples: SampleSource | None,
    ) -> None:
        assert self._resolver, "scores are of the open model"
        again = answer.importance in self._resolver.scores
        self._resolver.take_scores(answer, samples)
        if again:  # other channels stay, and maybe other counts
            self._apply(self._plans)
            plans = plans.judged_anew(answer.importance)
        if self._is_unchanged(before, title):
            self.edit_plans(title, plans)

    def _on_met(self, answer: wire.Met, title: str, before: PlanSet) -> None:
        if self._is_unchanged(before, title):
            self.edit(title, answer.plan)
            self.noticed.emit(notice.met(title, answer.kept))

    def _is_unchanged(self, before: PlanSet, title: str) -> bool:
        """Whether the plans are still those that the engine was asked about; says so when they are not."""
        if before != self._plans:
            self.noticed.emit(Notice("note", "The plan was changed meanwhile.", "", f"Try again: {title}."))
        return before == self._plans

    def _tell(self, error: SlimError) -> None:
        self.noticed.emit(Notice("error", error.what, error.why, error.hint))


def _file(source: str) -> str:
    """The file in a source, without the factory behind it; a factory alone stays."""
    file, at, _ = source.rpartition("@")
    return file if at and os.path.exists(file) else source  # noqa: PTH110 - any text is asked about


def _current(plans: PlanSet) -> tuple[Plan, Statistics | None]:
    """What a saved model comes from."""
    return plans.plan, plans.fresh.get(plans.current)


def _same_file(one: str, other: str) -> bool:
    return Path(one).exists() and Path(other).exists() and Path(one).samefile(other)
