"""What the engine measures and searches for the user to look at: time, and plans worth having. No widget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Signal

from slimgui.core import wire
from slimgui.core.criteria import looks_at_data
from slimgui.core.latency import read_latency
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet
from slimgui.core.targets import RESOURCES, Reach, reach
from slimgui.errors import PlanError
from slimgui.gui.facts import notice, text
from slimgui.gui.facts.searched import Searched
from slimgui.gui.work.tasks import Tasks

if TYPE_CHECKING:
    from slimgui.gui.session import Session

TRIED: Final = 60  # steps that are remembered
POINTS: Final = 24  # of a front, at first


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found out about time, and the counts that it is of."""

    timed: wire.Timed
    counts: Mapping[str, int]


class InsightWork(QObject):
    """The part of the session that knows how long models take, and the front of plans.

    Attributes:
        measured: the time that was measured last, None before that.
        table: path of the times of another device, "" for this one.
        device: what time is measured on: "cpu", "cuda" or "mps".
        threads: of the processor that it is measured with, 0 for as many as PyTorch chooses.
        front: the plans worth having, from the smallest; () until somebody asks.
        resource: what the front is of.
        points: plans that are looked for.
        tried: the plans that the last steps led to, undone ones too.
        searched: which plans were found, and what the search for them started from.
    """

    changed = Signal()  #: another time is known, or another front, or another device is meant

    def __init__(self, session: Session, tasks: Tasks) -> None:
        super().__init__(session)
        self._session, self._tasks = session, tasks
        self.measured: Measured | None = None
        self.table, self.device, self.threads = "", "cpu", 0
        self.front: tuple[wire.FrontPoint, ...] = ()
        self.resource, self.points = "macs", POINTS
        self.searched = Searched()
        self.tried: list[Plan] = []
        self._tried_in: object = None  # the gesture that the last one is of
        session.document_changed.connect(self._reset)

    @property
    def is_current(self) -> bool:
        """Whether the measured time is of the current plan."""
        snapshot = self._session.snapshot
        return self.measured is not None and snapshot is not None and self.measured.counts == snapshot.counts

    def measure(self) -> None:
        """Measure the whole model and the one under the current plan."""
        session = self._session
        if session.snapshot is None or self._tasks.refuse_while_busy():
            return
        counts, plan = session.snapshot.counts, session.lasting(session.plans.plan)
        request = wire.Time(0, plan, 0, self.table, self.device, self.threads)
        self._tasks.start(request, "measuring latency", lambda answer: self._on_timed(answer, counts))

    def use_device(self, device: str) -> None:
        """Measure on another device from now on; one that is not there is told when it is used."""
        self.device, self.table, self.measured = device, "", None
        self.changed.emit()

    def use_threads(self, number: int) -> None:
        """Measure with so many threads of the processor from now on, 0 for as many as PyTorch chooses."""
        if number != self.threads:
            self.threads, self.measured = number, None
            self.changed.emit()

    def use_table(self, path: str) -> None:
        """Take times from a file of another device; "" measures here again. What does not fit is told."""
        try:
            if path:
                read_latency(path, frozenset(row.id for row in self._rows()))
        except PlanError as error:
            self._session.tell(error)
            return
        self.table, self.measured = path, None
        if path:
            self._session.noticed.emit(notice.uses_table(Path(path).name))
        self.changed.emit()

    def reach(self) -> dict[str, Reach]:
        """What a search can bring every resource down to, and what it is now; {} where nobody can say."""
        session = self._session
        if session.resolver is None or session.snapshot is None:
            return {}
        start, document = self.searched.start(session.snapshot.plan), session.resolver.document
        scores, now = session.resolver.scores.get(start.importance), session.snapshot.cost
        try:
            found = reach(session.resolver.groups, document.cost, start, scores)
        except PlanError:  # the plan compares groups, and nobody has judged their channels yet
            return {}
        return {name: replace(each, now=getattr(now, name)) for name, each in found.items()}

    def note_tried(self, plan: Plan, gesture: object) -> None:
        """A step led to this plan; of one `gesture` the last one counts, None is a step of its own."""
        if gesture is not None and gesture == self._tried_in and self.tried:
            self.tried.pop()
        self._tried_in = gesture
        self.tried = [*self.tried[1 - TRIED :], plan]

    def search_front(self, resource: str) -> None:
        """Find the plans of which none costs less of `resource` than another and keeps more."""
        session = self._session
        if session.snapshot is None or self._tasks.refuse_while_busy():
            return
        plan = self.searched.start(session.snapshot.plan)
        samples = session.data.samples if looks_at_data(plan.importance) else None
        request = wire.Front(0, plan, 0, resource, self.points, samples)
        self._tasks.start(
            request, "searching for the best plans", lambda answer: self._on_front(answer, plan)
        )

    def take(self, number: int) -> None:
        """Make a plan of the front the current one; steps of one gesture are one undo step."""
        point = self.front[number]
        self._session.edit(
            f"Take the plan that keeps {point.kept:.0%} of the importance", point.plan, "front"
        )

    @property
    def front_plans(self) -> PlanSet:
        """The plans of the front, by the shares that they leave; there must be some."""
        assert self._session.base, "a front is of an open model"
        whole = getattr(self._session.base.cost, self.resource)
        costs = (getattr(point.cost, self.resource) for point in self.front)
        shares = (cost / whole if whole else 1.0 for cost in costs)
        plans = zip(shares, (point.plan for point in self.front), strict=True)
        return PlanSet.by_shares(RESOURCES[self.resource], plans)

    def keep_front(self) -> None:
        """Put the plans of the front into the tree of plans, below the current one, as one undo step."""
        session = self._session
        plans = session.plans.with_below(self.front_plans)
        number = len(plans.plans) - len(session.plans.plans)
        session.edit_plans(f"Keep {text.plural(number, 'plan')} of the front", plans)
        session.noticed.emit(notice.kept_front(number, plans.current))

    def _rows(self) -> tuple[wire.GroupRow, ...]:
        assert self._session.document, "a table is for an open model"
        return self._session.document.groups

    def _on_timed(self, answer: wire.Timed, counts: Mapping[str, int]) -> None:
        self.measured = Measured(answer, counts)
        self.changed.emit()
        self._session.noticed.emit(notice.timed(answer))

    def _on_front(self, answer: wire.Fronted, start: Plan) -> None:
        for point in answer.points:
            self.searched.remember(point.plan, start)
        self.front, self.resource = answer.points, answer.resource
        self.changed.emit()

    def _reset(self) -> None:
        self.measured, self.table, self.front, self.searched = None, "", (), Searched()
        self.tried = []
        self.changed.emit()
