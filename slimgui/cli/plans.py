"""The options of `slimgui slim` that say what is wanted -> a plan for the traced model."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from slimgui.cli.exits import UsageError
from slimgui.core.criteria import CRITERIA
from slimgui.core.targets import WHEN
from slimgui.errors import PlanError

if TYPE_CHECKING:
    from slimgui.core.plan import Plan
    from slimgui.core.plan_set import PlanSet, Statistics
    from slimgui.core.sensitivity import Sensitivity
    from slimgui.core.targets import Target
    from slimgui.engine.trace import Traced

USES: Final = " ".join(
    f"{name}: {known.when}{' (--samples)' if known.needs_samples else ''}" for name, known in CRITERIA.items()
)
_SCOPES: Final = (
    "local: of every group, the safe start; global: the least important of all groups, where some can spare "
    "more than others; isomorphic: of groups of one structure, where these differ, as attention and MLPs do"
)
# Options that set one field of the plan, over what the file given by --plan says.
_FIELDS: Final = (
    ("--scope", "scope", str, _SCOPES),
    ("--round-to", "round_to", int, "round counts up to a multiple of this"),
    ("--bins", "bins", int, "shrink every group in this many equal steps"),
    ("--min-count", "min_count", int, "channels that always stay in a group"),
    ("--min-ratio", "min_ratio", float, "share of every group that always stays, 0 to 1"),
    ("--importance", "importance", str, "what says which channels go first; " + USES),
)
_WANTED: Final = ("ratio", "plan", "minimum", "sample", "target", "ratio_of", "count", "channels")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Everything that makes up a plan."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--ratio", type=float, help="share of the channels to remove, 0 to 1")
    how.add_argument("--plan", help="a file: a plan, a channel_cfg (.yaml) or choices of units (.json)")
    how.add_argument("--minimum", action="store_true", help="make every group as small as the limits allow")
    how.add_argument("--sample", type=int, metavar="SEED", help="draw a random count for every group")
    parser.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="NAME=LEFT",
        help="what is to be left: macs=50%%, params=11M, macs=-30%% (a reduction); several hold together. "
        + " ".join(f"{name}: {when}" for name, when in WHEN.items()),
    )
    parser.add_argument(
        "--sensitivity",
        metavar="FILE",
        help="search for the --target by what `slimgui sensitivity` measured (its --out)",
    )
    parser.add_argument("--plan-name", metavar="NAME", help="of a file with several plans, this one")
    pairs: tuple[tuple[str, str, Callable[[str], object], str], ...] = (
        ("--ratio-of", "PATH=SHARE", float, "share to remove of the groups at or below a path"),
        ("--count", "NAME=N", int, "channels that stay in a group, named by its id or a layer"),
        ("--channels", "NAME=LIST", _channels, "the channels that stay in a group: 0-7,12"),
    )
    for option, shown, read, text in pairs:
        parser.add_argument(option, action="append", default=[], metavar=shown, type=_pair(read), help=text)
    for option, shown, text in (
        ("--lock", "PATH", "leave every layer at or below a path as it is"),
        ("--whole", "NAME", "leave one group whole, named by its id or a layer"),
    ):
        parser.add_argument(option, action="append", default=[], metavar=shown, help=text)
    parser.add_argument("--only-exact", action="store_true", help="leave inexact groups whole")
    for option, field, kind, text in _FIELDS:
        parser.add_argument(option, dest=field, type=kind, help=text)


def says_something(arguments: argparse.Namespace) -> bool:
    """Whether any option says what to remove."""
    return any(getattr(arguments, name) not in (None, False, []) for name in _WANTED)


def targets_of(arguments: argparse.Namespace) -> tuple[Target, ...]:
    """What the options want to be left.

    Raises:
        UsageError: a target is written wrongly, or another option says what is to be removed.
    """
    from slimgui.core.targets import parse_targets

    if not arguments.target:
        if arguments.sensitivity:
            raise UsageError("--sensitivity says how to meet a --target: give one.")
        return ()
    for name in ("ratio", "minimum", "sample", "ratio_of"):
        if getattr(arguments, name) not in (None, False, []):
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"--target says what is left, {option} what is removed: give one of them.")
    try:
        targets = parse_targets(", ".join(arguments.target))
    except PlanError as error:
        raise UsageError(str(error).replace("\n", " ")) from None
    if arguments.sensitivity and any(one.resource == "latency" for one in targets):
        raise UsageError("A target of latency goes by importance: leave --sensitivity out.")
    return targets


def sensitivity_of(arguments: argparse.Namespace) -> Sensitivity | None:
    """What was measured of every group, where the options name it. Raises PlanError for another file."""
    from slimgui.core.sensitivity import read_points

    return read_points(arguments.sensitivity) if arguments.sensitivity else None


def plan_for(arguments: argparse.Namespace, traced: Traced) -> Plan:
    """The plan that the options make up, targets left out.

    Raises:
        PlanError: the file is no plan or does not fit, or a value is out of range.
    """
    from slimgui.core import variants
    from slimgui.core.plan import Plan

    plan = _from_file(arguments, traced).plan if arguments.plan else Plan(ratio=arguments.ratio or 0.0)
    given = {
        field: getattr(arguments, field)
        for _, field, _, _ in _FIELDS
        if getattr(arguments, field) is not None
    }
    locked = tuple(dict.fromkeys((*plan.locked, *arguments.lock)))
    given["whole"] = tuple(dict.fromkeys((*plan.whole, *arguments.whole)))
    plan = replace(plan, **given, locked=locked, only_exact=plan.only_exact or arguments.only_exact)
    if arguments.minimum:
        plan = variants.minimum(traced, plan)
    elif arguments.sample is not None:
        plan = variants.sample(traced, arguments.sample, plan)
    for path, ratio in arguments.ratio_of:
        plan = plan.with_ratio(path, ratio)
    for name, count in arguments.count:
        plan = plan.with_count(name, count)
    for name, kept in arguments.channels:
        plan = plan.with_indices(name, kept)
    return plan


def statistics_of(arguments: argparse.Namespace, traced: Traced, plan: Plan) -> Statistics | None:
    """The statistics that the file given by --plan has for `plan`, when no option changed that plan."""
    if not arguments.plan:
        return None
    plans = _from_file(arguments, traced)
    own = plans.fresh.get(plans.current)
    return own if own is not None and own.plan == plan else None


def _from_file(arguments: argparse.Namespace, traced: Traced) -> PlanSet:
    from slimgui.engine.plan_files import read_plans

    plans = read_plans(Path(arguments.plan), traced)
    return plans.switched(arguments.plan_name) if arguments.plan_name else plans


def _channels(text: str) -> tuple[int, ...]:
    from slimgui.core.words import from_ranges

    return from_ranges(text)


def _pair(kind: Callable[[str], object]) -> Callable[[str], tuple[str, object]]:
    """Reads NAME=VALUE; a name may hold an equals sign itself."""

    def read(text: str) -> tuple[str, object]:
        name, sign, value = text.rpartition("=")
        if not sign or not name:
            raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
        try:
            return name, kind(value)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{value!r} is no number") from None

    return read
