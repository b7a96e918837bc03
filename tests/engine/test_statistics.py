"""The masked original's statistics over kept channels."""

from __future__ import annotations

import oracle
import torch
from torch import nn

from slimgui import engine


class WeightNormThenLayerNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.norm, self.head = nn.Linear(12, 12), nn.LayerNorm(12), nn.Linear(12, 5)
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(12, 12, 5, padding=2, groups=3), dim=2)

    def forward(self, x):
        x = self.up(x)
        return self.head(self.norm(x + self.conv(x.transpose(1, 2)).transpose(1, 2)))


def test_statistics_are_found_although_weights_are_no_longer_computed() -> None:
    # the mask bakes the effective weight in: the calls of weight norm are missing when LayerNorm is reached
    model = oracle.randomise(WeightNormThenLayerNorm()).double()
    x = torch.randn(2, 6, 12).double()
    traced = engine.trace(model, (x,))
    (group,) = (g for g in traced.groups if g.id == "up")
    assert not group.exact
    keep = oracle.random_keep({g.id: g.size for g in traced.groups}, {"up": 2}, seed=1)
    deployed = engine.deploy(model, traced, engine.Selection(keep))
    assert engine.verify(model, deployed, (x,)).passed


class RegisterTokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.registers = nn.Parameter(torch.zeros(1, 4, 12))
        self.qkv, self.head = nn.Linear(12, 36), nn.Linear(12, 5)

    def forward(self, x):
        x = torch.cat((self.registers.expand(len(x), -1, -1), x), 1)
        q, k, v = self.qkv(x).chunk(3, -1)
        x = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.head(x[:, 4:])


def test_attention_does_not_attend_to_tokens_that_go() -> None:
    model = oracle.randomise(RegisterTokens()).double()
    x = torch.randn(2, 6, 12).double()
    traced = engine.trace(model, (x,))
    (group,) = (g for g in traced.groups if g.id == "registers")
    assert not group.exact
    keep = oracle.random_keep({g.id: g.size for g in traced.groups}, {"registers": 2}, seed=1)
    deployed = engine.deploy(model, traced, engine.Selection(keep))
    assert deployed.model.registers.shape == (1, 2, 12)
    assert engine.verify(model, deployed, (x,)).passed


class StandardisedConv(nn.Conv2d):
    def forward(self, x):
        flat = self.weight.reshape(1, self.out_channels, -1)
        weight = nn.functional.batch_norm(flat, None, None, training=True, momentum=0.0)
        return nn.functional.conv2d(x, weight.reshape_as(self.weight), self.bias)


def test_a_weight_is_standardised_over_the_channels_that_stay() -> None:
    model = oracle.randomise(nn.Sequential(nn.Conv2d(3, 6, 3), StandardisedConv(6, 8, 3), nn.Conv2d(8, 4, 1)))
    model, x = model.double(), torch.randn(2, 3, 9, 9).double()
    traced = engine.trace(model, (x,))
    leaving, entering = sorted((g for g in traced.groups if not g.locked), key=lambda g: not g.exact)
    assert (leaving.size, leaving.exact, entering.size, entering.exact) == (8, True, 6, False)
    counts = {entering.id: 4, leaving.id: 5}
    keep = oracle.random_keep({g.id: g.size for g in traced.groups}, counts, seed=1)
    deployed = engine.deploy(model, traced, engine.Selection(keep))
    assert engine.verify(model, deployed, (x,)).passed
