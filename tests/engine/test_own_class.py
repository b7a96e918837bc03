"""Back to the user's code: a slimmed file on the user's own class, whatever that is wrapped in."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import oracle
import pytest
import torch
from engine.own_class import BUILD, SIZE
from torch import Tensor, nn

from slimgui import engine
from slimgui.errors import LoadError


def slimmed(model: nn.Module, x: Tensor, folder: Path) -> engine.Deployed:
    """Every free group cut by a ratio of its own; proven and saved."""
    traced = engine.trace(model, x)
    sizes = {g.id: g.size for g in traced.groups}
    free = {g.id: g.size for g in traced.groups if not g.locked}
    selection = engine.Selection(oracle.random_keep(sizes, oracle.seeded_ratios(free, 3), 3))
    deployed = engine.deploy(model, traced, selection)
    deployed = deployed.with_proof(engine.verify(model, deployed, x))
    assert deployed.proof is not None
    assert deployed.proof.passed
    engine.save(deployed, folder / "small.pt")
    return deployed


@pytest.mark.parametrize("name", list(BUILD))
def test_a_slimmed_model_opens_on_its_class_in_a_fresh_python_and_learns(name: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that the models come from
        torch.manual_seed(0)
        model = oracle.randomise(BUILD[name](), seed=1, scale=0.7).eval()
    x = torch.rand(2, 3, SIZE, SIZE)
    small = slimmed(model, x, tmp_path).model
    share = sum(p.numel() for p in small.parameters()) / sum(p.numel() for p in model.parameters())
    assert share < 0.7
    with torch.no_grad():
        y = small(x)
    y = y if isinstance(y, Tensor) else y[0]
    assert y.std() > 1e-2
    torch.save({"x": x, "y": y}, tmp_path / "outputs.pt")

    program = Path(__file__).with_name("own_class.py")
    done = subprocess.run(
        [sys.executable, str(program), name, str(tmp_path)], capture_output=True, text=True, timeout=150
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["own"]
    assert found["class"] == f"{type(model).__module__}.{type(model).__name__}"
    assert found["error"] < 1e-6
    losses = found["losses"]
    assert len(losses) == 20
    assert losses[-1] < 0.8 * losses[0], losses
    assert np.mean(losses[10:]) < np.mean(losses[:10])


# --- what else `model=` may be


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.norm, self.two = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.two(torch.relu(self.norm(self.one(x))))


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, engine.Deployed, Tensor]:
    x = torch.rand(2, 3, 8, 8)
    return tmp_path / "small.pt", slimmed(oracle.randomise(Net(), seed=1).eval(), x, tmp_path), x


def test_the_file_says_which_channels_of_the_original_every_tensor_kept(saved) -> None:
    path, deployed, _ = saved
    provenance = engine.load(path, model=Net()).provenance
    assert provenance is not None
    assert provenance.kept.keys() == deployed.kept.keys() >= {"one.weight", "norm.running_mean", "two.weight"}
    for name, dims in deployed.kept.items():
        for dim, indices in dims.items():
            assert np.array_equal(provenance.kept[name][dim], indices)


def test_a_model_in_another_precision_keeps_it(saved) -> None:
    path, deployed, x = saved
    model = engine.load(path, model=Net().double()).model
    assert {p.dtype for p in model.parameters()} == {torch.float64}
    torch.testing.assert_close(model(x.double()).float(), deployed.model(x))


def test_a_model_inside_a_wrapper_is_slimmed_where_it_is(saved) -> None:
    path, deployed, x = saved
    wrapped = nn.DataParallel(Net())
    loaded = engine.load(path, model=wrapped)
    assert loaded.model is wrapped
    assert not wrapped.training
    assert torch.equal(wrapped.module(x), deployed.model(x))

    compiled = torch.compile(Net(), backend="eager")
    assert engine.load(path, model=compiled).model is compiled
    assert torch.equal(compiled(x), deployed.model(x))


def test_what_was_cut_inside_a_wrapper_goes_back_into_one(tmp_path: Path) -> None:
    x = torch.rand(2, 3, 8, 8)
    deployed = slimmed(nn.DataParallel(oracle.randomise(Net(), seed=1)).eval(), x, tmp_path)
    again = engine.load(tmp_path / "small.pt", model=nn.DataParallel(Net())).model
    assert torch.equal(again(x), deployed.model(x))


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_weights_saved_from_a_wrapper_fit_the_model_without_it(prefix: str, tmp_path: Path) -> None:
    model = Net()
    torch.save({f"{prefix}{name}": value for name, value in model.state_dict().items()}, tmp_path / "w.pt")
    again = engine.load(tmp_path / "w.pt", model=Net()).model
    assert oracle.same(model.state_dict(), again.state_dict())


def test_another_class_is_refused_in_a_sentence(saved) -> None:
    with pytest.raises(
        LoadError, match=r"This Linear is not the model that was cut\.\nIt has no 'one\.weight'"
    ):
        engine.load(saved[0], model=nn.Linear(3, 4))


def test_tuned_weights_come_back_onto_the_slimmed_class(saved, tmp_path: Path) -> None:
    path, _, x = saved
    model = engine.load(path, model=Net()).model.train()
    torch.optim.SGD(model.parameters(), lr=0.1).zero_grad()
    model(x).square().mean().backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.sub_(0.1 * parameter.grad)
    torch.save(model.state_dict(), tmp_path / "tuned.pt")
    again = engine.load(path, model=Net()).model
    again.load_state_dict(torch.load(tmp_path / "tuned.pt"))
    assert torch.equal(again(x), model.eval()(x))
