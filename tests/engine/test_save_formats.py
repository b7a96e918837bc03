"""Every format: whole, read back elsewhere, equal to the model; or a sentence, and the old file stays."""

import importlib.util
import json
import shutil
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from slimgui import engine
from slimgui.core.file_formats import FORMATS, PATTERNS, with_suffix_of
from slimgui.engine import readback
from slimgui.engine.formats import programs, tensors
from slimgui.engine.load import load
from slimgui.engine.reopen import reopen
from slimgui.errors import LoadError, SaveError

EXAMPLE = Path(__file__).parents[2] / "resources" / "example" / "fashion_cnn.pt"
IMAGES = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))


class Net(nn.Module):
    """A convolution tied to another, a buffer of integers, and a size that stands in forward."""

    def __init__(self, fixed=0):
        super().__init__()
        self.fixed = fixed
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.one, self.two = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.two.weight = self.one.weight
        self.norm, self.head = nn.BatchNorm2d(8), nn.Linear(8, 4)
        self.register_buffer("order", torch.tensor([3, 1, 0, 2], dtype=torch.int32))

    def forward(self, x):
        y = self.norm(self.two(self.one(self.stem(x)).relu()))
        y = y.reshape(self.fixed or x.shape[0], 8, 64).mean(2)
        return self.head(y)[:, self.order.long()]


def cut(model, source="", inputs=(IMAGES,), ratio=0.5):
    traced = engine.trace(model, inputs)
    selection = engine.resolve(traced, engine.Plan(ratio=ratio), model)
    deployed = engine.deploy(model, traced, selection)
    return replace(deployed, source=source, proof=engine.verify(model, deployed, inputs))


def net(**options):
    torch.manual_seed(0)
    return Net(**options).eval()


@pytest.fixture(scope="module")
def deployed():
    made = cut(net())
    assert made.model.one.out_channels == 4
    return made


@pytest.fixture(scope="module")
def example():
    loaded = load(EXAMPLE)
    return cut(loaded.model, str(EXAMPLE), loaded.example_inputs)


def outputs(model, inputs=(IMAGES,)):
    with torch.no_grad():
        return model.eval()(*inputs)


def assert_same(one, two):
    assert one.shape == two.shape
    assert torch.allclose(one, two, rtol=0, atol=1e-5 * float(one.abs().max()))


def test_safetensors_hold_every_tensor_bit_by_bit_and_the_plan(deployed, tmp_path):
    engine.save(deployed, tmp_path / "small.safetensors")
    stored = load_file(tmp_path / "small.safetensors")
    with safe_open(tmp_path / "small.safetensors", "pt") as file:
        metadata = file.metadata()
    # `two.weight` is `one.weight`: stored once
    assert json.loads(metadata["tied"]) == {"two.weight": "one.weight"}
    assert set(stored) == set(deployed.model.state_dict()) - {"two.weight"}
    for name, value in stored.items():
        assert value.dtype == deployed.model.state_dict()[name].dtype
        assert torch.equal(value, deployed.model.state_dict()[name])
    assert stored["order"].dtype == torch.int32
    assert metadata["slimgui"] == "1"
    assert json.loads(metadata["plan"]) == json.loads(deployed.plan.to_json())


def test_safetensors_open_on_the_users_class_with_their_provenance(deployed, tmp_path):
    report = engine.save(deployed, tmp_path / "small.safetensors")
    assert report.model == "the original model"
    again = load(tmp_path / "small.safetensors", model=net())
    assert again.model.two.weight is again.model.one.weight
    assert_same(outputs(deployed.model), outputs(again.model))
    np.testing.assert_array_equal(again.provenance.kept["stem.weight"][0], deployed.kept["stem.weight"][0])
    with pytest.raises(LoadError, match="needs the model it was cut from"):
        load(tmp_path / "small.safetensors")


