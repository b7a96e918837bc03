"""The criteria by which channels are judged, and when to use which; the functions are in the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from slimgui.errors import PlanError


@dataclass(frozen=True, slots=True)
class Criterion:
    """One way to judge channels: when to use it, and whether it looks at data."""

    when: str
    needs_samples: bool = False


CRITERIA: Final = {
    "l1": Criterion("The usual start: the size of a channel's weights."),
    "l2": Criterion("Like l1, but a few large weights count more than many small ones."),
    "lamp": Criterion("For one threshold over all groups: keeps the best channels of every group."),
    "norm": Criterion("For models trained with a penalty on the scales of their norms (network slimming)."),
    "fpgm": Criterion("Where all channels are about as large: removes those that others can stand for."),
    "random": Criterion("A yardstick: any other one should beat it."),
    "first": Criterion("For supernets, which are trained to keep their first channels when they narrow."),
    "input": Criterion("With unlabelled data, before the least-squares fold: what a constant loses.", True),
    "activation": Criterion("With unlabelled data: removes channels that are hardly ever on.", True),
    "taylor": Criterion("With data, best labelled: what the loss changes, to first order.", True),
    "fisher": Criterion("Like taylor, from each sample on its own: slower, steadier.", True),
}


def find_criterion(name: str) -> Criterion:
    """The criterion of that name. Raises PlanError when there is none."""
    if name not in CRITERIA:
        raise PlanError(f"There is no criterion {name!r}.", "", f"Choose one of: {', '.join(CRITERIA)}.")
    return CRITERIA[name]


def looks_at_data(name: str) -> bool:
    """Whether the criterion of that name judges channels by data; a name that nobody knows does not."""
    return name in CRITERIA and CRITERIA[name].needs_samples
