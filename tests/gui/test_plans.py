"""Everything about plans in the window: the session without widgets, then each action of the Plan menu."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from demo import demo
from fakes import FakeDialogs, FakeTransport
from PySide6.QtGui import QGuiApplication

from slimgui.core import wire
from slimgui.core.plan import Plan
from slimgui.core.plan_set import FIRST, PlanSet
from slimgui.core.resolve import counts
from slimgui.core.targets import short
from slimgui.gui.facts.notice import Notice
from slimgui.gui.main_window import MainWindow
from slimgui.gui.models.columns import Column
from slimgui.gui.session import Session


def scores() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    return {row.id: rng.random(row.size) for row in demo().groups}


def rank(transport: FakeTransport, importance: str = "l1") -> None:
    packed = {name: values.tobytes() for name, values in scores().items()}
    transport.answer(wire.Ranked, importance=importance, scores=packed)


# --- the session


def test_named_plans_are_added_renamed_switched_and_removed_with_undo(opened: Session) -> None:
    opened.set_ratio(0.5)
    half = opened.plans.plan
    opened.edit_plans("Add", opened.plans.added("deep", half))
    opened.set_ratio(0.75)
    opened.edit_plans("Rename", opened.plans.renamed("deeper"))
    opened.edit_plans("Switch", opened.plans.switched(FIRST))
    assert opened.snapshot.plan == half
    opened.edit_plans("Delete", opened.plans.removed())
    assert (opened.plans.names, opened.snapshot.plan.ratio) == (("deeper",), 0.75)

    for _ in range(5):
        opened.undo_stack.undo()
    assert opened.plans == PlanSet(((FIRST, half),), FIRST)
    opened.undo_stack.redo()
    assert opened.plans.current == "deep"


def test_changes_of_names_are_told_and_changes_of_counts_are_not(opened: Session) -> None:
    told = []
    opened.plans_changed.connect(lambda: told.append(opened.plans.current))
    opened.set_ratio(0.5)
    assert told == []
    opened.edit_plans("Add", opened.plans.added("deep", Plan()))
    opened.undo_stack.undo()
    assert told == ["deep", FIRST]


def test_another_model_starts_with_one_empty_plan(opened: Session, transport: FakeTransport) -> None:
    opened.edit_plans("Add", opened.plans.added("deep", Plan(ratio=0.5)))
    opened.open("/models/other.pt")
    transport.open(demo(2))

    assert opened.plans == PlanSet()


def test_a_global_plan_waits_for_the_scores_once(opened: Session, transport: FakeTransport) -> None:
    plan = Plan(ratio=0.5, scope="global")
    opened.edit("Together", plan)
    request = transport.requests[-1]
    assert isinstance(request, wire.Rank)
    assert (request.importance, opened.snapshot.plan) == ("l1", Plan())
    rank(transport)

    assert opened.snapshot.counts == counts(opened.resolver.groups, plan, scores())
    assert len({n / row.size for row in demo().groups for n in [opened.snapshot.counts[row.id]]}) > 3
    opened.set_ratio(0.3)
    assert len(transport.requests) == 2  # Open, Rank
    opened.undo_stack.undo()
    opened.undo_stack.undo()
    assert opened.snapshot.plan == Plan()


def test_a_change_while_channels_are_judged_is_not_lost(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.edit("Together", Plan(ratio=0.5, scope="global"))
    opened.set_count("stem.conv", 9)
    rank(transport)

    assert opened.snapshot.plan == Plan().with_count("stem.conv", 9)
    assert notices[-1].what == "The plan was changed meanwhile."


def test_a_cancelled_ranking_changes_nothing(opened: Session, transport: FakeTransport) -> None:
    opened.edit("Together", Plan(ratio=0.5, scope="global"))
    opened.cancel()

    assert opened.snapshot.plan == Plan()
    opened.edit("Together", Plan(ratio=0.5, scope="global"))  # a restarted engine reads the model first
    assert isinstance(transport.requests[-1], wire.Open)
    transport.open(demo())
    assert isinstance(transport.requests[-1], wire.Rank)
    rank(transport)
    assert opened.snapshot.plan.scope == "global"


def test_a_target_becomes_the_plan_that_the_engine_found(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.set_count("stem.conv", 20)
    opened.meet("macs=50%")
    request = transport.requests[-1]
    assert isinstance(request, wire.Meet)
    assert (request.targets, request.plan) == ("macs=50%", Plan().with_count("stem.conv", 20))
    found = request.plan.with_count("down.0.conv", 16)
    transport.answer(wire.Met, plan=found, kept=0.871)

    assert opened.snapshot.plan == found
    assert opened.undo_stack.undoText() == "Target: keeps 50 % of the MACs"
    assert notices[-1].why == "87 % of the importance stays."
    opened.undo_stack.undo()
    assert opened.snapshot.plan == request.plan


def test_a_target_that_is_met_already_changes_nothing_and_offers_no_undo(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.set_ratio(0.5)
    opened.meet("macs=300%")
    transport.answer(wire.Met, plan=opened.snapshot.plan, kept=1.0)

    assert opened.undo_stack.count() == 1
    assert notices[-1].what == "The plan meets this as it is."
    assert "Undo" not in notices[-1].hint


def test_a_change_while_a_plan_is_searched_is_not_lost(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.meet("macs=50%")
    opened.set_count("stem.conv", 9)
    transport.answer(wire.Met, plan=Plan(), kept=0.5)

    assert opened.snapshot.plan == Plan().with_count("stem.conv", 9)
    assert notices[-1].what == "The plan was changed meanwhile."


def test_a_target_written_wrongly_is_told_and_never_sent(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.meet("flops=50%")
    assert notices[-1].what == "There is no target 'flops'."
    assert not isinstance(transport.requests[-1], wire.Meet)


def test_plans_are_saved_and_read_back_as_they_were(
    opened: Session, transport: FakeTransport, notices: list[Notice], tmp_path: Path
) -> None:
    opened.set_count("stem.conv", 9)
    opened.edit_plans("Add", opened.plans.added("deep", Plan(ratio=0.75)))
    before = opened.plans
    path = tmp_path / "plans.json"
    opened.files.save_plans(str(path))
    assert not opened.modified
    assert notices[-1].what == "Wrote plans.json."
    assert PlanSet.from_json(path.read_text()) == before

    opened.open("/models/demo.pt")
    transport.open(demo())
    opened.files.read_plans(str(path))
    assert isinstance(transport.requests[-1], wire.ReadPlans)
    transport.answer(wire.PlansRead, plans=before)
    assert opened.plans == before
    opened.undo_stack.undo()
    assert opened.plans == PlanSet()


def test_a_plan_from_a_file_is_added_under_the_files_name(opened: Session, transport: FakeTransport) -> None:
    opened.set_ratio(0.5)
    for _ in range(2):
        opened.files.read_plans("/plans/narrow.yaml")
        plan = Plan(importance="first").with_count("stages.0.0.conv2", 20)  # a layer of the stem's group
        transport.answer(wire.PlansRead, plans=PlanSet.numbered("Plan", [plan]))

    assert opened.plans.names == (FIRST, "narrow", "narrow 1")
    assert opened.snapshot.counts["stem.conv"] == 20
    assert opened.snapshot.by_hand == {"stem.conv"}
    opened.set_count("stem.conv", 21)
    assert opened.snapshot.counts["stem.conv"] == 21


def test_a_plan_that_does_not_fit_is_told_with_the_nearest_name(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.files.read_plans("/plans/other.json")
    plans = PlanSet.numbered("Plan", [Plan(), Plan().with_count("stem.cnv", 3)])
    transport.answer(wire.PlansRead, plans=plans)

    assert opened.plans == PlanSet()
    assert "Did you mean 'stem.conv'" in notices[-1].hint


def test_a_locked_group_stays_whole_until_it_is_unlocked(opened: Session, notices: list[Notice]) -> None:
    opened.edit("Lock", Plan(ratio=0.5, whole=("stem.conv",)))
    assert opened.snapshot.counts["stem.conv"] == 32
    opened.set_count("stem.conv", 9)
    assert notices[-1].what == "stem.conv is locked."
    assert opened.snapshot.counts["stem.conv"] == 32


def test_plans_that_cannot_be_written_are_a_sentence(opened: Session, notices: list[Notice]) -> None:
    opened.set_ratio(0.5)
    opened.files.save_plans("/no/such/folder/plans.json")
    assert "was not saved" in notices[-1].what
    assert opened.modified


# --- the window


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
    return window


def act(window: MainWindow, key: str) -> None:
    action = window.menus.actions[key]
    assert action.isEnabled(), action.toolTip()
    action.trigger()


def kept(window: MainWindow, group: str = "stem.conv") -> int:
    return window.session.snapshot.counts[group]


def test_minimum_maximum_and_reset(loaded: MainWindow, dialogs: FakeDialogs) -> None:
    dialogs.typed = 4
    act(loaded, "plan_min_count")
    act(loaded, "plan_minimum")
    assert {kept(loaded, row.id) for row in demo().groups} == {4, 10}  # the classifier stays whole
    act(loaded, "plan_maximum")
    assert loaded.session.snapshot.counts == loaded.session.base.counts
    assert "Every group is whole" in loaded.menus.actions["plan_maximum"].toolTip()
    assert loaded.session.plans.plan == Plan(min_count=4)
    act(loaded, "reset_all")
    assert loaded.session.plans.plan == Plan()
    assert not loaded.menus.actions["reset_all"].isEnabled()


def test_a_random_sample_is_that_of_its_seed(loaded: MainWindow, dialogs: FakeDialogs) -> None:
    act(loaded, "plan_sample")
    assert loaded.session.plans.plan == Plan()  # nothing typed
    dialogs.typed = 7
    act(loaded, "plan_sample")
    drawn = loaded.session.plans.plan
    loaded.session.undo_stack.undo()
    act(loaded, "plan_sample")
    assert loaded.session.plans.plan == drawn
    assert loaded.menus.actions["undo"].text() == "&Undo: Random sample 7"


@pytest.mark.parametrize(
    ("key", "typed", "stem"),
    [
        ("plan_round_to", 16, 16),  # 32 - 19 = 13
        ("plan_bins", 2, 16),
        ("plan_min_count", 20, 20),
        ("plan_min_ratio", 75, 24),
    ],
)
def test_limits_are_asked_for(
    loaded: MainWindow, dialogs: FakeDialogs, key: str, typed: int, stem: int
) -> None:
    loaded.session.set_ratio(0.6)
    dialogs.typed = typed
    act(loaded, key)
    assert kept(loaded) == stem
    loaded.session.undo_stack.undo()
    dialogs.typed = None
    act(loaded, key)
    assert kept(loaded) == 13


def test_a_target_is_asked_for_with_what_can_be_reached(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    dialogs.typed = None
    act(loaded, "plan_target")
    assert not isinstance(transport.requests[-1], wire.Meet)
    cost = loaded.session.base.cost
    assert f"to {short(cost.macs)}, now {short(cost.macs)}" in dialogs.labels[-1]
    dialogs.typed = "params=40%"
    act(loaded, "plan_target")
    assert transport.requests[-1].targets == "params=40%"


def test_groups_are_compared_together_or_not(loaded: MainWindow, transport: FakeTransport) -> None:
    loaded.session.set_ratio(0.5)
    action = loaded.menus.actions["plan_global"]
    act(loaded, "plan_global")
    assert not action.isChecked()  # not before the channels are judged
    rank(transport)
    assert action.isChecked()
    assert loaded.ratio.label.text() == "&Remove across all groups:"
    assert "least important of all groups" in loaded.panels.inspector.toPlainText()
    act(loaded, "plan_global")
    assert not action.isChecked()
    assert kept(loaded) == 16


def test_approximate_groups_can_be_left_whole(loaded: MainWindow) -> None:
    loaded.session.set_ratio(0.5)
    act(loaded, "plan_exact")
    assert (kept(loaded), kept(loaded, "down.0.conv")) == (32, 32)
    assert loaded.menus.actions["plan_exact"].isChecked()


def test_the_importance_is_one_the_engine_has(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    dialogs.typed = "l2"
    act(loaded, "plan_importance")
    assert loaded.session.plans.plan.importance == "l1"  # this engine has none
    loaded.session.resolver.document = msgspec.structs.replace(demo(), criteria=("l1", "l2"))
    act(loaded, "plan_importance")
    assert loaded.session.plans.plan.importance == "l2"


def test_the_selected_group_is_locked_and_unlocked(loaded: MainWindow) -> None:
    assert "Select a group first" in loaded.menus.actions["plan_lock"].toolTip()
    loaded.session.select("classifier")
    assert "It must stay whole" in loaded.menus.actions["plan_lock"].toolTip()
    loaded.session.select("stem.conv")
    act(loaded, "plan_lock")
    loaded.session.set_ratio(0.5)
    assert (kept(loaded), kept(loaded, "down.0.conv")) == (32, 32)
    assert "You locked it" in loaded.panels.inspector.toPlainText()
    assert "You locked it" in loaded.menus.actions["edit_count"].toolTip()
    cell = loaded.panels.groups.model.index_of("stem.conv").siblingAtColumn(Column.STATE)
    assert cell.data() == "Locked by you"
    act(loaded, "plan_lock")
    assert kept(loaded) == 16
    assert cell.data() == "Approximate"


def test_layers_are_locked_by_name(loaded: MainWindow, dialogs: FakeDialogs) -> None:
    loaded.session.set_ratio(0.5)
    dialogs.typed = "stages.0, down.1"
    act(loaded, "plan_lock_names")
    assert loaded.session.plans.plan.locked == ("stages.0", "down.1")
    assert (kept(loaded, "stages.0.0.conv1"), kept(loaded, "stages.1.0.conv1")) == (32, 32)
    loaded.session.select("stages.0.0.conv1")
    assert "locked by name" in loaded.menus.actions["plan_lock"].toolTip()
    dialogs.typed = "stages.0, dwn.1"
    act(loaded, "plan_lock_names")
    assert "Did you mean" in loaded.card.hint.text()
    dialogs.typed = ""
    act(loaded, "plan_lock_names")
    assert loaded.session.plans.plan.locked == ()


def test_plans_are_named_in_the_title_and_switched_in_the_menu(
    loaded: MainWindow, dialogs: FakeDialogs
) -> None:
    assert "It is the only plan" in loaded.menus.actions["plan_delete"].toolTip()
    loaded.session.set_ratio(0.5)
    dialogs.typed = "deep & narrow"
    act(loaded, "plan_new")
    assert dialogs.asked[-1] == "Plan 2"
    assert loaded.windowTitle() == "demo.pt – deep & narrow[*] – SlimGUI"
    loaded.session.set_ratio(0.75)
    assert "deep & narrow. Removes 75 %" in loaded.panels.inspector.toPlainText()
    menu = next(action.menu() for action in loaded.menus.menus["&Plan"].actions() if action.menu())
    menu.aboutToShow.emit()
    assert [(entry.text(), entry.isChecked()) for entry in menu.actions()] == [
        ("&1 Plan 1", False), ("&2 deep && narrow", True),
    ]  # fmt: skip
    menu.actions()[0].trigger()
    assert (loaded.session.plans.current, loaded.ratio.box.value()) == (FIRST, 50)
    act(loaded, "plan_rename")
    assert "There already is a plan" in loaded.card.what.text()
    dialogs.typed = "half"
    act(loaded, "plan_rename")
    act(loaded, "plan_delete")
    assert loaded.session.plans.names == ("deep & narrow",)
    assert loaded.windowTitle() == "demo.pt[*] – SlimGUI"


def test_steps_become_plans_of_their_own(loaded: MainWindow, dialogs: FakeDialogs) -> None:
    loaded.session.set_ratio(0.75)
    dialogs.typed = 3
    act(loaded, "plan_steps")
    plans = loaded.session.plans
    assert plans.names == ("Plan 1", "Plan 1, step 1 of 3", "Plan 1, step 2 of 3")
    assert plans.current == "Plan 1"
    assert [dict(plan.counts).get("stem.conv") for _, plan in plans.plans] == [None, 24, 16]
    assert loaded.session.undo_stack.count() == 2


def test_files_are_asked_for_and_written(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs, tmp_path: Path
) -> None:
    loaded.session.set_ratio(0.5)
    dialogs.path = str(tmp_path / "mine")
    act(loaded, "plan_save")
    assert dialogs.asked[-1].endswith("demo-plan.json")
    assert json.loads((tmp_path / "mine.json").read_text())["current"] == FIRST
    for key, what, suffix in (("plan_export", "config", ".yaml"), ("plan_kept", "kept", ".json")):
        act(loaded, key)
        request = transport.requests[-1]
        assert isinstance(request, wire.Export)
        assert (request.what, request.path, request.plan.ratio) == (what, f"{dialogs.path}{suffix}", 0.5)
        assert not loaded.menus.actions[key].isEnabled()  # one thing at a time
        transport.answer(wire.Exported, path=request.path)
        assert loaded.card.what.text() == f"Wrote mine{suffix}."
    act(loaded, "plan_open")
    assert transport.requests[-1].path == dialogs.path
    transport.fail("This is not a plan.")
    assert loaded.card.what.text() == "This is not a plan."


def test_the_plan_is_copied_for_the_command_line_and_for_python(loaded: MainWindow) -> None:
    loaded.session.set_count("stem.conv", 9)
    act(loaded, "plan_command")
    expected = "slimgui slim /models/demo.pt --count stem.conv=9 --out demo-slim.pt"
    assert QGuiApplication.clipboard().text() == expected
    act(loaded, "plan_python")
    assert "counts=(('stem.conv', 9),)" in QGuiApplication.clipboard().text()
    assert loaded.card.what.text() == "The Python code is on the clipboard."


def test_the_training_mask_and_a_supernet_of_all_plans_are_copied_as_python(loaded: MainWindow) -> None:
    actions, clipboard = loaded.menus.actions, QGuiApplication.clipboard()
    assert "Every group is whole" in actions["plan_mask"].toolTip()
    assert "It is the only plan" in actions["plan_supernet"].toolTip()
    loaded.session.set_count("stem.conv", 9)
    act(loaded, "plan_mask")
    assert "engine.mask(loaded.model, traced, selection)" in clipboard.text()
    assert "counts=(('stem.conv', 9),)" in clipboard.text()
    assert loaded.card.what.text() == "The training mask is on the clipboard."

    loaded.session.edit_plans("Add", loaded.session.plans.added("deep", Plan(ratio=0.75)))
    act(loaded, "plan_supernet")
    assert "engine.Supernet(loaded.model, traced)" in clipboard.text()
    for said in (
        "'Plan 1': engine.Plan(",
        "counts=(('stem.conv', 9),)",
        "'deep': engine.Plan(",
        "ratio=0.75",
    ):
        assert said in clipboard.text()
    assert "It has 2 subnets" in loaded.card.hint.text()


def test_the_shape_the_user_gave_is_copied_too(window: MainWindow, transport: FakeTransport) -> None:
    window.session.open("/models/demo.pt", "1x1x28x28")
    transport.open(demo())
    act(window, "plan_command")
    assert "--input 1x1x28x28" in QGuiApplication.clipboard().text()


def test_every_entry_of_a_menu_has_a_letter_of_its_own(loaded: MainWindow) -> None:
    waiting = list(loaded.menus.menus.values())
    assert waiting
    while waiting:
        menu = waiting.pop()
        entries = [action for action in menu.actions() if not action.isSeparator()]
        letters = [action.text().partition("&")[2][:1].lower() for action in entries]
        assert "" not in letters, [action.text() for action in entries]
        assert len(letters) == len(set(letters)), letters
        waiting += [action.menu() for action in entries if action.menu()]


@pytest.mark.parametrize("key", ["plan_new", "plan_rename", "plan_steps"])
def test_a_plan_that_is_found_while_a_question_is_open_is_not_lost(
    key: str,
    loaded: MainWindow,
    transport: FakeTransport,
    dialogs: FakeDialogs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = loaded.session
    session.set_ratio(0.25)
    found = session.plans.plan.with_count("down.0.conv", 16)

    def answer(*_: object) -> str | int:
        transport.answer(wire.Met, plan=found, kept=0.9)
        return 3 if key == "plan_steps" else "deep"

    session.meet("macs=50%")
    for kind in ("text", "number"):
        monkeypatch.setattr(dialogs, kind, answer)
    loaded.menus.actions[key].trigger()

    assert session.plans.plan == found
    assert session.undo_stack.count() == 3
