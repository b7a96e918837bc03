"""`slimgui slim --report`: a page about the smaller model, with its accuracy where the samples allow it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slimgui.cli import report

if TYPE_CHECKING:
    from slimgui.core.plan import Plan
    from slimgui.engine.data import Samples
    from slimgui.engine.deploy import Deployed
    from slimgui.engine.load import Loaded
    from slimgui.engine.save import SaveReport


def write_page(
    path: str,
    loaded: Loaded,
    data: Samples | None,
    plan: Plan,
    deployed: Deployed,
    saved: SaveReport,
    said: Sequence[str],
) -> str:
    """Write the page; a sentence about it.

    Args:
        path: of the page.
        loaded: the original.
        data: to measure with, None for no measure.
        plan: by which it was cut.
        deployed: with its proof.
        saved: where it lies.
        said: what was recovered, a sentence each.
    """
    from slimgui import engine
    from slimgui.core.report import Facts
    from slimgui.core.words import describe

    proof, counts = deployed.proof, deployed.selection.counts()
    assert proof, "it was proven before it was saved"
    facts = Facts(
        name=loaded.source.rpartition("/")[2],
        source=loaded.source,
        saved=str(saved.path),
        plan=describe(plan),
        before=engine.cost(deployed.traced),
        after=engine.cost(deployed.traced, deployed.selection),
        counts=tuple((group.id, group.size, counts[group.id]) for group in deployed.groups),
        proven=proof.passed and proof.level != "structural",
        proof=report.proof_line(proof),
        recovery=tuple(said),
        measures=() if data is None else _measured(data, loaded, deployed),
        samples="" if data is None else data.describe(),
    )
    engine.write_report(path, facts)
    return f"Wrote {path}."


def _measured(data: Samples, loaded: Loaded, deployed: Deployed) -> tuple[tuple[str, str, str], ...]:
    """Accuracy before and after, where the samples have labels or a measure of their own."""
    if not data.labelled and data.evaluate is None:
        return ()
    title = "Accuracy" if data.evaluate is None else "evaluate(model)"
    before, after = data.accuracy(loaded.model), data.accuracy(deployed.held().model)
    return ((title, f"{before:.4f}", f"{after:.4f}"),)
