"""Passes that wait for the weight they are about to use: the same as running every batch anew, only once."""

from __future__ import annotations

import importlib
import threading

import oracle
import pytest
import torch
from torch import Tensor, nn

from slimgui import engine
from slimgui.engine import fold as fold_module
from slimgui.engine import walk


class Deep(nn.Module):
    """Layers in a row; the middle one is used twice. It notes in an attribute how large its batch is."""

    runs = 0  # of all copies together

    def __init__(self) -> None:
        super().__init__()
        self.first, self.again = nn.Linear(6, 12), nn.Linear(12, 12)
        self.rest = nn.ModuleList(nn.Linear(12, 12) for _ in range(4))
        self.last = nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        Deep.runs += 1
        self.size = len(x)
        x = torch.relu(self.again(torch.relu(self.again(torch.relu(self.first(x))))))
        for layer in self.rest:
            x = torch.relu(layer(x))
            assert self.size == len(x), "another batch runs in this very module"
        return self.last(x)


def halved(model: nn.Module, x: Tensor) -> tuple[engine.Traced, engine.Deployed]:
    traced = engine.trace(model, x)
    selection = engine.resolve(traced, engine.Plan(ratio=0.5), model)
    return traced, engine.deploy(model, traced, selection)


@pytest.fixture
def net() -> tuple[nn.Module, engine.Traced, engine.Deployed, list[Tensor]]:
    """A net, its trace, half of it, and batches of different sizes."""
    model = oracle.randomise(Deep(), seed=1).eval()
    torch.manual_seed(0)
    batches = [torch.randn(size, 6) for size in (30, 40, 50)]
    return model, *halved(model, batches[0]), batches


def recovered(net, monkeypatch, steps, *, waits: bool) -> dict[str, Tensor]:
    model, traced, deployed, batches = net
    monkeypatch.setattr(importlib.import_module("slimgui.engine.recover"), "fits", lambda *_: waits)
    return engine.recover(model, traced, deployed, batches, steps).model.state_dict()


@pytest.mark.parametrize("block", [8192, 3])
def test_passes_that_wait_give_the_very_numbers_of_passes_that_start_again(net, monkeypatch, block):
    monkeypatch.setattr(fold_module, "BLOCK", block)
    steps = ("absorb", "fold")
    whole = net[2].model.state_dict()
    one, other = (recovered(net, monkeypatch, steps, waits=waits) for waits in (True, False))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not any(torch.equal(one[name], whole[name]) for name in ("rest.3.weight", "last.weight"))


def test_a_pass_runs_once_however_many_weights_it_waits_for(net, monkeypatch):
    runs = []
    for waits in (True, False):
        Deep.runs = 0
        recovered(net, monkeypatch, ("fold",), waits=waits)
        runs.append(Deep.runs)
    # Of 3 batches and 2 models: one pass to the first weight, one to the shared one, where none waits, and
    # one through all others; without waiting, one for each of 7 weights. The distances take 2 · 2 · 3 more.
    assert runs == [12 + 6 + 6 + 6, 12 + 6 * 7]


def test_nothing_waits_any_more_when_a_step_is_done_or_a_model_fails(net, monkeypatch):
    before = threading.active_count()
    recovered(net, monkeypatch, ("fold",), waits=True)
    assert threading.active_count() == before
    model, traced, deployed, batches = net
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        engine.recover(model, traced, deployed, [batches[0], torch.randn(4, 5)], ["absorb"])
    assert threading.active_count() == before


def test_passes_wait_only_where_what_they_hold_fits_into_memory(net, monkeypatch):
    model, traced, _, batches = net
    # At its fullest the traced pass of 30 rows holds what a layer reads and writes: two of [30, 12], float32.
    # Of two models, on 3 batches as large as the first: six times that.
    held = 6 * 2 * 30 * 12 * 4
    for free, fits in ((walk.SHARE * held, True), (walk.SHARE * held - 4, False), (None, True)):
        monkeypatch.setattr(walk, "available", lambda device, free=free: free)
        assert walk.fits(traced, model, batches) is fits
    monkeypatch.setattr(walk, "MOST", 2)
    assert not walk.fits(traced, model, batches)
