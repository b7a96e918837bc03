"""What goes in and comes out: named and several inputs, nested outputs, other types, train mode, meta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import oracle
import pytest
import torch
from torch import Tensor, nn

from slimgui import engine


@dataclass
class Answer:
    scores: Tensor
    extra: dict[str, Any]


class Two(nn.Module):
    """Two inputs by name, outputs in a dataclass with a dict and a list."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(6, 16), nn.Linear(5, 16)
        self.norm, self.head, self.aux = nn.BatchNorm1d(16), nn.Linear(16, 3), nn.Linear(16, 2)

    def forward(self, left: Tensor, *, right: Tensor, scale: float = 1.0) -> Answer:
        x = torch.relu(self.norm(self.left(left) + scale * self.right(right)))
        return Answer(self.head(x), {"aux": [self.aux(x)], "n": 3})


def given(batch: int, dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    torch.manual_seed(batch)
    return {
        "left": torch.randn(batch, 6, dtype=dtype),
        "right": torch.randn(batch, 5, dtype=dtype),
        "scale": 0.5,
    }


def half(traced: engine.Traced) -> engine.Selection:
    """Every other channel of each group that may be cut."""
    step = {group.id: 1 if group.locked else 2 for group in traced.groups}
    return engine.Selection({g.id: np.arange(0, g.size, step[g.id]) for g in traced.groups})


def test_named_inputs_and_nested_outputs_are_followed() -> None:
    model = oracle.randomise(Two()).eval()
    traced = engine.trace(model, given(2))

    assert [group.size for group in traced.groups if not group.locked] == [16]
    locked = {group.id for group in traced.groups if group.locked}
    assert {"head", "aux"} <= locked  # both leave the model, one of them in a list in a dict

    deployed = engine.deploy(model, traced, half(traced))
    other = given(5)
    want = oracle.zeroed(model, deployed.kept)(**other)
    have = deployed.model(**other)
    torch.testing.assert_close(have.scores, want.scores)
    torch.testing.assert_close(have.extra["aux"][0], want.extra["aux"][0])
    assert engine.verify(model, deployed, given(2)).passed


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_model_in_half_precision_keeps_it(dtype: torch.dtype) -> None:
    model = oracle.randomise(Two()).to(dtype).eval()
    traced = engine.trace(model, given(2, dtype))
    deployed = engine.deploy(model, traced, half(traced))

    assert {p.dtype for p in deployed.model.parameters()} == {dtype}
    assert deployed.model.norm.num_batches_tracked.dtype == torch.int64
    proof = engine.verify(model, deployed, given(2, dtype))
    assert (proof.passed, proof.level) == (True, "numeric")


class Auxiliary(nn.Module):
    """A head that only training uses; its norm sees one pixel, so it refuses a single sample."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.norm, self.head = nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.Linear(16, 4)
        self.side, self.side_norm, self.side_head = nn.Conv2d(16, 8, 1), nn.BatchNorm2d(8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Any:
        x = torch.relu(self.norm(self.trunk(x))).mean((2, 3), keepdim=True)
        result = self.head(x.flatten(1))
        if not self.training:
            return result
        return result, self.side_head(torch.relu(self.side_norm(self.side(x))).flatten(1))


def test_what_only_training_runs_is_cut_along_although_one_sample_is_given() -> None:
    model = oracle.randomise(Auxiliary()).eval()
    traced = engine.trace(model, torch.randn(1, 3, 6, 6))
    assert {g.id: g.size for g in traced.groups if not g.locked} == {"trunk": 16, "side": 8}

    small = engine.deploy(model, traced, half(traced)).model
    x = torch.randn(5, 3, 6, 6)
    kept: dict[str, Any] = {"trunk.weight": {0: range(0, 16, 2)}, "trunk.bias": {0: range(0, 16, 2)}}
    kept |= {f"norm.{part}": {0: range(0, 16, 2)} for part in ("weight", "bias", "running_mean")}
    want = oracle.zeroed(model, {name: {0: np.array(d[0])} for name, d in kept.items()})(x)
    assert oracle.error([want.detach()], [small(x).detach()]) < 1e-5
    assert [tuple(t.shape) for t in small.train()(x)] == [(5, 4), (5, 4)]


def test_a_model_in_train_mode_stays_in_it() -> None:
    model = oracle.randomise(Two()).train()
    traced = engine.trace(model, given(4))
    deployed = engine.deploy(model, traced, half(traced))

    assert model.training
    assert deployed.model.training
    assert engine.verify(model, deployed, given(4)).passed
    assert model.training


def test_a_model_on_meta_is_traced_and_cut_but_not_proven() -> None:
    with torch.device("meta"):
        model = Two().eval()
    traced = engine.trace(model, given(2))
    deployed = engine.deploy(model, traced, half(traced))

    assert deployed.model.head.weight.shape == (3, 8)
    proof = engine.verify(model, deployed, given(2))
    assert (proof.passed, proof.level) == (False, "structural")
    assert proof.note


class Branches(nn.Module):
    """Forward asks its own result which way to go."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.up, self.head = nn.Linear(6, 12), nn.Linear(12, 12), nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem(x))
        if x.mean().item() > 0:
            x = torch.relu(self.up(x))
        return self.head(x)


def test_a_forward_that_branches_on_its_results_is_recorded_for_real() -> None:
    model = oracle.randomise(Branches()).eval()
    x = torch.randn(4, 6)
    before = oracle.snapshot(model)
    traced = engine.trace(model, x)
    deployed = engine.deploy(model, traced, half(traced))

    assert traced.passes[0].capture.setting.real
    torch.testing.assert_close(deployed.model(x), oracle.zeroed(model, deployed.kept)(x))
    assert oracle.same(before, oracle.snapshot(model))
