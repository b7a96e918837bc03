"""Search 20 models for five targets each: what can be met is met, what cannot is refused with its range.

python -m benchmarks.soak.targets [--only resnet18,vgg11_bn]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torchvision
from torch import nn

from slimgui import engine
from slimgui.core import budget
from slimgui.core.cost import Cost, full_counts
from slimgui.core.plan import Plan
from slimgui.core.resolve import counts
from slimgui.core.targets import RESOURCES, Reach, Target, parse_targets
from slimgui.engine.importance import Scores
from slimgui.errors import TargetError

MODELS: Final = (
    "alexnet", "vgg11_bn", "squeezenet1_1", "resnet18", "resnet50", "resnext50_32x4d", "wide_resnet50_2",
    "densenet121", "densenet201", "googlenet", "inception_v3", "mobilenet_v2", "mobilenet_v3_small",
    "shufflenet_v2_x1_0", "mnasnet1_0", "efficientnet_b0", "regnet_y_400mf", "convnext_tiny", "vit_b_16",
    "swin_t",
)  # fmt: skip
ASKED: Final = ("macs=50%", "params=-40%", "macs=30%, params=60%", "activation_bytes=70%", "macs=0.0001%")
OUT: Final = Path(__file__).resolve().parents[2] / "docs" / "targets.md"
LANDING: Final = 0.01


@dataclass(frozen=True)
class Row:
    """One search. `fault` says what is wrong with it, "" when nothing is."""

    model: str
    groups: int
    asked: str
    found: str
    kept: float | None
    uniform: float | None
    seconds: float
    fault: str = ""

    def __str__(self) -> str:
        shares = (f"{100 * share:.1f}" if share is not None else "" for share in (self.kept, self.uniform))
        cells = (self.model, self.groups, self.asked, self.found, *shares, f"{self.seconds:.2f}", self.fault)
        return "| " + " | ".join(map(str, cells)) + " |"


def searched(name: str) -> Iterator[Row]:
    """A row per target."""
    torch.manual_seed(0)
    options: dict[str, Any] = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    model: nn.Module = torchvision.models.get_model(name, weights=None, **options).eval()
    side = 299 if name == "inception_v3" else 224
    traced = engine.trace(model, torch.randn(1, 3, side, side))
    scores = engine.importance(model, traced.groups, "l2")
    reachable = engine.reach(traced, model)
    open_groups = sum(group.locked is None for group in traced.groups)
    for text in ASKED:
        targets, start = parse_targets(text), time.process_time()
        try:
            found = budget.find(traced.groups, traced.cost_model, targets, scores)
        except TargetError as error:
            fault = "" if _unreachable(targets, reachable, error) else "refused though it can be met"
            least = ", ".join(f"{RESOURCES[one.resource]} {reachable[one.resource]}" for one in targets)
            yield Row(
                name, open_groups, text, f"refused: {least}", None, None, time.process_time() - start, fault
            )
            continue
        seconds = time.process_time() - start
        least = _uniform(traced, scores, targets, reachable)
        fault = _fault(traced, found, targets, reachable, least)
        left = ", ".join(_left(found.cost, one, reachable) for one in targets)
        yield Row(name, open_groups, text, left, found.kept, least, seconds, fault)


def _left(cost: Cost, one: Target, reachable: Mapping[str, Reach]) -> str:
    whole = reachable[one.resource].maximum
    return f"{100 * getattr(cost, one.resource) / whole:.2f} % of the {RESOURCES[one.resource]}"


def _unreachable(targets: tuple[Target, ...], reachable: Mapping[str, Reach], error: TargetError) -> bool:
    """Whether one target lies below its minimum, and the refusal says so."""
    below = [
        one for one in targets if one.limit(reachable[one.resource].maximum) < error.reach[one.resource][0]
    ]
    return bool(below) and all(RESOURCES[one.resource] in error.what for one in below)


def _uniform(
    traced: engine.Traced, scores: Scores, targets: tuple[Target, ...], reachable: Mapping[str, Reach]
) -> float:
    """Importance that the first uniform plan which meets the targets keeps, one percent after the other."""
    for percent in range(100):
        have = counts(traced.groups, Plan(ratio=percent / 100))
        cost = traced.cost_model.at(have)
        if all(getattr(cost, t.resource) <= t.limit(reachable[t.resource].maximum) for t in targets):
            return _kept(traced, scores, have)
    return 0.0


def _kept(traced: engine.Traced, scores: Scores, have: Mapping[str, int]) -> float:
    """Share of importance, each group's scores divided by their mean."""
    free = [group for group in traced.groups if group.locked is None]
    own = {g.id: np.sort(scores[g.id] / (scores[g.id].mean() or 1))[::-1] for g in free}
    return float(sum(own[name][: have[name]].sum() for name in own) / sum(map(np.sum, own.values())))


def _fault(
    traced: engine.Traced,
    found: engine.Found,
    targets: tuple[Target, ...],
    reachable: Mapping[str, Reach],
    uniform: float,
) -> str:
    have = counts(traced.groups, found.plan)
    caps = {one.resource: one.limit(reachable[one.resource].maximum) for one in targets}
    if any(getattr(found.cost, name) > cap for name, cap in caps.items()):
        return "above its target"
    if found.kept < uniform - 1e-9:
        return "the uniform plan keeps more"
    near = any(getattr(found.cost, name) >= (1 - LANDING) * cap for name, cap in caps.items())
    if near or have == full_counts(traced.groups):
        return ""
    for group in traced.groups:
        more = {**have, group.id: have[group.id] + 1}
        if group.locked is None and have[group.id] < group.size:
            cost = traced.cost_model.at(more)
            if all(getattr(cost, name) <= cap for name, cap in caps.items()):
                return f"{group.id} could keep one more channel"
    return ""


def main() -> int:
    """Search, print every row as it is known, write the table; 1 when a row has a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="models, with commas")
    only = parser.parse_args().only
    torch.set_num_threads(1)
    rows = []
    for name in only.split(",") if only else MODELS:
        for row in searched(name):
            print(row, flush=True)
            rows.append(row)
    faults, met = [row for row in rows if row.fault], sum(row.kept is not None for row in rows)
    slowest = max(rows, key=lambda row: row.seconds)
    summary = (
        f"{len({row.model for row in rows})} models, {len(rows)} searches: {met} met, "
        f"{len(rows) - met} refused with what can be reached, {len(faults)} faults. The slowest took "
        f"{slowest.seconds:.2f} CPU seconds ({slowest.model}, {slowest.groups} groups)."
    )
    print(summary)
    if not only:
        head = "| model | groups | asked | left | importance kept % | uniform keeps % | CPU s | fault |"
        title = "# Targets\n\nWritten by `python -m benchmarks.soak.targets`: random weights, L2.\n"
        table = "\n".join((head, "|---" * 8 + "|", *map(str, rows)))
        OUT.write_text(f"{title}\n{summary}\n\n{table}\n", encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
