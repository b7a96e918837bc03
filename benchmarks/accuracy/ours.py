"""SlimGUI at a share of the MACs: uniform counts, channels chosen by what is lost with them, recovery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from slimgui import engine
from slimgui.core import resolve
from slimgui.core.plan import Selection
from slimgui.engine.importance import Scores

STEPS = ("absorb", "recalibrate", "fold")


def selection(traced: engine.Traced, scores: Scores, target: float) -> Selection:
    """The uniform plan whose MACs come nearest below `target`."""
    low, high = 0.0, 0.99
    for _ in range(30):
        ratio = (low + high) / 2
        found = resolve.resolve(traced.groups, scores, engine.Plan(ratio=ratio, only_exact=True))
        low, high = (ratio, high) if engine.cost(traced, found).macs > target else (low, ratio)
    return resolve.resolve(traced.groups, scores, engine.Plan(ratio=high, only_exact=True))


def stages(
    model: nn.Module, traced: engine.Traced, found: Selection, samples: Sequence[Tensor]
) -> Iterator[tuple[str, nn.Module]]:
    """The model right after the cut, and after each step of recovery."""
    deployed = engine.deploy(model, traced, found)
    yield "cut", deployed.model
    for step in STEPS:
        deployed = engine.recover(model, traced, deployed, samples, [step])
        yield step, deployed.model
