"""Looking into a file says what loading would find, and loads nothing."""

import json
import os
import pickle
import struct
import subprocess
import sys
import types
import warnings
import zipfile

import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from torch._weights_only_unpickler import _get_allowed_globals

from slimgui.errors import LoadError
from slimgui.files.contents import dtypes, inspect, largest
from slimgui.files.headers import read_header
from slimgui.files.outline import Entry
from slimgui.files.verdicts import PLAIN, names_module_class


class Canary:
    """A pickle of it creates a file when it is loaded carelessly."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (os.system, (f"touch {self.marker}",))


def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Sequential(nn.Linear(5, 6)))


def entries_of(state):
    return {name: Entry(tuple(v.shape), str(v.dtype).removeprefix("torch.")) for name, v in state.items()}


def save(value, path, zipped):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the old format warns that it cannot keep a module's source
        torch.save(value, path, _use_new_zipfile_serialization=zipped)


@pytest.mark.parametrize("zipped", [True, False])
def test_every_tensor_is_seen_as_loading_finds_it(zipped, tmp_path):
    state = {
        f"{dtype}.weight".removeprefix("torch."): torch.zeros(3, 2).to(dtype)
        for dtype in (
            *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64, torch.bool),
            *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8),
            *((torch.uint16, torch.float8_e4m3fn) if zipped else ()),  # newer than the old format
        )
    }
    state |= {"most": torch.zeros(20, 20)}  # or it would be called quantised
    state |= {"view": torch.zeros(4, 4)[1:3, ::2], "number": torch.tensor(3.0), "empty": torch.zeros(0, 7)}
    state |= {"parameter": nn.Parameter(torch.zeros(2)), "buffer": torch.nn.Buffer(torch.zeros(2))}
    save(state, tmp_path / "a.pt", zipped)
    found = inspect(tmp_path / "a.pt")
    assert found.weights == {"": entries_of(torch.load(tmp_path / "a.pt", weights_only=True))}
    assert found.refusal is None


@pytest.mark.parametrize("zipped", [True, False])
def test_a_whole_model_is_seen_with_its_state_dict(zipped, tmp_path):
    save({"model": net(), "epoch": 3}, tmp_path / "a.pt", zipped)
    found = inspect(tmp_path / "a.pt")
    assert found.weights == {"model": entries_of(net().state_dict())}
    assert found.models == {"model": "torch.nn.modules.container.Sequential"}
    assert found.asks["torch.nn.modules.conv.Conv2d"] == "a module class that files may name"
    assert found.asks["collections.OrderedDict"] == "plain data"
    assert (found.refusal is None) == zipped, "loading refuses whole models in the old format"


def test_what_lies_beside_the_weights_is_said_in_words(tmp_path):
    model = net()
    optimizer = torch.optim.Adam(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    saved = {
        "state_dict": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": 7,
        "best": torch.tensor(0.5),
        "classes": ["cat", "dog"],
        "history": list(range(100)),
        "callbacks": {"best": {"score": torch.tensor(0.5)}},
        "args": {"lr": 0.1},
    }
    torch.save(saved, tmp_path / "a.pt")
    found = inspect(tmp_path / "a.pt")
    assert list(found.weights) == ["state_dict"]
    assert found.entries == {
        "optimizer": "the state of an optimizer (18 tensors)",  # 6 parameters: step and two averages each
        "epoch": "7",
        "best": "a tensor, one number float32",
        "classes": "'cat', 'dog'",
        "history": "100 items with 0 tensors",
        "callbacks": "1 items with 1 tensors",
        "args": "'lr': 0.1",
    }


def test_safetensors_are_seen_with_their_metadata(tmp_path):
    state = {"a.weight": torch.zeros(3, 2, dtype=torch.bfloat16), "b": torch.zeros(5), "c": torch.zeros(1)}
    save_file(state, tmp_path / "a.pt", metadata={"format": "pt"})
    found = inspect(tmp_path / "a.pt")
    assert (found.kind, found.metadata) == ("safetensors", {"format": "pt"})
    assert found.weights == {"": entries_of(state)}
    assert dtypes(found.weights[""]) == {"float32": 2, "bfloat16": 1}
    assert list(largest(found.weights[""], 2)) == ["a.weight", "b"]
    assert sum(entry.bytes for entry in found.weights[""].values()) == 6 * 2 + 5 * 4 + 4


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_would_run_programs_is_shown_with_its_tensors_and_not_run(zipped, tmp_path):
    marker = tmp_path / "executed"
    save({"weight": torch.zeros(3, 2), "extra": Canary(marker)}, tmp_path / "a.pt", zipped)
    found = inspect(tmp_path / "a.pt")
    assert found.asks["os.system"] == "this file tries to run programs"
    assert found.weights == {"": {"weight": Entry((3, 2), "float32")}}
    assert found.entries == {"extra": "an object of posix.system"}
    assert "was not opened" in found.refusal.what
    assert not marker.exists()


def test_plain_pickle_does_run_that_canary(tmp_path):
    pickle.loads(pickle.dumps(Canary(tmp_path / "executed")))
    assert (tmp_path / "executed").exists()


def test_a_checkpoint_of_a_library_says_which_one_it_needs(tmp_path):
    home = types.ModuleType("ultralytics.nn.tasks")
    home.DetectionModel = type("DetectionModel", (nn.Sequential,), {"__module__": home.__name__})
    sys.modules[home.__name__] = home  # as YOLO(...).save writes: a dict with a module in it
    try:
        torch.save({"epoch": -1, "model": home.DetectionModel(nn.Linear(5, 6)).half()}, tmp_path / "a.pt")
    finally:
        del sys.modules[home.__name__]
    found = inspect(tmp_path / "a.pt")
    assert found.models == {"model": "ultralytics.nn.tasks.DetectionModel"}
    assert found.weights["model"]["0.weight"] == Entry((6, 5), "float16")
    assert "DetectionModel: this file needs the library ultralytics." in str(found.refusal)
    assert (
        "Where ultralytics is installed, load the file in Python and save its weights alone"
        in found.refusal.hint
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"GGUF\x03\x00\x00\x00" + bytes(20), "is a GGUF file"),
        (b"hello", "is a text file"),
        (b"\x80\x04\x95", "damaged"),
        (pickle.dumps({"a": 1}), "is a bare pickle"),
    ],
)
def test_what_cannot_be_opened_is_said_as_opening_says_it(content, says, tmp_path):
    (tmp_path / "a.pt").write_bytes(content)
    assert says in inspect(tmp_path / "a.pt").refusal.what


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(LoadError, match="There is no file"):
        inspect(tmp_path / "none.pt")


def as_checkpoint(path, data):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a/data.pkl", data)
        archive.writestr("a/version", "3\n")


HASHING = b"\x80\x02}(" + b")" + b"\x86".join([b"2"] * 60) + b"\x86" + b"K\x01u."  # a key of 2^60 parts
BAD_PICKLES = {
    "a key that takes for ever to hash": HASHING,
    "nothing on the stack": b"\x80\x020.",
    "no end": b"\x80\x02}",
    "a mark that was never set": b"\x80\x02t.",
    "more taken than there is": b"\x80\x02K\x01\x87.",
    "an unknown memo": b"\x80\x02h\x07.",
    "an absurd shape": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storage"
    b"ctorch\nFloatStorage\ntK\x00(\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00tt R.",
    "a huge number": b"\x80\x02}X\x01\x00\x00\x00a\x8b" + struct.pack("<i", 9000) + b"\x7f" * 9000 + b"s.",
    "filling a number": b"\x80\x02K\x01K\x02K\x03s.",
    "a list that holds itself": b"\x80\x02]q\x00h\x00a.",
    "lists in lists without end": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
}


@pytest.mark.parametrize("kind", BAD_PICKLES)
def test_a_bad_pickle_is_contents_or_a_sentence(kind, tmp_path):
    as_checkpoint(tmp_path / "a.pt", BAD_PICKLES[kind])
    found = inspect(tmp_path / "a.pt")
    assert found.refusal is not None or not found.weights


def sparse_shards(folder, count, size):
    """Shards of one tensor of `size` bytes each, with nothing on the disk behind the header."""
    names = {}
    for number in range(count):
        name, file = f"layer{number}.weight", f"model-{number}.safetensors"
        entry = {"dtype": "F32", "shape": [size // 4096, 1024], "data_offsets": [0, size]}
        text = json.dumps({name: entry}).encode()
        with (folder / file).open("wb") as stream:
            stream.write(struct.pack("<Q", len(text)) + text)
            stream.truncate(8 + len(text) + size)
        names[name] = file
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": names}))
    return index


def test_a_large_sharded_checkpoint_is_inspected_without_reading_its_tensors(tmp_path):
    sparse_shards(tmp_path, 4, 2**28)  # 1 GB
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from slimgui.files.contents import inspect\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); found = inspect(Path(sys.argv[1])); print(peak() - before, found.files,"
        " found.bytes, sum(entry.elements for entry in found.weights[''].values()))"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kilobytes, files, size, elements = map(int, done.stdout.split())
    assert (files, elements) == (4, 2**28)  # 4 · 2^28 bytes, 4 bytes each
    assert size > 2**30
    assert kilobytes < 20_000, "of one gigabyte"


def shards_of_tensors(folder):
    return sparse_shards(folder, 2, 2**20)


def one_of_tensors(folder):
    save_file({"w": torch.zeros(2)}, folder / "a.safetensors")
    return folder / "a.safetensors"


def whole_model(folder):
    torch.save({"model": net(), "epoch": 3}, folder / "a.pt")
    return folder / "a.pt"


def runs_programs(folder):
    torch.save(Canary(folder / "marker"), folder / "a.pt")
    return folder / "a.pt"


@pytest.mark.parametrize("make", [shards_of_tensors, one_of_tensors, whole_model, runs_programs])
def test_the_program_inspects_without_torch(make, tmp_path):
    code = (
        "import sys; from slimgui.cli import main\n"
        "status = main(['inspect', sys.argv[1]])\n"
        "print(status, *{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code, make(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    status, *loaded = done.stdout.splitlines()[-1].split()
    assert status == ("1" if make is runs_programs else "0")
    assert not {"torch", "torchvision", "numpy", "PySide6"} & set(loaded)


def test_the_list_of_plain_data_is_torchs_own():
    assert set(_get_allowed_globals()) == PLAIN


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.LSTM, nn.TransformerEncoderLayer, nn.Module])
def test_a_class_of_torch_may_be_named_where_it_is_at_home(kind):
    assert names_module_class(f"{kind.__module__}.{kind.__name__}")
    assert not names_module_class(f"torch.nn.{kind.__name__}")


@pytest.mark.parametrize(
    "name", ["conv.Conv9d", "nowhere.Conv2d", "..conv.Conv2d", "conv.sys", "conv/x.A", ""]
)
def test_what_no_source_defines_is_no_class(name):
    assert not names_module_class(f"torch.nn.modules.{name}")


W = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
HEADERS = {
    "whole": ({"w": W}, 24),
    "two types": ({"w": W, "b": {"dtype": "BF16", "shape": [5], "data_offsets": [24, 34]}}, 34),
    "nothing in a tensor": ({"w": W, "e": {"dtype": "I64", "shape": [0, 7], "data_offsets": [24, 24]}}, 24),
    "no tensor": ({"__metadata__": {"a": "b"}}, 0),
    "cut off": ({"w": W}, 20),
    "more than it says": ({"w": W}, 30),
    "a hole": ({"w": W, "b": {**W, "data_offsets": [28, 52]}}, 52),
    "an overlap": ({"w": W, "b": {**W, "data_offsets": [20, 44]}}, 44),
    "too few bytes": ({"w": {**W, "data_offsets": [0, 20]}}, 20),
    "a negative size": ({"w": {**W, "shape": [-2, -3]}}, 24),
    "a size that is no number": ({"w": {**W, "shape": ["2", 3]}}, 24),
    "an absurd size": ({"w": {**W, "shape": [2**62, 2**62, 0]}}, 24),
    "no type": ({"w": {"shape": [2, 3], "data_offsets": [0, 24]}}, 24),
    "metadata that is no text": ({"__metadata__": {"a": 1}, "w": W}, 24),
    "a list": ([1], 0),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_a_header_is_read_as_the_library_of_the_format_reads_it(kind, tmp_path):
    rows, numbers = HEADERS[kind]
    text = json.dumps(rows).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(numbers))
    try:
        with safe_open(path, framework="pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            metadata = dict(file.metadata() or {})
    except SafetensorError:
        with pytest.raises(LoadError, match="damaged"):
            read_header(path)
    else:
        found = read_header(path)
        assert ({name: entry.shape for name, entry in found.tensors.items()}, found.metadata) == (
            shapes,
            metadata,
        )
