"""torch.utils.checkpoint runs parts of forward again in the backward pass: they are corrected there, too."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from slimgui import engine, runtime

# under no_grad there is nothing to run again; torch says so of the older kind
pytestmark = pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad=True")

INPUTS = torch.arange(20.0, dtype=torch.float64).reshape(4, 5).cos()
KINDS = ["reentrant", "not reentrant", "nested", "lambda"]


class Heads(nn.Module):
    """Its own code, with sizes in it, runs under checkpoints: once per block, and in a loop."""

    def __init__(self, kind: str = "") -> None:
        super().__init__()
        self.kind = kind
        self.enter, self.inner, self.out = nn.Linear(5, 12), nn.Linear(12, 12), nn.Linear(12, 3)
        self.scale = nn.Parameter(torch.ones(4, 1))

    def split(self, x: Tensor, turn: int) -> Tensor:
        x = torch.tanh(self.inner(x))
        x = x.view(len(x), 4, 3) * self.scale
        if turn == 1:  # the same call makes another size the second time
            x = x.expand(2, -1, -1, -1)[0]
        return x.reshape(len(x), 12)

    def twice(self, x: Tensor, turn: int = 0) -> Tensor:
        x = F.dropout(x.view(len(x), 12), 0.3, self.training)
        if self.kind == "nested":
            return checkpoint(self.split, x, turn, use_reentrant=False) + x
        return self.split(x, turn) + x

    def run(self, function: object, *args: object) -> Tensor:
        if not self.kind:
            return function(*args)
        if self.kind == "lambda":
            return checkpoint(lambda x, turn=0: function(x, turn), *args, use_reentrant=False)
        return checkpoint(function, *args, use_reentrant=self.kind == "reentrant")

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        for turn in range(3):
            x = x + self.run(self.split, x, turn)
        return self.out(self.run(self.twice, x).view(len(x), 12))


def deployed(kind: str) -> tuple[nn.Module, engine.Traced, engine.Selection, engine.Deployed]:
    """One channel less in every group; calls are known by line, so that the trace runs the checkpoints."""
    model = oracle.randomise(Heads(kind), seed=0).double().eval()
    traced = engine.trace(model, INPUTS[:2])
    keep = {g.id: np.arange(0 if g.locked else 1, g.size) for g in traced.groups}
    selection = engine.Selection(keep)
    return model, traced, selection, engine.deploy(model, traced, selection)


def gradients(model: nn.Module, parameters: nn.Module) -> dict[str, Tensor]:
    parameters.zero_grad()
    torch.manual_seed(7)
    model(INPUTS.clone().requires_grad_()).square().sum().backward()
    return {name: p.grad.clone() for name, p in parameters.named_parameters()}


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_under_a_checkpoint_are_those_without_one(kind: str) -> None:
    plain, small = (deployed(each)[3] for each in ("", kind))
    assert small.model.enter.out_features < 12
    assert any("Heads.split" in c.site for c in small.corrections), "nothing to correct, nothing to test"
    want, have = (gradients(each.model.train(), each.model) for each in (plain, small))
    assert all(grad.any() for grad in want.values())
    for name, grad in want.items():
        torch.testing.assert_close(have[name], grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["not reentrant", "nested"])
def test_a_subnet_runs_its_checkpoints_again_on_its_own_slices(kind: str) -> None:
    small = deployed("")[3]
    want = gradients(small.model.train(), small.model)
    model, traced, selection, _ = deployed(kind)
    have = gradients(engine.mask(model.train(), traced, selection), model)
    for name, grad in want.items():
        kept = have[name]
        for dim, indices in small.kept.get(name, {}).items():
            kept = kept.index_select(dim, torch.from_numpy(indices))
        torch.testing.assert_close(kept, grad, rtol=1e-12, atol=1e-12)


def test_the_corrections_hold_in_a_second_backward_pass_of_one_graph() -> None:
    small = deployed("not reentrant")[3].model
    loss = small(INPUTS).square().sum()
    loss.backward(retain_graph=True)
    once = small.inner.weight.grad.clone()
    loss.backward()
    torch.testing.assert_close(small.inner.weight.grad, 2 * once)


def test_without_the_corrections_the_backward_pass_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    small = deployed("not reentrant")[3].model
    monkeypatch.setattr(runtime, "_runs_again", lambda frame: ())
    with pytest.raises(RuntimeError, match="invalid for input of size"):
        gradients(small, small)
