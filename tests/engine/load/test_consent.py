"""Code in files runs when the user agreed to exactly these bytes, and at no other time."""

import hashlib
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from slimgui.core import framing, wire
from slimgui.engine import load
from slimgui.engine.load import consent
from slimgui.errors import ConsentError, LoadError, UnsafeFileError

NET = """
import pathlib
from torch import nn

pathlib.Path({canary!r}).touch()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 1)

    def forward(self, x):
        return self.two(self.one(x).relu())


def build():
    return Net()
"""


def sha(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def canary(tmp_path):
    return tmp_path / "canary"


@pytest.fixture
def factory(tmp_path, canary):
    path = tmp_path / "consent_net.py"
    path.write_text(NET.format(canary=str(canary)))
    yield path
    sys.modules.pop("consent_net", None)


@pytest.fixture
def pickled(factory, tmp_path, canary):
    """A whole model whose class lives in consent_net.py; opening it imports that, which drops the canary."""
    torch.save(load(f"{factory}:build").model, tmp_path / "whole.pt")
    del sys.modules["consent_net"]
    canary.unlink()
    return tmp_path / "whole.pt"


def refused(source, **options):
    with pytest.raises(ConsentError) as asked:
        load(source, allow_code=False, **options)
    return asked.value


def test_a_python_file_runs_only_after_consent_to_its_bytes(factory, canary):
    asked = refused(f"{factory}:build")
    assert (asked.path, asked.sha256) == (str(factory), sha(factory))
    assert "consent_net.py" in asked.runs[0]
    refused(f"{factory}:build", trusted=["0" * 64, str(factory)])
    assert not canary.exists()
    assert load(f"{factory}:build", allow_code=False, trusted=[sha(factory)]).model.one.out_channels == 8
    assert canary.exists()


def test_a_whole_model_of_an_own_class_opens_only_after_consent_to_its_bytes(pickled, canary, monkeypatch):
    monkeypatch.syspath_prepend(str(pickled.parent))
    asked = refused(pickled)
    assert (asked.path, asked.sha256) == (str(pickled), sha(pickled))
    assert asked.runs == ("consent_net.Net: this file needs your class",)
    assert f"--trust-code {sha(pickled)}" in asked.hint
    with pytest.raises(ConsentError):
        load(pickled)  # naming a checkpoint is no consent to run what it says
    assert not canary.exists()
    assert load(pickled, allow_code=False, trusted=[sha(pickled)]).model.two.out_channels == 4
    assert canary.exists()


def test_a_file_that_changes_after_consent_does_not_run(factory, pickled, canary, monkeypatch):
    monkeypatch.syspath_prepend(str(pickled.parent))
    for path, source in ((factory, f"{factory}:build"), (pickled, pickled)):
        agreed = refused(source).sha256
        data = path.read_bytes()
        path.write_bytes(data + b"\n")
        assert refused(source, trusted=[agreed]).sha256 != agreed
    assert not canary.exists()


def test_what_is_hashed_is_what_runs_even_when_the_file_is_exchanged_at_that_moment(
    factory, canary, monkeypatch
):
    agreed = sha(factory)

    def hashed(data):
        factory.write_text("raise SystemExit('the wrong bytes')\n")
        return real(data)

    real = hashlib.sha256
    monkeypatch.setattr(consent.hashlib, "sha256", hashed)
    assert load(f"{factory}:build", allow_code=False, trusted=[agreed]).model.one.out_channels == 8


def test_programs_are_never_offered_for_consent(tmp_path, canary):
    class Evil:
        def __reduce__(self):
            return (os.system, (f"touch {canary}",))

    torch.save(Evil(), tmp_path / "evil.pt")
    for trusted in ((), (str(tmp_path / "evil.pt"),)):
        with pytest.raises(UnsafeFileError) as refusal:
            load(tmp_path / "evil.pt", allow_code=False, trusted=trusted)
        assert not isinstance(refusal.value, ConsentError)
    assert not canary.exists()


def test_a_model_whose_module_is_missing_is_a_sentence(pickled, factory):
    factory.unlink()
    with pytest.raises(LoadError, match="needs the module consent_net, which is not here"):
        load(pickled, trusted=[sha(pickled)])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def one(): ...\ndef two(): ...\n", "It has one, two"),
        ("def one(n): ...\n", "No function in it can be called without arguments"),
        ("def _one(): ...\n", "No function"),
    ],
)
def test_a_python_file_without_a_clear_factory_is_not_run(text, said, tmp_path):
    (tmp_path / "net.py").write_text(text + "raise SystemExit\n")
    with pytest.raises(LoadError, match=said):
        load(tmp_path / "net.py")


def test_the_only_function_of_a_python_file_is_its_factory(tmp_path):
    (tmp_path / "lone_net.py").write_text(
        "import torch\ndef _no(): ...\ndef small(n=3): return torch.nn.Linear(n, 2)\n"
    )
    assert isinstance(load(tmp_path / "lone_net.py").model, nn.Linear)
    del sys.modules["lone_net"]


def test_the_windows_engine_runs_nothing_without_consent_and_everything_after(factory, canary):
    source, digest = f"{factory}:build", sha(factory)
    requests = [wire.Open(1, source), wire.Open(2, source, trusted=("1" * 64,)), wire.Open(3, source)]
    asked = answers(requests)
    assert not canary.exists()
    assert [answer.code for answer in asked] == [wire.Code(str(factory), digest, asked[0].code.runs)] * 3
    assert all(answer.details == "" for answer in asked)
    (opened,) = answers([wire.Open(1, source, "1x3x8x8", (digest,))])
    assert isinstance(opened, wire.Opened)
    assert canary.exists()


def answers(requests):
    """What the engine's process answers to these, without its progress."""
    done = subprocess.run(
        [sys.executable, "-m", "slimgui.engine.host"],
        input=b"".join(map(wire.frame, requests)), capture_output=True, timeout=120,
    )  # fmt: skip
    found = map(wire.decode_answer, framing.FrameReader().feed(done.stdout))
    return [answer for answer in found if not isinstance(answer, (wire.Ready, wire.Progress))]


def test_a_mistyped_model_of_torchvision_names_those_that_are_like_it():
    with pytest.raises(LoadError) as caught:
        load("torchvision.models:resnet55", allow_code=False)
    assert caught.value.what == "torchvision.models has no function 'resnet55'."
    assert "resnet50" in caught.value.hint
