"""A subnet computes what the deployed model computes, and learns, on the whole model's weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import oracle
import pytest
import torch
import torch.nn.functional as F
from engine.patterns.judge import call, flat, given, lively, settings
from engine.patterns.nets import ALL, Pattern
from torch import Tensor, nn

from slimgui import engine
from slimgui.errors import DeployError, MaskError, PlanError

BY_NAME = {pattern.name: pattern for pattern in ALL}
TOLERANCE = 1e-12  # float64: the same numbers go through the same operations

REPRESENTATIVE = [
    "FusedQkv", "MultiheadAttention", "EncoderLayer", "GroupedConvBn", "TiedHead", "WeightNormed",
    "WeightNormHook", "SpectralNormed", "SpectralNormHook", "TaggerLstm", "PixelShuffled", "FrozenBackbone",
    "BufferScale", "Checkpointed",
]  # fmt: skip


def chosen(model: nn.Module, traced: engine.Traced, seed: int) -> engine.Selection:
    """Every free group cut by a ratio of its own; where deploy refuses them together, one it takes alone."""
    sizes = {g.id: g.size for g in traced.groups}
    free = {g.id: g.size for g in traced.groups if not g.locked and g.size > 1}
    counts = oracle.seeded_ratios(free, seed)
    for names in (list(free), *([name] for name in free)):
        kept = {name: min(counts[name], free[name] - 1) for name in names}
        selection = engine.Selection(oracle.random_keep(sizes, kept, seed))
        try:
            engine.deploy(model, traced, selection)
        except DeployError:
            continue
        return selection
    raise LookupError("nothing can be cut")


def places(dims: dict[int, np.ndarray], shape: torch.Size) -> tuple[Tensor, ...]:
    index = [torch.as_tensor(dims.get(d, np.arange(n))) for d, n in enumerate(shape)]
    return torch.meshgrid(*index, indexing="ij") if index else ()


def stepped(model: nn.Module, inputs: Any) -> list[Tensor]:
    """Outputs of one call; the gradients of a random mixture of them are in the parameters then."""
    torch.manual_seed(3)
    outputs = flat(call(model, inputs))
    learning = [t for t in outputs if t.requires_grad]
    mixture = sum((t * torch.randn_like(t)).sum() for t in learning)
    if learning:
        try:
            mixture.backward()
        except RuntimeError:  # no backward pass through this net, not even whole
            model.zero_grad()
    return [t.detach() for t in outputs]


def apart(one: Tensor, other: Tensor) -> float:
    """Largest difference relative to the largest number."""
    if one.shape != other.shape:
        return float("inf")
    if not one.numel() or torch.equal(one, other):
        return 0.0
    return float((one - other).abs().max() / one.abs().max().clamp(min=1e-9))


def differences(pattern: Pattern, *, training: bool, seed: int = 0) -> dict[str, float]:
    """How far a subnet is from the deployed model: outputs, gradients and buffers."""
    model = lively(pattern)
    traced = engine.trace(model, given(pattern, 2))
    selection = chosen(model, traced, seed)
    model.train(training)
    before = oracle.snapshot(model)
    small = engine.deploy(model, traced, selection)
    subnet = engine.mask(model, traced, selection)
    assert oracle.same(before, oracle.snapshot(model)), "making a subnet changed the model"

    small.model.train(training)
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    want, have = stepped(small.model, given(pattern, 3)), stepped(subnet, given(pattern, 3))
    found = {"outputs": max(map(apart, want, have))}
    for name, parameter in small.model.named_parameters():
        found[f"gradient of {name}"] = _gradient(
            small.kept.get(name, {}), parameter, model.get_parameter(name)
        )
    for name, buffer in small.model.named_buffers():
        if training or not name.endswith("_u"):  # of spectral norm: scaled when it is deployed
            buffers[name][places(small.kept.get(name, {}), buffers[name].shape)] = buffer
        found[f"buffer {name}"] = apart(buffers[name].double(), model.get_buffer(name).double())

    kept_as_it_was = {key: value for key, value in before.items() if ":" in key}  # all but weights
    after = oracle.snapshot(model)
    assert oracle.same(kept_as_it_was, {key: after[key] for key in after if ":" in key})
    return found


def _gradient(dims: dict[int, np.ndarray], small: nn.Parameter, whole: nn.Parameter) -> float:
    if small.grad is None or whole.grad is None:
        return 0.0 if whole.grad is None and small.grad is None else float("inf")
    want, kept = torch.zeros_like(whole), places(dims, whole.shape)
    with torch.no_grad():  # 1, but for the gains of weight norm, which are scaled when they are deployed
        factor = torch.where(small == whole[kept], 1.0, small / whole[kept])
    want[kept] = small.grad * factor
    assert not whole.grad[want == 0].any(), "a removed index has a gradient"
    return apart(want, whole.grad)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", REPRESENTATIVE)
def test_a_subnet_equals_the_deployed_model_and_its_gradients_are_those(name: str, training: bool) -> None:
    with settings():
        found = differences(BY_NAME[name], training=training)
    if name == "Checkpointed":  # backward runs its block again: in the deployed model statistics move twice
        found = {key: value for key, value in found.items() if not key.startswith("buffer block.1.running")}
    assert {key: value for key, value in found.items() if not value <= TOLERANCE} == {}


def test_a_subnet_with_one_other_channel_is_told_apart() -> None:
    model, traced, images, _ = residual()
    selection = cut_by(model, traced, 0.5)
    group = next(g for g in traced.groups if not g.locked)
    kept = selection.keep[group.id]
    other = np.sort(np.append(kept[1:], np.setdiff1d(np.arange(group.size), kept)[0]))
    subnet = engine.mask(model, traced, engine.Selection({**selection.keep, group.id: other}))
    want = engine.deploy(model, traced, selection).model(images)
    assert apart(want.detach(), subnet(images).detach()) > 1e-3


class Residual(nn.Module):
    """A residual net with batch norms."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 12, 3, padding=1), nn.BatchNorm2d(12)
        self.inner = nn.Sequential(nn.Conv2d(12, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.back, self.head = nn.Conv2d(16, 12, 3, padding=1), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.stem(x)))
        return self.head((x + self.back(self.inner(x))).mean((2, 3)))


