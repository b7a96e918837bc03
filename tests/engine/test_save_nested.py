"""A training checkpoint comes back as one: nesting, prefixes, other entries, and the optimizer's state."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from slimgui import engine
from slimgui.engine.load import load
from slimgui.errors import LoadError

INPUTS = (torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1)),)
MAKER = "saved_training.py:Net"
CODE = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.two = nn.Conv2d(8, 4, 3, padding=1)

    def forward(self, x):
        return self.two(self.norm(self.one(x)).relu()).mean((2, 3))
"""


@pytest.fixture
def maker(tmp_path):
    (tmp_path / "saved_training.py").write_text(CODE)
    return f"{tmp_path}/{MAKER}"


def trained(maker, groups=1):
    torch.manual_seed(0)
    model = load(maker).model.train()
    named = list(model.named_parameters())
    parts = (
        [[value for _, value in named]]
        if groups == 1
        else [[v for _, v in named[:2]], [v for _, v in named[2:]]]
    )
    optimizer = torch.optim.Adam([{"params": part} for part in parts], lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        model(INPUTS[0]).square().mean().backward()
        optimizer.step()
    return model.eval(), optimizer


def checkpoint(model, optimizer):
    state = {f"module.{name}": value for name, value in model.state_dict().items()}
    average = {
        name: value * 0.5 if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }
    return {
        "epoch": 7,
        "best": torch.tensor(0.91),
        "args": {"lr": 0.01, "names": ["cat", "dog"]},
        "model": state,
        "ema": {"decay": 0.99, "shadow": average},
        "optimizer": optimizer.state_dict(),
    }


def cut(path, maker, place=""):
    source = f"{path}{place}@{maker}"
    loaded = load(source)
    traced = engine.trace(loaded.model, INPUTS)
    deployed = engine.deploy(
        loaded.model, traced, engine.resolve(traced, engine.Plan(ratio=0.5), loaded.model)
    )
    return replace(deployed, source=source, proof=engine.verify(loaded.model, deployed, INPUTS))


@pytest.fixture
def saved(maker, tmp_path):
    model, optimizer = trained(maker)
    torch.save(checkpoint(model, optimizer), tmp_path / "last.pt")
    deployed = cut(tmp_path / "last.pt", maker, "#model")
    report = engine.save(deployed, tmp_path / "small.pt")
    return deployed, report, torch.load(tmp_path / "small.pt", weights_only=True)


def test_nesting_prefixes_and_other_entries_stay(saved):
    deployed, report, found = saved
    small = deployed.model.state_dict()
    assert (found["epoch"], found["args"]) == (7, {"lr": 0.01, "names": ["cat", "dog"]})
    assert torch.equal(found["best"], torch.tensor(0.91))
    assert list(found["model"]) == [f"module.{name}" for name in small]
    assert all(torch.equal(found["model"][f"module.{name}"], value) for name, value in small.items())
    assert "Other entries of the training checkpoint were kept." in report.notes


def test_a_moving_average_is_sliced_like_the_weights(saved):
    deployed, _, found = saved
    # the average of every weight was half the weight
    for name, value in deployed.model.state_dict().items():
        wanted = value * 0.5 if value.is_floating_point() else value
        assert torch.equal(found["ema"]["shadow"][name], wanted), name
    assert found["ema"]["decay"] == 0.99


def test_the_optimizer_goes_on_with_the_slices_of_its_state(saved, maker, tmp_path):
    deployed, _, found = saved
    whole = torch.load(tmp_path / "last.pt", weights_only=True)["optimizer"]["state"]
    for index, (name, parameter) in enumerate(deployed.model.named_parameters()):
        for moment in ("exp_avg", "exp_avg_sq"):
            wanted = whole[index][moment]
            for dim, indices in deployed.kept.get(name, {}).items():
                wanted = wanted.index_select(dim, torch.as_tensor(indices))
            assert torch.equal(found["optimizer"]["state"][index][moment], wanted)
            assert wanted.shape == parameter.shape
    model = load(tmp_path / "small.pt", model=maker).model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.5)
    optimizer.load_state_dict(found["optimizer"])
    assert optimizer.param_groups[0]["lr"] == 0.01
    model(INPUTS[0]).square().mean().backward()
    optimizer.step()


def test_it_opens_again_with_its_provenance_and_is_cut_again(saved, maker, tmp_path):
    deployed, _, _ = saved
    again = load(tmp_path / "small.pt", model=maker)
    with torch.no_grad():
        assert torch.equal(again.model(*INPUTS), deployed.model(*INPUTS))
    assert list(again.provenance.kept["one.weight"][0]) == list(deployed.kept["one.weight"][0])
    twice = cut(tmp_path / "small.pt", maker)
    engine.save(twice, tmp_path / "smaller.pt")
    found = torch.load(tmp_path / "smaller.pt", weights_only=True)
    assert found["epoch"] == 7
    assert found["model"]["module.one.weight"].shape[0] == 2  # 8, half of it, half of that
    assert found["optimizer"]["state"][0]["exp_avg"].shape[0] == 2
    third = load(tmp_path / "smaller.pt", model=maker)
    with torch.no_grad():
        assert torch.equal(third.model(*INPUTS), twice.model(*INPUTS))


def test_an_optimizer_that_cannot_be_sliced_is_left_out_and_that_is_said(maker, tmp_path):
    model, optimizer = trained(maker, groups=2)
    torch.save(checkpoint(model, optimizer), tmp_path / "last.pt")
    report = engine.save(cut(tmp_path / "last.pt", maker, "#model"), tmp_path / "small.pt")
    found = torch.load(tmp_path / "small.pt", weights_only=True)
    assert "optimizer" not in found
    assert found["epoch"] == 7
    assert any("'optimizer' was left out: it has several groups" in note for note in report.notes)


def test_bare_weights_stay_as_they_were_saved_before(maker, tmp_path):
    model, _ = trained(maker)
    torch.save(model.state_dict(), tmp_path / "last.pt")
    assert engine.save(cut(tmp_path / "last.pt", maker), tmp_path / "small.pt").notes == ()
    assert torch.load(tmp_path / "small.pt", weights_only=True)["slimgui"] == 1


@pytest.mark.parametrize("place", ['["nowhere", ""]', "[", '["epoch", ""]', "7"])
def test_a_place_that_is_none_is_a_sentence(place, saved, maker, tmp_path):
    _, _, found = saved
    found["slimgui"]["place"] = place
    torch.save(found, tmp_path / "odd.pt")
    with pytest.raises(LoadError, match="damaged"):
        load(tmp_path / "odd.pt", model=maker)


def test_where_slicing_is_not_the_cut_the_other_entries_are_left_out_and_that_is_said(tmp_path):
    """Weight norm takes the norm of a smaller weight: the gain is another number, not a slice."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.ReLU(),
        torch.nn.utils.parametrizations.weight_norm(nn.Conv2d(8, 8, 3), dim=0),
        nn.ReLU(),
        nn.Conv2d(8, 4, 3),
    ).eval()
    torch.save({"model": model.state_dict(), "epoch": 3}, tmp_path / "last.pt")
    traced = engine.trace(model, INPUTS)
    deployed = engine.deploy(model, traced, engine.resolve(traced, engine.Plan(ratio=0.5), model))
    report = engine.save(replace(deployed, source=str(tmp_path / "last.pt")), tmp_path / "small.pt")
    found = torch.load(tmp_path / "small.pt", weights_only=False)
    assert "epoch" not in found
    assert any("were not kept" in note for note in report.notes)
