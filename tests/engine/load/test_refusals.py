"""What cannot be opened is refused with a sentence that says what it is and what to do."""

import importlib
import os
import pickle
import sys
import types
import warnings
import zipfile
from collections import OrderedDict

import pytest
import torch
from torch import nn

from slimgui.engine.load import load
from slimgui.errors import LoadError, UnsafeFileError


def refusal(source, kind=LoadError, **options):
    with pytest.raises(kind) as caught:
        load(source, **options)
    assert caught.value.what.endswith("."), caught.value.what
    return str(caught.value)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    assert "There is no file" in refusal(tmp_path / "none.pt")


def test_a_folder_is_said_to_be_one(tmp_path):
    assert "is a folder" in refusal(tmp_path)


def test_an_empty_file_is_said_to_be_empty(tmp_path):
    (tmp_path / "a.pt").touch()
    assert "a.pt is empty" in refusal(tmp_path / "a.pt")


@pytest.mark.parametrize(
    "text", ["hello\n", "import torch\n", "(a comment)\n", "{}\n", "c", "Ünïcode — text\n"]
)
def test_a_text_file_is_said_to_be_text(text, tmp_path):
    (tmp_path / "a.pt").write_text(text, encoding="utf-8")
    assert "is a text file, not a model" in refusal(tmp_path / "a.pt")


