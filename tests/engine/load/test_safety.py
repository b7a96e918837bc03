"""Opening a file never runs what is in it."""

import ast
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

import slimgui
from slimgui.engine.load import load
from slimgui.engine.load.checkpoint import check_torch_reads_the_same
from slimgui.errors import SlimError, UnsafeFileError
from slimgui.files.verdicts import verdict, verdicts
from slimgui.scanner.report import Report, Scan


class Canary:
    """A pickle of it creates a file when it is loaded carelessly."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return (os.system, (f"touch {self.marker}",))


class Calls:
    """A pickle of it calls `function`."""

    def __init__(self, function, *arguments) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return (self.function, self.arguments)


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "executed"


def write_zip(path, value):
    torch.save(value, path)


def write_legacy(path, value):
    torch.save(value, path, _use_new_zipfile_serialization=False)


def write_pickle(protocol):
    def write(path, value):
        path.write_bytes(pickle.dumps(value, protocol=protocol))

    return write


WRITERS = {
    "zip": write_zip,
    "legacy": write_legacy,
    **{f"pickle protocol {protocol}": write_pickle(protocol) for protocol in range(6)},
}


def test_plain_pickle_does_run_the_canary(marker):
    # Without this the other tests could pass because the canary is dead.
    pickle.loads(pickle.dumps(Canary(marker)))
    assert marker.exists()


@pytest.mark.parametrize("kind", WRITERS)
def test_a_pickle_that_calls_os_system_is_refused_and_not_run(kind, tmp_path, marker):
    path = tmp_path / "evil.pt"
    WRITERS[kind](path, {"weight": [1, 2], "extra": Canary(marker)})
    with pytest.raises(UnsafeFileError) as refusal:
        load(path)
    assert not marker.exists()
    assert "os.system: this file tries to run programs" in str(refusal.value)
    assert refusal.value.hint


@pytest.mark.parametrize("name", ["evil.txt", "evil.safetensors", "evil"])
def test_the_suffix_makes_no_difference(name, tmp_path, marker):
    path = tmp_path / name
    write_zip(path, Canary(marker))
    with pytest.raises(UnsafeFileError):
        load(path)
    assert not marker.exists()


def test_a_canary_hidden_in_a_whole_model_is_found(tmp_path, marker):
    model = nn.Linear(2, 3)
    model.extra = Canary(marker)
    torch.save(model, tmp_path / "model.pt")
    with pytest.raises(UnsafeFileError, match=r"os\.system"):
        load(tmp_path / "model.pt")
    assert not marker.exists()


def test_a_second_record_of_the_same_name_is_not_a_way_around(tmp_path, marker):
    # python's zipfile reads the last of two records of one name, other readers may read the first
    torch.save({"weight": torch.zeros(2)}, tmp_path / "model.pt")
    buffer = io.BytesIO()
    torch.save(Canary(marker), buffer)
    evil = zipfile.ZipFile(buffer).read("archive/data.pkl")
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(tmp_path / "model.pt", "a", zipfile.ZIP_STORED) as archive,
    ):
        archive.writestr("model/data.pkl", evil)
    with pytest.raises(SlimError):
        load(tmp_path / "model.pt")
    assert not marker.exists()


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Calls(eval, "1"), "eval: this file tries to run programs"),
        (Calls(compile, "1", "x", "eval"), "compile: this file tries to run programs"),
        (Calls(pickle.loads, b""), "pickle.loads: this file tries to run programs"),
        (Calls(torch.load, "x"), "torch.serialization.load: this file wants to call a function"),
        (Calls(torch.hub.load, "x", "y"), "torch.hub.load: this file wants to call a function"),
    ],
)
def test_other_calls_are_named(value, named, tmp_path):
    torch.save(value, tmp_path / "model.pt")
    with pytest.raises(UnsafeFileError) as refusal:
        load(tmp_path / "model.pt")
    assert named in str(refusal.value)


def test_a_class_that_is_called_instead_of_filled_is_refused(tmp_path):
    torch.save({"model": Calls(nn.Linear, 2, 3)}, tmp_path / "model.pt")
    with pytest.raises(UnsafeFileError, match=r"calls torch\.nn\.modules\.linear\.Linear"):
        load(tmp_path / "model.pt")


def test_a_module_that_is_called_while_reading_is_refused(tmp_path):
    value = Calls(torch._tensor._rebuild_from_type_v2, nn.Identity(), torch.Tensor, (torch.zeros(1),), {})
    torch.save(value, tmp_path / "model.pt")
    with pytest.raises(UnsafeFileError, match="calls"):
        load(tmp_path / "model.pt")


def test_a_module_as_argument_of_a_call_is_refused(tmp_path):
    torch.save(Calls(nn.Parameter, nn.Identity()), tmp_path / "model.pt")
    with pytest.raises(UnsafeFileError, match="calls"):
        load(tmp_path / "model.pt")


@pytest.mark.parametrize("hidden", [False, True])
def test_a_replaced_forward_is_refused(hidden, tmp_path):
    model = nn.Linear(2, 3)
    model.__dict__["forward"] = nn.ReLU
    if hidden:
        inner, model = model, nn.Sequential(nn.ReLU())
        model.more = [inner]
    torch.save(model, tmp_path / "model.pt")
    with pytest.raises(UnsafeFileError, match=r"replaces Linear\.forward"):
        load(tmp_path / "model.pt")


def test_a_hook_is_refused(tmp_path):
    model = nn.Linear(2, 3)
    model._forward_pre_hooks[0] = nn.ReLU()
    torch.save(model, tmp_path / "model.pt")
    with pytest.raises(UnsafeFileError, match="hooks code into Linear"):
        load(tmp_path / "model.pt")


def test_a_module_that_contains_itself_is_refused(tmp_path):
    model = nn.Sequential(nn.Sequential(nn.ReLU()))
    model[0]._modules["again"] = model
    torch.save(model, tmp_path / "model.pt")
    with pytest.raises(SlimError, match="contains itself"):
        load(tmp_path / "model.pt")


def test_a_module_that_is_used_twice_is_welcome(tmp_path):
    shared = nn.Linear(4, 4)
    torch.save(nn.Sequential(shared, nn.ReLU(), shared), tmp_path / "model.pt")
    model = load(tmp_path / "model.pt").model
    assert model[0] is model[2]


def test_a_graph_module_class_is_not_on_the_list(tmp_path):
    # It compiles python source that lies in its own state.
    data = b"\x80\x02ctorchvision.models.feature_extraction\nDualGraphModule\n)\x81}b."
    with zipfile.ZipFile(tmp_path / "model.pt", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("model/data.pkl", data)
        archive.writestr("model/version", b"3\n")
    with pytest.raises(UnsafeFileError, match="DualGraphModule"):
        load(tmp_path / "model.pt")


def test_a_file_may_not_name_a_factory_outside_the_list(tmp_path):
    for factory in ("os:getcwd", "slimgui.cli:main", "torchvision.models._api:get_model", "x.py:build"):
        torch.save({"slimgui_factory": factory, "state_dict": {}}, tmp_path / "model.pt")
        with pytest.raises(UnsafeFileError, match="not on the list"):
            load(tmp_path / "model.pt")


def test_the_list_of_classes_is_forgotten_after_reading(tmp_path):
    torch.save(nn.Linear(2, 3), tmp_path / "model.pt")
    before = torch.serialization.get_safe_globals()
    load(tmp_path / "model.pt")
    assert torch.serialization.get_safe_globals() == before


@pytest.mark.parametrize("writer", [write_zip, write_legacy])
def test_flipped_bits_end_in_a_sentence_or_a_model(writer, tmp_path):
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    path = tmp_path / "model.pt"
    writer(path, {"slimgui_factory": "slimgui.example:build", "state_dict": model.state_dict()})
    whole = path.read_bytes()
    generator = torch.Generator().manual_seed(0)
    for place in torch.randint(0, len(whole) * 8, (15,), generator=generator).tolist():
        data = bytearray(whole)
        data[place // 8] ^= 1 << place % 8
        path.write_bytes(data)
        with pytest.raises(SlimError):  # the weights fit no example, so even an unharmed file is refused
            load(path)


def test_an_absurd_length_in_a_pickle_is_refused(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"x")
    with pytest.raises(SlimError, match="damaged"):
        load(tmp_path / "model.pt")


def test_a_file_is_read_weights_only_but_with_consent_or_by_the_process_that_reads_back_what_was_written():
    folder = Path(slimgui.__file__).parent
    sources = list(folder.rglob("*.py"))
    assert len(sources) > 10
    loads = []
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            called = ast.unparse(node.func)
            assert called not in {"pickle.load", "pickle.loads", "pickle.Unpickler", "torch.jit.load"}, source
            if called == "torch.load":
                only = {k.arg: k.value for k in node.keywords}["weights_only"]
                loads.append((source.stem, ast.literal_eval(only)))
    others = [("consent", False), ("reader", False)]  # reader: a module pickled a moment ago by this program
    assert sorted(loads) == sorted([("checkpoint", True), ("readback", True), ("reader", True), *others])


def test_every_global_has_a_verdict_in_words_the_worst_first():
    asked = verdicts(Scan(("torch.FloatStorage", "my_net.Net", "collections.OrderedDict", "posix.system")))
    assert [str(one) for one in asked] == [
        "os.system: this file tries to run programs",
        "my_net.Net: this file needs your class",
        "torch.FloatStorage: plain data",
        "collections.OrderedDict: plain data",
    ]
    assert [one.allowed for one in asked] == [False, False, True, True]
    assert all(one.hint for one in asked if not one.allowed)


@pytest.mark.parametrize("name", ["copyreg.extension 7", "?.a name it computes"])
def test_a_hidden_global_is_said_to_be_hidden(name):
    assert "hides what it asks for" in verdict(name).reason


def test_a_name_that_cannot_be_printed_or_has_no_end_is_shown_tamely():
    assert verdict("a.\x1b[2J\n").name == r"'a.\x1b[2J\n'"
    assert len(verdict("a." + "b" * 10_000).name) < 200


def test_a_zip_that_two_readers_read_differently_is_refused(tmp_path, marker):
    # The report is of another pickle than the one torch's reader finds.
    torch.save({"weight": torch.zeros(2)}, tmp_path / "model.pt")
    report = Report("zip", Scan(), ("data.pkl",), {"data.pkl": "0" * 64})
    with (tmp_path / "model.pt").open("rb") as stream, pytest.raises(UnsafeFileError, match="two programs"):
        check_torch_reads_the_same(stream, report, "model.pt")
