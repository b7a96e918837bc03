"""The panel of the whole model: targets, criterion, rules; and the time that is measured."""

from pathlib import Path

import msgspec
import pytest
from demo import demo
from fakes import FakeDialogs, FakeTransport
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from slimgui.core import wire
from slimgui.core.latency import LatencyModel
from slimgui.core.plan import Plan
from slimgui.gui.main_window import MainWindow
from slimgui.gui.views.plan_panel import PlanPanel


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(msgspec.structs.replace(demo(), criteria=("l1", "l2", "taylor")))
    return window


@pytest.fixture
def panel(loaded: MainWindow) -> PlanPanel:
    loaded.panels.docks["plan"].raise_()
    return loaded.panels.plan_panel


def plan(window: MainWindow) -> Plan:
    return window.session.plans.plan


def test_what_is_typed_into_the_boxes_is_searched_with_enter(
    loaded: MainWindow, panel: PlanPanel, transport: FakeTransport, qtbot: QtBot
) -> None:
    boxes = panel.targets.boxes
    assert panel.targets.now["macs"].text() == "now 100 %"
    qtbot.keyClicks(boxes["params"], "2M")
    qtbot.keyClicks(boxes["macs"], "50%")
    qtbot.keyClick(boxes["macs"], Qt.Key.Key_Return)

    assert transport.requests[-1].targets == "macs=50%, params=2M"
    found = Plan().with_count("down.0.conv", 16)
    transport.answer(wire.Met, plan=found, kept=0.9)
    assert plan(loaded) == found
    assert panel.targets.now["macs"].text() != "now 100 %"


def test_nothing_typed_searches_nothing(panel: PlanPanel, transport: FakeTransport, qtbot: QtBot) -> None:
    qtbot.mouseClick(panel.targets.search, Qt.MouseButton.LeftButton)
    assert len(transport.requests) == 1


def test_the_boxes_say_what_can_be_reached(panel: PlanPanel) -> None:
    panel._show_reach()
    assert "now 872.4 k" in panel.targets.boxes["params"].toolTip()
    assert "measured" in panel.targets.boxes["latency"].toolTip()


