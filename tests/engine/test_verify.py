"""A proof that fails names the module in which the outputs part."""

from __future__ import annotations

from dataclasses import replace

import oracle
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations

from slimgui import engine
from slimgui.engine import parted


class Cell(nn.Module):
    """Gives back a dict with a tuple in it, is called twice, and multiplies by a size of its own."""

    def __init__(self):
        super().__init__()
        self.mix, self.gate, self.width = nn.Linear(8, 8), nn.Linear(8, 8), 8

    def forward(self, x):
        mixed = self.mix(x) / self.width
        return {"state": (mixed, torch.sigmoid(self.gate(x)) * mixed)}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
        self.cell, self.head = Cell(), nn.Linear(8, 5)
        self.scale = nn.Parameter(torch.ones(8))

    def forward(self, x):
        x = F.relu_(self.bn(self.conv(x))).mean((2, 3)) * self.scale
        _, x = self.cell(x)["state"]
        first, second = self.cell(x)["state"]
        return self.head(input=first + second)


@pytest.fixture
def cut():
    torch.manual_seed(0)
    model, inputs = oracle.randomise(Net(), seed=1).eval(), torch.randn(2, 3, 8, 8)
    traced = engine.trace(model, inputs)
    sizes = {group.id: group.size for group in traced.groups}
    counts = {group.id: group.size - 3 for group in traced.groups if not group.locked}
    deployed = engine.deploy(model, traced, engine.Selection(oracle.random_keep(sizes, counts, seed=2)))
    return model, deployed, inputs


def shift(weight):
    """The weight with its first two kept indices exchanged: as if another channel had been kept."""
    weight.data = torch.cat([weight.data[1:2], weight.data[:1], weight.data[2:]])


WRONG = {
    "a weight": (lambda net: shift(net.conv.weight), "conv"),
    "a weight of a module that is called twice": (
        lambda net: shift(net.cell.gate.weight),
        "cell.gate",
    ),
    "a running statistic": (lambda net: net.bn.running_var.mul_(2), "bn"),
    "an attribute of torch.nn": (lambda net: setattr(net.bn, "eps", 0.5), "bn"),
    "a size in the code of an inner module": (lambda net: setattr(net.cell, "width", 7), "cell"),
    "a parameter of the model itself": (lambda net: shift(net.scale), ""),
    "the last layer": (lambda net: net.head.bias.data.neg_(), "head"),
}


def test_a_right_model_parts_nowhere(cut):
    proof = engine.verify(*cut)
    assert (proof.passed, proof.level, proof.note, proof.parted) == (True, "numeric", "", None)


@pytest.mark.parametrize("held", [parted.HELD, 1], ids=["at once", "a few at a time"])
@pytest.mark.parametrize("kind", WRONG)
def test_a_failed_proof_names_the_module_in_which_the_outputs_part(cut, kind, held, monkeypatch):
    monkeypatch.setattr(parted, "HELD", held)
    change, module = WRONG[kind]
    change(cut[1].model)
    proof = engine.verify(*cut)
    assert not proof.passed
    assert proof.parted == module
    assert (module or "the model's own forward") in proof.note


def test_a_model_that_raises_is_a_failed_proof_that_names_the_module(cut):
    model, deployed, inputs = cut
    deployed.model.cell.mix = nn.Linear(7, 5)
    proof = engine.verify(model, deployed, inputs)
    assert (proof.passed, proof.parted, proof.max_error) == (False, "cell.mix", float("inf"))
    assert proof.note.startswith("The smaller model raises RuntimeError in cell.mix: ")


def test_an_original_that_raises_is_no_proof_at_all(cut):
    with pytest.raises(RuntimeError, match="channels"):
        engine.verify(*cut[:2], torch.randn(2, 4, 8, 8))


def test_sums_of_inexact_channels_leave_the_removed_ones_out():
    """A removed channel of a sigmoid is one half in the masked original, and no part of the smaller sum."""

    class Gate(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate, self.up, self.out = nn.Linear(4, 8), nn.Linear(4, 6), nn.Linear(6, 2)

        def forward(self, x):
            return self.out(self.up(x) * torch.sigmoid(self.gate(x)).sum(-1, keepdim=True))

    torch.manual_seed(0)
    model, inputs = oracle.randomise(Gate(), seed=1), torch.randn(5, 4)
    traced = engine.trace(model, inputs)
    assert {group.id: group.exact for group in traced.groups if not group.locked}["gate"] is False
    plan = engine.Plan.uniform(traced, 0.0).with_count("gate", 5)
    deployed = engine.deploy(model, traced, engine.resolve(traced, plan, model))
    assert engine.verify(model, deployed, inputs).passed
    kept = torch.from_numpy(deployed.kept["gate.weight"][0])
    part = torch.sigmoid(F.linear(inputs, model.gate.weight[kept], model.gate.bias[kept])).sum(
        -1, keepdim=True
    )
    torch.testing.assert_close(deployed.model(inputs), model.out(model.up(inputs) * part))

    wrong = replace(deployed, model=oracle.randomise(deployed.model, seed=3))
    assert not engine.verify(model, wrong, inputs).passed


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("wrap", [parametrizations.weight_norm, parametrizations.spectral_norm])
def test_inexact_cuts_of_computed_float32_weights_are_proven(wrap, training):
    """The masked original has the values of such weights in their place, so it makes fewer calls; the gains
    and vectors that absorb the cut are rounded in float32."""
    torch.manual_seed(0)
    model = nn.Sequential(
        wrap(nn.Linear(6, 8)),
        nn.LayerNorm(8),
        nn.Tanh(),
        wrap(nn.Linear(8, 8)),
        nn.Softmax(-1),
        nn.Linear(8, 3),
    ).train(training)
    inputs = torch.randn(4, 6)
    traced = engine.trace(model, inputs)
    deployed = engine.deploy(model, traced, engine.resolve(traced, engine.Plan.uniform(traced, 0.4), model))
    proof = engine.verify(model, deployed, inputs)
    assert (proof.passed, proof.note) == (True, "")
    assert proof.max_error < 1e-6
    shift(deployed.model[0].bias)
    assert engine.verify(model, deployed, inputs).parted == "0"


class NarrowInside(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.head = nn.Linear(12, 40), nn.Linear(40, 5)

    def forward(self, x):
        x = self.up(x)
        near = torch.sigmoid(x.float() @ x.float().T / 40)
        return self.head((near @ x.float()).to(x.dtype))


def test_rounding_inside_the_model_is_no_difference() -> None:
    # float32 keeps 24 bits: differences of about 1e-7, which float64 would not explain
    model, x = oracle.randomise(NarrowInside()), torch.randn(6, 12)
    traced = engine.trace(model, (x,))
    counts = {g.id: 23 for g in traced.groups if g.size == 40}
    keep = oracle.random_keep({g.id: g.size for g in traced.groups}, counts, seed=3)
    proof = engine.verify(model, engine.deploy(model, traced, engine.Selection(keep)), (x,))
    assert proof.passed
    assert 1e-9 < proof.max_error < 1e-4
