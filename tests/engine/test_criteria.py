"""Every criterion against numbers worked out by hand, and what all of them have in common."""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, sqrt
from typing import Any

import numpy as np
import oracle
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slimgui import engine
from slimgui.core.criteria import CRITERIA
from slimgui.engine.importance.data import batches
from slimgui.engine.importance.registry import FUNCTIONS, criterion
from slimgui.errors import DataError, PlanError

ONE, OTHER = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
FOUR = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [1.0, 1.0]])
# relu(into · x + bias) of the four: [1, 0, 0], [0, 0, 3], [0, 0, 2], [0, 0, 0]


class TwoLayers(nn.Module):
    """Three hidden channels: they own a row of `into`, a bias, and a column of `out`."""

    def __init__(self) -> None:
        super().__init__()
        self.into = nn.Linear(2, 3)
        self.out = nn.Parameter(torch.tensor([[1.0, -2.0], [0.0, 4.0], [-1.0, 0.0]]))
        with torch.no_grad():
            self.into.weight.copy_(torch.tensor([[1.0, -2.0], [0.5, 0.0], [-3.0, 1.0]]))
            self.into.bias.copy_(torch.tensor([0.0, -1.0, 2.0]))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.into(x)) @ self.out


def scores(name: str, samples: Iterable[Any] | None = None) -> np.ndarray:
    model = TwoLayers()
    traced = engine.trace(model, FOUR)
    (group,) = (group for group in traced.groups if not group.locked)
    return engine.importance(model, traced, name, samples)[group.id]


@pytest.mark.parametrize(
    ("name", "samples", "expected"),
    [
        ("l1", None, [6, 5.5, 7]),  # row, bias, column: 1+2+0+1+2; 0.5+1+4; 3+1+2+1
        ("l2", None, [10, 17.25, 15]),  # the same squared
        # by l2 in rising order 10, 15, 17.25: each by the sum of itself and all larger ones
        ("lamp", None, [10 / 42.25, 1, 15 / 32.25]),
        # between (1 -2 0 1 -2), (0.5 0 -1 0 4) and (-3 1 2 -1 0): roots of 42.25, 37 and 39.25
        ("fpgm", None, [6.5 + sqrt(37), 6.5 + sqrt(39.25), sqrt(37) + sqrt(39.25)]),
        ("first", None, [3, 2, 1]),
        # variances 1/4 - 1/16, 0, 13/4 - 25/16; squares of the rows of `out` 5, 16, 1
        ("input", [FOUR], [0.9375, 0, 1.6875]),
        ("input", [FOUR[:1], FOUR[1:]], [0.9375, 0, 1.6875]),
        ("activation", [FOUR], [0.25, 0, 3.25]),
        # without labels L = ‖y‖² / 2. (1, 0): y = (1, -2), the row of `out` gives 1·1 + 2·2 = 5, the row of
        # `into` 5 again; (0, 1): y = (-3, 0), 9 each. The mean of |s| over two batches of one sample
        ("taylor", [ONE, OTHER], [5, 0, 9]),
        # in one batch the mean loss has half of the gradient of each: (10 + 0) / 2 and (0 + 18) / 2
        ("taylor", [torch.cat((ONE, OTHER))], [5, 0, 9]),
        # y = (1, -2) of class 0: ∂L/∂y = (-p, p) with p = 1 / (1 + e³); -p·1 + p·(-2) twice
        ("taylor", [(ONE, torch.tensor([0]))], [6 / (1 + exp(3)), 0, 0]),
        ("fisher", [ONE, OTHER], [25, 0, 81]),  # (10² / 2 + 0) / 2 and (0 + 18² / 2) / 2
        ("fisher", [torch.cat((ONE, OTHER))], [25, 0, 81]),  # whatever the batches are
        ("fisher", [(ONE, [0])], [18 / (1 + exp(3)) ** 2, 0, 0]),
    ],
)
def test_by_hand(name: str, samples: Iterable[Any] | None, expected: list[float]) -> None:
    np.testing.assert_allclose(scores(name, samples), expected, rtol=1e-6)


