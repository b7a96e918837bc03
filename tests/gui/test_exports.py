"""What the command line writes and measures is in the menus, too: modules, importance, times, accuracy."""

import csv
from pathlib import Path

import numpy as np
import pytest
from demo import demo
from fakes import FakeDialogs, FakeTransport

from slimgui.core import wire
from slimgui.core.recovery import Recovery
from slimgui.core.sampling import SampleSource
from slimgui.core.sensitivity import Point, Sensitivity, write_points
from slimgui.core.words import to_shares
from slimgui.errors import PlanError
from slimgui.gui.main_window import MainWindow

PHOTOS = SampleSource("/data/photos", 500)


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
    window.session.set_ratio(0.5)
    return window


def test_a_pickled_module_is_asked_for_by_name_and_stays_one_when_it_is_unproven(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs, tmp_path: Path
) -> None:
    dialogs.path = str(tmp_path / "whole.pt")
    loaded.menus.actions["save_pickled"].trigger()
    request = transport.requests[-1]
    assert isinstance(request, wire.Save)
    assert (request.path, request.format, request.accept_unproven) == (dialogs.path, "pickle", False)
    assert dialogs.asked[-1].endswith("demo-slim-module.pt")

    proof = wire.ProofRow(False, 0.5, "numeric")
    transport.answer(wire.Unproven, path=dialogs.path, proof=proof)
    loaded.card.offer.click()
    request = transport.requests[-1]
    assert isinstance(request, wire.Save)
    assert (request.format, request.accept_unproven) == ("pickle", True)


