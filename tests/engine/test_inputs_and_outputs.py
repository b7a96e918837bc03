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

    assert traced.passes[0].capture.real
    torch.testing.assert_close(deployed.model(x), oracle.zeroed(model, deployed.kept)(x))
    assert oracle.same(before, oracle.snapshot(model))
