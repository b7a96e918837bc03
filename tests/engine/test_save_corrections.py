"""Calls that are corrected as they run are part of the file: a new python opens it and computes the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from slimgui import engine
from slimgui.engine.formats import checkpoint
from slimgui.engine.load import load
from slimgui.engine.reopen import reopen
from slimgui.errors import LoadError, SaveError
from slimgui.runtime import installed

TOKENS = (torch.randn(2, 5, 12, generator=torch.Generator().manual_seed(3)),)
OTHER = torch.randn(3, 7, 12, generator=torch.Generator().manual_seed(4))
# Fused queries, keys and values with sizes written as numbers, a scale from head_dim, torch's own attention.
ATTENTION = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(12, 48), nn.Linear(16, 12)
        self.torchs = nn.MultiheadAttention(12, 2, batch_first=True)
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        batch, tokens, _ = x.shape
        head_dim = 4
        q, k, v = self.qkv(x).view(batch, tokens, 3, 4, head_dim).permute(2, 0, 3, 1, 4).unbind(0)
        weights = ((q @ k.transpose(-2, -1)) * q.shape[-1] ** -0.5).softmax(-1)
        x = self.out((weights @ v).transpose(1, 2).reshape(batch, tokens, 16))
        return self.head(x + self.torchs(x, x, x, need_weights=False)[0])
"""

OPENING = "engine.load('small.pt', model=__import__('attention_net').Net())"