def test_the_importance_of_every_channel_is_written_once_it_is_known(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs, tmp_path: Path
) -> None:
    action = loaded.menus.actions["export_importance"]
    assert (action.isEnabled(), action.property("reason")) == (False, "The channels are still being judged")
    packed = {row.id: np.arange(float(row.size)).tobytes() for row in demo().groups}
    loaded.session.resolver.take_scores(wire.Ranked(0, "l1", packed), None)
    loaded.session.judging.changed.emit()
    assert action.isEnabled()

    dialogs.path = str(tmp_path / "importance")
    action.trigger()
    rows = list(csv.reader((tmp_path / "importance.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["group", "channel", "l1", "stays"]
    assert len(rows) - 1 == sum(row.size for row in demo().groups)
    # half of 32 channels go, those with the lowest scores: 0 to 15
    own = [row for row in rows if row[0] == "stem.conv"]
    assert own[15] == ["stem.conv", "15", "15.0", "no"]
    assert own[16] == ["stem.conv", "16", "16.0", "yes"]


def test_times_are_measured_on_the_chosen_device_and_written(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs, tmp_path: Path
) -> None:
    loaded.session.insight.use_device("cuda")
    dialogs.path = str(tmp_path / "times")
    loaded.menus.actions["data_export_times"].trigger()
    request = transport.requests[-1]
    assert isinstance(request, wire.Export)
    assert (request.path, request.what, request.device) == (f"{dialogs.path}.json", "times", "cuda")
    transport.answer(wire.Exported, path=request.path)
    assert loaded.card.what.text() == "Wrote times.json."


def measure(window: MainWindow, transport: FakeTransport, dialogs: FakeDialogs) -> wire.Evaluate:
    dialogs.source = PHOTOS
    window.menus.actions["data_accuracy"].trigger()
    request = transport.requests[-1]
    assert isinstance(request, wire.Evaluate)
    transport.answer(wire.Evaluated, before=0.919, after=0.9, measure="accuracy", about="As photos.")
    return request


def test_accuracy_is_measured_as_a_save_would_write_it_and_told(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    loaded.session.data.recovery = Recovery(("absorb",))
    request = measure(loaded, transport, dialogs)
    assert (request.samples.path, request.recovery) == ("/data/photos", Recovery(("absorb",)))
    assert request.plan.ratio == 0.5
    assert loaded.card.what.text() == "The smaller model is right in 90.0 %, the whole one in 91.9 %."
    assert "As photos." in loaded.card.why.text()
    assert loaded.session.data.samples.path == "/data/photos"


def test_a_measure_of_the_users_own_is_no_percentage(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    dialogs.source = PHOTOS
    loaded.menus.actions["data_accuracy"].trigger()
    transport.answer(wire.Evaluated, before=31.25, after=30.5, measure="score")
    assert loaded.card.what.text() == "The smaller model scores 30.5, the whole one 31.25."


def test_a_report_tells_the_accuracy_of_the_model_that_was_saved_and_of_no_other(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs, tmp_path: Path
) -> None:
    session = loaded.session
    measure(loaded, transport, dialogs)
    session.files.save(str(tmp_path / "small.pt"))
    transport.save()
    session.files.write_report(str(tmp_path / "page.html"))
    request = transport.requests[-1]
    assert isinstance(request, wire.Report)
    assert request.facts.measures == (("Accuracy", "91.9 %", "90.0 %"),)
    transport.answer(wire.Exported, path=request.path)

    session.set_ratio(0.25)
    session.files.save(str(tmp_path / "other.pt"))
    transport.save()
    session.files.write_report(str(tmp_path / "page.html"))
    request = transport.requests[-1]
    assert isinstance(request, wire.Report)
    assert request.facts.measures == ()


def test_accuracy_that_needs_code_is_asked_about(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    dialogs.source = SampleSource("/data/mine.py")
    loaded.menus.actions["data_accuracy"].trigger()
    code = wire.Code("/data/mine.py", "ab" * 32, ("mine.py: this program",))
    transport.fail("mine.py was not run.", code=code)
    dialogs.consents = "once"
    loaded.card.offer.click()
    request = transport.requests[-1]
    assert isinstance(request, wire.Evaluate)
    assert request.samples.trusted == (code.sha256,)


def test_sensitivity_is_written_and_read_again_by_another_window(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs, tmp_path: Path
) -> None:
    data, actions = loaded.session.data, loaded.menus.actions
    assert actions["data_curves_save"].property("reason") == "Measure the sensitivity first"
    curves = Sensitivity("accuracy by l1 of x", (Point("stem.conv", 16, 0.25),))
    dialogs.source = PHOTOS
    actions["data_sensitivity"].trigger()
    transport.answer(wire.Sensed, sensitivity=curves, measure="accuracy")
    dialogs.path = str(tmp_path / "curves")
    actions["data_curves_save"].trigger()
    assert loaded.card.what.text() == "Wrote curves.jsonl."

    data.reset()
    dialogs.path = str(tmp_path / "curves.jsonl")
    actions["data_curves_open"].trigger()
    assert (data.sensed.sensitivity, data.sensed.measure) == (curves, "accuracy")
    assert "Read from curves.jsonl." in loaded.card.why.text()

    write_points(tmp_path / "curves.jsonl", Sensitivity("distance", (Point("layer9", 1, 0.5),)))
    actions["data_curves_open"].trigger()
    assert loaded.card.what.text() == "curves.jsonl is of another model."
    assert data.sensed.sensitivity == curves


def test_parts_of_the_model_lose_a_share_of_their_own(loaded: MainWindow, dialogs: FakeDialogs) -> None:
    session, action = loaded.session, loaded.menus.actions["plan_ratio_names"]
    dialogs.typed = "stages.0=25%, stages.1=0.75"
    action.trigger()
    assert session.plans.plan.ratios == (("stages.0", 0.25), ("stages.1", 0.75))
    # 32 and 64 channels: a quarter of 32 goes, three quarters of 64 go
    assert session.snapshot.counts["stages.0.0.conv1"] == 24
    assert session.snapshot.counts["stages.1.0.conv1"] == 16
    dialogs.typed = "stages.0=lots"
    action.trigger()
    assert loaded.card.what.text() == "'stages.0=lots' is no share of a part."
    assert dialogs.asked[-1] == "stages.0=25%, stages.1=75%"
    dialogs.typed = ""
    action.trigger()
    assert session.plans.plan.ratios == ()
    for odd in ("=30%", "a=130%", "a=-1"):
        with pytest.raises(PlanError):
            to_shares(odd)
