"""The panel of named plans: a tree to branch and switch in, and two plans side by side."""

import numpy as np
import pytest
from demo import demo
from fakes import FakeDialogs, FakeTransport
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QLineEdit, QToolButton
from pytestqt.qtbot import QtBot

from slimgui.core import wire
from slimgui.core.plan import Plan
from slimgui.core.plan_set import FIRST
from slimgui.gui.facts.comparison import compare
from slimgui.gui.facts.snapshot import Resolver
from slimgui.gui.main_window import MainWindow
from slimgui.gui.models.comparison import MARK, ComparisonModel
from slimgui.gui.theme import scaled
from slimgui.gui.views.plan_tree import WHOLE, PlanTree

STRICT = QAbstractItemModelTester.FailureReportingMode.Fatal


@pytest.fixture
def tree(window: MainWindow, transport: FakeTransport, qtbot: QtBot) -> PlanTree:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
    qtbot.wait(30)  # the window arranges its panels
    assert not window.panels.plan_tree._items  # nobody looks
    window.panels.docks["plans"].raise_()
    qtbot.waitUntil(lambda: bool(window.panels.plan_tree._items))
    return window.panels.plan_tree


def shape(tree: PlanTree) -> dict[str, str]:
    """Name of every plan -> name of the one above it."""
    return {name: item.parent().text(0) if item.parent() else "" for name, item in tree._items.items()}


def branch(window: MainWindow, dialogs: FakeDialogs, name: str) -> None:
    dialogs.typed = name
    window.menus.actions["plan_new"].trigger()


def test_plans_hang_below_what_they_were_branched_from_and_a_click_switches(
    tree: PlanTree, window: MainWindow, dialogs: FakeDialogs, qtbot: QtBot
) -> None:
    session = window.session
    session.set_ratio(0.5)
    branch(window, dialogs, "deep")
    session.set_ratio(0.75)
    branch(window, dialogs, "deeper")
    click(tree, FIRST, qtbot)
    assert session.plans.current == FIRST
    branch(window, dialogs, "other")
    assert shape(tree) == {FIRST: "", "deep": FIRST, "deeper": "deep", "other": FIRST}
    click(tree, "deep", qtbot)

    buttons = {b.text(): b for b in tree.findChildren(QToolButton)}
    dialogs.typed = "narrow"
    buttons["Rename…"].click()
    assert shape(tree) == {FIRST: "", "narrow": FIRST, "deeper": "narrow", "other": FIRST}
    buttons["Delete"].click()
    assert shape(tree) == {FIRST: "", "deeper": FIRST, "other": FIRST}
    session.undo_stack.undo()
    assert (session.plans.current, shape(tree)["deeper"]) == ("narrow", "narrow")
    assert tree.tree.currentItem().text(0) == "narrow"
    assert tree._items["narrow"].font(0).bold()
    assert "Removes 75 %" in tree._items["narrow"].toolTip(0)


def click(tree: PlanTree, name: str, qtbot: QtBot) -> None:
    place = tree.tree.visualItemRect(tree._items[name]).center()
    qtbot.mouseClick(tree.tree.viewport(), Qt.MouseButton.LeftButton, pos=place)


def editor(tree: PlanTree) -> QLineEdit:
    """The open editor of a name."""
    [found] = [line for line in tree.tree.findChildren(QLineEdit) if line.isVisible()]
    return found


def test_f2_renames_a_plan_in_place_as_one_step_and_leaves_the_count_alone(
    tree: PlanTree, window: MainWindow, dialogs: FakeDialogs, qtbot: QtBot
) -> None:
    session = window.session
    branch(window, dialogs, "deep")
    steps = session.undo_stack.count()
    tree.tree.setCurrentItem(tree._items["deep"], 1)
    tree.tree.setFocus()
    qtbot.keyClick(tree.tree, Qt.Key.Key_F2)
    line = editor(tree)
    assert (line.text(), line.accessibleName()) == ("deep", "Name of the plan")
    line.setText("  narrow ")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.plans.current == "narrow")
    assert shape(tree) == {FIRST: "", "narrow": FIRST}
    assert session.undo_stack.count() == steps + 1
    assert session.undo_stack.undoText() == "Rename deep to narrow"
    session.undo_stack.undo()
    assert shape(tree) == {FIRST: "", "deep": FIRST}