def randomised(model: nn.Module) -> nn.Module:
    """Weights large enough for every channel to tell."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5)
    return model.eval()


def cut(model: nn.Module, plan: Callable[[Any], Any], inputs: tuple[Tensor, ...], source: str = "") -> Any:
    traced = engine.trace(model, inputs)
    deployed = engine.deploy(model, traced, engine.resolve(traced, plan(traced), model))
    proof = engine.verify(model, deployed, inputs)
    assert proof.passed, proof
    return replace(deployed, source=source, proof=proof)


def half_of(*kinds: str) -> Callable[[Any], Any]:
    """One unit fewer in every free group of these kinds."""

    def plan(traced: Any) -> Any:
        free = [group for group in traced.groups if group.kind in kinds and not group.locked]
        assert {group.kind for group in free} == set(kinds)
        return engine.Plan(counts=tuple((group.id, group.size - 1) for group in free))

    return plan


def outputs(model: nn.Module, *inputs: Tensor) -> Tensor:
    with torch.no_grad():
        return model.eval()(*inputs)


def assert_same(one: Tensor, other: Tensor) -> None:
    assert one.std() > 1e-3
    assert torch.allclose(one, other, rtol=0, atol=1e-6 * float(one.abs().max()))


def fresh_outputs(tmp_path: Path, opening: str, x: Tensor) -> Tensor:
    """What a new python computes with the model that `opening` evaluates to."""
    torch.save(x, tmp_path / "x.pt")
    code = (
        "import sys, torch\nsys.path.insert(0, '.')\nfrom slimgui import engine\n"
        f"x = torch.load({str(tmp_path / 'x.pt')!r})\n"
        f"with torch.no_grad(): torch.save(({opening}).model(x), {str(tmp_path / 'y.pt')!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=150
    )
    assert done.returncode == 0, done.stderr
    return torch.load(tmp_path / "y.pt")


@pytest.fixture
def net(tmp_path: Path) -> Any:
    (tmp_path / "attention_net.py").write_text(ATTENTION)
    name = f"{tmp_path / 'attention_net.py'}:Net"
    torch.save(randomised(load(name).model).state_dict(), tmp_path / "weights.pt")
    yield name
    sys.modules.pop("attention_net", None)


def whole(net: str, tmp_path: Path) -> nn.Module:
    return load(tmp_path / "weights.pt", net).model


def test_an_attention_net_comes_back_onto_its_own_class_in_a_fresh_python(net, tmp_path):
    source = f"{tmp_path / 'weights.pt'}@{net}"
    deployed = cut(whole(net, tmp_path), half_of("heads", "head_dim"), TOKENS, source)
    assert {correction.module for correction in deployed.corrections} == {"", "torchs"}
    report = engine.save(deployed, tmp_path / "small.pt")
    assert report.model == net
    assert_same(outputs(deployed.model, OTHER), fresh_outputs(tmp_path, OPENING, OTHER))


def test_what_is_written_down_is_what_is_installed(net, tmp_path):
    deployed = cut(whole(net, tmp_path), half_of("heads", "head_dim"), TOKENS, net)
    before = installed(deployed.model)
    engine.save(deployed, tmp_path / "small.pt")
    assert installed(deployed.model) == before, "saving leaves the model alone"
    loaded = load(tmp_path / "small.pt", net)
    assert set(map(repr, loaded.provenance.corrections)) == set(map(repr, deployed.corrections))
    assert sorted(map(repr, installed(loaded.model))) == sorted(map(repr, before))


def test_corrections_of_another_class_are_refused(net, tmp_path):
    deployed = cut(whole(net, tmp_path), half_of("heads"), TOKENS, net)
    engine.save(deployed, tmp_path / "small.pt")
    found = torch.load(tmp_path / "small.pt", weights_only=True)
    rows = json.loads(found["corrections"])
    torch.save(
        {**found, "corrections": json.dumps([["gone", *row[1:]] for row in rows])}, tmp_path / "bad.pt"
    )
    with pytest.raises(LoadError, match=r"not the model that was cut(.|\n)*no module 'gone'"):
        load(tmp_path / "bad.pt", net)


def test_a_net_that_was_cut_three_times_goes_back_to_its_class(net, tmp_path):
    source = f"{tmp_path / 'weights.pt'}@{net}"
    for name, kinds in (("one.pt", ["heads"]), ("two.pt", ["head_dim"]), ("three.pt", ["heads", "head_dim"])):
        deployed = cut(load(source).model, half_of(*kinds), TOKENS, source)
        engine.save(deployed, tmp_path / name)
        before, source = source, f"{tmp_path / name}@{net}"
    again = load(tmp_path / "three.pt", load(net).model)
    assert_same(outputs(deployed.model, OTHER), outputs(again.model, OTHER))
    original, opened = reopen(before, source)
    assert len(opened.corrections) > len(deployed.corrections)
    assert engine.verify(original.model, opened, opened.inputs).passed


def test_a_module_of_torchs_classes_is_stored_without_its_corrections(tmp_path):
    model = randomised(nn.MultiheadAttention(12, 4, batch_first=True))
    once = cut(model, half_of("heads", "head_dim"), TOKENS * 3)
    twice = cut(once.model, half_of("heads"), TOKENS * 3)
    assert len(installed(twice.model)) > len(twice.corrections) > 0
    others = OTHER, OTHER.clone(), OTHER.clone()  # three things, as they were traced
    for deployed in (once, twice):
        assert engine.save(deployed, tmp_path / "small.pt").model == ""
        loaded = load(tmp_path / "small.pt").model
        assert installed(loaded) == installed(deployed.model)
        assert_same(outputs(deployed.model, *others)[0], outputs(loaded, *others)[0])
    assert twice.model.forward.module is twice.model


def test_a_file_whose_corrections_went_missing_is_not_saved(tmp_path, monkeypatch):
    real = checkpoint._writes
    spoiled = {"corrections": "[]", "installed": "[]"}
    monkeypatch.setattr(checkpoint, "_writes", lambda payload: real({**payload, **spoiled}))
    model = randomised(nn.MultiheadAttention(12, 4, batch_first=True))
    deployed = cut(model, half_of("heads"), TOKENS * 3)
    with pytest.raises(SaveError):
        engine.save(deployed, tmp_path / "small.pt")
    assert not (tmp_path / "small.pt").exists()


def test_an_encoder_layer_takes_the_path_it_was_traced_on():
    layer = randomised(nn.TransformerEncoderLayer(12, 4, 20, batch_first=True))
    deployed = cut(layer, half_of("heads", "head_dim"), TOKENS)
    assert outputs(deployed.model, OTHER).shape == OTHER.shape


def test_a_torchvision_transformer_comes_back_from_its_factory_in_a_fresh_python(tmp_path):
    vision = pytest.importorskip("torchvision.models")
    inputs = (torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(2)),)
    torch.save(randomised(vision.swin_t(weights=None)).state_dict(), tmp_path / "swin.pt")
    source = f"{tmp_path / 'swin.pt'}@torchvision.models:swin_t"
    deployed = cut(load(source).model, exactly_a_third, inputs, source)
    assert deployed.corrections
    assert engine.save(deployed, tmp_path / "small.pt").model == ""
    assert "module" not in torch.load(tmp_path / "small.pt", weights_only=True)
    x = torch.randn(2, 3, 96, 64, generator=torch.Generator().manual_seed(5))
    assert_same(outputs(deployed.model, x), fresh_outputs(tmp_path, "engine.load('small.pt')", x))


def exactly_a_third(traced: Any) -> Any:
    return engine.Plan.uniform(traced, ratio=0.34, only_exact=True)


GOOD = ["", "Net.forward:1:2-1:3", [1, 0], "scale", 12, 8]


@pytest.fixture
def saved(tmp_path: Path) -> dict[str, Any]:
    deployed = cut(randomised(nn.Sequential(nn.Linear(12, 8), nn.Linear(8, 5))), half_of("channels"), TOKENS)
    engine.save(deployed, tmp_path / "small.pt")
    found = torch.load(tmp_path / "small.pt", weights_only=False)
    del found["module"]
    return found


def reload(found: dict[str, Any], tmp_path: Path) -> nn.Module:
    torch.save(found, tmp_path / "changed.pt")
    return load(tmp_path / "changed.pt", nn.Sequential(nn.Linear(12, 8), nn.Linear(8, 5))).model


def test_a_file_of_before_there_were_corrections_opens(saved, tmp_path):
    del saved["corrections"], saved["installed"]
    assert not installed(reload(saved, tmp_path))


def test_every_kind_of_correction_comes_back_as_it_was(saved, tmp_path):
    rows = [
        GOOD,
        ["1", "a:0:0-0:1#2", ["scale"], "scale", 0.5, 0.25],
        ["1", "a:0:0-0:1", [1, 1, "stop"], "exact", None, -3],
        ["", "b:0:0-0:1", ["scale"], "exact", None, 0.125],
        ["", "c:0:0-0:1", [2], "indices", None, [2, 0]],
        ["", "c:0:0-0:1", [], "open", None, None],
    ]
    saved["corrections"] = json.dumps(rows)
    found = installed(reload(saved, tmp_path))
    have = [[c.module, c.site, list(c.path), c.kind, c.old, c.new] for c in found]
    assert sorted(map(repr, have)) == sorted(map(repr, rows))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "{}x",
        "[1]",
        "[[1]]",
        json.dumps([GOOD[:5]]),
        json.dumps([[*GOOD, 1]]),
        json.dumps([[1, *GOOD[1:]]]),
        json.dumps([[None, *GOOD[1:]]]),
        json.dumps([[GOOD[0], 3, *GOOD[2:]]]),
        json.dumps([[*GOOD[:2], "10", *GOOD[3:]]]),
        json.dumps([[*GOOD[:2], [], *GOOD[3:]]]),
        json.dumps([[*GOOD[:2], [1.0], *GOOD[3:]]]),
        json.dumps([[*GOOD[:2], [True], *GOOD[3:]]]),
        json.dumps([[*GOOD[:3], "eval", 12, 8]]),
        json.dumps([[*GOOD[:3], ["scale"], 12, 8]]),
        json.dumps([[*GOOD[:3], "scale", None, 8]]),
        json.dumps([[*GOOD[:3], "scale", 12, True]]),
        json.dumps([[*GOOD[:3], "scale", 12, "8"]]),
        json.dumps([[*GOOD[:3], "scale", 0.0, 8]]),
        json.dumps([[*GOOD[:3], "scale", 12, float("nan")]]),
        json.dumps([[*GOOD[:3], "scale", 12, float("inf")]]),
        json.dumps([[*GOOD[:3], "exact", "12", 8]]),
        json.dumps([[*GOOD[:3], "exact", None, [8]]]),
        json.dumps([[*GOOD[:3], "indices", None, 8]]),
        json.dumps([[*GOOD[:3], "indices", None, [1.5]]]),
        json.dumps([[*GOOD[:3], "indices", None, [[1]]]]),
        json.dumps([[*GOOD[:3], "open", None, None]]),
        "[" * 100_000,
        5,
        None,
    ],
)
@pytest.mark.parametrize("key", ["corrections", "installed"])
def test_damaged_corrections_are_a_sentence(key, text, saved, tmp_path):
    saved[key] = text
    with pytest.raises(LoadError, match="is damaged"):
        reload(saved, tmp_path)
