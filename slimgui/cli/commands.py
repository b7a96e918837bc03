"""The commands: parsed options -> an answer. torch is imported when one runs, not before."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

from slimgui.cli import report
from slimgui.cli.exits import Exit
from slimgui.cli.front import front
from slimgui.cli.graph import graph
from slimgui.cli.inspect import inspected
from slimgui.cli.latency import latency
from slimgui.cli.opening import PROVING, opened
from slimgui.cli.progress import Step
from slimgui.cli.recalibrate import recalibrated
from slimgui.cli.report import Answer
from slimgui.cli.sensitivity import measured
from slimgui.cli.slim import slim


def groups(arguments: argparse.Namespace, step: Step) -> Answer:
    """`slimgui groups`: what can be cut, and why not."""
    from slimgui import engine

    loaded, traced = opened(arguments, step, 2)
    cost = engine.cost(traced)
    rows = [report.group_row(group) for group in traced.groups]
    lines = [*loaded.notes, *map(report.group_line, traced.groups), report.totals_line(len(rows), cost)]
    row = {"source": loaded.source, "groups": rows, **report.totals(cost), "notes": list(loaded.notes)}
    return Answer(row, "\n".join(lines))


def verify(arguments: argparse.Namespace, step: Step) -> Answer:
    """`slimgui verify`: the proof of a saved file, again."""
    from slimgui import engine
    from slimgui.engine.reopen import reopen

    step("Reading both models", 0, 2)
    original, deployed = reopen(
        arguments.original, arguments.small, arguments.model, arguments.input, arguments.trust_code
    )
    step(PROVING, 1, 2)
    proof = engine.verify(original.model, deployed, deployed.inputs)
    row = {"original": original.source, "small": arguments.small, "proof": report.proof_row(proof)}
    return Answer(row, report.proof_line(proof), Exit.DONE if proof.passed else Exit.UNPROVEN)


COMMANDS: Final[dict[str, Callable[[argparse.Namespace, Step], Answer]]] = {
    "groups": groups,
    "slim": slim,
    "verify": verify,
    "sensitivity": measured,
    "recalibrate": recalibrated,
    "latency": latency,
    "front": front,
    "graph": graph,
    "inspect": inspected,
}