def test_safetensors_of_a_known_factory_open_by_themselves_and_are_proven_again(example, tmp_path):
    assert engine.save(example, tmp_path / "small.safetensors").model == ""
    original, opened = reopen(str(EXAMPLE), str(tmp_path / "small.safetensors"))
    assert engine.verify(original.model, opened, opened.inputs).passed


def test_a_model_opened_from_safetensors_is_cut_again(example, tmp_path):
    engine.save(example, tmp_path / "once.safetensors")
    loaded = load(tmp_path / "once.safetensors")
    twice = cut(loaded.model, str(tmp_path / "once.safetensors"), loaded.example_inputs, ratio=0.3)
    engine.save(twice, tmp_path / "twice.safetensors")
    again = load(tmp_path / "twice.safetensors", model=load("slimgui.example:build").model)
    assert_same(outputs(twice.model, loaded.example_inputs), outputs(again.model, loaded.example_inputs))


def test_large_safetensors_go_into_several_files_and_an_index(example, tmp_path):
    report = engine.save(example, tmp_path / "small.safetensors", shard_bytes=20_000)
    index = json.loads((tmp_path / "small.safetensors.index.json").read_text())
    shards = set(index["weight_map"].values())
    assert report.path == tmp_path / "small.safetensors.index.json"
    assert len(shards) > 2
    assert {path.name for path in tmp_path.iterdir()} == {report.path.name, *shards}
    assert set(index["weight_map"]) == set(example.model.state_dict())
    # a file holds less than the limit, or a single tensor that is larger
    for shard in shards:
        stored = load_file(tmp_path / shard).values()
        assert len(stored) == 1 or sum(t.numel() * t.element_size() for t in stored) <= 20_000
    assert report.bytes == sum(path.stat().st_size for path in tmp_path.iterdir())
    again = load(report.path)
    assert_same(outputs(example.model, example.inputs), outputs(again.model, example.inputs))


def test_new_shards_replace_the_old_ones(example, tmp_path):
    for _ in range(2):
        report = engine.save(example, tmp_path / "small.safetensors", shard_bytes=20_000)
    places = json.loads(report.path.read_text())["weight_map"].values()
    assert {path.name for path in tmp_path.iterdir()} == {report.path.name, *places}


def test_a_failed_save_in_shards_leaves_nothing(example, tmp_path, monkeypatch):
    def fail(_):
        raise LoadError("No.")

    monkeypatch.setattr(readback, "run_reader", fail)
    with pytest.raises(SaveError, match="could not be read back"):
        engine.save(example, tmp_path / "small.safetensors", shard_bytes=20_000)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["../there.safetensors", "gone.safetensors", "/etc/passwd"])
def test_an_index_reads_nothing_but_files_beside_it(place, example, tmp_path):
    (tmp_path / "in").mkdir()
    report = engine.save(example, tmp_path / "in" / "small.safetensors", shard_bytes=20_000)
    index = json.loads(report.path.read_text())
    shutil.copy(report.path.parent / index["weight_map"]["stem.weight"], tmp_path / "there.safetensors")
    index["weight_map"]["stem.weight"] = place
    report.path.write_text(json.dumps(index))
    with pytest.raises(LoadError, match=r"was not opened|is not whole"):
        load(report.path)


def test_what_is_no_plain_tensor_does_not_go_into_safetensors(tmp_path):
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3))
    model.register_buffer("odd", torch.eye(3).to_sparse())
    with pytest.raises(SaveError, match=r"'odd' is no plain tensor"):
        engine.save(cut(model), tmp_path / "small.safetensors")


@pytest.mark.fresh_process
def test_an_exported_program_takes_any_batch_and_no_slimgui(deployed, tmp_path):
    report = engine.save(deployed, tmp_path / "small.pt2")
    assert report.notes == ()
    assert "neither SlimGUI" in report.needs
    extra = {"slimgui.json": ""}
    program = torch.export.load(tmp_path / "small.pt2", extra_files=extra)
    assert json.loads(extra["slimgui.json"])["slimgui"] == 1
    for name, value in program.state_dict.items():
        assert torch.equal(value, deployed.model.state_dict()[name]), name
    many = torch.randn(5, 3, 8, 8)
    assert_same(outputs(deployed.model, (many,)), program.module()(many))


