"""The one owner of what changes: document, plans, undo stack, running task. Knows no widget.

State flows one way: a wish comes in as a method call, an undo command replaces the frozen plans, a new
snapshot of the current one is computed, and `snapshot_changed` says what differs.
"""

from __future__ import annotations

import gc
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, QTemporaryDir, Signal
from PySide6.QtGui import QUndoStack

from slimgui.core import wire
from slimgui.core.criteria import looks_at_data
from slimgui.core.graph import LayerGraph
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet
from slimgui.core.sampling import SampleSource
from slimgui.core.targets import parse_targets
from slimgui.core.view import View
from slimgui.errors import PlanError, SlimError
from slimgui.gui.facts import notice, text
from slimgui.gui.facts.notice import Notice
from slimgui.gui.facts.snapshot import Resolver, Snapshot, difference
from slimgui.gui.work.commands import NO_GESTURE, PlanCommand
from slimgui.gui.work.data import DataWork, trusting_request
from slimgui.gui.work.files import FileWork, file_of
from slimgui.gui.work.insight import InsightWork
from slimgui.gui.work.judging import Judging
from slimgui.gui.work.levels import Levels
from slimgui.gui.work.marks import Marks
from slimgui.gui.work.op_level import OpLevel
from slimgui.gui.work.other_files import OtherFiles
from slimgui.gui.work.tasks import Task, Tasks, Transport


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
    graph_changed = Signal()  #: the graph of the open model has another detail
    replacing = Signal()  #: a model is about to take the place of one that was edited meanwhile
    closing = Signal()  #: the open model is about to be closed
    closed = Signal()  #: no model is open any more

    def __init__(self, transport: Transport, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self.selected = ""
        self.first_plan = Plan()  # what the plans of a model that was opened begin with
        self.tasks = Tasks(transport, self)
        self.levels = Levels(transport, self)
        self._gestures = itertools.count(NO_GESTURE + 1)
        self._gesture = NO_GESTURE
        self._begun_from: Snapshot | None = None  # what the gesture began with
        self._resolver: Resolver | None = None
        self._plans = PlanSet()
        self._folder = QTemporaryDir()  # the numbers of statistics: they outlive the engine's process
        self.data = DataWork(self, self.tasks, self._folder.path())
        self.files = FileWork(self, self.tasks, self._folder.path())
        self._base: Snapshot | None = None
        self._snapshot: Snapshot | None = None
        self.judging = Judging(self, self.tasks, transport)
        self.insight = InsightWork(self, self.tasks)
        self.ops = OpLevel(self, self.tasks)
        self.marks = Marks(self)
        self.others = OtherFiles(self, self.tasks)
        self.tasks.changed.connect(self.task_changed)
        self.tasks.noticed.connect(self.noticed)

    @property
    def task(self) -> Task | None:
        """What the engine is doing."""
        return self.tasks.task

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
        return self.tasks.shape

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

    def row(self, group_id: str) -> wire.GroupRow:
        """The group of that id in the open model."""
        assert self.document, "a group needs a document"
        return next(row for row in self.document.groups if row.id == group_id)

    # --- edits

    def begin_gesture(self) -> None:
        """Edits from here to `end_gesture` merge to one undo step per subject."""
        self._gesture = self.new_gesture()
        self._begun_from = self._snapshot

    def new_gesture(self) -> int:
        """What makes steps that follow one another one step, see `edit_plans`."""
        return next(self._gestures)

    def end_gesture(self) -> None:
        """The next edit is a step of its own."""
        self._gesture = NO_GESTURE
        self._begun_from = None

    def set_count(self, group_id: str, count: int) -> None:
        """Keep `count` channels of a group; a locked group or a count out of range is told, not done."""
        self.set_counts({group_id: count})

    def set_counts(self, kept: Mapping[str, int]) -> None:
        """Keep so many channels of these groups, as one undo step; see `set_count`."""
        now = self._snapshot
        if now is None or not (changed := {g: n for g, n in kept.items() if now.counts[g] != n}):
            return
        if held := sorted(now.locked & changed.keys()):
            self.noticed.emit(notice.locked_by_user(held[0]))
            return
        plan, begun = now.plan, self._begun_from
        for group_id, count in changed.items():
            plan = plan.with_count(group_id, count)
            if begun is not None and begun.counts[group_id] == count and group_id not in begun.by_hand:
                plan = plan.without(group_id)  # back where the gesture began
        self.edit(self._count_title(kept), plan, " ".join(sorted(kept)))

    def _count_title(self, kept: Mapping[str, int]) -> str:
        if len(kept) > 1:
            return f"Set the counts of {len(kept)} groups"
        [(group_id, count)] = kept.items()
        return f"Keep {count} of {self.row(group_id).size} channels of {group_id}"

    def pick(self, group_id: str, channels: Sequence[int]) -> None:
        """Keep exactly these channels of a group; none at all is told, not done."""
        if self._snapshot is None:
            return
        if not channels:
            self.noticed.emit(notice.keeps_one(group_id))
            return
        title = f"Choose {len(channels)} channels of {group_id}"
        self.edit(title, self._snapshot.plan.with_indices(group_id, channels), group_id)

    def unpick(self, group_id: str) -> None:
        """Keep as many channels of a group as now, the most important ones."""
        if self._snapshot is not None and group_id in dict(self._snapshot.plan.indices):
            plan = self._snapshot.plan.with_count(group_id, self._snapshot.counts[group_id])
            self.edit(f"Let importance choose in {group_id}", plan)

    def set_ratio(self, ratio: float) -> None:
        """Remove the share `ratio` of every group whose count was not set by hand."""
        if self._snapshot is not None and self._snapshot.plan.ratio != ratio:
            of = "every group" if self._snapshot.plan.scope == "local" else "all channels"
            self.edit(
                f"Remove {text.percent(ratio, 1)} of {of}", replace(self._snapshot.plan, ratio=ratio), "*"
            )

    def edit(self, title: str, plan: Plan, subject: str = "") -> None:
        """Replace the current plan, as one undo step; see `edit_plans`."""
        self.edit_plans(title, self._plans.with_plan(plan), subject)

    def edit_plans(self, title: str, plans: PlanSet, subject: str = "", gesture: int = NO_GESTURE) -> None:
        """Replace the plans, as one undo step.

        What does not fit the model is told, not done. A plan that compares channels of all groups waits for
        the engine's scores when it is the first one to ask for them.

        Args:
            title: of the step, as the menu shows it.
            plans: in place of the present ones.
            subject: steps of one gesture with the same subject merge.
            gesture: that the step is of, where it is not the one under way.
        """
        if self._resolver is None or plans == self._plans:
            return
        is_other = plans.plan != self._plans.plan
        if is_other and self._resolver.lacks_scores(plans.plan, self.data.samples):
            self._rank(title, plans)
            return
        try:
            self._resolver.snapshot(plans.plan)
        except PlanError as error:
            self.tell(error)
            return
        gesture = gesture or (self._gesture if subject else NO_GESTURE)
        step = PlanCommand(title, self._plans, plans, self._apply, subject=subject, gesture=gesture)
        self.insight.note_tried(plans.plan, (subject, gesture) if gesture else None)
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

    # --- tasks

    def open(self, source: str, shape: str = "", trusted: tuple[str, ...] = ()) -> None:
        """Read, trace and show another model; the open one stays until this has succeeded.

        Args:
            source: a path or a factory.
            shape: of one input, "" when the user did not say.
            trusted: SHA-256 of the files whose code the user agreed to run.
        """
        if not self.tasks.refuse_while_busy():
            request = wire.Open(0, source, shape, trusted)
            doing, asked = f"opening {Path(file_of(source)).name}", self._plans
            self.tasks.start(request, doing, lambda answer: self._on_read(answer, asked))

    def close(self) -> None:
        """Show no model any more; not while the engine works for it."""
        if self._resolver is None or self.tasks.refuse_while_busy():
            return
        self.closing.emit()
        self.undo_stack.clear()
        self.end_gesture()
        self.selected = ""
        self.data.reset()
        self.files.reset()
        self.tasks.forget()
        self._resolver = self._base = self._snapshot = None
        self._plans = PlanSet()
        self.closed.emit()

    def meet(self, targets: str, by_sensitivity: bool = False) -> None:
        """Replace the current plan by the one that meets `targets` and keeps the most importance.

        Args:
            targets: "macs=50%, params=-30%".
            by_sensitivity: channels are worth what was measured to be lost with them.
        """
        if self._snapshot is None or self.tasks.refuse_while_busy():
            return
        try:
            title = "Target: " + " and ".join(map(str, parse_targets(targets)))
        except PlanError as error:
            self.tell(error)
            return
        plan, sensed = self.insight.searched.start(self._snapshot.plan), self.data.sensed
        samples = self.data.samples if looks_at_data(plan.importance) else None
        curves = sensed.sensitivity if sensed and by_sensitivity else None
        by, before = self.insight, self._plans
        request = wire.Meet(0, targets, plan, 0, samples, curves, by.table, by.device, by.threads)
        self.tasks.start(
            request, "searching for a plan", lambda answer: self._on_met(answer, title, before, plan)
        )

    def ask_again(self, request: wire.Open | wire.Prove | wire.SampleRequest, sha256: str) -> None:
        """Try again what was refused, now that this code may run."""
        if isinstance(request, wire.Open):
            self.open(request.source, request.shape, (*request.trusted, sha256))
        elif isinstance(request, wire.Prove):
            self.others.prove(msgspec.structs.replace(request, trusted=(*request.trusted, sha256)))
        elif not self.tasks.refuse_while_busy():
            self.data.trust(sha256)
            self.tasks.again(trusting_request(request, sha256))

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
        self.tasks.cancel()

    def _rank(self, title: str, plans: PlanSet) -> None:
        """Ask for the scores that `plans` need, then edit."""
        name = plans.plan.importance
        samples = self.data.samples if looks_at_data(name) else None
        if looks_at_data(name) and samples is None:
            self.noticed.emit(notice.needs_samples(name))
        elif not self.tasks.refuse_while_busy():
            before, request = self._plans, wire.Rank(0, name, 0, samples)
            self.tasks.start(
                request,
                "judging every channel",
                lambda answer: self._on_ranked(answer, title, before, plans, samples),
            )

    def _on_read(self, answer: wire.Opened, asked: PlanSet) -> None:
        """Show the model; edits of the one before, made since the user `asked` for this one, are kept."""
        edited = self.document if self.modified and self._plans != asked else None
        if edited:
            self.replacing.emit()
        self._on_opened(answer)
        if edited and edited.source != answer.document.source:
            self.noticed.emit(notice.edits_kept(edited.name, answer.document.name))

    def _on_opened(self, answer: wire.Opened) -> None:
        self.undo_stack.clear()
        self.end_gesture()
        self._resolver, self._plans = Resolver(answer.document), PlanSet().with_plan(self.first_plan)
        self._base = self._snapshot = self._resolver.snapshot(self._plans.plan)
        self.selected = ""
        self.data.reset()
        self.files.reset()
        self.levels.set_document(answer.document)
        self.document_changed.emit()
        gc.freeze()  # a document stays: looking through it for garbage would stop the window for 50 ms
        self.opened.emit(answer.document.source)

    def set_graph(self, graph: LayerGraph, view: View) -> None:
        """Draw the open model in another detail; plans, scores and undo stay."""
        assert self._resolver and self._snapshot and self._base, "a graph is of an open model"
        self._resolver = self._resolver.with_graph(graph, view)
        self._base = self._resolver.snapshot(self._base.plan)
        self._snapshot = self._resolver.snapshot(self._snapshot.plan)
        self.levels.set_document(self._resolver.document)
        self.graph_changed.emit()

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

    def _on_met(self, answer: wire.Met, title: str, before: PlanSet, start: Plan) -> None:
        self.insight.searched.remember(answer.plan, start)
        if self._is_unchanged(before, title):
            is_met = answer.plan == before.plan
            self.edit(title, answer.plan)
            self.noticed.emit(notice.met_already(title) if is_met else notice.met(title, answer.kept))

    def _is_unchanged(self, before: PlanSet, title: str) -> bool:
        """Whether the plans are still those that the engine was asked about; says so when they are not."""
        if before != self._plans:
            self.noticed.emit(Notice("note", "The plan was changed meanwhile.", "", f"Try again: {title}."))
        return before == self._plans

    def tell(self, error: SlimError) -> None:
        """Tell the user what did not work."""
        self.noticed.emit(Notice("error", error.what, error.why, error.hint))
