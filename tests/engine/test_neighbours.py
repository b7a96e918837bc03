"""A refused cut names counts that work: each of them deploys and equals the zeroed original."""

from __future__ import annotations

import sys
from itertools import zip_longest

import oracle
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from slimgui import engine
from slimgui.engine.neighbours import TRIES, candidates, resized
from slimgui.errors import DeployError


class Two(nn.Module):
    """Two convolutions of 32 channels; what the code asks of their sizes stands in `check`."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.out = nn.Conv2d(3, 32, 3), nn.Conv2d(3, 32, 3), nn.Conv2d(64, 4, 1)

    def forward(self, x):
        return self.out(torch.cat(self.check(F.relu(self.first(x)), torch.tanh(self.second(x))), 1))


class Divided(Two):
    def check(self, a, b):
        if a.shape[1] % 8:
            raise ValueError(f"{a.shape[1]} channels are not divisible by 8")
        return a, b


class Branching(Two):
    def check(self, a, b):
        return (a.abs() if a.shape[1] >= 24 else a), b


class Halves(Two):
    def check(self, a, b):
        assert a.shape == b.shape
        return a, b


class Whole(Two):
    def check(self, a, b):
        assert a.shape[1] == 32
        return a, b


class Both(Two):
    def check(self, a, b):
        assert a.shape[1] + b.shape[1] == 64
        return a, b


class Projected(nn.Module):
    """torch takes a state as wide as its projection for one without projection."""

    def __init__(self):
        super().__init__()
        self.rnn, self.out = nn.LSTM(6, 8, proj_size=5, batch_first=True), nn.Linear(5, 4)

    def forward(self, x):
        return self.out(self.rnn(x)[0])


IMAGE, SEQUENCE = (2, 3, 8, 8), (2, 4, 6)
CASES = {
    # 21 of 32: the multiples of 8 around it are 24 and 16
    "a divisor": (
        Divided, IMAGE, {"first": 21, "second": 9}, {"first": (24, 16)},
        "24 or 16 channels of first would work.",
    ),
    # abs() changes nothing in what relu gave, but runs from 24 on only: below, another op runs
    "a branch": (
        Branching, IMAGE, {"first": 20, "second": 9}, {"first": (24,)}, "24 channels of first would work.",
    ),
    "equal halves": (
        Halves, IMAGE, {"first": 20, "second": 9}, {"first": (9,)}, "9 channels of first would work.",
    ),
    "a whole group": (
        Whole, IMAGE, {"first": 20, "second": 9}, {"first": (32,)},
        "Leave the channels of first whole: no other number was found that works.",
    ),
    "two whole groups": (
        Both, IMAGE, {"first": 20, "second": 9}, {"first": (32,), "second": (32,)},
        "Leave these whole: channels of first, channels of second.",
    ),
    "a state as wide as its projection": (
        Projected, SEQUENCE, {"rnn.weight_ih_l0": 4, "rnn.weight_hh_l0": 4}, {"rnn.weight_ih_l0": (5, 3)},
        "5 or 3 channels of rnn.weight_ih_l0 would work.",
    ),
}  # fmt: skip


@pytest.fixture(params=CASES)
def refused(request):
    build, shape, counts, *offered = CASES[request.param]
    torch.manual_seed(0)
    model, inputs = oracle.randomise(build(), seed=1).eval(), torch.randn(shape)
    traced = engine.trace(model, inputs)
    sizes = {group.id: group.size for group in traced.groups}
    selection = engine.Selection(oracle.random_keep(sizes, counts, seed=0))
    with pytest.raises(DeployError) as caught:
        engine.deploy(model, traced, selection)
    return model, inputs, traced, selection, caught.value, offered


def test_a_refused_cut_names_counts_that_would_work(refused):
    *_, error, (counts, hint) = refused
    assert error.counts == counts
    assert error.hint == hint
    assert str(error).endswith(hint)


def test_the_counts_that_are_named_deploy_and_equal_the_zeroed_original(refused):
    model, inputs, traced, selection, error, _ = refused
    whole = {group.id: group.size for group in traced.groups}
    for offer in zip_longest(*error.counts.values()):
        counts = {**selection.counts(), **dict(zip(error.counts, offer, strict=True))}
        keep = oracle.random_keep(whole, counts, seed=5)  # other channels than those that were tried
        small = engine.deploy(model, traced, engine.Selection(keep))
        other = torch.randn(3, *inputs.shape[1:])
        have = oracle.run(small.model, (other,))
        assert oracle.error(oracle.run(oracle.zeroed(model, small.kept), (other,)), have) < 1e-9
        if small.kept:
            wrong = oracle.zeroed(model, oracle.shifted(small.kept, model))
            assert oracle.error(oracle.run(wrong, (other,)), have) > 1e-7


def test_counts_are_looked_for_once_and_only_when_they_are_asked_for(monkeypatch):
    module, built = sys.modules["slimgui.engine.deploy"], []
    build = module._build
    monkeypatch.setattr(module, "_build", lambda *args, **how: built.append(1) or build(*args, **how))
    model = Whole()
    traced = engine.trace(model, torch.randn(IMAGE))
    plan = engine.Plan.uniform(traced, 0.5)
    with pytest.raises(DeployError) as caught:
        engine.deploy(model, traced, engine.resolve(traced, plan, model))
    assert "assert a.shape[1] == 32" not in caught.value.why
    assert len(built) == 1

    assert str(caught.value).endswith(caught.value.hint)
    assert 1 < len(built) <= 1 + TRIES
    tried = len(built)
    assert caught.value.counts
    assert len(built) == tried


def test_candidates_are_the_next_ones_then_another_groups_count_then_multiples():
    # halves, quarters, eighths, sixteenths of 48 are 24, 12, 6, 3; its thirds come last
    assert list(candidates(20, 48, [9])) == [21, 19, 9, 24, 12, 18]
    assert list(candidates(1, 3, [])) == [2]


def test_another_count_keeps_the_same_channels_where_it_can():
    kept = torch.tensor([1, 4, 5, 9]).numpy()
    assert resized(kept, 2).tolist() == [1, 9]
    assert resized(kept, 6).tolist() == [0, 1, 2, 4, 5, 9]
