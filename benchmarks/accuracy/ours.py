"""SlimGUI at a share of the MACs: uniform counts, channels chosen by what is lost with them, recovery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from slimgui import engine
from slimgui.core import resolve
from slimgui.core.plan import Selection
from slimgui.engine.consumers import Consumer, consumers_of
from slimgui.engine.importance import Scores
from slimgui.engine.meeting import chosen, meet
from slimgui.engine.products import Product, elements, memory
from slimgui.engine.structural import named_tensors

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


@torch.no_grad()
def by_input(model: nn.Module, traced: engine.Traced, samples: Sequence[Tensor]) -> Scores:
    """Importance: the variance of what a channel holds times the squares of the weights that read it."""
    whole = Selection({group.id: np.arange(group.size) for group in traced.groups})
    consumers, _ = consumers_of(traced, whole)
    weights = named_tensors(model)
    read: dict[str, Tensor] = {}
    for consumer in consumers:
        places, variance = _variance(model, consumer, samples)
        weight = weights[consumer.weight]
        lost = memory(weight)[places].square() * variance[:, :, None]
        total = read.setdefault(consumer.weight, torch.zeros(weight.numel(), dtype=torch.float64))
        total[elements(weight, places).reshape(-1)] += lost.reshape(-1).double()
    scores: Scores = {}
    for group in traced.groups:
        scores[group.id] = np.zeros(group.size)
        for member in group.members:
            if member.dim == 1 and member.parameter in read:  # where a weight of torch.nn reads channels
                lost = read[member.parameter].reshape(weights[member.parameter].shape).movedim(1, 0)
                scores[group.id] += lost.flatten(1).sum(1).numpy()[member.indices].sum(1)
    return scores


def _variance(model: nn.Module, consumer: Consumer, samples: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Places of the factors [g, k, n], and the variance of what they are multiplied with [g, k]."""
    places: list[Tensor] = []
    rows: list[Tensor] = []

    def add(_: Consumer, number: int, made: Product) -> None:
        places.append(made.places)
        rows.append(made.x(chosen(made.count, number)))

    for batch in samples:
        meet(model, [consumer], batch, add)
    x = torch.cat(rows, 1)
    return places[0], x.var(1)
