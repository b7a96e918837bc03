"""SlimGUI at a share of the MACs: the plan it finds by itself, then recovery step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from slimgui import engine
from slimgui.core.plan import Selection

STEPS = ("absorb", "recalibrate", "fold")  # with unlabelled samples
WITHOUT = "merge"  # without any


def selection(model: nn.Module, traced: engine.Traced, share: float, samples: Sequence[Tensor]) -> Selection:
    """What a user gets who types a target and names samples; inexact groups stay whole."""
    start = engine.Plan(only_exact=True)
    plan = engine.plan_for(traced, model, macs=1 - share, importance="input", samples=samples, plan=start)
    return engine.resolve(traced, plan, model)


def stages(
    model: nn.Module, traced: engine.Traced, found: Selection, samples: Sequence[Tensor]
) -> Iterator[tuple[str, nn.Module]]:
    """The model right after the cut, with what needs no samples, and after each step of recovery."""
    deployed = engine.deploy(model, traced, found)
    yield "cut", deployed.model
    yield WITHOUT, engine.recover(model, traced, deployed, None, [WITHOUT]).model
    for step in STEPS:
        deployed = engine.recover(model, traced, deployed, samples, [step])
        yield step, deployed.model
