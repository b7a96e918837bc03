"""`slimgui slim`: choose, cut, prove, recover, save."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from slimgui.cli import latency, report
from slimgui.cli.exits import Exit, UsageError
from slimgui.cli.opening import PROVING, opened
from slimgui.cli.plans import plan_for, says_something, targets_of
from slimgui.cli.progress import Step
from slimgui.cli.report import Answer
from slimgui.cli.samples import samples_of
from slimgui.core.file_formats import format_of

if TYPE_CHECKING:
    from slimgui.core.budget import Found
    from slimgui.core.plan import Plan, Selection
    from slimgui.core.targets import Target
    from slimgui.engine.data import Samples
    from slimgui.engine.estimate import Estimate
    from slimgui.engine.latency_target import Timed
    from slimgui.engine.load import Loaded
    from slimgui.engine.trace import Traced

_STEPS: Final = 6


@dataclass(frozen=True)
class _Job:
    """What is cut and how: everything that is known before the smaller model is built."""

    arguments: argparse.Namespace
    loaded: Loaded
    traced: Traced
    data: Samples | None
    targets: tuple[Target, ...]
    found: Found | None
    timed: Timed | None
    plan: Plan
    selection: Selection
    needs: Estimate


def slim(arguments: argparse.Namespace, step: Step) -> Answer:
    """Make a smaller model and save it, or say what it would be."""
    from slimgui import engine

    _check_usage(arguments)
    job = _chosen(arguments, step)
    row, lines = _described(job)
    lines += _export(job)
    if arguments.dry_run:
        lines += [str(job.needs)] if job.needs.is_long else []
        return Answer({**row, "dry_run": True}, "\n".join(lines))
    if job.needs.is_long:
        print(job.needs, file=sys.stderr)  # before it begins: the answer comes at the end
    engine.check_room(arguments.out, job.needs.disk)
    made = _made(job, step)
    return Answer({**row, **made.row}, "\n".join([*lines, made.text]), made.status)


def _check_usage(arguments: argparse.Namespace) -> None:
    if not says_something(arguments):
        raise UsageError("Nothing says what to remove: give --ratio, --target, --plan or another option.")
    if not arguments.out and not arguments.dry_run:
        raise UsageError("Nothing says where to save the smaller model: give --out, or --dry-run.")
    if arguments.out:
        format_of(arguments.out, arguments.format)
    if arguments.plan and not Path(arguments.plan).is_file():
        raise UsageError(f"There is no plan {arguments.plan}.")
    if arguments.report and arguments.dry_run:
        raise UsageError("--report is about a saved model: it takes --out, not --dry-run.")
    if arguments.recalibrate and not arguments.samples:
        raise UsageError("--recalibrate takes statistics of --samples: name them.")
    if arguments.recalibrate and arguments.recover is not None:
        raise UsageError("--recover takes norm statistics too: leave --recalibrate out.")
    if arguments.steps < 1:
        raise UsageError("--steps takes a number from 1.")
    if arguments.steps != 1 and not arguments.export_plan:
        raise UsageError("--steps takes effect with --export-plan only.")


def _chosen(arguments: argparse.Namespace, step: Step) -> _Job:
    """Open the model, and say which channels stay."""
    from slimgui import engine

    steps = 3 if arguments.dry_run else _STEPS
    targets = targets_of(arguments)
    loaded, traced = opened(arguments, step, steps)
    step("Choosing the channels that stay", 2, steps)
    data = samples_of(arguments, loaded) if arguments.samples else None
    plan = plan_for(arguments, traced)
    found, timed = latency.meet(arguments, loaded.model, traced, targets, plan, data, step)
    plan = found.plan if found else plan
    selection = engine.resolve(traced, plan, loaded.model, data)
    needs = engine.estimate(loaded.model, traced, selection)
    return _Job(arguments, loaded, traced, data, targets, found, timed, plan, selection, needs)


def _described(job: _Job) -> tuple[dict[str, object], list[str]]:
    """What was chosen, as JSON and in sentences."""
    from slimgui import engine
    from slimgui.core.words import describe

    before, after = engine.cost(job.traced), engine.cost(job.traced, job.selection)
    samples = [job.data.describe()] if job.data else []
    row = {
        "source": job.loaded.source,
        "groups": len(job.traced.groups),
        **report.change_row(before, after),
        "plan": json.loads(job.plan.to_json()),
        "words": describe(job.plan),
        "counts": job.selection.counts(),
        "samples": samples[0] if samples else None,
        "notes": list(job.loaded.notes),
        **report.target_row(job.targets, job.found),
        "estimate": {
            "memory": job.needs.memory,
            "disk": job.needs.disk,
            "seconds": round(job.needs.seconds, 1),
        },
    }
    times, said = latency.timed_report(job.timed, job.targets) if job.timed else ({}, [])
    lines = [*job.loaded.notes, *samples, *report.target_lines(job.targets, job.found)]
    return {**row, **times}, [*lines, describe(job.plan), report.change_line(before, after), *said]


def _export(job: _Job) -> list[str]:
    """Write what the export options ask for; a sentence for each file."""
    from slimgui import engine
    from slimgui.core.plan_set import PlanSet
    from slimgui.core.resolve import write_out
    from slimgui.core.text_files import write_text

    arguments = job.arguments
    if arguments.export_plan:
        plans = [write_out(job.traced.groups, job.selection)]
        if arguments.steps > 1:
            plans = [*engine.steps(job.traced, job.plan, job.loaded.model, arguments.steps, job.data)]
        write_text(arguments.export_plan, PlanSet.numbered("Step", plans).to_json())
    if arguments.export_config:
        engine.write_config(arguments.export_config, job.traced, job.selection)
    if arguments.export_kept:
        engine.write_kept(arguments.export_kept, job.traced, job.selection)
    paths = (arguments.export_plan, arguments.export_config, arguments.export_kept)
    return [f"Wrote {path}." for path in paths if path]


def _made(job: _Job, step: Step) -> Answer:
    """Deploy, prove, recover and save; what is not proven is saved only when that was accepted."""
    from slimgui import engine
    from slimgui.cli.page import write_page
    from slimgui.cli.recover import recovered, recovery_rows

    step("Building the smaller model", 3, _STEPS)
    hollow = job.needs.hollow and job.arguments.recover is None  # what recovery changes has to be there
    deployed = engine.deploy(job.loaded.model, job.traced, job.selection, hollow=hollow)
    step(PROVING, 4, _STEPS)
    proof = engine.verify(job.loaded.model, deployed, job.traced.inputs)
    proven = proof.passed and proof.level != "structural"
    status = Exit.DONE if proven else Exit.UNPROVEN
    line = report.proof_line(proof)
    row: dict[str, object] = {"proof": report.proof_row(proof)}
    if not proven and not job.arguments.accept_unproven:
        hint = "Cut less, or say --accept-unproven if you know why."
        return Answer({**row, "out": None}, f"{line}\nNothing was saved. {hint}", status)
    deployed = replace(deployed, source=job.loaded.source, proof=proof)
    deployed, said = recovered(job.arguments, job.loaded, job.traced, job.plan, deployed, job.data)
    step("Writing the file and reading it back", 5, _STEPS)
    saved = engine.save(
        deployed,
        job.arguments.out,
        format=job.arguments.format,
        force=job.arguments.accept_unproven,
        replace_original=job.arguments.replace_original,
    )
    lines = [line, *said, *report.saved_lines(saved)]
    if job.arguments.report:
        lines.append(write_page(job.arguments.report, job.loaded, job.data, job.plan, deployed, saved, said))
    row |= {"statistics": " ".join(said), "recovery": recovery_rows(deployed)}
    return Answer({**row, **report.saved_row(saved)}, "\n".join(lines), status)
