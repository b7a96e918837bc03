"""The criteria by which channels are judged, and when to use which; the functions are in the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from slimgui.errors import PlanError


@dataclass(frozen=True, slots=True)
class Criterion:
    """One way to judge channels: what it is called, when to use it, and whether it looks at data."""

    title: str
    when: str
    needs_samples: bool = False


CRITERIA: Final = {
    "l1": Criterion("L1 norm", "The usual start: the size of a channel's weights."),
    "l2": Criterion("L2 norm", "Like l1, but a few large weights count more than many small ones."),
    "lamp": Criterion("LAMP", "For one threshold over all groups: keeps the best channels of every group."),
    "norm": Criterion(
        "Norm scales", "For models trained with a penalty on the scales of their norms (network slimming)."
    ),
    "fpgm": Criterion(
        "Geometric median", "Where all channels are about as large: removes those that others can stand for."
    ),
    "random": Criterion("Random", "A yardstick: any other one should beat it."),
    "first": Criterion(
        "First channels", "For supernets, which are trained to keep their first channels when they narrow."
    ),
    "input": Criterion(
        "Input", "With unlabelled data, before the least-squares fold: what a constant loses.", True
    ),
    "activation": Criterion(
        "Activation", "With unlabelled data: removes channels that are hardly ever on.", True
    ),
    "taylor": Criterion("Taylor", "With data, best labelled: what the loss changes, to first order.", True),
    "fisher": Criterion("Fisher", "Like taylor, from each sample on its own: slower, steadier.", True),
}


def find_criterion(name: str) -> Criterion:
    """The criterion of that name. Raises PlanError when there is none."""
    if name not in CRITERIA:
        raise PlanError(f"There is no criterion {name!r}.", "", f"Choose one of: {', '.join(CRITERIA)}.")
    return CRITERIA[name]


def looks_at_data(name: str) -> bool:
    """Whether the criterion of that name judges channels by data; a name that nobody knows does not."""
    return name in CRITERIA and CRITERIA[name].needs_samples


def title_of(name: str) -> str:
    """What the criterion of that name is called; a name that nobody knows stands for itself."""
    return CRITERIA[name].title if name in CRITERIA else name
