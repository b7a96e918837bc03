"""`slimgui sensitivity`: what is lost when each group is cut alone."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slimgui.cli import samples
from slimgui.cli.opening import opened
from slimgui.cli.plans import USES
from slimgui.cli.progress import Step
from slimgui.cli.report import Answer

if TYPE_CHECKING:
    from slimgui.core.groups import Group
    from slimgui.core.sensitivity import Sensitivity


def add_options(parser: argparse.ArgumentParser) -> None:
    """What is measured, and where it is written."""
    samples.add_options(parser, required=True)
    parser.add_argument(
        "--out", required=True, help="the file (.jsonl) of the points; it goes on where it was"
    )
    parser.add_argument("--importance", default="l1", help="what says which channels go first; " + USES)
    parser.add_argument(
        "--distance", action="store_true", help="compare outputs, also where the samples have labels"
    )


def measured(arguments: argparse.Namespace, step: Step) -> Answer:
    """`slimgui sensitivity`: measure every group that may be cut; a line for each."""
    from slimgui import engine

    loaded, traced = opened(arguments, step)
    data = samples.samples_of(arguments, loaded)
    scored = (data.labelled or data.evaluate is not None) and not arguments.distance
    found = engine.sensitivity(
        loaded.model,
        traced,
        data,
        evaluate=data.accuracy if scored else None,
        plan=engine.Plan(importance=arguments.importance),
        path=arguments.out,
        told=lambda done, total: step("Cutting each group alone", done, total),
    )
    measure = "accuracy lost" if scored else "distance of the outputs"
    rows = _rows(traced.groups, found)
    row = {"source": loaded.source, "samples": data.describe(), "measure": measure, "curves": rows}
    lines = [data.describe(), f"Channels kept: {measure}.", *map(_line, rows), f"Wrote {arguments.out}."]
    return Answer({**row, "out": arguments.out}, "\n".join(lines))


def _rows(groups: Sequence[Group], found: Sensitivity) -> list[dict[str, object]]:
    """Per measured group its curve, without the whole group; the most sensitive first."""
    curves = {group.id: found.curve(group.id, group.size)[:-1] for group in groups}
    known = sorted((name for name, curve in curves.items() if curve), key=lambda name: -curves[name][0][1])
    return [{"group": name, "points": curves[name]} for name in known]


def _line(row: dict[str, object]) -> str:
    points = row["points"]
    assert isinstance(points, list), "made above"
    shown = "   ".join(f"{count}: {loss:.3f}" for count, loss in reversed(points))
    return f"{row['group']:<40} {shown}"
