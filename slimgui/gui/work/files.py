"""What the open model is written to and read from: smaller models, plans, reports. No widget."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject

from slimgui.core import wire
from slimgui.core.paths import exists
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet, Statistics
from slimgui.core.plan_store import collected, write_plans
from slimgui.core.report import Facts
from slimgui.core.resolve import with_ids
from slimgui.errors import PlanError, SaveError
from slimgui.gui.facts import notice
from slimgui.gui.facts.notice import Notice
from slimgui.gui.facts.report import facts_of
from slimgui.gui.facts.snapshot import Snapshot
from slimgui.gui.work.tasks import Tasks

if TYPE_CHECKING:
    from slimgui.gui.session import Session

_Content = tuple[Plan, Statistics | None]  # of a plan: what a smaller model is made of


class FileWork(QObject):
    """The part of the session that works with files.

    Attributes:
        facts: of the smaller model that was saved last, None before that.
        plans_path: where the plans were written to or read from last, "" before that.
    """

    def __init__(self, session: Session, tasks: Tasks, folder: str) -> None:
        super().__init__(session)
        self._session, self._tasks, self._folder = session, tasks, folder
        self.facts: Facts | None = None
        self._saved: wire.Save | None = None  # what they are of
        self._held: dict[str, _Content] = {}  # what files have of the plans
        self.plans_path = ""

    def reset(self) -> None:
        """Another model is open."""
        self.facts, self._saved, self.plans_path = None, None, ""
        self._held = _contents(self._session.plans)

    def save(self, path: str, accept_unproven: bool = False, format: str = "") -> None:  # noqa: A002 - as in wire
        """Build the smaller model, prove it and write it to `path`; its suffix says as what, or `format`."""
        session = self._session
        if session.snapshot is None or session.document is None or self._tasks.refuse_while_busy():
            return
        if _same_file(path, file_of(session.document.source)):
            what = "This would replace the original model."
            hint = "Choose another name: the original is what the smaller model is proven against."
            session.noticed.emit(Notice("error", what, "", hint))
            return
        plans, cut = session.plans, session.snapshot
        own = plans.fresh.get(plans.current)
        plan = session.lasting(plans.plan)
        recovery = session.data.recovery
        request = wire.Save(0, path, plan, 0, accept_unproven, own, recovery, format)
        doing = f"saving {Path(path).name}"
        self._tasks.start(request, doing, lambda answer: self._on_saved(answer, request, plans, cut))

    def verify(self) -> None:
        """Build the smaller model and prove it, without writing anything."""
        session = self._session
        if session.snapshot is not None and not self._tasks.refuse_while_busy():
            plans, request = session.plans, wire.Verify(0, session.lasting(session.plans.plan), 0)
            doing = f"proving {plans.current}"
            self._tasks.start(request, doing, lambda answer: self._on_verified(answer, plans))

    def save_plans(self, path: str) -> None:
        """Write all plans to a file."""
        session = self._session
        try:
            write_plans(path, session.plans.mapped(session.lasting))
        except SaveError as error:
            session.tell(error)
            return
        self.plans_path = path
        self._held = _contents(session.plans)
        session.undo_stack.setClean()
        session.noticed.emit(notice.written(path))

    def export_front(self, path: str) -> None:
        """Write the plans of the front, and no others, to a file."""
        try:
            write_plans(path, self._session.insight.front_plans)
        except SaveError as error:
            self._session.tell(error)
        else:
            self._session.noticed.emit(notice.written(path))

    def read_plans(self, path: str) -> None:
        """Take over the plans, or the channel configuration, in a file."""
        if self._session.document is not None and not self._tasks.refuse_while_busy():
            request, name = wire.ReadPlans(0, path, 0, self._folder), Path(path).name
            self._tasks.start(request, f"reading {name}", lambda answer: self._on_plans_read(answer, name))

    def put_back(self, plans: PlanSet, title: str) -> None:
        """Replace all plans by those of another window, with copies of their statistics."""
        if (fitting := self._fitting(plans)) is not None:
            self._session.edit_plans(title, collected(fitting, self._folder)[0])

    def export(self, path: str, what: Literal["config", "kept"]) -> None:
        """Write what the current plan leaves: widths of layers, or the channels that stay."""
        session = self._session
        if session.snapshot is not None and not self._tasks.refuse_while_busy():
            request = wire.Export(0, path, session.lasting(session.snapshot.plan), 0, what)
            self._tasks.start(request, f"writing {Path(path).name}", self._on_exported)

    def export_times(self, path: str) -> None:
        """Measure every op on the device that is chosen, and write the times."""
        session = self._session
        if session.snapshot is not None and not self._tasks.refuse_while_busy():
            device, threads = session.insight.device, session.insight.threads
            request = wire.Export(0, path, Plan(), 0, "times", device, threads)
            self._tasks.start(request, f"writing {Path(path).name}", self._on_exported)

    def write_report(self, path: str) -> None:
        """Write a page about the smaller model that was saved last."""
        if self.facts is not None and self._saved is not None and not self._tasks.refuse_while_busy():
            facts = replace(self.facts, measures=self._session.data.measures_of(self._saved))
            request = wire.Report(0, path, facts, 0)
            self._tasks.start(request, f"writing {Path(path).name}", self._on_exported)

    def _on_saved(
        self, answer: wire.Saved | wire.Unproven, request: wire.Save, written: PlanSet, cut: Snapshot
    ) -> None:
        session = self._session
        assert session.document and session.base, "a save needs a document"
        if isinstance(answer, wire.Unproven):
            session.noticed.emit(notice.unproven(answer, request))
            return
        self._held[written.current] = _contents(written)[written.current]
        left = [name for name in self._unheld() if name != written.current]
        if not self._unheld():
            session.undo_stack.setClean()
        self.facts = facts_of(session.document, written, session.base, cut, answer)
        self._saved = request
        said = " ".join(filter(None, (notice.with_statistics(written), notice.plans_left(left))))
        session.noticed.emit(notice.saved(answer, session.base.cost, said))
        session.saved.emit(answer.path)

    def _unheld(self) -> list[str]:
        """Names of the plans that no file holds as they are: a smaller model is made of one plan."""
        contents = _contents(self._session.plans)
        return [name for name, content in contents.items() if self._held.get(name) != content]

    def _on_verified(self, answer: wire.Verified, proven: PlanSet) -> None:
        now = dict(self._session.plans.plans).get(proven.current)
        self._session.noticed.emit(notice.verified(proven.current, answer.proof, now == proven.plan))

    def _on_plans_read(self, answer: wire.PlansRead, name: str) -> None:
        session = self._session
        if (read := self._fitting(answer.plans)) is None:
            return
        session.edit_plans(f"Open {name}", session.plans.merged(read, Path(name).stem))
        if answer.notes:
            what = f"{name} was opened without some statistics."
            session.noticed.emit(Notice("note", what, " ".join(answer.notes)))

    def _fitting(self, plans: PlanSet) -> PlanSet | None:
        """The same, by the ids of the open model's groups; None, which is told, where they do not fit it."""
        assert self._session.resolver, "plans are for the open model"
        groups = self._session.resolver.groups
        try:
            fitting = {name: with_ids(groups, plan) for name, plan in plans.plans}
        except PlanError as error:
            self._session.tell(error)
            return None
        owns = ((name, replace(own, plan=fitting[name])) for name, own in plans.statistics)
        return replace(plans, plans=tuple(fitting.items()), statistics=tuple(owns))

    def _on_exported(self, answer: wire.Exported) -> None:
        self._session.noticed.emit(notice.written(answer.path))


def file_of(source: str) -> str:
    """The file in a source, without the factory behind it; a factory alone stays."""
    file, at, _ = source.rpartition("@")
    return file if at and exists(file) else source


def _contents(plans: PlanSet) -> dict[str, _Content]:
    """What smaller models come from, by the names of plans."""
    return {name: (plan, plans.fresh.get(name)) for name, plan in plans.plans}


def _same_file(one: str, other: str) -> bool:
    return exists(one) and exists(other) and Path(one).samefile(other)
