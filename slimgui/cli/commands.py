"""The commands: parsed options -> an answer. torch is imported when one runs, not before."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from slimgui.cli import report
from slimgui.cli.exits import Exit, UsageError
from slimgui.cli.inspect import inspected
from slimgui.cli.plans import plan_for, says_something, targets_of
from slimgui.cli.progress import Step
from slimgui.cli.report import Answer
from slimgui.cli.samples import samples_of
from slimgui.core.file_formats import format_of

if TYPE_CHECKING:
    from torch import Tensor

    from slimgui.core.budget import Found
    from slimgui.core.plan import Plan, Selection
    from slimgui.core.targets import Target
    from slimgui.engine.data import Samples
    from slimgui.engine.estimate import Estimate
    from slimgui.engine.load import Loaded
    from slimgui.engine.trace import Traced

_READING: Final = "Reading the model"
_FOLLOWING: Final = "Following one input through the model"
_PROVING: Final = "Proving that it computes the same"


def groups(arguments: argparse.Namespace, step: Step) -> Answer:
    """`slimgui groups`: what can be cut, and why not."""
    from slimgui import engine

    step(_READING, 0, 2)
    loaded, inputs = _open(arguments)
    step(_FOLLOWING, 1, 2)
    traced = engine.trace(loaded.model, inputs)
    cost = engine.cost(traced)
    rows = [report.group_row(group) for group in traced.groups]
    lines = [*loaded.notes, *map(report.group_line, traced.groups), report.totals_line(len(rows), cost)]
    row = {"source": loaded.source, "groups": rows, **report.totals(cost), "notes": list(loaded.notes)}
    return Answer(row, "\n".join(lines))


def slim(arguments: argparse.Namespace, step: Step) -> Answer:
    """`slimgui slim`: choose, cut, prove, save."""
    from slimgui import engine
    from slimgui.core.words import describe

    _check_usage(arguments)
    targets = targets_of(arguments)
    steps = 3 if arguments.dry_run else 6
    step(_READING, 0, steps)
    loaded, inputs = _open(arguments)
    step(_FOLLOWING, 1, steps)
    traced = engine.trace(loaded.model, inputs)
    step("Choosing the channels that stay", 2, steps)
    data = samples_of(arguments, loaded) if arguments.samples else None
    plan, found, selection = _chosen(arguments, loaded, traced, targets, data)
    before, after = engine.cost(traced), engine.cost(traced, selection)
    row = {
        "source": loaded.source,
        "groups": len(traced.groups),
        **report.change_row(before, after),
        "plan": json.loads(plan.to_json()),
        "words": describe(plan),
        "counts": selection.counts(),
        "samples": data.describe() if data else None,
        "notes": list(loaded.notes),
        **report.target_row(targets, found),
    }
    lines = [*loaded.notes, *([data.describe()] if data else []), *report.target_lines(targets, found)]
    lines += [describe(plan), report.change_line(before, after)]
    lines += _export(arguments, loaded, traced, plan, selection, data)
    needs = engine.estimate(loaded.model, traced, selection)
    row["estimate"] = {"memory": needs.memory, "disk": needs.disk, "seconds": round(needs.seconds, 1)}
    if needs.is_long and not arguments.dry_run:
        print(needs, file=sys.stderr)  # before it begins: the answer comes at the end
    elif needs.is_long:
        lines.append(str(needs))
    if arguments.dry_run:
        return Answer({**row, "dry_run": True}, "\n".join(lines))
    engine.check_room(arguments.out, needs.disk)
    made = _make(arguments, loaded, traced, plan, selection, needs, step)
    return Answer({**row, **made.row}, "\n".join([*lines, made.text]), made.status)


def verify(arguments: argparse.Namespace, step: Step) -> Answer:
    """`slimgui verify`: the proof of a saved file, again."""
    from slimgui import engine
    from slimgui.engine.reopen import reopen

    step("Reading both models", 0, 2)
    original, deployed = reopen(
        arguments.original, arguments.small, arguments.model, arguments.input, arguments.trust_code
    )
    step(_PROVING, 1, 2)
    proof = engine.verify(original.model, deployed, deployed.inputs)
    row = {"original": original.source, "small": arguments.small, "proof": report.proof_row(proof)}
    return Answer(row, report.proof_line(proof), Exit.DONE if proof.passed else Exit.UNPROVEN)


def sensitivity(arguments: argparse.Namespace, step: Step) -> Answer:
    """`slimgui sensitivity`: what is lost when each group is cut alone."""
    from slimgui import engine
    from slimgui.cli.sensitivity import measured

    step(_READING, 0, 0)
    loaded, inputs = _open(arguments)
    step(_FOLLOWING, 0, 0)
    return measured(arguments, loaded, engine.trace(loaded.model, inputs), step)


def recalibrate(arguments: argparse.Namespace, step: Step) -> Answer:
    """`slimgui recalibrate`: norm statistics for every plan in a file."""
    from slimgui import engine
    from slimgui.cli.recalibrate import recalibrated

    step(_READING, 0, 0)
    loaded, inputs = _open(arguments)
    step(_FOLLOWING, 0, 0)
    return recalibrated(arguments, loaded, engine.trace(loaded.model, inputs), step)


COMMANDS: Final[dict[str, Callable[[argparse.Namespace, Step], Answer]]] = {
    "groups": groups,
    "slim": slim,
    "verify": verify,
    "sensitivity": sensitivity,
    "recalibrate": recalibrate,
    "inspect": inspected,
}


def _open(arguments: argparse.Namespace) -> tuple[Loaded, tuple[Tensor, ...]]:
    from slimgui.engine.heap import map_large_blocks
    from slimgui.engine.load import load, with_inputs

    map_large_blocks()
    loaded = with_inputs(
        load(arguments.source, arguments.model, trusted=arguments.trust_code), arguments.input
    )
    assert loaded.example_inputs is not None, "with_inputs gives some or raises"
    return loaded, loaded.example_inputs


def _check_usage(arguments: argparse.Namespace) -> None:
    if not says_something(arguments):
        raise UsageError("Nothing says what to remove: give --ratio, --target, --plan or another option.")
    if not arguments.out and not arguments.dry_run:
        raise UsageError("Nothing says where to save the smaller model: give --out, or --dry-run.")
    if arguments.out:
        format_of(arguments.out, arguments.format)
    if arguments.plan and not Path(arguments.plan).is_file():
        raise UsageError(f"There is no plan {arguments.plan}.")
    if arguments.recalibrate and not arguments.samples:
        raise UsageError("--recalibrate takes statistics of --samples: name them.")
    if arguments.steps < 1:
        raise UsageError("--steps takes a number from 1.")
    if arguments.steps != 1 and not arguments.export_plan:
        raise UsageError("--steps takes effect with --export-plan only.")


def _make(
    arguments: argparse.Namespace,
    loaded: Loaded,
    traced: Traced,
    plan: Plan,
    selection: Selection,
    needs: Estimate,
    step: Step,
) -> Answer:
    """Deploy, prove, take statistics and save; what is not proven is saved only when that was accepted."""
    from slimgui import engine
    from slimgui.cli.recalibrate import with_statistics

    step("Building the smaller model", 3, 6)
    deployed = engine.deploy(loaded.model, traced, selection, hollow=needs.hollow)
    step(_PROVING, 4, 6)
    proof = engine.verify(loaded.model, deployed, traced.inputs)
    proven = proof.passed and proof.level != "structural"
    status = Exit.DONE if proven else Exit.UNPROVEN
    row, line = {"proof": report.proof_row(proof)}, report.proof_line(proof)
    if not proven and not arguments.accept_unproven:
        hint = "Cut less, or say --accept-unproven if you know why."
        return Answer({**row, "out": None}, f"{line}\nNothing was saved. {hint}", status)
    deployed, said = with_statistics(arguments, loaded, traced, plan, deployed)
    step("Writing the file and reading it back", 5, 6)
    saved = engine.save(
        replace(deployed, source=loaded.source, proof=proof),
        arguments.out,
        format=arguments.format,
        force=arguments.accept_unproven,
        replace_original=arguments.replace_original,
    )
    lines = [line, *filter(None, [said]), *report.saved_lines(saved)]
    return Answer({**row, "statistics": said, **report.saved_row(saved)}, "\n".join(lines), status)


def _chosen(
    arguments: argparse.Namespace,
    loaded: Loaded,
    traced: Traced,
    targets: Sequence[Target],
    data: Samples | None,
) -> tuple[Plan, Found | None, Selection]:
    """The plan, what a search for targets found, and the channels that stay."""
    from slimgui import engine

    plan = plan_for(arguments, traced)
    found = engine.meet(traced, loaded.model, targets, plan, data) if targets else None
    plan = found.plan if found else plan
    return plan, found, engine.resolve(traced, plan, loaded.model, data)


def _export(
    arguments: argparse.Namespace,
    loaded: Loaded,
    traced: Traced,
    plan: Plan,
    selection: Selection,
    data: Samples | None,
) -> list[str]:
    """Write what the export options ask for; a sentence for each file."""
    from slimgui import engine
    from slimgui.core.plan_set import PlanSet
    from slimgui.core.resolve import write_out
    from slimgui.core.text_files import write_text

    if arguments.export_plan:
        plans = [write_out(traced.groups, selection)]
        if arguments.steps > 1:
            plans = [*engine.steps(traced, plan, loaded.model, arguments.steps, data)]
        write_text(arguments.export_plan, PlanSet.numbered("Step", plans).to_json())
    if arguments.export_config:
        engine.write_config(arguments.export_config, traced, selection)
    if arguments.export_kept:
        engine.write_kept(arguments.export_kept, traced, selection)
    paths = (arguments.export_plan, arguments.export_config, arguments.export_kept)
    return [f"Wrote {path}." for path in paths if path]
