"""`slimgui front`: the best plan for every cost, from the smallest model to the whole one."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from slimgui.cli import plans, samples
from slimgui.cli.exits import UsageError
from slimgui.cli.opening import opened
from slimgui.cli.progress import Step
from slimgui.cli.report import Answer, totals
from slimgui.core.targets import RESOURCES, short

if TYPE_CHECKING:
    from slimgui.core.budget import Found

_HOW_MUCH: Final = ("ratio", "minimum", "sample", "target", "ratio_of", "sensitivity")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Along which resource, how finely, and within which limits."""
    parser.add_argument(
        "--resource", choices=list(RESOURCES), default="macs", help="what the plans go down in; default: macs"
    )
    parser.add_argument(
        "--points", type=int, default=20, metavar="N", help="plans to look for, 2 or more; default: 20"
    )
    parser.add_argument(
        "--export-plans", metavar="FILE", help="write all plans, by their shares (.json), for --plan-name"
    )
    plans.add_options(parser)
    samples.add_options(parser)


def front(arguments: argparse.Namespace, step: Step) -> Answer:
    """`slimgui front`: a line for every plan; none costs less than another and keeps more."""
    from slimgui import engine

    _check_usage(arguments)
    loaded, traced = opened(arguments, step)
    data = samples.samples_of(arguments, loaded) if arguments.samples else None
    found = engine.pareto(
        traced,
        loaded.model,
        arguments.resource,
        points=arguments.points,
        samples=data,
        plan=plans.plan_for(arguments, traced),
    )
    shares = _shares(found, arguments.resource, getattr(engine.cost(traced), arguments.resource))
    wrote = [_export(arguments, found, shares)] if arguments.export_plans else []
    rows = [_row(each, share) for each, share in zip(found, shares, strict=True)]
    row = {"source": loaded.source, "resource": arguments.resource, "points": rows}
    lines = [_line(each, share, arguments.resource) for each, share in zip(found, shares, strict=True)]
    return Answer(row, "\n".join([*lines, *wrote]))


def _check_usage(arguments: argparse.Namespace) -> None:
    for name in _HOW_MUCH:
        if getattr(arguments, name) not in (None, False, []):
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"A front goes from the smallest model to the whole one: leave {option} out.")
    if arguments.points < 2:
        raise UsageError("--points takes a number from 2.")


def _shares(found: Sequence[Found], resource: str, whole: int) -> list[float]:
    return [getattr(each.cost, resource) / whole if whole else 1.0 for each in found]


def _row(found: Found, share: float) -> dict[str, Any]:
    return {
        "left": share,
        "importance_kept": found.kept,
        **totals(found.cost),
        "activation_bytes": found.cost.activation_bytes,
        "counts": dict(found.plan.counts) or {name: len(kept) for name, kept in found.plan.indices},
    }


def _line(found: Found, share: float, resource: str) -> str:
    left = f"{100 * share:5.1f} % of the {RESOURCES[resource]}"
    return (
        f"{left}   {100 * found.kept:5.1f} % of the importance   {short(found.cost.params):>8} parameters   "
        f"{short(found.cost.macs):>8} MACs"
    )


def _export(arguments: argparse.Namespace, found: Sequence[Found], shares: Sequence[float]) -> str:
    """Write the plans under names of their own; a sentence."""
    from slimgui.core.plan_set import PlanSet
    from slimgui.core.text_files import write_text

    plans = zip(shares, (each.plan for each in found), strict=True)
    named = PlanSet.by_shares(RESOURCES[arguments.resource], plans)
    write_text(arguments.export_plans, named.to_json())
    return f"Wrote {arguments.export_plans}."
