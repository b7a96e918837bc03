"""What a group alone loses when it is cut, in words: no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from slimgui.core import wire
from slimgui.core.sensitivity import Measure
from slimgui.gui.facts import text

_OF: Final[dict[Measure, str]] = {
    "accuracy": "points of accuracy",
    "score": "your own measure",
    "distance": "change of the outputs",
}


@dataclass(frozen=True, slots=True)
class Losses:
    """What was measured of one group; `of`: what is lost. `rows`: channels that stay, and the loss."""

    of: str
    rows: tuple[tuple[int, str], ...]


def losses(sensed: wire.Sensed | None, row: wire.GroupRow) -> Losses | None:
    """The losses of a group, from most channels to fewest; None when nothing is known."""
    if sensed is None:
        return None
    curve = sensed.sensitivity.curve(row.id, row.size)[:-1]
    rows = tuple((count, _loss(loss, sensed.measure)) for count, loss in reversed(curve))
    return Losses(_OF[sensed.measure], rows) if rows else None


def _loss(loss: float, measure: Measure) -> str:
    if measure == "accuracy":
        return f"{100 * loss:.1f}"
    return f"{loss:.4g}" if measure == "score" else text.percent(loss, 1)