def test_random_bytes_are_not_a_kind_it_knows(tmp_path):
    (tmp_path / "a.pt").write_bytes(bytes(range(255, 100, -1)))
    assert "not a kind of file" in refusal(tmp_path / "a.pt")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_truncated_checkpoint_is_said_to_be_cut_off(zipped, tmp_path):
    torch.save(nn.Linear(50, 50).state_dict(), tmp_path / "whole.pt", _use_new_zipfile_serialization=zipped)
    whole = (tmp_path / "whole.pt").read_bytes()
    for length in (5, 20, 30, 100, 500, len(whole) // 2, len(whole) - 100, len(whole) - 1):
        (tmp_path / "cut.pt").write_bytes(whole[:length])
        assert "damaged" in refusal(tmp_path / "cut.pt"), length


def test_other_formats_are_recognised_by_content(tmp_path):
    contents = {
        "ONNX": b"\x08\x08\x12\x07pytorch\x1a\x032.0" + bytes(range(200, 255)),
        "GGUF": b"GGUF\x03\x00\x00\x00" + bytes(20),
        "Keras": b"\x89HDF\r\n\x1a\n" + bytes(20),
        "TensorFlow Lite": b"\x1c\x00\x00\x00TFL3" + bytes(20),
        "NumPy": b"\x93NUMPY\x01\x00" + bytes(20),
    }
    for kind, data in contents.items():
        (tmp_path / "a.pt").write_bytes(data)
        message = refusal(tmp_path / "a.pt")
        assert kind in message
        assert "which cannot be slimmed" in message
        assert len(message.splitlines()) == 3, "it says why, and what to do"


def test_a_torchscript_archive_is_said_to_be_one(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(nn.Linear(2, 3)), tmp_path / "a.pt")
    assert "TorchScript" in refusal(tmp_path / "a.pt")


def test_an_exported_program_is_said_to_be_one(tmp_path):
    program = torch.export.export(nn.Linear(2, 3), (torch.zeros(1, 2),))
    torch.export.save(program, tmp_path / "a.pt2")
    (tmp_path / "a.pt2").rename(tmp_path / "a.pt")
    assert "exported program" in refusal(tmp_path / "a.pt")


def test_another_zip_archive_is_said_to_be_one(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    assert "zip archive, not a checkpoint" in refusal(tmp_path / "a.pt")


def test_a_harmless_bare_pickle_is_said_to_be_one(tmp_path):
    for protocol in (2, 4):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(OrderedDict(a=[1, 2]), protocol=protocol))
        assert "a bare pickle" in refusal(tmp_path / "a.pkl")


def test_an_unknown_class_is_named_with_the_two_ways_out(tmp_path):
    module = types.ModuleType("my_net")
    module.Net = type("Net", (nn.Linear,), {"__module__": "my_net"})
    sys.modules["my_net"] = module
    try:
        torch.save(module.Net(2, 3), tmp_path / "a.pt")
        message = refusal(tmp_path / "a.pt", UnsafeFileError)  # refused even while its module is imported
    finally:
        del sys.modules["my_net"]
    assert "my_net.Net: this file needs your class" in message
    assert "state dict" in message
    assert ".py" in message


def test_a_whole_model_in_the_old_format_is_said_to_be_one(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(nn.Linear(2, 3), tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    assert "file format of torch before 1.6" in refusal(tmp_path / "a.pt")


def test_a_model_with_functions_inside_is_refused_by_the_name_of_the_function(tmp_path):
    models = pytest.importorskip("torchvision.models")
    torch.save(models.VisionTransformer(32, 16, 1, 2, 8, 16), tmp_path / "a.pt")
    message = refusal(tmp_path / "a.pt", UnsafeFileError)
    assert "functools.partial: this file wants to call a function" in message
    assert "state dict" in message


def test_weights_without_a_model_ask_for_one(tmp_path):
    torch.save(nn.Linear(2, 3).state_dict(), tmp_path / "a.pt")
    message = refusal(tmp_path / "a.pt")
    assert "weights without a model" in message
    assert "Choose a factory" in message


def test_weights_that_do_not_fit_name_the_entry_and_the_nearest(tmp_path):
    torch.save({"weight": torch.zeros(3, 2), "biass": torch.zeros(3)}, tmp_path / "a.pt")
    message = refusal(tmp_path / "a.pt", model=nn.Linear(2, 3))
    assert "has no 'bias'" in message
    assert "nearest it has is 'biass'" in message


def test_weights_of_another_shape_name_both_shapes(tmp_path):
    torch.save({"weight": torch.zeros(3, 4), "bias": torch.zeros(3)}, tmp_path / "a.pt")
    model = nn.Linear(2, 3)
    before = model.weight.detach().clone()
    message = refusal(tmp_path / "a.pt", model=model)
    assert "'weight' is 3x4 in the file and 3x2 in the model" in message
    assert torch.equal(model.weight, before), "a model that does not fit stays as it was"


def test_a_checkpoint_without_weights_says_what_it_holds(tmp_path):
    torch.save({"epoch": 3, "loss": 0.5}, tmp_path / "a.pt")
    assert "It holds epoch, loss." in refusal(tmp_path / "a.pt")


def test_a_file_of_a_newer_version_says_so(tmp_path):
    torch.save({"slimgui": 99, "state_dict": {}}, tmp_path / "a.pt")
    assert "newer version of SlimGUI" in refusal(tmp_path / "a.pt")


@pytest.mark.parametrize("field", ["kept", "repairs", "shapes", "selection"])
def test_a_damaged_record_of_the_cut_is_a_sentence(field, tmp_path):
    good = dict.fromkeys(("kept", "cut", "selection", "proof"), "{}") | {"repairs": "[]", "shapes": "[]"}
    good |= {"slimgui": 1, "source": "", "original": "", "plan": "", "state_dict": {}}
    torch.save({**good, field: '[["x"'}, tmp_path / "a.pt")
    assert "a.pt is damaged" in refusal(tmp_path / "a.pt")


def test_a_broken_pair_of_torch_and_torchvision_is_recognised(monkeypatch):
    vision = importlib.import_module("slimgui.engine.load.vision")

    def broken(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(vision.importlib, "import_module", broken)
    assert "torchvision and torch do not fit together" in refusal("torchvision.models:resnet18")


@pytest.mark.parametrize("name", ["torchvision", "PIL"])
def test_a_missing_package_is_named(name, monkeypatch):
    vision = importlib.import_module("slimgui.engine.load.vision")

    def missing(_):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(vision.importlib, "import_module", missing)
    assert f"needs {name}, which is not installed" in refusal("torchvision.models:resnet18")


def test_a_pipe_is_not_read_forever(tmp_path):
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    assert "not a regular file" in refusal(fifo)


def test_a_buffer_of_zeros_is_refused(tmp_path):
    (tmp_path / "a.pt").write_bytes(bytes(5000))
    assert "a.pt" in refusal(tmp_path / "a.pt")


def test_a_whole_file_is_not_called_damaged_where_memory_ran_out(tmp_path, monkeypatch):
    def full(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    torch.save({"weight": torch.zeros(3)}, tmp_path / "a.pt")
    monkeypatch.setattr(torch, "load", full)
    with pytest.raises(RuntimeError, match="allocate memory"):
        load(tmp_path / "a.pt")
