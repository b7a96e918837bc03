"""What is done for the open model with the user's samples: statistics, recovery, sensitivity. No widget."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, Signal

from slimgui.core import wire
from slimgui.core.plan import Plan
from slimgui.core.recovery import Recovery
from slimgui.core.sampling import SampleSource
from slimgui.core.sensitivity import Measure, read_points, write_points
from slimgui.errors import PlanError, SaveError
from slimgui.gui.facts import notice, text
from slimgui.gui.facts.notice import Notice
from slimgui.gui.work.tasks import Tasks

if TYPE_CHECKING:
    from slimgui.gui.session import Session


@dataclass(frozen=True, slots=True)
class _Round:
    """Plans whose statistics are taken one after the other, which `gesture` makes one undo step."""

    plans: tuple[tuple[str, Plan], ...]
    samples: SampleSource
    gesture: int
    done: int = 0

    @property
    def now(self) -> tuple[str, Plan]:
        """The one whose turn it is."""
        return self.plans[self.done]

    @property
    def number(self) -> str:
        """Which one of how many that is, "" for the only one."""
        return f" ({self.done + 1} of {len(self.plans)})" if len(self.plans) > 1 else ""


class DataWork(QObject):
    """The part of the session that works with samples.

    Attributes:
        samples: chosen last for the open model, None for none yet.
        recovery: what every save of a smaller model does for its accuracy, None for nothing.
        sensed: what is lost when each group alone is cut, None before that was measured.
        evaluated: how often both models are right, and what was measured; None before that was done.
    """

    changed = Signal()  #: one of these is another one

    def __init__(self, session: Session, tasks: Tasks, folder: str) -> None:
        super().__init__(session)
        self._session, self._tasks, self._folder = session, tasks, folder
        self._trusted: tuple[str, ...] = ()  # what the user agreed to run for the open model
        self.samples: SampleSource | None = None
        self.recovery: Recovery | None = None
        self.sensed: wire.Sensed | None = None
        self.evaluated: tuple[wire.Evaluate, wire.Evaluated] | None = None

    def reset(self) -> None:
        """Another model is open."""
        self._trusted, self.samples, self.recovery, self.sensed = (), None, None, None
        self.evaluated = None
        self.changed.emit()

    def choose(self, samples: SampleSource) -> None:
        """Use these from now on; a plan that was judged by others is judged anew."""
        self._take(samples)
        self._session.judge_anew()

    def trust(self, sha256: str) -> None:
        """The user agreed to run this code for the open model."""
        self._trusted = (*self._trusted, sha256)
        self.samples = self.samples and self.samples.trusting(self._trusted)
        if self.recovery is not None:
            self.recovery = trusting(self.recovery, self._trusted)

    @property
    def cutting(self) -> tuple[str, ...]:
        """The names of the plans that remove something."""
        pairs = self._session.plans.plans
        return tuple(name for name, plan in pairs if plan.ratio or plan.ratios or plan.counts or plan.indices)

    def recalibrate(self, samples: SampleSource, names: Sequence[str] = ()) -> None:
        """Take the norm statistics of the smaller models of these plans anew, one after the other.

        () means the current plan. Where it is cancelled, or one of them is refused, those before it stay
        recalibrated; one undo takes all of them back.
        """
        session = self._session
        if session.snapshot is None or self._tasks.refuse_while_busy():
            return
        self._take(samples)
        known = dict(session.plans.plans)
        plans = tuple((name, known[name]) for name in names or (session.plans.current,))
        self._recalibrate(_Round(plans, samples, session.new_gesture()))

    def _recalibrate(self, turn: _Round) -> None:
        name, plan = turn.now
        path = f"{self._folder}/{uuid.uuid4().hex}.safetensors"
        samples = turn.samples.trusting(self._trusted)
        request = wire.Recalibrate(0, self._session.lasting(plan), 0, path, samples)
        doing = f"recalibrating {name}{turn.number}"
        self._tasks.start(request, doing, lambda answer: self._on_recalibrated(answer, turn))

    def recover(self, recovery: Recovery) -> None:
        """Try `recovery` on the current plan's smaller model, and do it with every save from then on."""
        session = self._session
        if session.snapshot is None or self._tasks.refuse_while_busy():
            return
        if recovery.samples:
            self._take(recovery.samples)
        if not recovery.steps:
            self._set_recovery(None)
            session.noticed.emit(Notice("note", "Smaller models are saved without recovery."))
            return
        plans, recovery = session.plans, trusting(recovery, self._trusted)
        own = plans.fresh.get(plans.current)
        request = wire.Recover(0, session.lasting(plans.plan), 0, recovery, own)
        self._tasks.start(
            request,
            f"recovering accuracy of {plans.current}",
            lambda answer: self._on_recovered(answer, plans.current, recovery),
        )

    def measure(self, samples: SampleSource, by_distance: bool = False) -> None:
        """Measure what is lost when each group alone is cut: accuracy, where that can be, or a distance."""
        session = self._session
        if session.document is None or self._tasks.refuse_while_busy():
            return
        self._take(samples)
        plan = session.plans.plan
        kept = Plan(locked=plan.locked, whole=plan.whole, only_exact=plan.only_exact)
        kept = replace(kept, importance=plan.importance, min_count=plan.min_count)
        request = wire.Sense(0, kept, 0, samples.trusting(self._trusted), by_distance)
        self._tasks.start(request, "measuring sensitivity", self._on_sensed)

    def evaluate(self, samples: SampleSource) -> None:
        """Measure how often the whole model is right, and the one that a save would write now."""
        session = self._session
        if session.snapshot is None or self._tasks.refuse_while_busy():
            return
        self._take(samples)
        plans = session.plans
        own, plan = plans.fresh.get(plans.current), session.lasting(plans.plan)
        request = wire.Evaluate(0, plan, 0, samples.trusting(self._trusted), own, self.recovery)
        doing = f"measuring accuracy of {plans.current}"
        self._tasks.start(request, doing, lambda answer: self._on_evaluated(answer, request, plans.current))

    def read_sensitivity(self, path: str) -> None:
        """Take what was measured elsewhere of this model; what is of another one is told."""
        session = self._session
        assert session.document, "curves are of an open model"
        try:
            found = read_points(path)
        except PlanError as error:
            session.tell(error)
            return
        if not {point.group for point in found.points} & {row.id for row in session.document.groups}:
            what = f"{Path(path).name} is of another model."
            session.noticed.emit(Notice("error", what, "None of its groups is in this one."))
            return
        measure: Measure = "distance" if found.of.startswith("distance") else "accuracy"
        self._on_sensed(wire.Sensed(0, found, measure, f"Read from {Path(path).name}."))

    def write_sensitivity(self, path: str) -> None:
        """Write what was measured, for another window or the command line."""
        assert self.sensed, "there is something to write"
        try:
            write_points(path, self.sensed.sensitivity)
        except SaveError as error:
            self._session.tell(error)
        else:
            self._session.noticed.emit(notice.written(path))

    def measures_of(self, saved: wire.Save) -> tuple[tuple[str, str, str], ...]:
        """What was measured of a model that was saved: title, before, after; () when it is of another one."""
        if self.evaluated is None:
            return ()
        asked, found = self.evaluated
        is_same = (asked.plan, asked.statistics, _steps(asked.recovery)) == (
            saved.plan, saved.statistics, _steps(saved.recovery),
        )  # fmt: skip
        title = "Accuracy" if found.measure == "accuracy" else "evaluate(model)"
        before, after = (notice.measured(value, found.measure) for value in (found.before, found.after))
        return ((title, before, after),) if is_same else ()

    def _take(self, samples: SampleSource) -> None:
        self.samples = samples.trusting(self._trusted)
        self.changed.emit()

    def _set_recovery(self, recovery: Recovery | None) -> None:
        self.recovery = recovery
        self.changed.emit()

    def _on_recalibrated(self, answer: wire.Recalibrated, turn: _Round) -> None:
        session, (name, plan) = self._session, turn.now
        own = replace(answer.statistics, plan=plan)
        if name in session.plans.names:
            what = text.plural(len(turn.plans), "plan") if turn.number else name
            plans = session.plans.with_statistics(name, own)
            session.edit_plans(f"Recalibrate {what}", plans, "statistics", turn.gesture)
        if turn.done + 1 < len(turn.plans):
            self._recalibrate(replace(turn, done=turn.done + 1))
        else:
            names = tuple(name for name, _ in turn.plans)
            session.noticed.emit(notice.recalibrated(names, session.plans, own, answer.about))

    def _on_recovered(self, answer: wire.Recovered, name: str, recovery: Recovery) -> None:
        self._set_recovery(trusting(recovery, self._trusted))
        self._session.noticed.emit(notice.recovered(name, answer))

    def _on_evaluated(self, answer: wire.Evaluated, request: wire.Evaluate, name: str) -> None:
        self.evaluated = (request, answer)
        self.changed.emit()
        self._session.noticed.emit(notice.evaluated(name, answer))

    def _on_sensed(self, answer: wire.Sensed) -> None:
        self.sensed = answer
        self.changed.emit()
        assert self._session.document, "groups of a document were measured"
        self._session.noticed.emit(notice.sensed(answer, self._session.document.groups))


def _steps(recovery: Recovery | None) -> Recovery | None:
    """The same without what was agreed to, which may grow while it is asked again."""
    samples = recovery.samples if recovery else None
    return replace(recovery, samples=samples and replace(samples, trusted=())) if recovery else None


def trusting(recovery: Recovery, hashes: tuple[str, ...]) -> Recovery:
    """The same, where these hashes may run too."""
    samples = recovery.samples
    return replace(recovery, samples=samples.trusting(hashes) if samples else None)


def trusting_request(request: wire.SampleRequest, sha256: str) -> wire.SampleRequest:
    """The same request, where the code with this hash may run too."""
    if isinstance(request, wire.Save | wire.Recover | wire.Evaluate):
        recovery = request.recovery and trusting(request.recovery, (sha256,))
        request = msgspec.structs.replace(request, recovery=recovery)
    if isinstance(request, wire.Save | wire.Recover):
        return request
    samples = request.samples and request.samples.trusting((sha256,))
    return msgspec.structs.replace(request, samples=samples)
