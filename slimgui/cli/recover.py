"""What is done for the accuracy of one smaller model before it is saved."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from slimgui.cli.plans import statistics_of
from slimgui.core.recovery import RECOVERY

if TYPE_CHECKING:
    from slimgui.core.plan import Plan
    from slimgui.engine.data import Samples
    from slimgui.engine.deploy import Deployed
    from slimgui.engine.load import Loaded
    from slimgui.engine.trace import Traced

_USES: Final = " ".join(
    f"{name}: {known.when}{' (--samples)' if known.needs_samples else ''}" for name, known in RECOVERY.items()
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Recovery in steps, or norm statistics alone."""
    parser.add_argument(
        "--recalibrate", action="store_true", help="take norm statistics anew from --samples before saving"
    )
    parser.add_argument(
        "--recover",
        nargs="?",
        const="",
        metavar="STEPS",
        help="win accuracy back without training, by steps with commas between; default: all that --samples "
        "allow. " + _USES,
    )


def recovered(
    arguments: argparse.Namespace,
    loaded: Loaded,
    traced: Traced,
    plan: Plan,
    deployed: Deployed,
    data: Samples | None,
) -> tuple[Deployed, list[str]]:
    """The smaller model with better numbers, as the options say, and a sentence for each step."""
    from slimgui import engine

    if arguments.recover is not None:
        steps = [step for step in arguments.recover.split(",") if step] or None
        deployed = engine.recover(loaded.model, traced, deployed, data, steps)
        return deployed, [step.describe() for step in deployed.recovery]
    if arguments.recalibrate:
        assert data is not None, "checked with the other options"
        taken = engine.recalibrate(deployed, data)
        if not taken.recovery[-1].before:
            return deployed, ["It keeps no norm statistics that could be taken anew."]
        count = "" if data.size is None else f"{data.size:,} samples of "
        return taken, [f"Its norm statistics were taken anew, of {count}{Path(data.source).name}."]
    if own := statistics_of(arguments, traced, plan):
        said = f"Its norm statistics are those of {own.samples}."
        return engine.with_statistics(deployed, own.file), [said]
    return deployed, []


def recovery_rows(deployed: Deployed) -> list[dict[str, object]]:
    """Every step as plain data: what changed, what was left alone, distances before and after."""
    return [
        {
            "step": step.method,
            "changed": sorted(step.before),
            "left": [str(reason) for reason in step.left],
            "distance": step.distance,
        }
        for step in deployed.recovery
    ]
