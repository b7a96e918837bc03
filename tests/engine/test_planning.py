"""Targets on real models: what the plan leaves is what the deployed model has."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from slimgui import engine
from slimgui.errors import PlanError, TargetError


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 48, 3, padding=1, groups=4), nn.ReLU(),
        nn.Conv2d(48, 64, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    ).eval()  # fmt: skip


@pytest.fixture
def traced() -> tuple[nn.Module, engine.Traced]:
    model = net()
    return model, engine.trace(model, torch.randn(1, 3, 16, 16))


def test_the_smaller_model_has_what_the_plan_promised(traced) -> None:
    model, found = traced
    plan = engine.plan_for(found, model, params=0.4, macs="60%", importance="l2")
    selection = engine.resolve(found, plan, model)
    small = engine.deploy(model, found, selection).model
    assert plan.importance == "l2"
    params = sum(p.numel() for p in small.parameters())
    assert params == engine.cost(found, selection).params
    assert params <= 0.4 * sum(p.numel() for p in model.parameters())
    macs = engine.cost(engine.trace(small, torch.randn(1, 3, 16, 16))).macs
    assert macs == engine.cost(found, selection).macs <= 0.6 * engine.cost(found).macs


def test_a_refusal_says_what_reach_says(traced) -> None:
    model, found = traced
    plan = engine.Plan(min_ratio=0.5, ratio=0.25)
    reachable = engine.reach(found, model, plan)["params"]
    with pytest.raises(TargetError) as caught:
        engine.plan_for(found, model, params=0.1, plan=plan)
    assert caught.value.reach["params"] == (reachable.minimum, reachable.now, reachable.maximum)
    assert reachable.minimum < reachable.now < reachable.maximum == engine.cost(found).params


def test_a_front_is_made_of_plans_that_fit(traced) -> None:
    model, found = traced
    front = engine.pareto(found, model, "params", points=5, importance="l2")
    assert len(front) > 2
    for each in front:
        assert engine.cost(found, engine.resolve(found, each.plan, model)) == each.cost


def test_without_a_target_there_is_no_plan(traced) -> None:
    model, found = traced
    with pytest.raises(PlanError):
        engine.plan_for(found, model)
