"""A file is looked into for the window, and a saved one proven again, by the engine's real handlers."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from slimgui import engine, resources
from slimgui.core import wire
from slimgui.core.plan import Plan
from slimgui.core.sampling import SampleSource
from slimgui.engine import insight, look
from slimgui.engine.answering import Host
from slimgui.engine.load import with_inputs
from slimgui.engine.timing import Latency

EXAMPLE = str(resources.path(resources.EXAMPLE))


class Canary:
    """A pickle of it creates a file when it is loaded carelessly."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return (Path.touch, (self.marker,))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The example, slimmed and saved."""
    loaded = engine.load(EXAMPLE)
    traced = engine.trace(loaded.model, loaded.example_inputs)
    selection = engine.resolve(traced, Plan(ratio=0.5), loaded.model)
    deployed = engine.deploy(loaded.model, traced, selection)
    proof = engine.verify(loaded.model, deployed, loaded.example_inputs)
    path = tmp_path / "small.pt"
    engine.save(replace(deployed, source=EXAMPLE, proof=proof), path)
    return path


def answer(request: wire.Request) -> wire.Answer:
    """Of a host that holds no model."""
    sent: list[wire.Answer] = []
    Host(engine, with_inputs, sent.append).handle(request)
    assert all(isinstance(one, wire.Progress) for one in sent[:-1])
    return sent[-1]


def test_every_tensor_of_every_set_is_listed_with_kind_size_and_hash(tmp_path: Path) -> None:
    state = {"conv.weight": torch.zeros(4, 3, 3, 3), "steps": torch.tensor(7)}
    path = tmp_path / "run.pt"
    torch.save({"model": state, "ema": {"conv.weight": torch.zeros(4, 3, 3, 3)}, "epoch": 12}, path)
    found = answer(wire.Look(5, str(path)))

    assert isinstance(found, wire.Looked)
    assert found.task == 5
    # 4 * 3 * 3 * 3 float32 are 432 bytes, one int64 is 8
    model = wire.WeightSet("model", ("conv.weight", "steps"), ("4x3x3x3", ""), ("float32", "int64"), (432, 8))
    assert found.sets == (model, wire.WeightSet("ema", ("conv.weight",), ("4x3x3x3",), ("float32",), (432,)))
    facts = dict(found.facts)
    assert facts["SHA-256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert facts["Size"] == f"{path.stat().st_size:,} bytes"
    assert facts["Also holds epoch"] == "12"
    assert (found.refusal, found.left_out) == ((), 0)
    assert "runs nothing" in found.runs
    assert all(one.allowed for one in found.asks)


def test_what_a_hostile_file_would_run_is_named_first_and_not_run(tmp_path: Path) -> None:
    marker, path = tmp_path / "ran", tmp_path / "bad.pt"
    torch.save({"weight": torch.zeros(2), "canary": Canary(marker)}, path)
    found = answer(wire.Look(0, str(path)))

    assert isinstance(found, wire.Looked)
    assert not marker.exists()
    assert not found.asks[0].allowed
    assert "Path" in found.asks[0].name or "touch" in found.asks[0].name
    assert "no file may run" in found.runs
    assert found.refusal[0].startswith("bad.pt was not opened")
    assert found.sets[0].names == ("weight",)


def test_names_in_a_file_that_cannot_be_printed_are_written_as_escapes(tmp_path: Path) -> None:
    torch.save({"a\nb\x1b[2J": torch.zeros(2)}, tmp_path / "odd.pt")
    found = look.looked(wire.Look(0, str(tmp_path / "odd.pt")))
    assert found.sets[0].names == (r"a\nb\x1b[2J",)


def test_what_is_too_much_for_one_answer_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "MOST_TENSORS", 3)
    torch.save({str(number): torch.zeros(1) for number in range(5)}, tmp_path / "many.pt")
    found = look.looked(wire.Look(0, str(tmp_path / "many.pt")))
    assert (len(found.sets[0].names), found.left_out) == (3, 2)


def test_bare_weights_say_what_they_may_be(tmp_path: Path) -> None:
    torch.save(torchvision.models.squeezenet1_0().state_dict(), tmp_path / "w.pt")
    found = look.looked(wire.Look(0, str(tmp_path / "w.pt")))
    assert any("squeezenet1_0" in words for what, words in found.facts if what == "May be")


def test_a_file_that_is_not_there_is_a_failure() -> None:
    found = answer(wire.Look(0, "/nowhere/net.pt"))
    assert isinstance(found, wire.Failed)
    assert found.code is None


def test_a_saved_file_is_proven_again_without_any_model_open(small: Path) -> None:
    found = answer(wire.Prove(3, str(small)))
    assert isinstance(found, wire.Verified)
    assert (found.task, found.small, found.original) == (3, str(small), EXAMPLE)
    assert found.proof.passed
    assert found.proof.level == "numeric"
    assert found.timed is None


