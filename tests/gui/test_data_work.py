"""Criteria that look at data, recovery and sensitivity: the session, the window, and the engine's process."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from demo import demo
from fakes import FakeDialogs, FakeTransport
from program import Program
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from slimgui import engine, resources
from slimgui.core import wire
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet, Statistics
from slimgui.core.recovery import RECOVERY, Recovery
from slimgui.core.resolve import resolve
from slimgui.core.sampling import SampleSource
from slimgui.core.sensitivity import Point, Sensitivity
from slimgui.gui.actions.table import ACTIONS
from slimgui.gui.dialogs.recovery import RecoveryDialog
from slimgui.gui.dialogs.sensitivity import LOSSES, SensitivityDialog
from slimgui.gui.facts.notice import Notice
from slimgui.gui.main_window import MainWindow
from slimgui.gui.session import Session

HELDOUT = resources.path(resources.SAMPLES)
PHOTOS, OTHERS = SampleSource("/data/photos", 100), SampleSource("/data/others", 100)
CODE = wire.Code("/data/mine.py", "ab" * 32, ("mine.py: this program",))


def scores(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {row.id: rng.random(row.size) for row in demo().groups}


def rank(transport: FakeTransport, seed: int = 3) -> None:
    request = transport.requests[-1]
    assert isinstance(request, wire.Rank)
    packed = {name: values.tobytes() for name, values in scores(seed).items()}
    transport.answer(wire.Ranked, importance=request.importance, scores=packed)


def written_out(opened: Session, ratio: float, seed: int) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Every cut group and its channels, as the scores of `seed` say."""
    kept = resolve(opened.resolver.groups, scores(seed), Plan(ratio=ratio)).keep
    sizes = {row.id: row.size for row in demo().groups}
    return tuple((name, tuple(kept[name].tolist())) for name in sorted(kept) if len(kept[name]) < sizes[name])


# --- criteria that look at data


def test_a_criterion_of_data_is_asked_for_once_and_what_is_saved_names_its_channels(
    opened: Session, transport: FakeTransport, tmp_path: Path
) -> None:
    opened.data.choose(PHOTOS)
    opened.edit("Importance taylor", Plan(importance="taylor"))
    assert transport.requests[-1].samples == PHOTOS
    rank(transport)
    asked = len(transport.requests)
    opened.set_ratio(0.5)  # still follows the ratio
    assert (len(transport.requests), opened.plans.plan) == (asked, Plan(ratio=0.5, importance="taylor"))

    opened.files.save("/tmp/small.pt")
    sent = transport.requests[-1].plan
    assert sent == Plan(indices=written_out(opened, 0.5, 3))
    transport.save()
    assert not opened.modified
    path = tmp_path / "plans.json"
    opened.files.save_plans(str(path))
    assert PlanSet.from_file(path).plan == sent  # whoever reads it needs no samples