def test_a_program_of_one_batch_size_says_so(tmp_path):
    report = engine.save(cut(net(fixed=2)), tmp_path / "small.pt2")
    assert "Its batch size is fixed at 2: the model's own code" in report.notes[0]


def test_a_program_that_cannot_be_exported_is_a_sentence(tmp_path):
    class Odd(Net):
        def forward(self, x):
            return super().forward(x if float(x.sum()) > 1e9 else x + 0)

    torch.manual_seed(0)
    (tmp_path / "small.pt2").write_bytes(b"the old file")
    with pytest.raises(SaveError, match="cannot be exported") as caught:
        engine.save(cut(Odd()), tmp_path / "small.pt2")
    assert ".pt." in caught.value.hint
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"the old file"]


@pytest.mark.filterwarnings(r"ignore:`isinstance\(treespec, LeafSpec\)` is deprecated:FutureWarning")
def test_an_onnx_model_takes_any_batch_and_names_its_version(deployed, tmp_path):
    import onnx
    import onnxruntime

    report = engine.save(deployed, tmp_path / "small.onnx")
    assert report.notes == ()
    assert {entry.key for entry in onnx.load(tmp_path / "small.onnx").metadata_props} >= {"slimgui", "plan"}
    session = onnxruntime.InferenceSession(tmp_path / "small.onnx")
    assert session.get_inputs()[0].shape[0] == "batch"
    many = torch.randn(5, 3, 8, 8)
    (have,) = session.run(None, {session.get_inputs()[0].name: many.numpy()})
    assert_same(outputs(deployed.model, (many,)), torch.from_numpy(have))


@pytest.mark.filterwarnings(r"ignore:`isinstance\(treespec, LeafSpec\)` is deprecated:FutureWarning")
@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_a_program_takes_inputs_by_name_in_any_order(suffix, tmp_path):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two, self.head = nn.Linear(6, 8), nn.Linear(6, 8), nn.Linear(8, 3)

        def forward(self, left, right, scale=2.0):
            return {"y": self.head((self.one(left) * scale + self.two(right)).relu()), "all": right.sum()}

    torch.manual_seed(0)
    inputs = {"right": torch.randn(1, 6), "left": torch.randn(1, 6)}
    report = engine.save(cut(Two().eval(), inputs=inputs), tmp_path / f"small{suffix}")
    assert report.notes == ()


class Answer:
    """An output of a class that only this program has."""

    def __init__(self, y):
        self.y = y


def test_a_program_returns_plain_values_where_the_model_returns_an_object(tmp_path):
    class Answering(Net):
        def forward(self, x):
            return Answer(super().forward(x))

    torch.manual_seed(0)
    small = cut(Answering().eval())
    engine.save(small, tmp_path / "small.pt2")
    found = torch.export.load(tmp_path / "small.pt2").module()(IMAGES)
    assert list(found) == ["y"]
    assert_same(outputs(small.model).y, found["y"])


def test_onnx_without_its_packages_is_a_sentence(deployed, tmp_path, monkeypatch):
    def find(name, real=importlib.util.find_spec):
        return None if name == "onnxscript" else real(name)

    monkeypatch.setattr(programs, "find_spec", find)
    with pytest.raises(SaveError, match="Writing ONNX needs onnxscript") as caught:
        engine.save(deployed, tmp_path / "small.onnx")
    assert "torch-slimgui[onnx]" in caught.value.hint


def test_an_onnx_model_too_large_for_one_file_is_a_sentence(deployed, tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "_LARGEST_ONNX", 100)
    with pytest.raises(SaveError, match="at most 2 GB"):
        engine.save(deployed, tmp_path / "small.onnx")


