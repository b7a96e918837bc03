"""What a group alone loses when it is cut, in words: no Qt."""

from __future__ import annotations

from slimgui.core import wire
from slimgui.core.sensitivity import Measure
from slimgui.gui.facts import text


def losses(sensed: wire.Sensed | None, row: wire.GroupRow) -> list[str]:
    """A sentence per measured count of a group, from most channels to fewest; [] when nothing is known."""
    if sensed is None:
        return []
    curve = sensed.sensitivity.curve(row.id, row.size)[:-1]
    return [
        f"{_part(count, row.size)} costs {_loss(loss, sensed.measure)}." for count, loss in reversed(curve)
    ]


def _part(count: int, size: int) -> str:
    """How much goes."""
    if 2 * count == size:
        return "Cutting half of it"
    return f"Cutting it to {count} of {size}"


def _loss(loss: float, measure: Measure) -> str:
    if measure == "accuracy":
        return f"{100 * loss:.1f} points of accuracy"
    if measure == "score":
        return f"{loss:.4g} by your own measure"
    return f"{text.percent(loss, 1)} of the outputs"