def test_a_criterion_of_data_without_samples_is_told_and_not_done(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.edit("Importance fisher", Plan(importance="fisher"))
    assert (len(transport.requests), opened.plans.plan) == (1, Plan())
    assert "fisher judges channels by what they do on your samples." in notices[-1].what


def test_other_samples_judge_the_plan_anew_and_it_counts_by_them(
    opened: Session, transport: FakeTransport
) -> None:
    opened.data.choose(PHOTOS)
    opened.edit("Taylor", Plan(ratio=0.5, importance="taylor", scope="global"))
    rank(transport, 3)
    first = opened.snapshot.counts
    opened.data.choose(PHOTOS)  # the same once more
    assert len(transport.requests) == 2
    opened.data.choose(OTHERS)
    assert transport.requests[-1].samples == OTHERS
    rank(transport, 4)
    assert opened.snapshot.counts != first
    assert opened.undo_stack.count() == 1  # no edit: the plan says the same


def test_statistics_of_a_plan_of_data_fit_that_plan(opened: Session, transport: FakeTransport) -> None:
    opened.data.choose(PHOTOS)
    opened.edit("Taylor", Plan(ratio=0.5, importance="taylor"))
    rank(transport)
    opened.data.recalibrate(PHOTOS)
    request = transport.requests[-1]
    assert request.plan == Plan(indices=written_out(opened, 0.5, 3))
    own = Statistics(request.plan, request.path, "100 samples of photos")
    transport.answer(wire.Recalibrated, statistics=own)
    assert list(opened.plans.fresh) == ["Plan 1"]

    opened.data.choose(OTHERS)  # other channels stay by these
    rank(transport, 4)
    assert opened.plans.statistics == ()
    assert opened.plans.plan == Plan(ratio=0.5, importance="taylor")


# --- consent


def test_code_of_samples_is_agreed_to_once_for_the_open_model(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    mine = SampleSource("/data/mine.py")
    opened.data.choose(mine)
    opened.edit("Taylor", Plan(ratio=0.5, importance="taylor"))
    transport.fail("Code.", code=CODE)
    refused = notices[-1]
    assert refused.offer == "consent"
    opened.ask_again(refused.request, CODE.sha256)
    assert transport.requests[-1].samples == mine.trusting((CODE.sha256,))
    rank(transport)
    assert opened.plans.plan.importance == "taylor"  # the edit went on where it was

    opened.data.recover(Recovery(("fold",), mine))
    assert transport.requests[-1].recovery.samples.trusted == (CODE.sha256,)
    transport.answer(wire.Recovered, steps=("fold: done.",))
    opened.ask_again(refused.request, CODE.sha256)  # of a card that is past
    assert opened.task is None
    opened.open("/models/other.pt")
    transport.open(demo(2))
    opened.data.measure(mine)
    assert transport.requests[-1].samples.trusted == ()


# --- recovery


def test_recovery_is_tried_then_done_by_every_save_and_told(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.set_ratio(0.5)
    wanted = Recovery(("absorb", "fold"), PHOTOS)
    opened.data.recover(wanted)
    request = transport.requests[-1]
    assert (request.plan, request.recovery, opened.data.recovery) == (Plan(ratio=0.5), wanted, None)
    told = (("fold: 3 weights changed.",), ("fold: a softmax.",), "100 samples.", (0.4, 0.1))
    transport.answer(wire.Recovered, **dict(zip(("steps", "left", "about", "distance"), told, strict=True)))
    assert opened.data.recovery == wanted
    assert "they differ by 10 %, before by 40 %." in notices[-1].what
    assert notices[-1].details == "fold: 3 weights changed.\nfold: a softmax."

    opened.set_ratio(0.6)
    opened.files.save("/tmp/small.pt")
    assert transport.requests[-1].recovery == wanted
    row = wire.ProofRow(True, 3e-7, "numeric")
    recovered = wire.Recovered(0, *told)
    transport.answer(wire.Saved, path="/tmp/small.pt", bytes=7, proof=row, recovered=recovered)
    assert "before by 40 %" in notices[-1].why
    assert (opened.files.facts.recovery, opened.files.facts.samples) == (
        ("fold: 3 weights changed.",),
        "100 samples.",
    )

    opened.data.recover(Recovery(()))
    assert opened.data.recovery is None
    opened.files.save("/tmp/small.pt")
    assert transport.requests[-1].recovery is None


def test_a_recovery_that_was_cancelled_changes_nothing(opened: Session, transport: FakeTransport) -> None:
    opened.set_ratio(0.5)
    opened.data.recover(Recovery(("absorb",)))
    opened.cancel()
    assert (opened.data.recovery, transport.cancelled) == (None, 1)


# --- sensitivity


def test_sensitivity_is_of_whole_groups_and_a_target_can_go_by_it(
    opened: Session, transport: FakeTransport
) -> None:
    opened.edit("Lock", Plan(ratio=0.5, whole=("stem.conv",), round_to=8))
    opened.data.measure(PHOTOS)
    request = transport.requests[-1]
    assert (request.plan, request.samples) == (Plan(whole=("stem.conv",)), PHOTOS)
    curves = Sensitivity("l1", (Point("down.0.conv", 32, 0.032),))
    transport.answer(wire.Sensed, sensitivity=curves, measure="accuracy")
    opened.meet("macs=50%")
    assert transport.requests[-1].sensitivity is None
    opened.cancel()
    opened.meet("macs=50%", by_sensitivity=True)
    assert isinstance(transport.requests[-1], wire.Open)  # the engine was restarted
    transport.open(demo())
    assert transport.requests[-1].sensitivity == curves


def test_sensitivity_by_distance_is_asked_for_as_such(opened: Session, transport: FakeTransport) -> None:
    opened.data.measure(PHOTOS, by_distance=True)
    assert transport.requests[-1].by_distance
    curves = Sensitivity("distance by l1 of x", (Point("down.0.conv", 32, 0.5),))
    transport.answer(wire.Sensed, sensitivity=curves, measure="distance")
    assert opened.data.sensed.measure == "distance"


# --- the window


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.document_actions.open_source("/models/demo.pt")
    document = demo()
    transport.open(msgspec.structs.replace(document, criteria=("l1", "taylor")))
    return window


def test_a_criterion_of_data_asks_for_samples_when_none_are_known(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    action, dialogs.typed = loaded.menus.actions["plan_importance"], "taylor"
    action.trigger()  # the user changed their mind about samples
    assert isinstance(transport.requests[-1], wire.Open)
    dialogs.source = PHOTOS
    action.trigger()
    assert dialogs.labels[-1] == "Samples for taylor"
    rank(transport)
    assert "taylor" in loaded.panels.inspector.toPlainText()
    assert loaded.settings.samples == ""  # that folder is not there
    asked = len(dialogs.labels)
    dialogs.typed = "l1"
    action.trigger()
    dialogs.typed = "taylor"
    action.trigger()
    assert len(dialogs.labels) == asked
    assert loaded.session.plans.plan.importance == "taylor"


def test_the_entry_of_recovery_is_checked_while_saves_do_it_and_the_details_say_so(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    action = loaded.menus.actions["data_recover"]
    assert "Every group is whole" in action.toolTip()
    loaded.session.set_ratio(0.5)
    dialogs.wanted = Recovery(("absorb", "fold"), PHOTOS)
    action.trigger()
    assert not action.isChecked()
    transport.answer(wire.Recovered, steps=("absorb: done.",), distance=(0.5, 0.5))
    assert action.isChecked()
    assert "could not bring the outputs nearer" in loaded.card.what.text()
    told = "Every save recovers accuracy: absorb, then fold, with samples of photos."
    assert told in loaded.panels.inspector.toPlainText()
    dialogs.wanted = Recovery(())
    action.trigger()
    assert not action.isChecked()
    assert told not in loaded.panels.inspector.toPlainText()


def test_the_details_of_a_group_say_what_cutting_it_costs_and_the_target_asks_about_it(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    dialogs.source = PHOTOS
    loaded.menus.actions["data_sensitivity"].trigger()
    transport.answer(wire.Progress, phase="Cutting each group alone", done=3, total=12)
    points = (Point("stem.conv", 16, 0.032), Point("stem.conv", 3, 0.5), Point("down.0.conv", 32, 0.01))
    transport.answer(wire.Sensed, sensitivity=Sensitivity("l1", points), measure="accuracy", about="How.")
    assert loaded.card.why.text() == "Most is lost by cutting stem.conv, down.0.conv. How."
    loaded.session.select("stem.conv")
    said = loaded.panels.inspector.toPlainText()
    assert "Cut alone, it loses points of accuracy:" in said
    cells = said.splitlines()
    assert cells[cells.index("Stay") :][:6] == ["Stay", "16", "3", "Lost", "3.2", "50.0"]
    loaded.session.select("down.1.conv")
    assert "loses" not in loaded.panels.inspector.toPlainText()

    dialogs.choice = lambda parent, title, label, options, value: options[0]
    dialogs.typed = "macs=50%"
    loaded.menus.actions["plan_target"].trigger()
    assert transport.requests[-1].sensitivity.points == points


def test_every_recovery_step_stands_in_the_dialog_with_when_to_take_it(qtbot: QtBot, tmp_path: Path) -> None:
    parent = QWidget()
    dialog = RecoveryDialog(parent, None, SampleSource())
    qtbot.addWidget(parent)
    said = [label.text() for label in dialog.findChildren(QLabel)]
    assert all(any(known.when in text for text in said) for known in RECOVERY.values())
    assert [name for name, box in dialog.steps.items() if not box.isChecked()] == [
        "merge"
    ]  # folding is better
    assert dialog.problem.text() == "Choose a file or a folder."
    for name, box in dialog.steps.items():
        box.setChecked(not RECOVERY[name].needs_samples)
    assert (dialog.problem.text(), dialog.run.isEnabled()) == ("", True)  # weights alone will do
    assert dialog.wanted() == Recovery(("merge", "absorb"))
    dialog.form.samples.setText(str(tmp_path))
    dialog.steps["fold"].setChecked(True)
    assert dialog.wanted() == Recovery(("merge", "absorb", "fold"), SampleSource(str(tmp_path)))
    again = RecoveryDialog(parent, Recovery(("fold",)), SampleSource(str(tmp_path)))
    assert [name for name, box in again.steps.items() if box.isChecked()] == ["fold"]
    for box in again.steps.values():
        box.setChecked(False)
    assert again.run.text() == "Recover Nothing"


def test_all_that_needs_samples_has_an_entry() -> None:
    keys = {info.key for info in ACTIONS}
    assert {"data_samples", "data_sensitivity", "data_recover", "data_recalibrate", "plan_importance"} <= keys


# --- with the engine


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of caches of an engine that is started after this."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "slimgui" / "sensitivity"


@pytest.mark.timeout(300)
def test_a_plan_of_data_is_recovered_saved_and_measured_by_the_engine(
    caches: Path, program: Program, tmp_path: Path
) -> None:
    window, session = program.window, program.window.session
    program.open_example()
    program.dialogs.source, program.dialogs.typed = SampleSource(str(HELDOUT), 64), "taylor"
    window.menus.actions["plan_importance"].trigger()
    program.wait_idle()
    session.set_ratio(0.5)
    program.dialogs.wanted = Recovery(tuple(RECOVERY), program.dialogs.source)
    window.menus.actions["data_recover"].trigger()
    program.wait_idle()
    assert "Recovery brings the outputs nearer" in program.notices[-1].what
    program.dialogs.path = str(tmp_path / "small.pt")
    window.menus.actions["save"].trigger()
    program.wait_idle()
    assert "Recovery brings the outputs nearer" in program.notices[-1].why

    loaded = engine.load(resources.path(resources.EXAMPLE))
    traced = engine.trace(loaded.model, loaded.example_inputs)
    data = engine.samples(HELDOUT, traced.inputs, model=loaded, limit=64)
    selection = engine.resolve(traced, Plan(ratio=0.5, importance="taylor"), loaded.model, data)
    expected = engine.recover(
        loaded.model, traced, engine.deploy(loaded.model, traced, selection), data, tuple(RECOVERY)
    ).model.state_dict()
    have = engine.load(tmp_path / "small.pt")
    assert have.provenance.proof["passed"]
    assert [step.method for step in have.provenance.recovery] == list(RECOVERY)
    for name, tensor in have.model.state_dict().items():
        np.testing.assert_allclose(tensor.numpy(), expected[name].numpy(), rtol=1e-4, atol=1e-5)

    window.menus.actions["data_sensitivity"].trigger()
    program.qtbot.waitUntil(lambda: session.task.done >= 2, timeout=60_000)
    session.cancel()
    program.wait_idle()
    (known,) = [path.read_bytes() for path in caches.iterdir()]
    assert session.data.sensed is None
    window.menus.actions["data_sensitivity"].trigger()  # goes on where it was
    program.wait_idle()
    (whole,) = [path.read_bytes() for path in caches.iterdir()]
    assert whole.startswith(known[: known.rfind(b"\n") + 1])
    assert known.count(b"\n") >= 3  # what was measured, and two points
    assert session.data.sensed.measure == "accuracy"
    free = [row.id for row in session.document.groups if row.locked is None]
    assert {point.group for point in session.data.sensed.sensitivity.points} == set(free)
    session.meet("macs=50%", by_sensitivity=True)
    program.wait_idle()
    assert session.snapshot.cost.macs <= 0.5 * session.base.cost.macs


def test_the_dialog_of_sensitivity_says_when_to_take_which_loss(loaded: MainWindow, tmp_path: Path) -> None:
    dialog = SensitivityDialog(loaded, SampleSource(str(tmp_path)))
    dialog.show()
    assert not dialog.by_distance()
    for number, (title, when, by_distance) in enumerate(LOSSES):
        dialog.loss.setCurrentIndex(number)
        assert (dialog.loss.currentText(), dialog.by_distance()) == (title, by_distance)
        assert when in [label.text() for label in dialog.findChildren(QLabel)]
        assert dialog.loss.accessibleDescription() == when
    for label in dialog.findChildren(QLabel):
        assert label.height() >= label.heightForWidth(label.width()), label.text()
    assert dialog.wanted() == SampleSource(str(tmp_path))
    dialog.close()
    dialog.deleteLater()


def test_the_entry_of_sensitivity_asks_for_samples_and_loss(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    action = loaded.menus.actions["data_sensitivity"]
    action.trigger()  # the user changed their mind
    assert isinstance(transport.requests[-1], wire.Open)
    dialogs.source, dialogs.by_distance = PHOTOS, True
    action.trigger()
    assert (transport.requests[-1].samples, transport.requests[-1].by_distance) == (PHOTOS, True)


def test_the_texts_of_the_recovery_dialog_press_no_field(loaded: MainWindow) -> None:
    dialog = RecoveryDialog(loaded, None, SampleSource(""))
    dialog.show()

    for label in dialog.findChildren(QLabel):
        assert label.height() >= label.heightForWidth(label.width()), label.text()
    for field in (dialog.form.limit, dialog.form.mean):
        assert field.height() >= field.sizeHint().height()
    dialog.deleteLater()
