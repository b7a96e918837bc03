"""What is to be left of a model, as people write it: "macs=50%", "params=11M", "macs=-30%"."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from slimgui.core.cost import CostModel, full_counts
from slimgui.core.groups import Group
from slimgui.core.plan import Plan
from slimgui.core.resolve import counts
from slimgui.core.variants import smallest_counts
from slimgui.errors import PlanError, TargetError

if TYPE_CHECKING:
    from slimgui.core.resolve import Scores

RESOURCES: Final = {
    "macs": "MACs",
    "params": "parameters",
    "bytes": "bytes",
    "activation_bytes": "bytes of activations",
}
NAMES: Final = {
    **RESOURCES,
    "latency": "time",
}  # what can have a target; latency is known once it is measured
_OF_BYTES: Final = ("bytes", "activation_bytes")  # their amounts may end with B, as they are shown
WHEN: Final = {
    "macs": "The usual start: how much is computed, the same on every machine.",
    "params": "For a smaller file and less memory for weights.",
    "bytes": "Like params, where weights have several types, and with buffers.",
    "activation_bytes": "Where memory of the running model is short: large images, small devices.",
    "latency": "For one device, measured there: fewer MACs need not take less time.",
}  # a sentence for each of NAMES
_TEXT: Final = re.compile(
    r"(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<unit>%|[kKMGT]?)(?P<bytes>B?)"
)
_BETWEEN: Final = re.compile(r";|,(?!\d)|(?<!\d),")  # a comma between digits is one of a number
_TWO_READINGS: Final = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}\D*")
_UNITS: Final = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_HOW: Final = "Write what is to be left: 50%, 2.0G, or -50% for a reduction."


@dataclass(frozen=True, slots=True)
class Target:
    """The most that may be left of one resource.

    Attributes:
        resource: a key of NAMES.
        amount: a share of the whole model, or a number.
        is_share: which of the two.
    """

    resource: str
    amount: float
    is_share: bool

    def limit(self, whole: int) -> int:
        """The most that may be left, of `whole`."""
        return math.floor(self.amount * whole + 1e-6) if self.is_share else math.floor(self.amount)

    def __str__(self) -> str:
        amount = f"{100 * self.amount:g} % of the" if self.is_share else short(self.amount)
        return f"keeps {amount} {NAMES[self.resource]}"


@dataclass(frozen=True, slots=True)
class Reach:
    """What a resource can come down to: with every group as small as allowed, now, and whole."""

    minimum: int
    now: int
    maximum: int

    def __str__(self) -> str:
        low, now, high = map(short, (self.minimum, self.now, self.maximum))
        share = f"{100 * self.minimum / self.maximum:.3g} %" if self.maximum else "nothing"
        return f"from {low} ({share}) to {high}, now {now}"


def short(value: float) -> str:
    """Four digits with a metric unit: 1234567 -> "1.235 M"."""
    for unit in ("", "k", "M", "G"):
        if abs(value) < 999.95:
            return f"{value:.4g} {unit}".strip()
        value /= 1000
    return f"{value:.4g} T"


def target(resource: str, wanted: float | str) -> Target:
    """The target that `wanted` means: up to 1 a share, above it a number; text as in the module docstring.

    Raises:
        PlanError: there is no such resource, or the amount is none.
    """
    known = resource.strip().replace("-", "_")
    if known not in NAMES:
        raise PlanError(f"There is no target {resource!r}.", "", f"Choose one of: {', '.join(NAMES)}.")
    match = _TEXT.fullmatch(_with_point(str(wanted).strip()))
    if match is None or (match["bytes"] and known not in _OF_BYTES):
        raise PlanError(f"{wanted!r} is no amount.", "", _HOW)
    number, unit = float(match["number"]), match["unit"]
    is_share = unit == "%" or (not (unit or match["bytes"]) and abs(number) <= 1)
    if known == "latency" and not is_share:
        raise PlanError(f"A latency of {wanted} is no share.", "", "Write what is to be left of it: 60%.")
    amount = number * (0.01 if unit == "%" else _UNITS[unit])
    if match["number"].startswith("-"):
        if not is_share or amount < -1:
            raise PlanError(f"Nothing can be reduced by {str(wanted).strip().lstrip('-')}.", "", _HOW)
        amount += 1
    return Target(known, amount, is_share)


def _with_point(amount: str) -> str:
    """`amount` with a decimal point, also where people write a comma. Raises PlanError for "1,500"."""
    if _TWO_READINGS.fullmatch(amount):
        joined, pointed = amount.replace(",", ""), amount.replace(",", ".")
        raise PlanError(f"{amount!r} can be read in two ways.", "", f"Write {joined} or {pointed}.")
    return amount.replace(",", ".", 1)


def parse_targets(text: str) -> tuple[Target, ...]:
    """The targets in "macs=50%, params=30%". Raises PlanError."""
    found: dict[str, Target] = {}
    for part in filter(None, map(str.strip, _BETWEEN.split(text))):
        name, sign, amount = part.partition("=")
        if not sign:
            raise PlanError(f"{part!r} is no target.", "", "Write it like this: macs=50%.")
        one = target(name, amount)
        if one.resource in found:
            raise PlanError(f"{one.resource!r} has two targets.", "", "Give one.")
        found[one.resource] = one
    if not found:
        raise PlanError("Nothing says what is to be left.", "", "Write it like this: macs=50%.")
    return tuple(found.values())


def reach(
    groups: Sequence[Group], cost: CostModel, plan: Plan, scores: Scores | None = None
) -> dict[str, Reach]:
    """What every resource can come down to within the limits of `plan`, and what it is under `plan` now.

    Args:
        groups: as found by `trace`.
        cost: closed forms of the cost.
        plan: locks, rounding, minima and written counts are kept.
        scores: as in `counts`.

    Raises:
        PlanError: the plan does not fit these groups.
    """
    low, now = cost.at(smallest_counts(groups, plan)), cost.at(counts(groups, plan, scores))
    high = cost.at(full_counts(groups))
    names = NAMES if cost.latency else RESOURCES
    return {name: Reach(*(getattr(each, name) for each in (low, now, high))) for name in names}


def _range(resource: str, reach: Reach) -> str:
    """A range in words; of time in shares, since its unit is for the search alone."""
    if resource == "latency":
        return f"{100 * reach.minimum / reach.maximum:.0f} % of the time stay by the measured ops"
    return f"{NAMES[resource]} go {reach}"


def limits(targets: Sequence[Target], reachable: Mapping[str, Reach]) -> dict[str, int]:
    """The most that may be left of every resource.

    Raises:
        PlanError: the latency is not known.
        TargetError: less than the minimum is asked for; it holds what can be reached.
    """
    if any(one.resource not in reachable for one in targets):
        raise PlanError("Nobody has measured how long the model takes.", "", "See `plan_for_latency`.")
    result = {one.resource: one.limit(reachable[one.resource].maximum) for one in targets}
    missed = [one for one in targets if result[one.resource] < reachable[one.resource].minimum]
    if missed:
        names = " and ".join(str(one).removeprefix("keeps ") for one in missed)
        ranges = "; ".join(_range(one.resource, reachable[one.resource]) for one in missed)
        raise TargetError(
            f"No plan leaves only {names}.",
            f"With every group as small as its limits allow, {ranges}.",
            "Leave more, or unlock groups and lower the minima.",
            {name: (each.minimum, each.now, each.maximum) for name, each in reachable.items()},
        )
    return result