class OwnNorm(nn.Module):
    """A norm of the user's own, whose scale has another name."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1), nn.Conv2d(5, 2, 1)
        self.gain = nn.Parameter(torch.tensor([3.0, -1.0, 0.5, -2.0]))
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("var", torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        x = F.batch_norm(self.one(x), self.mean, self.var, self.gain)
        return self.three(F.relu(self.two(F.relu(x))))


def test_the_scales_of_norms_are_found_whatever_they_are_called() -> None:
    model = OwnNorm().eval()
    traced = engine.trace(model, torch.randn(1, 3, 4, 4))
    found = engine.importance(model, traced, "norm")
    assert found["one"].tolist() == [3, 1, 0.5, 2]
    np.testing.assert_array_equal(found["two"], engine.importance(model, traced, "l2")["two"])


def test_random_scores_are_the_same_again_and_others_in_another_group() -> None:
    model = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2))
    traced = engine.trace(model, torch.randn(1, 3))
    one, other = (engine.importance(model, traced, "random") for _ in range(2))
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert not np.array_equal(one["0"], one["2"])


class Branches(nn.Module):
    """Convolutions, a residual, attention: what criteria from data have to follow."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.body = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.norm, self.attention = nn.BatchNorm2d(8), nn.MultiheadAttention(8, 2, batch_first=True)
        self.hidden, self.head = nn.LSTM(8, 6, batch_first=True), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        x = F.relu(x + self.norm(self.body(x))).flatten(2).transpose(1, 2)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return self.head(self.hidden(x)[0].mean(1))


@pytest.mark.parametrize("name", CRITERIA)
def test_every_criterion_judges_every_group_and_leaves_the_model_alone(name: str) -> None:
    torch.manual_seed(0)
    model = oracle.randomise(Branches(), seed=3).train()
    traced = engine.trace(model, torch.randn(1, 3, 4, 4))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    samples = [(torch.randn(5, 3, 4, 4), torch.arange(5) % 4) for _ in range(2)]
    found = engine.importance(model, traced, name, samples)
    assert model.training
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert found.keys() == {group.id for group in traced.groups}
    for group in traced.groups:
        assert found[group.id].shape == (group.size,)
        assert np.isfinite(found[group.id]).all()
        assert (found[group.id] >= 0).all()
        if group.locked is None:
            assert found[group.id].max() > 0
    plan = engine.plan_for(traced, model, macs=0.7, importance=name, samples=samples)
    engine.deploy(model, traced, engine.resolve(traced, plan, model))  # needs no samples any more


def test_a_dead_channel_is_the_first_to_go_by_every_criterion_that_sees_data() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3), nn.Flatten(), nn.Linear(64, 3))
    with torch.no_grad():
        model[0].bias[2] = -1e3
    traced = engine.trace(model, torch.randn(1, 3, 8, 8))
    for name in (name for name, known in CRITERIA.items() if known.needs_samples):
        own = engine.importance(model, traced, name, [torch.randn(6, 3, 8, 8)])["0"]
        assert own[2] == 0 < np.delete(own, 2).min(), name


def test_data_is_asked_for_where_it_is_needed() -> None:
    model = TwoLayers()
    traced = engine.trace(model, FOUR)
    with pytest.raises(DataError, match="there is none"):
        engine.resolve(traced, engine.Plan(ratio=0.5, importance="input"), model)
    with pytest.raises(DataError, match="no sample"):
        engine.importance(model, traced, "taylor", [])
    with pytest.raises(PlanError, match="trace"):
        engine.importance(model, traced.groups, "norm")
    with pytest.raises(PlanError, match="l1, l2"):
        engine.importance(model, traced, "magic")


def test_pairs_are_told_from_inputs() -> None:
    x, y = torch.zeros(2, 3), torch.zeros(2)
    assert [labels for _, labels in batches([x, (x,)], x)] == [None, None]
    assert next(batches([(x, y)], x)) == (x, y)
    assert next(batches([({"x": x}, y)], {"x": x})) == ({"x": x}, y)
    assert next(batches([(x, y)], (x, y))) == ((x, y), None)  # the model takes two tensors
    assert next(batches([((x, y), y)], (x, y))) == ((x, y), y)


def test_a_criterion_is_registered_once_and_described() -> None:
    assert FUNCTIONS.keys() == CRITERIA.keys()
    with pytest.raises(ValueError, match="already"):
        criterion("l1")(lambda subject: {})
    with pytest.raises(ValueError, match="when to use"):
        criterion("magic")(lambda subject: {})
