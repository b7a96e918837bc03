"""What measured time says of a plan: where it does not follow the MACs, and which multiples help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from slimgui.core.groups import Group
from slimgui.core.latency import LatencyModel
from slimgui.core.plan import Plan
from slimgui.core.resolve import free_groups

MULTIPLES: Final = (8, 16, 32)
WORTH: Final = 0.02  # of the time: what is less is not worth a change, nor can it be told from noise
STALLED: Final = 0.25  # of the reduction of MACs: where time falls by less, it does not follow


@dataclass(frozen=True, slots=True)
class Rounded:
    """What rounding counts up would give.

    Attributes:
        multiple: of all counts that may change.
        seconds: with these counts, as the model says.
        saved: share of the time that goes, although more channels stay.
    """

    multiple: int
    seconds: float
    saved: float

    def __str__(self) -> str:
        return (
            f"Counts rounded up to multiples of {self.multiple} keep more channels and take "
            f"{100 * self.saved:.0f} % less time here."
        )


def stalled(macs_left: float, time_left: float) -> str:
    """A warning where MACs fall and time does not, or ""; both as shares of the whole model."""
    if macs_left > 1 - WORTH or 1 - time_left >= STALLED * (1 - macs_left):
        return ""
    moved = "does not" if time_left > 1 - WORTH else "hardly does"
    return f"MACs fall to {100 * macs_left:.0f} %, but time {moved}: {100 * time_left:.0f} % of it stay."


def helpful_multiple(
    latency: LatencyModel, groups: Sequence[Group], plan: Plan, counts: Mapping[str, int]
) -> Rounded | None:
    """The multiple that saves most time when counts are rounded up to it; None where none helps.

    Args:
        latency: of the model, on the device.
        groups: as found by `trace`.
        plan: its locks say which counts may not change.
        counts: of every group, under the plan.
    """
    now = latency.at(counts)
    cut = [group for group in free_groups(groups, plan) if counts[group.id] < group.size]
    best = None
    for multiple in MULTIPLES:
        up = {g.id: min(g.size, -(-counts[g.id] // multiple) * multiple) for g in cut}
        seconds = latency.at({**counts, **up})
        saved = 1 - seconds / now
        if saved >= WORTH and (best is None or saved > best.saved + WORTH):
            best = Rounded(multiple, seconds, saved)
    return best
