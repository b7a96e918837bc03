"""Torch-Pruning at a share of the MACs: five criteria, local and global, in one step and in several."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Final

import torch
from torch import Tensor, nn

from benchmarks.accuracy.subjects import Subject
from slimgui import engine
from slimgui.core.plan import Selection

TRIES: Final = 8  # halvings of the ratio
NEAR: Final = 0.003  # of the whole's MACs: near enough
SAME: Final = 0.01  # of the whole's MACs: still the same cost
STEPS: Final = 5  # of iterative pruning, with gradients taken anew before each
# "first" judges a channel by the layer that makes it only, the others by all layers of its group.
WITHOUT_LABELS: Final = ("L1", "L1 first", "L2", "L2 first", "LAMP", "FPGM")
# "sums" is its option `multivariable`: |Σ w · dL/dw| instead of Σ |w · dL/dw|.
WITH_LABELS: Final = ("Taylor", "Taylor first", "Taylor sums", "Taylor sums first")
# Of those that judge by the first layer, global ones and those in several steps never won: left out.
OF_GROUPS: Final = ("Taylor", "Taylor sums")


@dataclass(frozen=True)
class Setting:
    """One way to prune.

    Attributes:
        criterion: one of the above.
        scope: "local", a ratio for every layer, or "global".
        steps: of iterative pruning.
        layers: "all", or "ours": only those that SlimGUI cuts too.
    """

    criterion: str
    scope: str
    steps: int = 1
    layers: str = "all"

    def __str__(self) -> str:
        steps = f" in {self.steps} steps" if self.steps > 1 else ""
        return f"{self.criterion} {self.scope}{steps}{', the same layers' * (self.layers == 'ours')}"


@dataclass(frozen=True, eq=False)
class Found:
    """A pruned model, the setting it is of and what it costs."""

    name: str
    model: nn.Module
    macs: int


@dataclass(frozen=True, eq=False)
class Task:
    """What is pruned, and with what.

    Attributes:
        subject: the whole model.
        images: what Taylor looks at, [n, ...].
        labels: [n].
        target: MACs.
        whole: MACs of the model.
        left: names of layers whose outputs SlimGUI leaves whole at this target.
    """

    subject: Subject
    images: Tensor
    labels: Tensor
    target: int
    whole: int
    left: frozenset[str]

    @cached_property
    def gradients(self) -> list[Tensor]:
        """Of the parameters of the whole model: copying a module does not copy them."""
        model = copy.deepcopy(self.subject.model)
        _backward(model, self)
        return [torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters()]

    @property
    def example(self) -> Tensor:
        """A batch of two."""
        return self.subject.images[:2]


def settings(left: frozenset[str]) -> list[Setting]:
    """All of them; `left` as in a task."""
    layers = ("all", "ours") if left else ("all",)
    found = [Setting(c, s, 1, w) for w, s, c in product(layers, ("local", "global"), WITHOUT_LABELS)]
    found += [Setting(c, "local", 1, w) for w, c in product(layers, WITH_LABELS)]
    return found + [
        Setting(c, *how, w) for w, how, c in product(layers, (("global", 1), ("local", STEPS)), OF_GROUPS)
    ]


def candidates(task: Task, among: Collection[str] = ()) -> Iterator[Found]:
    """Every setting, of those named when any are, whose MACs come within 1 % of the whole's of the target."""
    ratios: dict[str, float] = {}
    for setting in settings(task.left):
        if among and str(setting) not in among:
            continue
        with suppress(Exception):  # a setting that the peer cannot run is no candidate
            # with a ratio per layer the counts follow from it, whatever the criterion
            known = ratios.get(setting.layers) if setting.scope == "local" else None
            found, ratio = _at(task, setting, known)
            if setting.scope == "local":
                ratios[setting.layers] = ratio
            if abs(found.macs - task.target) <= SAME * task.whole:
                yield found


