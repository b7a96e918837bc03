"""What the window knows of a smaller model that was saved -> the facts of its report. No Qt."""

from __future__ import annotations

from slimgui.core import wire
from slimgui.core.plan_set import PlanSet
from slimgui.core.report import Facts
from slimgui.core.words import describe
from slimgui.gui.facts import notice
from slimgui.gui.facts.snapshot import Snapshot


def facts_of(
    document: wire.Document, plans: PlanSet, before: Snapshot, after: Snapshot, answer: wire.Saved
) -> Facts:
    """The facts of what was saved.

    Args:
        document: the open model.
        plans: as they were when the save began.
        before: the model, uncut.
        after: under the plan that was saved.
        answer: of the engine.
    """
    own = notice.with_statistics(plans)
    return Facts(
        name=document.name,
        source=document.source,
        saved=answer.path,
        plan=f"{plans.current}: {describe(plans.plan)}",
        before=before.cost,
        after=after.cost,
        counts=tuple((row.id, row.size, after.counts[row.id]) for row in document.groups),
        proven=answer.proof.passed and answer.proof.level != "structural",
        proof=notice.proof(answer.proof),
        recovery=(*((own,) if own else ()), *(answer.recovered.steps if answer.recovered else ())),
        samples=answer.recovered.about if answer.recovered else "",
    )
