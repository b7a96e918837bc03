"""Norm statistics taken anew for every plan in a file."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from slimgui.cli import samples
from slimgui.cli.opening import opened
from slimgui.cli.progress import Step
from slimgui.cli.report import Answer

PHASE = "Taking the statistics of every norm"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The plans that get statistics, and what those are taken of."""
    parser.add_argument("plans", help="a file of named plans (.json)")
    samples.add_options(parser, required=True)
    parser.add_argument("--out", required=True, help="the file of plans to write; the numbers go beside it")


def recalibrated(arguments: argparse.Namespace, step: Step) -> Answer:
    """`slimgui recalibrate`: take the statistics of the smaller model of every plan, and write them down."""
    from slimgui import engine
    from slimgui.core.plan_set import Statistics
    from slimgui.core.plan_store import write_plans

    loaded, traced = opened(arguments, step)
    plans = engine.read_plans(arguments.plans, traced)
    data = samples.samples_of(arguments, loaded)
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, plan) in enumerate(plans.plans):
            step(f"{PHASE}: {name}", number, len(plans.plans))
            deployed = engine.deploy(loaded.model, traced, engine.resolve(traced, plan, loaded.model))
            path = Path(folder, f"{number}.safetensors")
            count = engine.take_statistics(deployed, data, path)
            own = Statistics(plan, str(path), f"{count:,} samples of {Path(data.source).name}")
            plans = plans.with_statistics(name, own)
        write_plans(arguments.out, plans)
    owns = {name: own.samples for name, own in plans.statistics}
    lines = [data.describe(), *(f"{name} has norm statistics of {own}." for name, own in owns.items())]
    row = {"source": loaded.source, "samples": data.describe(), "statistics": owns, "out": arguments.out}
    return Answer(row, "\n".join([*lines, f"Wrote {arguments.out}."]))
