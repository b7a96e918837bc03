"""Whole models, every group cut by a different seeded ratio, against the zeroing oracle."""

from __future__ import annotations

import oracle
import pytest
import torch
from torch import nn

from slimgui import engine, example

TORCHVISION = (
    "resnet50", "mobilenet_v3_small", "densenet121", "googlenet", "shufflenet_v2_x0_5", "efficientnet_b0",
)  # fmt: skip
TOLERANCE = 1e-9  # float64: rounding only


def build(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    if name == "example":
        return example.build(), (1, 28, 28)
    import torchvision.models

    given = {"init_weights": False} if name == "googlenet" else {}  # else it warns of a change to come
    return getattr(torchvision.models, name)(weights=None, **given), (3, 96, 96)


def lively(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    """The model with weights drawn anew until its output says something."""
    model, shape = build(name)
    for scale in (1.0, 1.4, 0.7, 2.0, 0.5):
        oracle.randomise(model, seed=1, scale=scale)
        outputs = oracle.run(model, (torch.randn(2, *shape),))
        if all(torch.isfinite(t).all() and t.std() > 1e-2 for t in outputs):
            return model.eval(), shape
    raise AssertionError(f"{name}: no scale of weights gave a finite, varying output")


def cut(model: nn.Module, inputs: torch.Tensor, seed: int) -> engine.Deployed:
    traced = engine.trace(model, inputs)
    sizes = {group.id: group.size for group in traced.groups}
    free = {group.id: group.size for group in traced.groups if not group.locked}
    keep = oracle.random_keep(sizes, oracle.seeded_ratios(free, seed), seed)
    return engine.deploy(model, traced, engine.Selection(keep))


@pytest.mark.parametrize("name", ["example", *TORCHVISION])
def test_every_group_cut_by_its_own_ratio_equals_the_zeroed_original(name: str) -> None:
    torch.manual_seed(0)
    model, shape = lively(name)
    traced_with, other_batch = torch.randn(2, *shape), torch.randn(3, *shape)
    small = cut(model, traced_with, seed=7)

    before = sum(p.numel() for p in model.parameters())
    assert sum(p.numel() for p in small.model.parameters()) < 0.8 * before

    have = oracle.run(small.model, (other_batch,))
    want = oracle.run(oracle.zeroed(model, small.kept), (other_batch,))
    assert oracle.error(want, have) < TOLERANCE

    controls = (oracle.shifted(small.kept, model, seed) for seed in range(3))  # one may hit an aux head
    errors = [oracle.error(oracle.run(oracle.zeroed(model, c), (other_batch,)), have) for c in controls]
    assert max(errors) > 100 * TOLERANCE


@pytest.mark.parametrize("name", ["example", *TORCHVISION])
@pytest.mark.parametrize("training", [False, True])
def test_trace_deploy_and_verify_leave_the_original_bit_identical(name: str, training: bool) -> None:
    torch.manual_seed(0)
    model, shape = build(name)
    oracle.randomise(model, seed=3).train(training)
    next(model.parameters()).requires_grad_(False)
    model.register_forward_hook(lambda module, args, output: None)
    inputs = torch.randn(2, *shape)
    random_state, before = torch.get_rng_state(), oracle.snapshot(model)

    traced = engine.trace(model, inputs)
    selection = engine.resolve(traced, engine.Plan.uniform(traced, ratio=0.3), model)
    deployed = engine.deploy(model, traced, selection)
    engine.verify(model, deployed, inputs)
    engine.mask(model, traced, selection)

    assert oracle.same(before, oracle.snapshot(model))
    assert torch.equal(random_state, torch.get_rng_state())


@pytest.mark.parametrize("name", ["example", *TORCHVISION])
def test_costs_in_closed_form_are_those_of_the_deployed_model(name: str) -> None:
    torch.manual_seed(0)
    model, shape = build(name)
    inputs = torch.randn(2, *shape)
    traced = engine.trace(model, inputs)
    sizes = {group.id: group.size for group in traced.groups}
    free = {group.id: group.size for group in traced.groups if not group.locked}
    selection = engine.Selection(oracle.random_keep(sizes, oracle.seeded_ratios(free, 5), 5))
    deployed = engine.deploy(model, traced, selection)

    assert engine.cost(traced).params == sum(p.numel() for p in model.parameters())
    predicted = engine.cost(traced, selection)
    assert predicted == engine.cost(engine.trace(deployed.model, inputs))
    assert predicted.params == sum(p.numel() for p in deployed.model.parameters())


@pytest.mark.parametrize("name", ["example", "mobilenet_v3_small", "googlenet", "densenet121"])
def test_the_deployed_model_trains(name: str) -> None:
    torch.manual_seed(0)
    model, shape = lively(name)
    small = cut(model, torch.randn(2, *shape), seed=9).model.train()
    result = oracle.tensors(small(torch.randn(2, *shape)))

    sum(t.square().mean() for t in result).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in small.parameters())