def _at(task: Task, setting: Setting, known: float | None) -> tuple[Found, float]:
    low, high, best, at = 0.0, 1.0, None, 0.0
    for _ in range(1 if known is not None else TRIES):
        tried = (low + high) / 2 if known is None else known
        pruned = _pruned(task, setting, tried)
        count = macs(pruned, task.example)
        if best is None or abs(count - task.target) < abs(best.macs - task.target):
            best, at = Found(str(setting), pruned, count), tried
        if abs(count - task.target) <= NEAR * task.whole:
            break
        low, high = (tried, high) if count > task.target else (low, tried)
    assert best is not None, "at least one is tried"
    return best, at


def _pruned(task: Task, setting: Setting, ratio: float) -> nn.Module:
    import torch_pruning as tp

    model = copy.deepcopy(task.subject.model)
    heads = {f: m.heads for m in model.modules() if hasattr(m, "heads") for f in (m.query, m.key, m.value)}
    wanted = model(task.example).shape
    pruner = tp.pruner.BasePruner(
        model, task.example, importance=_importance(setting.criterion), pruning_ratio=ratio,
        global_pruning=setting.scope == "global", iterative_steps=setting.steps,
        ignored_layers=_ignored(task, setting, model, wanted[-1]), num_heads=heads,
        in_channel_groups={}, out_channel_groups={},
    )  # fmt: skip
    for step in range(setting.steps):
        if setting.criterion in WITH_LABELS:
            _backward(model, task, task.gradients if step == 0 else None)
        pruner.step()
    model.zero_grad()
    assert model(task.example).shape == wanted, "it runs and means something else"
    return model.eval()


def _importance(criterion: str) -> Any:
    import torch_pruning as tp

    kind, *words = criterion.split()
    reduction: dict[str, Any] = {"group_reduction": "first"} if "first" in words else {}
    kinds: dict[str, Callable[[], Any]] = {
        "L1": lambda: tp.importance.GroupMagnitudeImportance(p=1, **reduction),
        "L2": lambda: tp.importance.GroupMagnitudeImportance(p=2, **reduction),
        "LAMP": tp.importance.LAMPImportance,
        "FPGM": tp.importance.FPGMImportance,
        "Taylor": lambda: tp.importance.GroupTaylorImportance(multivariable="sums" in words, **reduction),
    }
    return kinds[kind]()


def _ignored(task: Task, setting: Setting, model: nn.Module, classes: int) -> list[nn.Module]:
    """The layer that gives the answer, what the peer cannot cut, and what it shall not."""
    left = set(task.subject.beyond_peer) | (task.left if setting.layers == "ours" else set())
    modules = dict(model.named_modules())
    last = [m for m in modules.values() if getattr(m, "out_features", 0) == classes]
    return [*last, *(modules[name] for name in sorted(left))]


def _backward(model: nn.Module, task: Task, known: Sequence[Tensor] | None = None) -> None:
    """Gradients of the mean loss of all labelled samples; `known` of the whole model."""
    model.zero_grad()
    if known is not None:
        for parameter, gradient in zip(model.parameters(), known, strict=True):
            parameter.grad = gradient.clone()
        return
    for part, labels in zip(task.images.split(250), task.labels.split(250), strict=True):
        loss = nn.functional.cross_entropy(model(part), labels, reduction="sum") / len(task.images)
        loss.backward()


def left_whole(model: nn.Module, traced: engine.Traced, selection: Selection) -> frozenset[str]:
    """Layers of SlimGUI's smaller model whose outputs could have been cut and are not."""
    makers = {name for name, m in model.named_modules() if isinstance(m, (nn.Conv1d, nn.Conv2d, nn.Linear))}
    open_ones, cut = set[str](), set[str]()
    for group in traced.groups:
        written = {m.parameter.removesuffix(".weight") for m in group.members if m.dim == 0}
        if len(selection.keep[group.id]) < group.size:
            cut |= written
        elif group.locked is None:
            open_ones |= written
    return frozenset(open_ones - cut) & makers


def macs(model: nn.Module, example: Tensor) -> int:
    """Counted in the same way for both sides."""
    return engine.cost(engine.trace(model, example)).macs