def test_a_module_is_pickled_on_request_only_and_with_a_warning(deployed, tmp_path):
    report = engine.save(deployed, tmp_path / "small.pt", format="pickle")
    assert "runs code when it is opened" in report.notes[0]
    assert "weights_only=False" in report.needs
    again = torch.load(tmp_path / "small.pt", weights_only=False)
    assert type(again) is Net
    assert_same(outputs(deployed.model), outputs(again))


@pytest.mark.fresh_process
def test_a_pickle_that_no_other_program_can_open_is_not_saved(tmp_path):
    class Local(Net):
        pass

    Local.__module__, Local.__qualname__ = "no_such_module", "Local"
    module = type(sys)("no_such_module")
    module.Local = Local
    sys.modules["no_such_module"] = module
    try:
        with pytest.raises(SaveError, match="no_such_module"):
            engine.save(cut(Local()), tmp_path / "small.pt", format="pickle")
    finally:
        del sys.modules["no_such_module"]
    assert not list(tmp_path.iterdir())


@pytest.mark.fresh_process
def test_what_another_process_reads_differently_is_not_saved(deployed, tmp_path, monkeypatch):
    real = tensors.write_tensors

    def spoil(path, state, numbers, metadata):
        changed = {name: numbers(value).detach().clone() for name, value in state.items()}
        changed["head.bias"][0] += 1e-6
        real(path, changed, torch.clone, metadata)

    monkeypatch.setattr(tensors, "write_tensors", spoil)
    with pytest.raises(SaveError, match=r"'head.bias' is not the same"):
        engine.save(deployed, tmp_path / "small.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_program_with_other_outputs_is_not_saved(deployed, tmp_path, monkeypatch):
    real = torch.export.export

    def spoil(model, *args, **kwargs):
        with torch.no_grad():
            model.head.bias[0] += 0.01
        return real(model, *args, **kwargs)

    monkeypatch.setattr(torch.export, "export", spoil)
    with pytest.raises(SaveError, match="differs from the model"):
        engine.save(deployed, tmp_path / "small.pt2")
    assert not list(tmp_path.iterdir())


def test_a_disk_without_room_is_said_before_anything_is_written(deployed, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil has it
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 1000))
    with pytest.raises(SaveError, match="are free"):
        engine.save(deployed, tmp_path / "small.pt")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [known.name for known in FORMATS])
def test_saving_in_any_format_leaves_the_model_alone(name, deployed, tmp_path):
    deployed.model.train()
    before = {key: value.clone() for key, value in deployed.model.state_dict().items()}
    attributes = {path: dict(vars(module)) for path, module in deployed.model.named_modules()}
    state = torch.get_rng_state()
    try:
        engine.save(deployed, tmp_path / "small", format=name)
        assert all(module.training for module in deployed.model.modules())
        after = {path: dict(vars(module)) for path, module in deployed.model.named_modules()}
        assert {path: list(kept) for path, kept in after.items()} == {
            path: list(kept) for path, kept in attributes.items()
        }
        assert all(torch.equal(value, before[key]) for key, value in deployed.model.state_dict().items())
        assert torch.equal(torch.get_rng_state(), state)
    finally:
        deployed.model.eval()


@pytest.mark.parametrize(
    ("typed", "chosen", "path"),
    [
        ("a/small", "ONNX model (*.onnx)", "a/small.onnx"),
        ("a/small.pt", "ONNX model (*.onnx)", "a/small.onnx"),
        ("a/small.v2", "ONNX model (*.onnx)", "a/small.v2.onnx"),
        ("a/small.onnx", PATTERNS.partition(";;")[0], "a/small.onnx"),
        ("a/small.pth", PATTERNS.partition(";;")[0], "a/small.pth"),
        ("a/small", PATTERNS.partition(";;")[0], "a/small.pt"),
        ("a/small", "All files (*)", "a/small"),
    ],
)
def test_a_name_gets_the_suffix_of_the_chosen_entry(typed, chosen, path):
    assert with_suffix_of(typed, chosen, PATTERNS.partition(";;")[0]) == path
