"""Norm statistics of named plans: kept, out of date after an edit, saved with the model and the plans."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from demo import demo
from fakes import FakeDialogs, FakeTransport
from program import Program
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from slimgui import engine, resources
from slimgui.core import wire
from slimgui.core.plan import Plan
from slimgui.core.plan_set import FIRST, PlanSet, Statistics
from slimgui.core.sampling import SampleSource
from slimgui.errors import PlanError
from slimgui.gui.dialogs.samples import Purpose, SamplesDialog
from slimgui.gui.facts.notice import Notice
from slimgui.gui.main_window import MainWindow
from slimgui.gui.session import Session

HELDOUT, PHOTOS = resources.path(resources.SAMPLES), SampleSource("/data/photos", 100)


def recalibrated(session: Session, transport: FakeTransport) -> Statistics:
    """Statistics for the current plan, as an engine answers them."""
    session.data.recalibrate(SampleSource("/data/photos", 100))
    request = transport.requests[-1]
    assert isinstance(request, wire.Recalibrate)
    Path(request.path).write_bytes(f"numbers {request.task}".encode())
    own = Statistics(request.plan, request.path, "100 samples of photos")
    transport.answer(wire.Recalibrated, statistics=own, about="How.")
    return own


# --- the session


def test_an_edit_puts_statistics_out_of_date_and_undo_brings_them_back(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.set_ratio(0.5)
    own = recalibrated(opened, transport)
    assert opened.plans.fresh == {FIRST: own}
    assert "100 samples of photos" in notices[-1].what

    opened.set_count("stem.conv", 9)
    assert (opened.plans.fresh, opened.plans.stale) == ({}, {FIRST: own})
    assert notices[-1].what == "The norm statistics of “Plan 1” are out of date."
    told = len(notices)
    opened.set_count("stem.conv", 8)
    assert len(notices) == told  # said once
    opened.undo_stack.undo()
    opened.undo_stack.undo()
    assert opened.plans.fresh == {FIRST: own}
    assert notices[-1].what == "The norm statistics of “Plan 1” fit again."
    opened.undo_stack.undo()
    assert (opened.plans.fresh, opened.plans.stale) == ({}, {})
    opened.undo_stack.redo()
    assert opened.plans.fresh == {FIRST: own}


def test_a_save_takes_the_statistics_of_the_current_plan_unless_they_are_out_of_date(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.set_ratio(0.5)
    first = recalibrated(opened, transport)
    opened.edit_plans("Add", opened.plans.added("deep", Plan(ratio=0.75)))
    opened.files.save("/tmp/small.pt")
    assert transport.requests[-1].statistics is None
    transport.save()
    second = recalibrated(opened, transport)
    opened.edit_plans("Switch", opened.plans.switched(FIRST))
    for name, own in ((FIRST, first), ("deep", second)):
        opened.edit_plans("Switch", opened.plans.switched(name))
        opened.files.save("/tmp/small.pt")
        assert transport.requests[-1].statistics == own
        transport.save()
        assert "norm statistics are those of 100 samples of photos" in notices[-1].why
        assert opened.modified == (name == FIRST)  # "deep" was saved before it had statistics
    opened.set_ratio(0.7)
    opened.files.save("/tmp/small.pt")
    assert transport.requests[-1].statistics is None
    transport.save()
    assert "were left out" in notices[-1].why


def test_statistics_follow_their_plan_through_names_and_go_with_it(
    opened: Session, transport: FakeTransport
) -> None:
    opened.set_ratio(0.5)
    own = recalibrated(opened, transport)
    opened.edit_plans("Rename", opened.plans.renamed("half"))
    assert opened.plans.fresh == {"half": own}
    opened.edit_plans("Add", opened.plans.added("other", opened.plans.plan))
    assert opened.plans.fresh == {"half": own}  # the other one has the same cut, but none of its own
    opened.edit_plans("Delete", opened.plans.switched("half").removed())
    assert opened.plans.statistics == ()


def test_statistics_for_a_plan_that_changed_meanwhile_are_out_of_date_or_gone(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.set_ratio(0.5)
    opened.data.recalibrate(SampleSource("/data/photos", 100))
    opened.set_ratio(0.6)
    own = Statistics(Plan(ratio=0.5), "x", "100 samples")
    transport.answer(wire.Recalibrated, statistics=own)
    assert opened.plans.stale == {FIRST: own}
    assert notices[-1].what == "“Plan 1” was changed meanwhile."
    opened.data.recalibrate(SampleSource("/data/photos", 100))
    opened.edit_plans("Rename", opened.plans.renamed("half"))
    transport.answer(wire.Recalibrated, statistics=own)
    assert notices[-1].what == "The plan “Plan 1” is gone, and so are its statistics."


def test_an_engine_that_ends_takes_no_statistics_with_it(opened: Session, transport: FakeTransport) -> None:
    opened.set_ratio(0.5)
    own = recalibrated(opened, transport)
    opened.data.recalibrate(SampleSource("/data/photos", 100))
    transport.stop()
    assert opened.plans.fresh == {FIRST: own}
    assert Path(own.file).read_bytes()


def test_plans_are_stored_with_the_statistics_that_fit(
    opened: Session, transport: FakeTransport, tmp_path: Path
) -> None:
    opened.set_ratio(0.5)
    own = recalibrated(opened, transport)
    opened.edit_plans("Add", opened.plans.added("tiny / new", Plan(ratio=0.9)))
    recalibrated(opened, transport)
    opened.edit_plans("Add", opened.plans.added("stale", Plan(ratio=0.8)))
    recalibrated(opened, transport)
    opened.set_ratio(0.7)
    path = tmp_path / "plans.json"
    opened.files.save_plans(str(path))
    stored = json.loads(path.read_text())["statistics"]
    assert set(stored) == {FIRST, "tiny / new"}
    files = sorted(each.name for each in tmp_path.iterdir())
    assert len(files) == 3
    assert stored[FIRST]["file"] in files
    assert (tmp_path / stored[FIRST]["file"]).read_bytes() == Path(own.file).read_bytes()

    opened.files.save_plans(str(path))  # the old copies go when no plan names them any more
    again = json.loads(path.read_text())["statistics"]
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(
        ["plans.json", *(entry["file"] for entry in again.values())]
    )
    assert not {entry["file"] for entry in again.values()} & set(files)


def test_plans_whose_statistics_are_missing_open_with_a_note(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.files.read_plans("/plans/half.json")
    note = "The statistics of half are missing: a.safetensors belongs beside it."
    transport.answer(wire.PlansRead, plans=PlanSet.numbered("Plan", [Plan(ratio=0.5)]), notes=(note,))
    assert opened.plans.current == "half"
    assert notices[-1].why == note


def test_statistics_read_with_a_plan_fit_it_also_by_the_ids_of_groups(
    opened: Session, transport: FakeTransport
) -> None:
    opened.files.read_plans("/plans/half.json")
    plan = Plan().with_count("stages.0.0.conv2", 20)  # a layer of the stem's group
    plans = PlanSet.numbered("Plan", [plan]).with_statistics("Plan 1", Statistics(plan, "x", "all"))
    transport.answer(wire.PlansRead, plans=plans)
    assert list(opened.plans.fresh) == ["half"]
    assert opened.plans.plan == Plan().with_count("stem.conv", 20)


def test_statistics_belong_to_a_plan() -> None:
    with pytest.raises(PlanError, match="belong to no plan"):
        PlanSet(statistics=(("other", Statistics(Plan(), "x", "all")),))


# --- every plan at once


def with_three_plans(session: Session) -> None:
    """ "half" and "deep" remove something, "whole" does not."""
    plans = PlanSet((("half", Plan(ratio=0.5)), ("whole", Plan()), ("deep", Plan(ratio=0.75))), "half")
    session.edit_plans("Three", plans)


def answer_one(transport: FakeTransport) -> Statistics:
    request = transport.requests[-1]
    assert isinstance(request, wire.Recalibrate)
    own = Statistics(request.plan, request.path, "100 samples of photos")
    transport.answer(wire.Recalibrated, statistics=own, about="How.")
    return own


def test_all_plans_that_remove_something_are_recalibrated_in_one_undo_step(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    with_three_plans(opened)
    assert opened.data.cutting == ("half", "deep")
    told, steps = len(notices), opened.undo_stack.count()
    opened.data.recalibrate(PHOTOS, opened.data.cutting)
    assert opened.task.doing == "recalibrating half (1 of 2)"
    half = answer_one(transport)
    assert opened.task.doing == "recalibrating deep (2 of 2)"
    deep = answer_one(transport)
    assert opened.plans.fresh == {"half": half, "deep": deep}
    assert (half.plan, deep.plan) == (Plan(ratio=0.5), Plan(ratio=0.75))
    assert [each.what for each in notices[told:]] == [
        "2 plans have norm statistics of their own, of 100 samples of photos."
    ]
    assert (opened.task, opened.undo_stack.count()) == (None, steps + 1)
    opened.undo_stack.undo()
    assert opened.plans.statistics == ()
    opened.undo_stack.redo()
    assert opened.plans.fresh == {"half": half, "deep": deep}


def test_what_was_recalibrated_before_a_cancel_or_a_refusal_stays(
    opened: Session, transport: FakeTransport
) -> None:
    with_three_plans(opened)
    opened.data.recalibrate(PHOTOS, opened.data.cutting)
    half = answer_one(transport)
    opened.cancel()
    assert (opened.plans.fresh, opened.task) == ({"half": half}, None)
    opened.undo_stack.undo()
    opened.data.recalibrate(PHOTOS, opened.data.cutting)
    assert isinstance(transport.requests[-1], wire.Open)  # the engine was restarted
    transport.open(demo())
    half = answer_one(transport)
    transport.fail("This cannot be cut.")
    assert (opened.plans.fresh, opened.task) == ({"half": half}, None)


def test_code_that_is_agreed_to_on_the_way_runs_for_the_plans_that_follow(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    with_three_plans(opened)
    opened.data.recalibrate(PHOTOS, opened.data.cutting)
    transport.fail("Code.", code=wire.Code("/data/mine.py", "ab" * 32, ("mine.py: this program",)))
    opened.ask_again(notices[-1].request, "ab" * 32)
    answer_one(transport)
    assert transport.requests[-1].samples.trusted == ("ab" * 32,)
    answer_one(transport)
    assert list(opened.plans.fresh) == ["half", "deep"]


def test_plans_that_change_on_the_way_are_counted_and_an_edit_is_a_step_of_its_own(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    with_three_plans(opened)
    opened.data.recalibrate(PHOTOS, opened.data.cutting)
    answer_one(transport)
    opened.set_ratio(0.6)  # of "half", which is done already
    deep = answer_one(transport)
    assert (opened.plans.fresh, list(opened.plans.stale)) == ({"deep": deep}, ["half"])
    assert notices[-1].what == "1 plan has norm statistics of its own, of 100 samples of photos."
    assert "The others of 2 were changed meanwhile." in notices[-1].why
    assert opened.undo_stack.undoText() == "Recalibrate 2 plans"
    opened.undo_stack.undo()
    assert (opened.plans.plan.ratio, opened.plans.fresh) == (0.6, {})


def test_statistics_of_a_plan_that_was_judged_by_other_samples_are_no_edit_of_it(
    opened: Session, transport: FakeTransport
) -> None:
    other = SampleSource("/data/others", 100)
    opened.data.choose(other)
    opened.edit("Taylor", Plan(ratio=0.5, importance="taylor"))
    scores = {row.id: np.arange(float(row.size)).tobytes() for row in demo().groups}
    transport.answer(wire.Ranked, importance="taylor", scores=scores)
    opened.edit_plans("Add", opened.plans.added("deep", Plan(ratio=0.75, importance="taylor")))
    opened.data.recalibrate(PHOTOS, opened.data.cutting)
    answer_one(transport)
    answer_one(transport)  # no new judgement came between
    assert [name for name, _ in opened.plans.statistics] == ["Plan 1", "deep"]


# --- the window


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
    return window


def test_a_report_is_about_the_model_saved_last(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs, tmp_path: Path
) -> None:
    action, session = loaded.menus.actions["report"], loaded.session
    assert "Save a smaller model first" in action.toolTip()
    session.set_ratio(0.5)
    cut = session.snapshot
    session.files.save("/tmp/small.pt")
    session.set_ratio(0.75)  # while it is saved
    transport.save()
    dialogs.path = str(tmp_path / "page")
    action.trigger()
    request = transport.requests[-1]
    assert isinstance(request, wire.Report)
    assert request.path == str(tmp_path / "page.html")
    facts = request.facts
    assert (facts.name, facts.saved, facts.proven) == ("demo.pt", "/tmp/small.pt", True)
    assert (facts.before, facts.after) == (session.base.cost, cut.cost)
    assert ("stem.conv", 32, 16) in facts.counts
    assert "Removes 50 %" in facts.plan
    transport.answer(wire.Exported, path=request.path)
    assert loaded.card.what.text() == "Wrote page.html."
    session.open("/models/other.pt")
    transport.open(demo(2))
    assert not action.isEnabled()


def entries(window: MainWindow) -> list[str]:
    menu = next(action.menu() for action in window.menus.menus["&Plan"].actions() if action.menu())
    menu.aboutToShow.emit()
    return [entry.text() for entry in menu.actions()]


def test_the_entry_of_a_plan_and_the_details_say_what_statistics_it_has(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    recalibrate, forget = (loaded.menus.actions[key] for key in ("data_recalibrate", "data_forget"))
    assert "Every group is whole" in recalibrate.toolTip()
    assert "none of its own" in forget.toolTip()
    loaded.session.set_ratio(0.5)
    recalibrate.trigger()  # the user changed their mind
    assert isinstance(transport.requests[-1], wire.Open)
    dialogs.source = SampleSource("/data/photos", 100, (0.5,), (0.25,), (32, 48))
    recalibrate.trigger()
    request = transport.requests[-1]
    assert request.samples == dialogs.source
    own = Statistics(request.plan, request.path, "100 samples of photos")
    transport.answer(wire.Recalibrated, statistics=own, about="Pixels are divided by 255.")
    assert loaded.card.why.text() == "Pixels are divided by 255."

    loaded.session.edit_plans("Add", loaded.session.plans.added("deep", Plan(ratio=0.75)))
    assert entries(loaded) == ["&1 Plan 1  –  own statistics", "&2 deep"]
    assert "statistics" not in loaded.panels.inspector.toPlainText()
    loaded.session.edit_plans("Switch", loaded.session.plans.switched(FIRST))
    assert "Norm statistics of its own, of 100 samples of photos." in loaded.panels.inspector.toPlainText()
    loaded.session.set_ratio(0.6)
    assert entries(loaded)[0] == "&1 Plan 1  –  statistics out of date"
    assert "Its norm statistics are out of date" in loaded.panels.inspector.toPlainText()
    assert "out of date" in loaded.card.what.text()
    loaded.menus.actions["undo"].trigger()
    assert "Norm statistics of its own" in loaded.panels.inspector.toPlainText()
    forget.trigger()
    assert entries(loaded)[0] == "&1 Plan 1"
    loaded.menus.actions["undo"].trigger()
    assert entries(loaded)[0] == "&1 Plan 1  –  own statistics"


def test_the_entry_for_all_plans_asks_once_and_says_why_it_is_grey(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    action = loaded.menus.actions["data_recalibrate_all"]
    assert "No plan removes anything yet" in action.toolTip()
    loaded.session.set_ratio(0.5)
    assert "Only one plan removes something" in action.toolTip()
    with_three_plans(loaded.session)
    action.trigger()  # the user changed their mind
    assert (dialogs.labels[-1], loaded.session.task) == ("Recalibrate 2 plans", None)
    dialogs.source = PHOTOS
    action.trigger()
    assert "recalibrating half (1 of 2)" in action.toolTip()  # it waits for itself
    answer_one(transport)
    answer_one(transport)
    assert loaded.card.what.text() == "2 plans have norm statistics of their own, of 100 samples of photos."
    assert action.isEnabled()


def test_the_dialog_takes_only_whole_answers(qtbot: QtBot, tmp_path: Path) -> None:
    parent = QWidget()
    dialog = SamplesDialog(parent, Purpose("Samples", "Why.", "Use"), SampleSource(trusted=("ab",)))
    form = dialog.form
    qtbot.addWidget(parent)
    assert (dialog.problem.text(), dialog.run.isEnabled()) == ("Choose a file or a folder.", False)
    form.samples.setText(str(tmp_path / "nowhere"))
    assert "There is no" in dialog.problem.text()
    form.samples.setText(f" {tmp_path} ")
    assert dialog.run.isEnabled()
    form.mean.setText("0.5, 0.4 0.3")
    assert "both mean and standard deviation" in dialog.problem.text()
    form.std.setText("a quarter")
    assert dialog.problem.text() == "'a quarter' is no list of numbers."
    form.std.setText("0.25")
    form.limit.setValue(200)
    assert dialog.run.isEnabled()
    for wrong in ("32", "32x", "0x4"):
        form.size_of.setText(wrong)
        assert dialog.problem.text() == f"'{wrong}' is no size, as 224x224."
    form.size_of.setText("32 x 48")
    assert dialog.run.isEnabled()
    assert dialog.wanted() == SampleSource(
        str(tmp_path), 200, (0.5, 0.4, 0.3), (0.25,), (32, 48), trusted=("ab",)
    )
    unnamed = [each for each in dialog.findChildren(QLabel) if each.text().endswith(":") and not each.buddy()]
    assert unnamed == []


# --- with the engine


def recalibrate(program: Program, limit: int, samples: Path = HELDOUT) -> None:
    program.dialogs.source = SampleSource(str(samples), limit)
    program.window.menus.actions["data_recalibrate"].trigger()
    program.wait_idle()


def saved(program: Program, target: Path) -> engine.Loaded:
    program.dialogs.path = str(target)
    program.window.menus.actions["save"].trigger()
    program.wait_idle()
    assert program.notices[-1].kind == "success", program.notices[-1]
    return engine.load(target)


class Known:
    """The example once more, in this process."""

    def __init__(self) -> None:
        self.loaded = engine.load(resources.path(resources.EXAMPLE))
        assert self.loaded.example_inputs is not None
        self.traced = engine.trace(self.loaded.model, self.loaded.example_inputs)

    def small(self, ratio: float) -> engine.Deployed:
        selection = engine.resolve(self.traced, Plan(ratio=ratio), self.loaded.model)
        return engine.deploy(self.loaded.model, self.traced, selection)

    def expected(self, ratio: float, limit: int) -> dict[str, torch.Tensor]:
        """What the engine makes of the plan and those samples."""
        found = engine.samples(HELDOUT, self.traced.inputs, model=self.loaded, limit=limit)
        return engine.recalibrate(self.small(ratio), found).model.state_dict()


def same(have: engine.Loaded, want: dict[str, torch.Tensor]) -> None:
    state = have.model.state_dict()
    assert set(state) == set(want)
    for name, tensor in want.items():
        # two processes may sum with other threads; statistics of other samples differ in the second digit
        torch.testing.assert_close(state[name], tensor, rtol=1e-3, atol=1e-4)
    assert have.provenance is not None
    assert have.provenance.proof["passed"]
    assert [step.method for step in have.provenance.recovery] == ["recalibrate"]


@pytest.mark.timeout(300)
def test_two_plans_keep_statistics_of_their_own_through_crash_save_and_reopening(
    program: Program, tmp_path: Path
) -> None:
    window, session = program.window, program.window.session
    program.open_example()
    session.set_ratio(0.5)
    recalibrate(program, 200)
    assert (
        program.notices[-1].what == "“Plan 1” has norm statistics of its own, of 200 samples of heldout.npz."
    )
    assert program.dialogs.asked[-1] == str(HELDOUT)  # the example offers its own data
    session.edit_plans("Add", session.plans.added("deep", Plan(ratio=0.75)))
    recalibrate(program, 100)
    with program.qtbot.waitSignal(program.worker.stopped):
        os.kill(program.worker.pid, signal.SIGKILL)
    deep = saved(program, tmp_path / "deep.pt")  # the fresh engine reads the model again first
    session.edit_plans("Switch", session.plans.switched(FIRST))
    half = saved(program, tmp_path / "half.pt")
    known = Known()
    same(half, known.expected(0.5, 200))
    same(deep, known.expected(0.75, 100))

    program.dialogs.path = str(tmp_path / "plans.json")
    window.menus.actions["plan_save"].trigger()
    before = session.plans
    program.open_example()
    assert session.plans == PlanSet()
    window.menus.actions["plan_open"].trigger()
    program.wait_idle()
    assert (session.plans.plans, list(session.plans.fresh)) == (before.plans, [FIRST, "deep"])
    for each in tmp_path.glob("plans.*"):
        each.unlink()  # the document has its own copies
    again = engine.with_statistics(known.small(0.75), session.plans.fresh["deep"].file)
    torch.testing.assert_close(again.model.state_dict(), deep.model.state_dict(), rtol=0, atol=0)


@pytest.mark.timeout(300)
def test_a_program_of_samples_runs_after_consent_and_bad_samples_are_a_sentence(
    program: Program, tmp_path: Path
) -> None:
    session = program.window.session
    program.open_example()
    session.set_ratio(0.5)
    text, mine = tmp_path / "notes.npz", tmp_path / "mine.py"
    text.write_text("Not an archive.\n")
    recalibrate(program, 50, text)
    assert program.notices[-1].what == "notes.npz is damaged."
    assert session.plans.statistics == ()

    mine.write_text("import torch\n\ndef samples():\n    yield torch.rand(8, 1, 28, 28)\n")
    recalibrate(program, 50, mine)
    assert program.notices[-1].offer == "consent"
    program.dialogs.consents = "once"
    program.window.card.offer.click()
    program.wait_idle()
    assert session.plans.fresh[FIRST].samples == "8 samples of mine.py"
