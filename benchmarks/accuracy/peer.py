"""Torch-Pruning at a share of the MACs: five criteria, local and global."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from slimgui import engine

TRIES = 7  # halvings of the ratio
NEAR = 0.005  # of the whole's MACs: near enough
# "first" judges a channel by the layer that makes it only, the others by all layers of its group.
WITHOUT_DATA = ("L1", "L1 first", "L2", "L2 first", "LAMP", "FPGM")
WITH_LABELS = ("Taylor", "Taylor first")


@dataclass(frozen=True, eq=False)
class Found:
    """A pruned model, what it is called and what it costs."""

    name: str
    model: nn.Module
    macs: int


def with_gradients(model: nn.Module, images: Tensor, labels: Tensor) -> nn.Module:
    """A copy whose parameters hold the gradients that Taylor looks at."""
    model = copy.deepcopy(model)
    for part, label in zip(images.split(250), labels.split(250), strict=True):
        nn.functional.cross_entropy(model(part), label).backward()
    return model


def candidates(model: nn.Module, example: Tensor, criteria: Sequence[str], target: int) -> Iterator[Found]:
    """Every setting whose MACs come within 1 % of the whole's of `target`."""
    whole = macs(model, example)
    for scope in ("local", "global"):
        ratio = None
        for criterion in criteria:
            with suppress(Exception):  # a setting that the peer cannot run is no candidate
                # with a ratio per layer the counts follow from it, whatever the criterion
                known = None if scope == "global" else ratio
                found, ratio = _at(model, example, criterion, scope, (target, round(NEAR * whole)), known)
                if abs(found.macs - target) <= 0.01 * whole:
                    yield found


def _at(
    model: nn.Module, example: Tensor, criterion: str, scope: str, aim: tuple[int, int], ratio: float | None
) -> tuple[Found, float]:
    (target, near), low, high, best, at = aim, 0.0, 1.0, None, 0.0
    for _ in range(1 if ratio is not None else TRIES):
        tried = (low + high) / 2 if ratio is None else ratio
        pruned = _pruned(model, example, criterion, scope, tried)
        count = macs(pruned, example)
        if best is None or abs(count - target) < abs(best.macs - target):
            best, at = Found(f"{criterion} {scope}", pruned, count), tried
        if abs(count - target) <= near:
            break
        low, high = (tried, high) if count > target else (low, tried)
    assert best is not None, "at least one is tried"
    return best, at


def _pruned(model: nn.Module, example: Tensor, criterion: str, scope: str, ratio: float) -> nn.Module:
    import torch_pruning as tp

    kind, _, first = criterion.partition(" ")
    reduction: dict[str, Any] = {"group_reduction": "first"} if first else {}
    kinds: dict[str, Callable[[], Any]] = {
        "L1": lambda: tp.importance.GroupMagnitudeImportance(p=1, **reduction),
        "L2": lambda: tp.importance.GroupMagnitudeImportance(p=2, **reduction),
        "LAMP": tp.importance.LAMPImportance,
        "FPGM": tp.importance.FPGMImportance,
        "Taylor": lambda: tp.importance.GroupTaylorImportance(**reduction),
    }
    model = copy.deepcopy(model)
    heads = {f: m.heads for m in model.modules() if hasattr(m, "heads") for f in (m.query, m.key, m.value)}
    wanted = model(example).shape
    outputs = [m for m in model.modules() if getattr(m, "out_features", 0) == wanted[-1]]
    pruner = tp.pruner.BasePruner(
        model, example, importance=kinds[kind](), global_pruning=scope == "global",
        pruning_ratio=ratio, ignored_layers=outputs, num_heads=heads,
    )  # fmt: skip
    pruner.step()
    model.zero_grad()
    assert model(example).shape == wanted, "it runs and means something else"
    return model.eval()


def macs(model: nn.Module, example: Tensor) -> int:
    """Counted in the same way for both sides."""
    return engine.cost(engine.trace(model, example)).macs