def residual() -> tuple[nn.Module, engine.Traced, Tensor, Tensor]:
    torch.manual_seed(0)
    model, images = Residual(), torch.randn(32, 3, 8, 8)
    return model, engine.trace(model, images[:2]), images, torch.randint(0, 4, (32,))


def cut_by(model: nn.Module, traced: engine.Traced, ratio: float) -> engine.Selection:
    return engine.resolve(traced, engine.Plan.uniform(traced, ratio=ratio), model)


def test_subnets_drawn_anew_at_every_step_train_one_set_of_weights() -> None:
    model, traced, images, labels = residual()
    sizes = {g.id: g.size for g in traced.groups}
    free = {g.id: g.size for g in traced.groups if not g.locked}
    whole, least = (engine.mask(model, traced, cut_by(model, traced, ratio)) for ratio in (0.0, 0.75))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for step in range(20):
        drawn = [
            engine.Selection(oracle.random_keep(sizes, oracle.seeded_ratios(free, seed), seed))
            for seed in (2 * step, 2 * step + 1)
        ]
        subnets = [whole, least, *(engine.mask(model, traced, selection) for selection in drawn)]
        optimizer.zero_grad()
        each = [F.cross_entropy(subnet(images), labels) for subnet in subnets]
        sum(each).backward()
        optimizer.step()
        losses.append([loss.item() for loss in each])
    # a guess costs ln 4 = 1.39; the labels are random, so that the smallest subnet learns them slowly
    assert all(last < 0.85 * first for first, last in zip(losses[0], losses[-1], strict=True))


def test_the_parameters_of_a_subnet_are_those_of_the_model() -> None:
    model, traced, images, _ = residual()
    subnet = engine.mask(model, traced, cut_by(model, traced, 0.5))
    subnet(images).sum().backward()
    assert [id(p) for p in subnet.parameters()] == [id(p) for p in model.parameters()]
    gone = np.setdiff1d(np.arange(12), subnet.kept["stem.weight"][0])
    assert not model.stem.weight.grad[gone].any()
    assert model.stem.weight.grad[subnet.kept["stem.weight"][0]].all()


def test_a_subnet_follows_weights_that_change_and_modes_of_single_modules() -> None:
    model, traced, images, _ = residual()
    selection = cut_by(model, traced, 0.5)
    subnet = engine.mask(model, traced, selection)
    subnet(images)
    with torch.no_grad():
        model.stem.weight.mul_(2)
    model.train()
    model.norm.eval()
    still = model.norm.running_mean.clone()
    torch.testing.assert_close(subnet(images), engine.deploy(model, traced, selection).model(images))
    assert torch.equal(model.norm.running_mean, still)
    assert int(model.norm.num_batches_tracked) == 1
    assert int(model.inner[1].num_batches_tracked) == 2


def test_two_subnets_may_wait_for_one_backward_pass() -> None:
    """Each moves running statistics that the other's graph has saved."""
    model, traced, images, _ = residual()
    subnets = [engine.mask(model, traced, cut_by(model, traced, ratio)) for ratio in (0.25, 0.5)]
    model.train()
    sum(subnet(images).square().mean() for subnet in [*subnets, model, *subnets]).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_a_subnet_runs_in_inference_mode() -> None:
    model, traced, images, _ = residual()
    subnet = engine.mask(model, traced, cut_by(model, traced, 0.5))
    before = model.norm.running_mean.clone()
    with torch.inference_mode():
        subnet.train()(images)
    assert not torch.equal(before, model.norm.running_mean)
    assert subnet.eval()(images).requires_grad


def test_a_subnet_with_statistics_of_its_own_leaves_those_of_the_model() -> None:
    model, traced, images, _ = residual()
    selection = cut_by(model, traced, 0.5)
    own = {"norm.running_mean": torch.zeros(6), "norm.running_var": torch.ones(6)}
    subnet = engine.mask(model.train(), traced, selection, own)
    before = model.norm.running_mean.clone()
    subnet(images)
    assert torch.equal(before, model.norm.running_mean)
    # BatchNorm's momentum is 0.1: a tenth of the mean over batch and pixels
    kept = torch.as_tensor(subnet.kept["norm.weight"][0])
    want = 0.1 * model.stem(images).mean((0, 2, 3))[kept]
    torch.testing.assert_close(own["norm.running_mean"], want)

    with pytest.raises(PlanError, match="another subnet"):
        engine.mask(model, traced, selection, {"norm.running_mean": torch.zeros(7)})


def test_a_weight_that_also_hides_in_a_list_is_refused() -> None:
    class Listed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(4, 6), nn.Linear(6, 2)
            self.order = [self.one.weight]

        def forward(self, x: Tensor) -> Tensor:
            return self.two(F.linear(x, self.order[0], self.one.bias))

    model = Listed()
    traced = engine.trace(model, torch.randn(2, 4))
    with pytest.raises(MaskError, match=r"'one\.weight' in a plain attribute"):
        engine.mask(model, traced, cut_by(model, traced, 0.5))
