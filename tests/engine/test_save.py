"""A file is saved whole, read back and equal, or not at all."""

import errno
import importlib
import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from slimgui import engine
from slimgui.engine.formats import checkpoint
from slimgui.engine.load import load, with_inputs
from slimgui.engine.reopen import reopen
from slimgui.errors import LoadError, SaveError

module = importlib.import_module("slimgui.engine.save")  # slimgui.engine.save is the function
EXAMPLE = Path(__file__).parents[2] / "resources" / "example" / "fashion_cnn.pt"
INPUTS = (torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1)),)
OWN_CLASS = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(3, 8, 3, padding=1)
        self.two = nn.Conv2d(8, 4, 3, padding=1)

    def forward(self, x):
        return self.two(self.one(x).relu()).mean((2, 3))
"""


def small_net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 6, 3), nn.Flatten(), nn.Linear(96, 4)
    ).eval()


def cut(model, ratio=0.5, source="", inputs=INPUTS):
    traced = engine.trace(model, inputs)
    selection = engine.resolve(traced, engine.Plan(ratio=ratio), model)
    deployed = engine.deploy(model, traced, selection)
    return replace(deployed, source=source, proof=engine.verify(model, deployed, inputs))


def same_outputs(one, two, inputs=INPUTS):
    with torch.no_grad():
        return torch.allclose(one.eval()(*inputs), two.eval()(*inputs), rtol=0, atol=1e-6)


@pytest.fixture
def deployed():
    return cut(small_net())


@pytest.fixture
def my_net(tmp_path):
    (tmp_path / "saved_net.py").write_text(OWN_CLASS)
    yield f"{tmp_path / 'saved_net.py'}:Net"
    sys.modules.pop("saved_net", None)


def test_a_file_of_torch_classes_opens_by_itself(deployed, tmp_path):
    report = engine.save(deployed, tmp_path / "small.pt")
    assert report.model == ""
    assert report.bytes == (tmp_path / "small.pt").stat().st_size
    loaded = load(tmp_path / "small.pt")
    assert same_outputs(loaded.model, deployed.model)
    assert [tuple(tensor.shape) for tensor in loaded.example_inputs] == [(2, 3, 8, 8)]


def test_a_file_holds_plain_types_only(deployed, tmp_path):
    engine.save(deployed, tmp_path / "small.pt")
    with torch.serialization.safe_globals(
        [nn.Sequential, nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.Flatten, nn.Linear]
    ):
        found = torch.load(tmp_path / "small.pt", weights_only=True)
    assert found["slimgui"] == 1
    kinds = {
        name: type(value) for name, value in found.items() if name not in ("module", "state_dict", "slimgui")
    }
    assert set(kinds.values()) == {str}


def test_a_file_of_a_factory_opens_by_itself_without_a_stored_module(tmp_path):
    loaded = load(EXAMPLE)
    deployed = cut(loaded.model, source=str(EXAMPLE), inputs=loaded.example_inputs)
    engine.save(deployed, tmp_path / "small.pt")
    found = torch.load(tmp_path / "small.pt", weights_only=True)
    assert found["original"] == "slimgui.example:build"
    assert "module" not in found
    again = load(tmp_path / "small.pt", allow_code=False)
    assert same_outputs(again.model, deployed.model, loaded.example_inputs)
    assert sum(p.numel() for p in again.model.parameters()) < sum(
        p.numel() for p in loaded.model.parameters()
    )


def test_a_file_of_a_torchvision_factory_opens_by_itself(tmp_path):
    pytest.importorskip("torchvision")
    source = "torchvision.models:shufflenet_v2_x0_5"
    inputs = (torch.randn(1, 3, 64, 64),)
    deployed = cut(load(source).model, source=source, inputs=inputs)
    assert engine.save(deployed, tmp_path / "small.pt").model == ""
    assert same_outputs(load(tmp_path / "small.pt").model, deployed.model, inputs)


def test_a_file_that_was_cut_twice_goes_back_to_the_original_class(tmp_path):
    source = str(EXAMPLE)
    for name in ("once.pt", "twice.pt", "thrice.pt"):
        loaded = load(source)
        deployed = cut(loaded.model, 0.3, source, loaded.example_inputs)
        engine.save(deployed, tmp_path / name)
        source = str(tmp_path / name)
    again = load(source, model=load("slimgui.example:build").model)
    assert same_outputs(again.model, deployed.model, again.example_inputs)
    original, opened = reopen(str(tmp_path / "twice.pt"), source)
    assert engine.verify(original.model, opened, opened.inputs).passed


def test_a_file_of_a_users_class_needs_it_and_says_so(my_net, tmp_path):
    deployed = cut(load(my_net).model, source=my_net)
    report = engine.save(deployed, tmp_path / "small.pt")
    assert report.model == my_net
    assert my_net in report.needs
    with pytest.raises(LoadError) as caught:
        load(tmp_path / "small.pt")
    assert "needs the model it was cut from" in str(caught.value)
    assert f"--model {my_net}" in str(caught.value)
    for maker in (my_net, load(my_net).model):
        assert same_outputs(load(tmp_path / "small.pt", model=maker).model, deployed.model)


def test_a_file_refuses_another_class(deployed, tmp_path):
    engine.save(deployed, tmp_path / "small.pt")
    with pytest.raises(LoadError, match="not the model that was cut"):
        load(tmp_path / "small.pt", model=nn.Linear(2, 3))


def test_tied_weights_stay_tied(tmp_path):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two, self.three = (
                nn.Linear(6, 8),
                nn.Linear(8, 8, bias=False),
                nn.Linear(8, 8, bias=False),
            )
            self.three.weight = self.two.weight
            self.last = nn.Linear(8, 2)

        def forward(self, x):
            return self.last(self.three(self.two(self.one(x)).relu()))

    inputs = (torch.randn(3, 6),)
    deployed = cut(Tied(), inputs=inputs)
    engine.save(deployed, tmp_path / "small.pt")
    model = load(tmp_path / "small.pt", model=Tied()).model
    assert model.two.weight is model.three.weight
    assert model.two.weight.shape[0] < 8
    assert same_outputs(model, deployed.model, inputs)


def test_a_failed_proof_refuses_the_save_unless_forced(deployed, tmp_path):
    failed = replace(
        deployed, proof=engine.Proof(passed=False, max_error=0.5, level="numeric", note="It differs.")
    )
    with pytest.raises(SaveError, match="does not compute"):
        engine.save(failed, tmp_path / "small.pt")
    assert not list(tmp_path.iterdir())
    engine.save(failed, tmp_path / "small.pt", force=True)
    assert load(tmp_path / "small.pt").provenance.proof["passed"] is False


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "small.pt"
    path.write_bytes(b"the old file")
    return path


def assert_untouched(target):
    assert target.read_bytes() == b"the old file"
    assert list(target.parent.iterdir()) == [target], "a temporary file was left behind"


def test_a_failing_rename_leaves_the_old_file(deployed, target, monkeypatch):
    def fail(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(SaveError, match="may not write"):
        engine.save(deployed, target)
    assert_untouched(target)


def test_a_full_disk_leaves_the_old_file(deployed, target, monkeypatch):
    real = Path.open

    def full(path, mode="r", *rest, **options):
        stream = real(path, mode, *rest, **options)
        return Full(stream) if mode == "wb" else stream

    class Full:
        def __init__(self, stream):
            self.stream, self.room = stream, 1000

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.stream.close()

        def write(self, data):
            self.room -= len(data)
            if self.room < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.stream.write(data)

        def flush(self):
            self.stream.flush()

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(SaveError, match="The disk is full"):
        engine.save(deployed, target)
    assert_untouched(target)


def test_a_failing_flush_leaves_the_old_file(deployed, target, monkeypatch):
    def fail(_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SaveError, match="Input/output error"):
        engine.save(deployed, target)
    assert_untouched(target)


def test_cancelling_leaves_the_old_file(deployed, target, monkeypatch):
    def cancel(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "check", cancel)
    with pytest.raises(KeyboardInterrupt):
        engine.save(deployed, target)
    assert_untouched(target)


@pytest.mark.parametrize("place", ["weights", "module"])
def test_what_reads_back_differently_is_not_saved(place, deployed, target, monkeypatch):
    real = checkpoint._writes

    def spoil(payload):
        if place == "weights":
            state = {name: value.clone() for name, value in payload["state_dict"].items()}
            next(iter(state.values())).view(-1)[0] += 1e-6
            payload = {**payload, "state_dict": state}
        else:
            payload = {**payload, "module": small_net()}
        return real(payload)

    monkeypatch.setattr(checkpoint, "_writes", spoil)
    with pytest.raises(SaveError, match="differs from the model"):
        engine.save(deployed, target)
    assert_untouched(target)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nowhere/small.pt", "The folder does not exist"),
        ("small.xyz", "cannot write .xyz"),
        ("small", "without a suffix"),
        ("folder.pt", "is a folder"),
        ("x" * 300 + ".pt", "name is too long"),
    ],
)
def test_a_bad_target_is_a_sentence(name, sentence, deployed, tmp_path):
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(SaveError) as caught:
        engine.save(deployed, tmp_path / name)
    assert sentence in str(caught.value)
    assert caught.value.hint


def test_the_new_file_has_the_rights_of_the_old_one_or_the_usual_ones(deployed, tmp_path):
    engine.save(deployed, tmp_path / "small.pt")
    (tmp_path / "usual").touch()
    assert (tmp_path / "small.pt").stat().st_mode == (tmp_path / "usual").stat().st_mode
    (tmp_path / "small.pt").chmod(0o640)
    engine.save(deployed, tmp_path / "small.pt")
    assert stat.S_IMODE((tmp_path / "small.pt").stat().st_mode) == 0o640


def test_a_link_stays_a_link(deployed, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "small.pt").symlink_to(tmp_path / "there" / "real.pt")
    engine.save(deployed, tmp_path / "small.pt")
    assert (tmp_path / "small.pt").is_symlink()
    assert (tmp_path / "there" / "real.pt").is_file()


def test_a_model_is_saved_over_the_file_it_came_from_only_when_that_is_said(tmp_path):
    torch.save(torch.load(EXAMPLE, weights_only=True), tmp_path / "net.pt")
    loaded = load(tmp_path / "net.pt")
    deployed = cut(loaded.model, source=str(tmp_path / "net.pt"), inputs=loaded.example_inputs)
    whole = (tmp_path / "net.pt").read_bytes()
    with pytest.raises(SaveError, match="would replace the original"):
        engine.save(deployed, tmp_path / "net.pt", force=True)
    assert (tmp_path / "net.pt").read_bytes() == whole
    engine.save(deployed, tmp_path / "net.pt", replace_original=True)
    assert same_outputs(load(tmp_path / "net.pt").model, deployed.model, loaded.example_inputs)


def test_saving_leaves_the_model_alone(deployed, tmp_path):
    deployed.model.train()
    before = {name: value.clone() for name, value in deployed.model.state_dict().items()}
    state = torch.get_rng_state()
    engine.save(deployed, tmp_path / "small.pt")
    assert deployed.model.training
    assert all(torch.equal(value, before[name]) for name, value in deployed.model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


def test_weights_that_are_not_a_number_are_saved_as_they_are(tmp_path):
    deployed = cut(small_net())
    with torch.no_grad():
        deployed.model[5].bias[0] = float("nan")
    engine.save(deployed, tmp_path / "small.pt")
    assert load(tmp_path / "small.pt").model[5].bias.isnan()[0]


def test_a_file_is_not_taken_for_the_cut_of_another_original(tmp_path):
    torch.save(small_net(), tmp_path / "one.pt")
    engine.save(cut(small_net(), source=str(tmp_path / "one.pt")), tmp_path / "small.pt")
    original, deployed = reopen(str(tmp_path / "one.pt"), str(tmp_path / "small.pt"))
    assert engine.verify(original.model, deployed, deployed.inputs).passed
    with pytest.raises(LoadError, match="was not cut from"):
        reopen(str(EXAMPLE), str(tmp_path / "small.pt"), shapes="1x1x28x28")
    with pytest.raises(LoadError, match="not saved by SlimGUI"):
        reopen(str(tmp_path / "one.pt"), str(tmp_path / "one.pt"))


def test_kept_indices_are_stored_as_original_ones(deployed, tmp_path):
    engine.save(deployed, tmp_path / "small.pt")
    kept = load(tmp_path / "small.pt").provenance.kept
    whole = small_net().state_dict()
    for name, value in deployed.model.state_dict().items():
        wanted = whole[name]
        for dim, indices in kept.get(name, {}).items():
            wanted = wanted.index_select(dim, torch.from_numpy(np.asarray(indices)))
        assert torch.equal(value, wanted), name


def test_inputs_are_guessed_for_a_file_without_shapes(tmp_path):
    engine.save(cut(small_net()), tmp_path / "small.pt")
    assert with_inputs(load(tmp_path / "small.pt")).notes == ()