def test_scope_and_criterion_are_chosen_in_the_panel(
    loaded: MainWindow, panel: PlanPanel, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    assert [panel.importance.itemText(i) for i in range(3)] == ["L1 norm", "L2 norm", "Taylor"]
    panel.importance.setCurrentText("L2 norm")
    panel.importance.activated.emit(1)
    assert plan(loaded).importance == "l2"
    panel.scope.setCurrentIndex(2)
    panel.scope.activated.emit(2)
    assert isinstance(transport.requests[-1], wire.Rank)  # comparing groups needs scores
    assert panel.scope.currentData() == "local"  # until they are there
    transport.fail("There is not enough memory.")
    panel.importance.setCurrentText("Taylor")
    panel.importance.activated.emit(2)
    assert "Samples for taylor" in dialogs.labels
    assert panel.importance.currentData() == "l2"  # the user gave none
    panel.only_exact.click()
    assert plan(loaded).only_exact


def test_steps_of_one_visit_to_a_rule_are_one_undo_step(
    loaded: MainWindow, panel: PlanPanel, qtbot: QtBot
) -> None:
    loaded.session.set_ratio(0.6)
    box = panel.rules["round_to"]
    QApplication.sendEvent(box, QFocusEvent(QEvent.Type.FocusIn))
    for _ in range(7):
        box.stepUp()
    QApplication.sendEvent(box, QFocusEvent(QEvent.Type.FocusOut))

    assert plan(loaded).round_to == 8
    assert loaded.session.undo_stack.count() == 2
    assert loaded.session.undo_stack.undoText() == "Multiple of: 8"
    loaded.session.undo_stack.undo()
    assert box.value() == 1
    panel.rules["min_ratio"].setValue(75)
    assert plan(loaded).min_ratio == 0.75


def test_buttons_of_the_panel_are_the_actions_of_the_menu(loaded: MainWindow, panel: PlanPanel) -> None:
    buttons = {
        b.defaultAction().objectName(): b for b in panel.findChildren(QToolButton) if b.defaultAction()
    }
    assert not buttons["plan_lock"].isEnabled()
    assert "Select a group first" in buttons["plan_lock"].toolTip()
    buttons["plan_minimum"].click()
    assert set(loaded.session.snapshot.counts.values()) == {1, 10}


def time_it(window: MainWindow, transport: FakeTransport, **more: object) -> None:
    window.menus.actions["data_latency"].trigger()
    assert isinstance(transport.requests[-1], wire.Time)
    values = {"device": "cpu", "before": 0.02, "after": 0.019, "spread": (0.001, 0.001), **more}
    transport.answer(wire.Timed, **values)


def test_a_measured_time_is_shown_until_the_plan_is_another_one(
    loaded: MainWindow, panel: PlanPanel, transport: FakeTransport, qtbot: QtBot
) -> None:
    tile = loaded.panels.totals.latency
    loaded.session.set_ratio(0.5)
    assert tile.button.isVisible()
    qtbot.mouseClick(tile.button, Qt.MouseButton.LeftButton)
    assert transport.requests[-1] == wire.Time(transport.requests[-1].task, plan(loaded), 1)
    transport.answer(wire.Timed, device="cpu", before=0.02, after=0.01, spread=(0.001, 0.001))

    assert tile.accessibleDescription() == "20.0 ms before, 10.0 ms after"
    assert not tile.button.isVisible()
    assert panel.targets.now["latency"].text() == "now 50 %"
    assert loaded.card.what.text() == "10.0 ms of 20.0 ms for one forward pass, measured in turns."
    loaded.session.set_ratio(0.6)
    assert tile.button.isVisible()
    assert panel.targets.now["latency"].text() == "not measured"
    loaded.session.undo_stack.undo()
    assert not tile.button.isVisible()
    assert not loaded.panels.totals.grab().isNull()


def test_time_that_does_not_follow_is_said_and_a_multiple_is_one_click(
    loaded: MainWindow, panel: PlanPanel, transport: FakeTransport, qtbot: QtBot
) -> None:
    loaded.session.set_ratio(0.3)
    loaded.session.set_count("down.0.conv", 33)
    time_it(loaded, transport, warning="Time does not.", multiple=8, advice="Multiples of 8 help.")
    assert panel.advice.text() == "Time does not. Multiples of 8 help."
    assert loaded.card.hint.text() == "Multiples of 8 help."
    assert panel.use_multiple.text() == "Use Multiples of 8"
    qtbot.mouseClick(panel.use_multiple, Qt.MouseButton.LeftButton)

    counts = loaded.session.snapshot.counts
    assert {count % 8 for name, count in counts.items() if name != "classifier"} == {0}
    assert counts["down.0.conv"] == 40
    assert not panel.use_multiple.isVisible()


def test_times_of_another_device_are_used_until_they_are_put_away(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs, tmp_path: Path
) -> None:
    action = loaded.menus.actions["data_table"]
    dialogs.path = str(tmp_path / "phone.json")
    (tmp_path / "phone.json").write_text("{}")
    action.trigger()
    assert "no table of latencies" in loaded.card.what.text()
    assert not action.isChecked()
    (tmp_path / "phone.json").write_text(LatencyModel("phone", (), (), ()).to_json())
    action.trigger()
    assert action.isChecked()
    loaded.session.meet("latency=50%")
    assert transport.requests[-1].table == dialogs.path
    transport.fail("No plan.")
    time_it(loaded, transport, spread=None)
    assert transport.requests[-1].table == dialogs.path
    assert "by its table" in loaded.card.what.text()
    action.trigger()
    assert (action.isChecked(), loaded.session.insight.measured) == (False, None)


def test_latency_is_measured_with_the_threads_that_were_chosen(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs, tmp_path: Path
) -> None:
    action, insight = loaded.menus.actions["data_threads"], loaded.session.insight
    time_it(loaded, transport)
    action.trigger()  # the user changed their mind
    assert (dialogs.asked[-1], insight.is_current) == ("0", True)
    dialogs.typed = 2
    action.trigger()
    assert insight.measured is None  # that was with others
    loaded.menus.actions["data_latency"].trigger()
    assert (transport.requests[-1].device, transport.requests[-1].threads) == ("cpu", 2)
    transport.fail("No.")
    loaded.session.meet("latency=50%")
    assert transport.requests[-1].threads == 2
    transport.fail("No.")
    loaded.session.files.export_times(str(tmp_path / "times.json"))
    assert transport.requests[-1].threads == 2
    transport.fail("No.")
    action.trigger()
    assert dialogs.asked[-1] == "2"

    insight.use_device("cuda")
    assert "Latency is measured on cuda" in action.toolTip()


def test_the_tile_offers_how_latency_is_measured(loaded: MainWindow) -> None:
    tile, actions = loaded.panels.totals.latency, loaded.menus.actions
    how = [actions[key] for key in ("data_device", "data_threads", "data_table")]
    assert tile.actions() == how
    assert [action for action in tile.button.actions() if action is not actions["data_latency"]] == how


def test_the_slowest_layers_are_in_the_details_of_the_message(
    loaded: MainWindow, transport: FakeTransport
) -> None:
    loaded.menus.actions["data_latency"].trigger()
    slowest = (("down.0.conv", 0.004, 0.002), ("", 0.002, 0.002))
    transport.answer(wire.Timed, device="cpu", before=0.01, after=0.005, slowest=slowest)
    details = loaded.card.notice.details
    assert details.splitlines()[1:] == ["down.0.conv: 2.00 ms of 4.00 ms", "(model): 2.00 ms of 2.00 ms"]


def test_latency_is_measured_on_the_device_that_was_chosen(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    dialogs.typed = "cuda"
    loaded.menus.actions["data_device"].trigger()
    loaded.session.meet("latency=50%")
    assert transport.requests[-1].device == "cuda"
    transport.fail("Nothing can be measured on 'cuda'.")
    loaded.menus.actions["data_latency"].trigger()
    assert transport.requests[-1].device == "cuda"
    transport.fail("Nothing can be measured on 'cuda'.")
    assert loaded.card.what.text() == "Nothing can be measured on 'cuda'."