def test_a_double_click_renames_and_escape_keeps_the_name(
    tree: PlanTree, window: MainWindow, qtbot: QtBot
) -> None:
    place = tree.tree.visualItemRect(tree._items[FIRST]).center()
    click(tree, FIRST, qtbot)
    qtbot.mouseDClick(tree.tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    line = editor(tree)
    line.setText("other")
    qtbot.keyClick(line, Qt.Key.Key_Escape)
    qtbot.wait(1)
    assert window.session.plans.names == (FIRST,)
    for column in (1, 2):
        assert tree.tree.itemDelegate().createEditor(tree, None, tree.tree.model().index(0, column)) is None


@pytest.mark.parametrize(
    ("typed", "said"), [("", "A plan needs a name."), (FIRST, "There already is a plan")]
)
def test_an_empty_or_a_taken_name_is_refused_with_a_sentence(
    tree: PlanTree, window: MainWindow, dialogs: FakeDialogs, qtbot: QtBot, typed: str, said: str
) -> None:
    branch(window, dialogs, "deep")
    tree.tree.setFocus()
    qtbot.keyClick(tree.tree, Qt.Key.Key_F2)
    line = editor(tree)
    line.setText(typed)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(window.card.isVisible)
    assert window.card.what.text().startswith(said)
    assert set(shape(tree)) == {FIRST, "deep"}


def test_del_removes_the_plan_under_the_cursor_as_one_step_but_never_the_last_one(
    tree: PlanTree, window: MainWindow, dialogs: FakeDialogs, qtbot: QtBot
) -> None:
    session = window.session
    branch(window, dialogs, "deep")
    branch(window, dialogs, "deeper")
    before = session.plans
    tree.tree.setFocus()
    qtbot.keyClick(tree.tree, Qt.Key.Key_Up)  # onto "deep", which stays not current
    qtbot.keyClick(tree.tree, Qt.Key.Key_Delete)
    assert (session.plans.current, shape(tree)) == ("deeper", {FIRST: "", "deeper": FIRST})
    session.undo_stack.undo()
    assert session.plans == before
    session.undo_stack.redo()
    for _ in range(2):
        tree.tree.setFocus()
        qtbot.keyClick(tree.tree, Qt.Key.Key_Delete)
    assert session.plans.names == (FIRST,)
    assert window.card.what.text() == "A document keeps at least one plan."


def test_a_plan_that_is_not_current_can_be_renamed(
    tree: PlanTree, window: MainWindow, dialogs: FakeDialogs, qtbot: QtBot
) -> None:
    branch(window, dialogs, "deep")
    tree.tree.setFocus()
    qtbot.keyClick(tree.tree, Qt.Key.Key_Up)
    qtbot.keyClick(tree.tree, Qt.Key.Key_F2)
    line = editor(tree)
    line.setText("start")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "start" in window.session.plans.names)
    assert (window.session.plans.current, shape(tree)) == ("deep", {"start": "", "deep": "start"})


def test_two_plans_are_compared_and_what_differs_is_marked(
    tree: PlanTree, window: MainWindow, dialogs: FakeDialogs, qtbot: QtBot
) -> None:
    window.session.set_count("down.0.conv", 16)
    model = tree.model
    assert model.headerData(3, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole) == WHOLE
    branch(window, dialogs, "deep")
    window.session.set_count("down.1.conv", 16)
    tree.other.setCurrentText(FIRST)
    tree.only.setChecked(True)

    rows = [[model.index(row, column).data() for column in range(4)] for row in range(model.rowCount())]
    assert [row[0] for row in rows] == ["MACs", "Parameters", "Weights", "Activations", "down.1.conv"]
    assert rows[-1] == ["down.1.conv", MARK, "16", "128"]
    assert model.headerData(2, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole) == "deep"
    tree.table.clicked.emit(model.index(4, 0))
    assert window.session.selected == "down.1.conv"
    tree.only.setChecked(False)
    assert model.rowCount() > len(demo().groups)
    click(tree, FIRST, qtbot)
    assert tree.other.currentText() in {"deep", WHOLE}


def test_importance_is_compared_once_it_is_known(tree: PlanTree, window: MainWindow) -> None:
    packed = {row.id: np.ones(row.size).tobytes() for row in demo().groups}
    window.session.resolver.take_scores(wire.Ranked(0, "l1", packed), None)
    window.session.set_ratio(0.5)
    titles = [tree.model.index(row, 0).data() for row in range(tree.model.rowCount())]

    row = titles.index("Importance kept")
    assert (tree.model.index(row, 2).data(), tree.model.index(row, 3).data()) == ("50 %", "100 %")


def test_a_plan_that_waits_for_scores_has_no_costs_yet(tree: PlanTree, window: MainWindow) -> None:
    plans = window.session.plans
    waiting = plans.added("global", Plan(ratio=0.5, scope="global")).switched(FIRST)
    window.session.edit_plans("Read", waiting)

    assert tree._items["global"].text(1) == "?"
    tree.other.setCurrentText("global")
    assert tree.model.rowCount() == 0


def test_groups_that_keep_as_many_but_other_channels_differ() -> None:
    resolver = Resolver(demo())
    one = resolver.snapshot(Plan().with_indices("down.0.conv", (1, 2)))
    other = Resolver(demo()).snapshot(Plan().with_indices("down.0.conv", (1, 3)))
    rows = {row.title: row.differs for row in compare(demo().groups, one, other)}

    assert rows["down.0.conv"]
    assert not rows["MACs"]


def test_the_table_of_a_comparison_keeps_its_promises(qtbot: QtBot) -> None:
    model = ComparisonModel()
    tester = QAbstractItemModelTester(model, STRICT)
    snapshot = Resolver(demo()).snapshot(Plan())
    model.set_rows(compare(demo().groups, snapshot, snapshot), "a", "b")

    assert not any(model.index(row, 1).data() for row in range(model.rowCount()))
    model.set_rows([], "a", "b")
    assert model.rowCount() == 0
    del tester


def test_names_of_groups_have_the_room_that_counts_leave(tree: PlanTree, window: MainWindow) -> None:
    window.resize(1440, 900)
    window.session.set_ratio(0.5)
    bold = QFontMetrics(scaled(tree.font(), 1.0, bold=True))

    room = tree.table.horizontalHeader().sectionSize(0)
    assert room >= bold.horizontalAdvance("Importance kept") + 6
    for column in (2, 3):
        said = [tree.model.index(row, column).data() for row in range(tree.model.rowCount())]
        assert tree.table.columnWidth(column) >= max(map(bold.horizontalAdvance, said))
