"""Recovery without training: what must be restored exactly is, and nothing else moves."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import oracle
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slimgui import engine
from slimgui.core.plan import Selection
from slimgui.engine import fold as fold_module
from slimgui.errors import PlanError


def without(traced: engine.Traced, removed: dict[str, list[int]]) -> Selection:
    """Everything stays but these channels."""
    return Selection(
        {g.id: np.setdiff1d(np.arange(g.size), removed.get(g.id, [])).astype(np.int64) for g in traced.groups}
    )


def cut(model: nn.Module, x: Tensor, removed: dict[str, list[int]]) -> tuple[engine.Traced, engine.Deployed]:
    traced = engine.trace(model, x)
    return traced, engine.deploy(model, traced, without(traced, removed))


def halved(model: nn.Module, x: Tensor) -> tuple[engine.Traced, engine.Deployed]:
    traced = engine.trace(model, x)
    selection = engine.resolve(traced, engine.Plan.uniform(traced, ratio=0.5), model)
    return traced, engine.deploy(model, traced, selection)


def off(model: nn.Module, deployed: engine.Deployed, x: Tensor) -> float:
    return oracle.error(oracle.run(model, (x,)), oracle.run(deployed.model, (x,)))


class Attention(nn.Module):
    """One layer of attention, with a projection behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(12, 12) for _ in range(3))
        self.out = nn.Linear(12, 12)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (f(x).unflatten(2, (3, 4)).transpose(1, 2) for f in (self.q, self.k, self.v))
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Bare(nn.Module):
    """Weights without layers: a product, an einsum, and a shift of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Parameter(torch.randn(5, 8)), nn.Parameter(torch.randn(8, 3))
        self.shift = nn.Parameter(torch.randn(3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("btc,cd->btd", torch.tanh(x @ self.one), self.two) + self.shift


def conv(kind: type[nn.Module], *args: int, **kwargs: int) -> nn.Module:
    first = {nn.Conv1d: nn.Conv1d, nn.ConvTranspose1d: nn.Conv1d, nn.Conv3d: nn.Conv3d}.get(kind, nn.Conv2d)
    return nn.Sequential(first(3, 8, 3, padding=1), nn.ReLU(), kind(8, 6, *args, **kwargs))


# Net, its input, what produces the channels, and dim 0 of that: channel 1 is made a copy of channel 0.
TWINS = {
    "linear": (lambda: nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)), (40, 5), "0"),
    "conv": (lambda: conv(nn.Conv2d, 3, padding=1), (6, 3, 7, 7), "0"),
    "conv_strided": (lambda: conv(nn.Conv2d, 3, stride=2, dilation=2, padding=2), (6, 3, 9, 9), "0"),
    "conv_one_dimension": (lambda: conv(nn.Conv1d, 3), (6, 3, 20), "0"),
    "conv_three_dimensions": (lambda: conv(nn.Conv3d, 2), (4, 3, 4, 5, 5), "0"),
    "conv_transposed": (
        lambda: conv(nn.ConvTranspose2d, 3, stride=2, padding=1, output_padding=1), (6, 3, 6, 6), "0",
    ),
    "flattened": (
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 6)),
        (90, 3, 5, 5),
        "0",
    ),
}  # fmt: skip


def twin(layer: nn.Module) -> None:
    with torch.no_grad():
        layer.weight[1], layer.bias[1] = layer.weight[0], layer.bias[0]


@pytest.mark.parametrize("name", TWINS)
def test_a_channel_that_has_a_twin_is_folded_into_it_exactly(name: str) -> None:
    build, shape, maker = TWINS[name]
    torch.manual_seed(0)
    model = oracle.randomise(build(), seed=1).eval()
    twin(model.get_submodule(maker))
    samples = [torch.randn(shape) for _ in range(4)]
    traced, deployed = cut(model, samples[0], {maker: [1]})
    recovered = engine.recover(model, traced, deployed, samples, ["fold"], ridge=1e-9)
    fresh = torch.randn(shape)
    assert off(model, deployed, fresh) > 1e-2
    # W_0 + W_1 gives what both gave: nothing is lost but rounding and the ridge, 1e-9 of the mean square
    assert off(model, recovered, fresh) < 1e-4


def test_grouped_convolutions_are_folded_group_by_group() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 6, 3, groups=2))
    model = oracle.randomise(model, seed=1).eval()
    with torch.no_grad():  # in either group of inputs the second is a copy of the first
        for one, other in ((0, 1), (4, 5)):
            model[0].weight[other], model[0].bias[other] = model[0].weight[one], model[0].bias[one]
    samples = [torch.randn(6, 3, 9, 9) for _ in range(4)]
    traced = engine.trace(model, samples[0])
    group = next(g for g in traced.groups if g.locked is None and g.size == 4)
    deployed = engine.deploy(model, traced, without(traced, {group.id: [1]}))
    assert deployed.model[2].weight.shape == (6, 3, 3, 3)
    recovered = engine.recover(model, traced, deployed, samples, ["fold"], ridge=1e-9)
    assert off(model, deployed, samples[0]) > 1e-2
    assert off(model, recovered, samples[0]) < 1e-4


def test_values_of_attention_are_folded_into_the_projection() -> None:
    torch.manual_seed(0)
    model = oracle.randomise(Attention(), seed=1).eval()
    with torch.no_grad():
        for head in range(3):  # in every head value 1 is a copy of value 0
            model.v.weight[4 * head + 1], model.v.bias[4 * head + 1] = (
                model.v.weight[4 * head],
                model.v.bias[4 * head],
            )
    samples = [torch.randn(8, 7, 12) for _ in range(6)]
    traced, deployed = cut(model, samples[0], {"v:head_dim": [1]})
    recovered = engine.recover(model, traced, deployed, samples, ["fold"], ridge=1e-9)
    assert off(model, deployed, samples[0]) > 1e-2
    assert off(model, recovered, samples[0]) < 1e-4
    assert torch.equal(deployed.model.q.weight, recovered.model.q.weight)


def test_weights_without_layers_are_folded_and_their_shift_takes_the_constant() -> None:
    torch.manual_seed(0)
    model = oracle.randomise(Bare(), seed=1).eval()
    samples = [torch.randn(9, 4, 5) for _ in range(6)]
    traced, deployed = halved(model, samples[0])
    recovered = engine.recover(model, traced, deployed, samples, ["fold"])
    assert set(recovered.recovery[0].before) == {"two", "shift"}
    assert off(model, recovered, samples[0]) < 0.8 * off(model, deployed, samples[0])


def test_the_fit_is_the_least_squares_solution() -> None:
    torch.manual_seed(0)
    model = oracle.randomise(nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)), seed=1).eval()
    x = torch.randn(200, 5)
    traced, deployed = halved(model, x)
    recovered = engine.recover(model, traced, deployed, list(x.split(50)), ["fold"], ridge=0)
    with torch.no_grad():
        read = deployed.model[1](deployed.model[0](x)).double()
        ones = torch.ones(200, 1, dtype=torch.float64)
        want = torch.linalg.lstsq(torch.cat((read, ones), 1), model(x).double()).solution
    torch.testing.assert_close(recovered.model[2].weight.double(), want[:-1].T, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(recovered.model[2].bias.double(), want[-1], rtol=1e-3, atol=1e-4)


def test_inputs_in_blocks_are_solved_for_one_block_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = oracle.randomise(nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)), seed=1).eval()
    twin(model[0])
    samples = [torch.randn(40, 5) for _ in range(4)]
    traced, deployed = cut(model, samples[0], {"0": [1]})
    monkeypatch.setattr(fold_module, "BLOCK", 3)
    recovered = engine.recover(model, traced, deployed, samples, ["fold"], ridge=1e-9)
    # the twin lies in the first block: that block alone restores everything
    assert off(model, recovered, samples[0]) < 1e-4


def test_with_few_samples_only_what_tells_other_samples_too_is_folded() -> None:
    # 40 rows leave 48 inputs free to fit all of what is missed, chance among it. Told apart in two batches it
    # is seen; in one batch, the negative control, nothing can be held out, and the fit is wrong elsewhere.
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 96), nn.ReLU(), nn.Linear(96, 8)).eval()
    few, others = torch.randn(40, 20), torch.randn(2000, 20)
    traced, deployed = halved(model, few)
    one, two = (
        engine.recover(model, traced, deployed, list(few.split(size)), ["fold"], ridge=1e-6)
        for size in (40, 20)
    )
    assert off(model, one, few) < 1e-3, "all of it is fitted"
    assert off(model, two, others) < min(off(model, deployed, others), 0.6 * off(model, one, others))


def test_the_error_of_a_fit_is_told_by_sums_alone() -> None:
    torch.manual_seed(0)
    x, r = torch.randn(2, 30, 5), torch.randn(2, 30, 3)
    moments = fold_module.Moments()
    moments.add(x, r, r)
    change, shift = torch.randn(2, 5, 3).double(), torch.randn(2, 3).double()
    left = (r - x @ change.float() - shift.float()[:, None]).square().sum() - r.square().sum()
    assert moments.off(change, shift) == pytest.approx(float(left), rel=1e-4)


def test_what_nothing_cut_reaches_stays_bit_identical() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)
    )
    model = oracle.randomise(model, seed=1).eval()
    samples = [torch.randn(30, 5)]
    traced, deployed = cut(model, samples[0], {"4": [0, 3, 5]})
    recovered = engine.recover(model, traced, deployed, samples)
    changed = set().union(*(step.before for step in recovered.recovery))
    assert changed == {"6.weight", "6.bias"}
    for name, tensor in deployed.model.state_dict().items():
        assert torch.equal(tensor, recovered.model.state_dict()[name]) == (name not in changed)


def test_no_step_changes_nothing_and_neither_model_is_touched() -> None:
    torch.manual_seed(0)
    model = oracle.randomise(
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3)), seed=1
    )
    samples = [torch.randn(4, 3, 8, 8)]
    traced, deployed = halved(model, samples[0])
    before = oracle.snapshot(model), oracle.snapshot(deployed.model)
    assert engine.recover(model, traced, deployed, samples, []) is deployed
    recovered = engine.recover(model, traced, deployed, samples)
    assert oracle.same(before, (oracle.snapshot(model), oracle.snapshot(deployed.model)))
    assert [step.method for step in recovered.recovery] == ["absorb", "recalibrate", "fold"]
    assert model.training


def test_a_weight_that_something_else_reads_is_left_alone() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.inner = nn.Embedding(20, 8), nn.Linear(8, 8)

        def forward(self, tokens: Tensor) -> Tensor:
            return torch.tanh(self.inner(self.embedding(tokens))) @ self.embedding.weight.T

    torch.manual_seed(0)
    model = oracle.randomise(Tied(), seed=1).eval()
    samples = [torch.randint(20, (6, 5))]
    traced, deployed = halved(model, samples[0])
    recovered = engine.recover(model, traced, deployed, samples, ["fold"])
    assert "embedding.weight" not in recovered.recovery[0].before
    assert any("embedding" in reason.what for reason in recovered.recovery[0].left)


def test_constant_channels_are_absorbed_exactly_without_a_sample() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Hardswish(), nn.Conv2d(8, 4, 3))
    model = oracle.randomise(model, seed=1).eval()
    with torch.no_grad():
        model[1].weight[[2, 5]] = 0  # dead but for their shift
    x = torch.randn(4, 3, 9, 9)
    traced, deployed = cut(model, x, {"0": [2, 5]})
    recovered = engine.recover(model, traced, deployed)
    assert off(model, deployed, x) > 1e-2
    assert off(model, recovered, x) < 1e-5
    assert set(recovered.recovery[1].before) == {"3.bias"}
    assert recovered.recovery[1].distance is None


def test_the_mean_behind_norm_and_relu_is_the_closed_form() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 1, bias=True))
    model = oracle.randomise(model, seed=1).eval()
    traced, deployed = cut(model, torch.randn(4, 3), {"0": [1, 4]})
    recovered = engine.recover(model, traced, deployed, None, ["absorb"])
    want, drawn = 0.0, 0.0
    scales, shifts, weights = (
        t.detach().tolist() for t in (model[1].weight, model[1].bias, model[3].weight[0])
    )
    for channel in (1, 4):
        mu, sigma = shifts[channel], abs(scales[channel])
        # E relu(z) = mu · Phi(mu / sigma) + sigma · phi(mu / sigma) for normal z
        phi = math.exp(-((mu / sigma) ** 2) / 2) / math.sqrt(2 * math.pi)
        mean = mu * (1 + math.erf(mu / sigma / math.sqrt(2))) / 2 + sigma * phi
        want += weights[channel] * mean
        sample = torch.randn(400_000, generator=torch.Generator().manual_seed(0)) * sigma + mu
        drawn += weights[channel] * float(sample.relu().mean())
    shift = float((recovered.model[3].bias - deployed.model[3].bias).detach())
    assert abs(shift - want) < 1e-4
    assert abs(shift - drawn) < 1e-2  # 400,000 draws: an error of about 1e-3


def test_from_samples_every_output_is_the_line_through_theirs() -> None:
    torch.manual_seed(0)
    model = oracle.randomise(nn.Sequential(nn.Linear(3, 6), nn.GELU(), nn.Linear(6, 2)), seed=1).eval()
    x = torch.randn(50, 3)
    traced, deployed = cut(model, x, {"0": [1, 4]})
    recovered = engine.recover(model, traced, deployed, list(x.split(25)), ["absorb"], ridge=0)
    want, have, now = (oracle.run(m, (x,))[0].numpy() for m in (model, deployed.model, recovered.model))
    for channel in range(2):
        slope, start = np.polyfit(have[:, channel], want[:, channel], 1)
        np.testing.assert_allclose(now[:, channel], slope * have[:, channel] + start, rtol=1e-3, atol=1e-4)
    before, after = recovered.recovery[0].distance
    assert after < before


def test_constant_channels_are_absorbed_exactly_from_samples_too() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 2))
    model = oracle.randomise(model, seed=1).eval()
    with torch.no_grad():
        model[0].weight[[2, 5]] = 0
    x = torch.randn(40, 3)
    traced, deployed = cut(model, x, {"0": [2, 5]})
    recovered = engine.recover(model, traced, deployed, [x], ["absorb"])
    assert off(model, deployed, x) > 1e-2
    assert off(model, recovered, torch.randn(40, 3)) < 1e-5


def test_the_proof_holds_and_the_file_holds_what_was_recovered(tmp_path: Path) -> None:
    torch.manual_seed(0)

    def build() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 4)
        )

    model = oracle.randomise(build(), seed=1).eval()
    samples = [torch.randn(50, 3, 8, 8) for _ in range(2)]
    traced, deployed = halved(model, samples[0])
    deployed = deployed.with_proof(engine.verify(model, deployed, samples[0]))
    recovered = engine.recover(model, traced, deployed, samples)
    assert engine.verify(model, recovered, samples[0]).passed
    engine.save(recovered, tmp_path / "small.pt")
    loaded = engine.load(tmp_path / "small.pt", model=build())
    want, have = (oracle.run(m, (samples[1],)) for m in (recovered.model, loaded.model))
    assert oracle.error(want, have) == 0
    assert loaded.provenance is not None
    assert [step.method for step in loaded.provenance.recovery] == ["absorb", "recalibrate", "fold"]
    with torch.no_grad():  # the negative control: a wrong weight that no step has touched is still found
        recovered.model[0].weight.mul_(2)
    assert not engine.verify(model, recovered, samples[0]).passed


def test_steps_that_cannot_be_taken_are_refused() -> None:
    model = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 2))
    x = torch.randn(5, 3)
    traced, deployed = halved(model, x)
    with pytest.raises(PlanError, match="no step"):
        engine.recover(model, traced, deployed, [x], ["anneal"])
    with pytest.raises(PlanError, match="needs samples"):
        engine.recover(model, traced, deployed, None, ["fold"])


def merged(model: nn.Module, traced: engine.Traced, deployed: engine.Deployed) -> engine.Deployed:
    return engine.recover(model, traced, deployed, None, ["merge"])


@pytest.mark.parametrize("name", TWINS)
def test_without_samples_a_channel_is_merged_into_its_twin_exactly(name: str) -> None:
    build, shape, maker = TWINS[name]
    torch.manual_seed(0)
    model = oracle.randomise(build(), seed=1).eval()
    twin(model.get_submodule(maker))
    traced, deployed = cut(model, torch.randn(shape), {maker: [1]})
    recovered = merged(model, traced, deployed)
    fresh = torch.randn(shape)
    assert off(model, deployed, fresh) > 1e-2
    assert off(model, recovered, fresh) < 1e-5  # W_0 + W_1 gives what both gave
    # the negative control: channel 2 has no twin
    traced, deployed = cut(model, torch.randn(shape), {maker: [2]})
    assert off(model, merged(model, traced, deployed), fresh) > 1e-2


def test_grouped_convolutions_and_values_of_attention_are_merged_too() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 6, 3, groups=2))
    attention = oracle.randomise(Attention(), seed=1).eval()
    model = oracle.randomise(model, seed=1).eval()
    with torch.no_grad():
        for one in (0, 4):  # in either group of inputs the second is a copy of the first
            model[0].weight[one + 1], model[0].bias[one + 1] = model[0].weight[one], model[0].bias[one]
        for one in (0, 4, 8):  # and in every head
            attention.v.weight[one + 1] = attention.v.weight[one]
            attention.v.bias[one + 1] = attention.v.bias[one]
    x, tokens = torch.randn(6, 3, 9, 9), torch.randn(8, 7, 12)
    group = next(g for g in engine.trace(model, x).groups if g.locked is None and g.size == 4)
    for net, given, name in ((model, x, group.id), (attention, tokens, "v:head_dim")):
        traced, deployed = cut(net, given, {name: [1]})
        assert off(net, deployed, given) > 1e-2
        assert off(net, merged(net, traced, deployed), given) < 1e-5


def test_channels_of_heads_are_merged_where_whole_heads_go_too() -> None:
    attention = oracle.randomise(Attention(), seed=1).eval()
    with torch.no_grad():
        for layer in (attention.q, attention.k, attention.v):  # the last head gives nothing: it is like none
            layer.weight[8:], layer.bias[8:] = 0, 0
        for one in (0, 4):  # in the others the second channel is a copy of the first
            attention.v.weight[one + 1] = attention.v.weight[one]
            attention.v.bias[one + 1] = attention.v.bias[one]
    tokens = torch.randn(8, 7, 12)
    heads = next(g.id for g in engine.trace(attention, tokens).groups if g.locked is None and g.size == 3)
    traced, deployed = cut(attention, tokens, {"v:head_dim": [1], heads: [2]})
    assert off(attention, deployed, tokens) > 1e-2
    assert off(attention, merged(attention, traced, deployed), tokens) < 1e-5


def test_behind_a_norm_and_relu_a_multiple_is_merged_by_its_slope() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 4, 3))
    model = oracle.randomise(model, seed=1).eval()
    conv, norm = model[0], model[1]
    with torch.no_grad():  # channel 4 is 3 times channel 1: other weights, the norm makes up for them
        conv.weight[4], conv.bias[4] = 5 * conv.weight[1], 5 * conv.bias[1]
        norm.running_mean[4] = 5 * norm.running_mean[1]
        norm.running_var[4] = 25 * (norm.running_var[1] + norm.eps) - norm.eps
        norm.weight[4], norm.bias[4] = 3 * norm.weight[1], 3 * norm.bias[1]
    x = torch.randn(4, 3, 9, 9)
    traced, deployed = cut(model, x, {"0": [4]})
    recovered = merged(model, traced, deployed)
    want = model[3].weight[:, 1] + 3 * model[3].weight[:, 4]
    torch.testing.assert_close(recovered.model[3].weight[:, 1], want)
    assert off(model, deployed, x) > 1e-2
    assert off(model, recovered, x) < 1e-5


def test_without_samples_it_is_merged_and_what_that_leaves_of_the_mean_is_absorbed() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2))
    model = oracle.randomise(model, seed=1).eval()
    with torch.no_grad():
        model[0].weight[3] = model[0].weight[1]
        for tensor in (model[0].bias, *model[1].state_dict().values()):
            if tensor.ndim:
                tensor[3] = tensor[1]
    traced, deployed = cut(model, torch.randn(4, 3), {"0": [3]})
    recovered = engine.recover(model, traced, deployed)
    assert [step.method for step in recovered.recovery] == ["merge", "absorb"]
    assert off(model, recovered, torch.randn(50, 3)) < 1e-5  # the mean is not added a second time