def test_a_saved_file_is_timed_beside_its_original_when_that_is_asked_for(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []

    def measure(models: list[nn.Module], inputs: object, device: str) -> list[Latency]:
        del inputs
        seen.append([sum(each.numel() for each in model.parameters()) for model in models])
        return [Latency(2.0, 0.5, 7), Latency(1.0, 0.25, 7)]

    monkeypatch.setattr(insight, "measure_latency", measure)
    found = answer(wire.Prove(3, str(small), is_timed=True))
    assert isinstance(found, wire.Verified)
    assert (found.timed.before, found.timed.after, found.timed.spread) == (2.0, 1.0, (0.5, 0.25))
    assert found.timed.device.startswith("cpu, ")
    [(whole, cut)] = seen
    assert cut < whole


def test_a_saved_file_that_was_changed_is_not_proven(small: Path) -> None:
    held = torch.load(small, weights_only=True)
    held["state_dict"]["stem.weight"][0] += 1
    torch.save(held, small)
    found = answer(wire.Prove(0, str(small), EXAMPLE))
    assert isinstance(found, wire.Verified)
    assert not found.proof.passed
    assert found.proof.parted == "stem"


def test_a_file_of_somebody_else_cannot_be_proven_by_itself(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(2)}, tmp_path / "w.pt")
    found = answer(wire.Prove(0, str(tmp_path / "w.pt")))
    assert isinstance(found, wire.Failed)
    assert found.what == "w.pt cannot be proven by itself."


def test_the_original_runs_no_code_before_the_user_agreed(small: Path, tmp_path: Path) -> None:
    ran, net = tmp_path / "ran", tmp_path / "net.py"
    net.write_text(
        f"import pathlib\npathlib.Path({str(ran)!r}).touch()\nfrom slimgui.example import build\n",
        encoding="utf-8",
    )
    found = answer(wire.Prove(0, str(small), f"{net}:build"))
    assert isinstance(found, wire.Failed)
    assert found.code is not None
    assert not ran.exists()
    agreed = answer(wire.Prove(0, str(small), f"{net}:build", trusted=(found.code.sha256,)))
    assert ran.exists()
    assert isinstance(agreed, wire.Verified)
    assert not agreed.proof.passed  # the factory's weights are drawn, those of the file were trained


def test_a_missing_original_is_said(small: Path) -> None:
    found = answer(wire.Prove(0, str(small), "/nowhere/net.pt"))
    assert isinstance(found, wire.Failed)


@pytest.fixture
def opened() -> tuple[Host, list[wire.Answer]]:
    """A host that holds the example, as task 1, and what it sent."""
    sent: list[wire.Answer] = []
    host = Host(engine, with_inputs, sent.append)
    host.handle(wire.Open(1, EXAMPLE))
    return host, sent


def test_accuracy_is_measured_before_and_after_the_cut(opened: tuple[Host, list[wire.Answer]]) -> None:
    host, sent = opened
    samples = SampleSource(str(resources.path(resources.SAMPLES)), limit=200)
    host.handle(wire.Evaluate(2, Plan(), 1, samples))
    whole = sent[-1]
    assert isinstance(whole, wire.Evaluated)
    assert whole.before == whole.after
    assert whole.before > 0.8  # it was trained to 92 %
    host.handle(wire.Evaluate(3, Plan(ratio=0.9), 1, samples))
    cut = sent[-1]
    assert isinstance(cut, wire.Evaluated)
    assert (cut.before, cut.measure) == (whole.before, "accuracy")
    assert cut.after < cut.before


def test_samples_without_labels_measure_no_accuracy(
    opened: tuple[Host, list[wire.Answer]], tmp_path: Path
) -> None:
    host, sent = opened
    np.savez(tmp_path / "plain.npz", images=np.zeros((4, 28, 28), "uint8"))
    host.handle(wire.Evaluate(2, Plan(ratio=0.5), 1, SampleSource(str(tmp_path / "plain.npz"))))
    failure = sent[-1]
    assert isinstance(failure, wire.Failed)
    assert failure.what == "plain.npz has no labels."


def test_a_pickled_module_is_written_where_the_suffix_says_otherwise(
    opened: tuple[Host, list[wire.Answer]], tmp_path: Path
) -> None:
    host, sent = opened
    path = tmp_path / "module.pt"
    host.handle(wire.Save(2, str(path), Plan(ratio=0.5), 1, format="pickle"))
    assert isinstance(sent[-1], wire.Saved)
    assert isinstance(torch.load(path, weights_only=False), torch.nn.Module)


def test_times_of_this_device_are_written_and_read_back(
    opened: tuple[Host, list[wire.Answer]], tmp_path: Path
) -> None:
    host, sent = opened
    path = tmp_path / "times.json"
    host.handle(wire.Export(2, str(path), Plan(), 1, "times"))
    assert isinstance(sent[-1], wire.Exported)
    host.handle(wire.Time(3, Plan(ratio=0.5), 1, str(path)))
    told = sent[-1]
    assert isinstance(told, wire.Timed)
    assert 0 < told.after < told.before
    assert told.spread is None  # read from the file, not measured
