"""What users of desktop programs take for granted, in the corners where programs forget it."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from demo import Builder, _document, demo
from fakes import FakeDialogs, FakeTransport
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QContextMenuEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeySequence,
    QPalette,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QCommandLinkButton,
    QDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QMessageBox,
    QSlider,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from slimgui.core.groups import Refusal
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet
from slimgui.core.sampling import SampleSource
from slimgui.core.wire import Open
from slimgui.gui.actions.table import ACTIONS
from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.dialogs.recovery import RecoveryDialog
from slimgui.gui.dialogs.samples import Purpose, SamplesDialog
from slimgui.gui.dialogs.sensitivity import SensitivityDialog
from slimgui.gui.facts.notice import Notice
from slimgui.gui.journal.record import Entry
from slimgui.gui.main_window import MainWindow
from slimgui.gui.settings import Settings
from slimgui.gui.views.count_editor import CountEditor
from slimgui.gui.views.preferences import Preferences

CTRL, NO_KEY = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.NoModifier
COPY, MOVE, LEFT = Qt.DropAction.CopyAction, Qt.DropAction.MoveAction, Qt.MouseButton.LeftButton


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
    window.activateWindow()
    QTest.qWait(20)
    return window


def editor_of(window: MainWindow, group: str) -> CountEditor:
    window.session.select(group)
    window.menus.actions["edit_count"].trigger()
    return window.panels.groups.tree.findChild(CountEditor)


def kept(window: MainWindow, group: str) -> int:
    assert window.session.snapshot
    return window.session.snapshot.counts[group]


def mark(window: MainWindow, words: str, qtbot: QtBot) -> list[str]:
    """Select all rows that a search leaves, as a user does."""
    window.panels.groups.search.setText(words)
    window.panels.groups.tree.setFocus()
    qtbot.keyClick(window.panels.groups.tree, Qt.Key.Key_A, CTRL)
    return window.panels.groups.selected_ids()


# --- drag and drop


def drop(target: QWidget, *paths: str) -> QDropEvent:
    """Drag files to a part of the window and let them fall; file managers add the names as text."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path) for path in paths])
    mime.setText("\n".join(paths))
    enter = QDragEnterEvent(QPoint(9, 9), COPY | MOVE, mime, LEFT, NO_KEY)
    enter.setDropAction(MOVE)
    QApplication.sendEvent(target, enter)
    fall = QDropEvent(QPointF(9, 9), COPY | MOVE, mime, LEFT, NO_KEY)
    fall.setDropAction(MOVE)
    if enter.isAccepted():
        QApplication.sendEvent(target, fall)
    QTest.qWait(5)
    return fall


@pytest.mark.parametrize("part", ["graph", "tree", "search", "targets", "text"])
def test_a_file_may_fall_anywhere_when_a_model_is_open(
    part: str, loaded: MainWindow, transport: FakeTransport
) -> None:
    target = {
        "graph": loaded.panels.graph.viewport(),
        "tree": loaded.panels.groups.tree.viewport(),
        "search": loaded.panels.groups.search,
        "targets": loaded.panels.plan_panel.targets.boxes["macs"],
        "text": loaded.panels.inspector.viewport(),
    }[part]

    fall = drop(target, "/models/other.pt")

    assert isinstance(transport.requests[-1], Open)
    assert transport.requests[-1].source == "/models/other.pt"
    assert fall.dropAction() == COPY  # who is told that it was moved deletes it
    assert loaded.panels.groups.search.text() == ""


def test_a_plan_that_falls_on_a_model_is_read_and_two_files_are_told(
    loaded: MainWindow, transport: FakeTransport
) -> None:
    drop(loaded.panels.graph.viewport(), "/a.pt", "/b.pt")
    assert loaded.card.what.text() == "Drop one file at a time."
    assert len(transport.requests) == 1

    drop(loaded.panels.graph.viewport(), "/plans/half.json")
    assert type(transport.requests[-1]).__name__ == "ReadPlans"


def test_text_is_no_file(loaded: MainWindow) -> None:
    mime = QMimeData()
    mime.setText("hello")
    enter = QDragEnterEvent(QPoint(9, 9), COPY, mime, LEFT, NO_KEY)
    loaded.dragEnterEvent(enter)
    assert not enter.isAccepted() or enter.dropAction() != COPY


# --- several rows at once


def test_what_a_search_hides_is_not_edited(loaded: MainWindow, qtbot: QtBot) -> None:
    loaded.panels.groups.tree.selectAll()
    loaded.panels.groups.search.setText("down.1.conv of>64")
    assert loaded.panels.groups.selected_ids() == ["down.1.conv"]
    assert mark(loaded, "of>64", qtbot) == ["down.1.conv", "stages.2.0.conv1", "stages.2.1.conv1"]

    editor = editor_of(loaded, "down.1.conv")
    editor.selectAll()
    qtbot.keyClicks(editor, "/2")
    qtbot.keyClick(editor, Qt.Key.Key_Return)

    assert kept(loaded, "down.1.conv") == kept(loaded, "stages.2.0.conv1") == 64
    assert kept(loaded, "stem.conv") == 32


def test_several_groups_are_locked_and_reset_in_one_step(loaded: MainWindow, qtbot: QtBot) -> None:
    ids = mark(loaded, "of>64", qtbot)
    assert len(ids) == 3
    actions, stack = loaded.menus.actions, loaded.session.undo_stack
    actions["plan_lock"].trigger()
    assert loaded.session.snapshot.locked == set(ids)
    assert (stack.undoText(), actions["plan_lock"].isChecked()) == ("Lock 3 groups", True)
    actions["plan_lock"].trigger()
    assert loaded.session.snapshot.locked == set()

    loaded.session.set_counts(dict.fromkeys(ids, 5))
    actions["reset_group"].trigger()
    assert loaded.session.snapshot.by_hand == set()
    assert stack.undoText() == "Reset 3 groups"


def test_a_group_chosen_in_the_graph_is_alone(loaded: MainWindow, qtbot: QtBot) -> None:
    ids = mark(loaded, "of>64", qtbot)
    loaded.session.select(ids[-1])
    loaded.session.select(ids[0])

    assert loaded.session.marks.ids == (ids[0],)


def test_the_editor_of_a_hidden_row_brings_it_back(loaded: MainWindow) -> None:
    loaded.session.select("stem.conv")
    loaded.panels.groups.search.setText("classifier locked:")
    assert loaded.panels.groups.selected_ids() == []
    loaded.menus.actions["edit_count"].trigger()

    assert loaded.panels.groups.search.text() == ""
    assert loaded.panels.groups.tree.findChild(CountEditor).isVisible()


# --- undo


@pytest.mark.parametrize("control", ["box", "slider"])
def test_keys_held_on_the_ratio_are_one_step(control: str, loaded: MainWindow, qtbot: QtBot) -> None:
    widget, stack = getattr(loaded.ratio, control), loaded.session.undo_stack
    widget.setFocus()
    for _ in range(5):
        qtbot.keyClick(widget, Qt.Key.Key_Up)
    assert (loaded.ratio.box.value(), stack.count()) == (5, 1)

    loaded.panels.graph.setFocus()  # somewhere else in between
    widget.setFocus()
    qtbot.keyClick(widget, Qt.Key.Key_Up)
    assert stack.count() == 2
    stack.undo()
    stack.undo()
    assert loaded.ratio.box.value() == 0


def test_undo_closes_an_open_editor(loaded: MainWindow, qtbot: QtBot) -> None:
    editor = editor_of(loaded, "down.0.conv")
    qtbot.keyClick(editor, Qt.Key.Key_Down)
    assert kept(loaded, "down.0.conv") == 63

    loaded.menus.actions["undo"].trigger()  # a click in the tool bar: the focus stays where it is

    assert kept(loaded, "down.0.conv") == 64
    qtbot.waitUntil(lambda: loaded.panels.groups.tree.findChild(CountEditor) is None)


# --- keys


def letters_of(window: MainWindow) -> dict[str, list[str]]:
    """Per letter the visible things that Alt and that letter reach."""
    found = defaultdict(list)
    texts = [action.text() for action in window.menuBar().actions()]
    texts += [button.text() for button in window.findChildren(QAbstractButton) if seen(button)]
    texts += [label.text() for label in window.findChildren(QLabel) if label.buddy() and seen(label)]
    for text in texts:
        if key := QKeySequence.mnemonic(text).toString():
            found[key].append(text)
    return found


def seen(widget: QWidget) -> bool:
    return widget.isVisible() and not widget.visibleRegion().isEmpty()


@pytest.mark.parametrize("panel", ["", "details", "plan", "plans", "charts"])
def test_no_two_things_in_sight_share_a_letter(
    panel: str, window: MainWindow, transport: FakeTransport
) -> None:
    if panel:
        window.session.open("/models/demo.pt")
        transport.open(demo())
        window.session.select("down.0.conv")
        window.panels.docks["tasks"].show()
        window.panels.docks["tasks"].raise_()
        window.panels.docks[panel].raise_()
    window.session.noticed.emit(Notice("error", "What", "why", "hint", "details"))
    window.strip.show()
    QTest.qWait(20)

    assert [texts for texts in letters_of(window).values() if len(texts) > 1] == []


def test_no_two_actions_share_a_key(loaded: MainWindow, qtbot: QtBot) -> None:
    keys = [key.toString() for info in ACTIONS for key in loaded.menus.actions[info.key].shortcuts()]
    assert len(keys) == len(set(keys))

    before = loaded.panels.graph.zoomed
    loaded.panels.graph.setFocus()
    qtbot.keyClick(loaded.panels.graph, Qt.Key.Key_Equal, CTRL)  # "+" without Shift, on most keyboards
    assert loaded.panels.graph.zoomed > before


def test_the_copy_key_copies_what_has_the_focus(
    loaded: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    clipboard = QGuiApplication.clipboard()
    loaded.panels.docks["tasks"].show()
    loaded.panels.docks["tasks"].raise_()
    past = loaded.panels.past_tasks.tree
    past.setCurrentItem(past.topLevelItem(0))
    past.setFocus()
    qtbot.keyClick(past, Qt.Key.Key_C, CTRL)
    assert clipboard.text().startswith("Opening demo.pt")

    loaded.session.select("down.0.conv")
    table = loaded.panels.details.table
    table.setFocus()
    table.selectRow(3)
    qtbot.keyClick(table, Qt.Key.Key_C, CTRL)
    assert clipboard.text().startswith("Channel\tImportance\tComes from\n3\t")

    loaded.panels.groups.tree.setFocus()
    qtbot.keyClick(loaded.panels.groups.tree, Qt.Key.Key_C, CTRL)
    assert clipboard.text().startswith("Group\tKeep")


def test_escape_clears_the_search_then_the_message_then_the_selection(
    loaded: MainWindow, qtbot: QtBot
) -> None:
    loaded.session.select("stem.conv")
    loaded.menus.actions["find"].trigger()
    qtbot.keyClicks(loaded.panels.groups.search, "stem")
    loaded.session.noticed.emit(Notice("note", "What"))
    for search, card, selected in (("", True, "stem.conv"), ("", False, "stem.conv"), ("", False, "")):
        qtbot.keyClick(loaded.panels.groups.search, Qt.Key.Key_Escape)
        now = (loaded.panels.groups.search.text(), loaded.card.isVisible(), loaded.session.selected)
        assert now == (search, card, selected)


def test_a_task_is_cancelled_from_the_menu(loaded: MainWindow, transport: FakeTransport) -> None:
    action = loaded.menus.actions["cancel"]
    assert "Nothing is running" in action.toolTip()
    loaded.session.files.verify()
    action.trigger()
    assert transport.cancelled == 1


def test_a_window_of_preferences_is_opened_once(loaded: MainWindow) -> None:
    for _ in range(2):
        loaded.menus.actions["preferences"].trigger()
    found = [dialog for dialog in loaded.findChildren(Preferences) if dialog.isVisible()]
    assert len(found) == 1
    found[0].close()


# --- what cannot be used says why


@pytest.mark.parametrize("there_are_groups", [True, False])
def test_a_model_that_cannot_be_cut_says_so(
    there_are_groups: bool, window: MainWindow, transport: FakeTransport
) -> None:
    document = demo()
    locked = tuple(msgspec.structs.replace(row, locked=Refusal("Because.")) for row in document.groups)
    document = msgspec.structs.replace(document, groups=locked) if there_are_groups else single()
    window.session.open(document.source)
    transport.open(document)

    says = "must stay whole" if there_are_groups else "no channels that could be cut"
    assert not window.ratio.isEnabled()
    assert says in window.ratio.slider.toolTip()
    for key in ("save", "plan_minimum", "plan_target", "plan_sample"):
        assert says in window.menus.actions[key].toolTip()
    window.grab()


def single():
    """A model of one layer, whose channels are those of input and output."""
    builder = Builder()
    source = builder.add("input", "input", "", fixed=3)
    layer = builder.add("fc", "Linear", "", source, fixed=3)
    builder.add("output", "output", "", layer, fixed=3)
    return _document(builder, "", "single.pt", "/models/single.pt")


def test_a_group_of_one_channel_says_why_it_stays(window: MainWindow, transport: FakeTransport) -> None:
    builder = Builder()
    here = builder.add("input", "input", "", fixed=1)
    builder.conv("a.conv", "", builder.group("a.conv", 1), here, 100)
    window.session.open("/models/one.pt")
    transport.open(_document(builder, "", "one.pt", "/models/one.pt"))
    window.session.select("a.conv")

    for key in ("edit_count", "plan_lock"):
        assert "single channel" in window.menus.actions[key].toolTip()
    assert "single channel" in window.panels.details.keep.toolTip()


# --- files that come and go


def buttons(window: MainWindow) -> list[QCommandLinkButton]:
    return [one for one in window.welcome.findChildren(QCommandLinkButton) if one.isVisible()]


def test_a_recent_file_is_kept_and_removed_in_its_menu(window: MainWindow, settings: Settings) -> None:
    settings.add_recent("/models/b.pt")
    settings.add_recent("/models/R&D.pt")
    window.document_actions.show_recent()
    QTest.qWait(5)
    assert [button.text() for button in buttons(window)] == ["R&&D.pt", "b.pt"]
    keep, _ = buttons(window)[1].actions()
    keep.trigger()
    QTest.qWait(5)
    assert [button.text() for button in buttons(window)] == ["b.pt  –  stays", "R&&D.pt"]
    window.menus.actions["clear_recent"].trigger()
    QTest.qWait(5)
    _, remove = buttons(window)[0].actions()
    remove.trigger()
    assert (settings.recent, settings.pinned) == ([], ())


def test_a_recent_file_that_is_gone_can_be_removed(
    window: MainWindow, settings: Settings, transport: FakeTransport
) -> None:
    settings.add_recent("/models/gone.pt")
    settings.pin("/models/gone.pt", pinned=True)
    window.document_actions.open_source("/models/gone.pt")
    transport.fail("There is no file /models/gone.pt.")
    assert window.card.offer.text() == "Remove from the List"
    window.card.offer.click()

    assert settings.recent == []


def test_the_shape_that_was_given_is_known_the_next_time(
    window: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    window.document_actions.open_source("/models/demo.pt")
    transport.fail("The shape is not known.", needs="inputs")
    dialogs.shape = "1x1x2"
    window.card.offer.click()
    transport.fail("It does not fit.", needs="inputs")
    dialogs.shape = "1x1x28x28"
    window.card.offer.click()
    assert dialogs.asked == ["1x3x224x224", "1x1x2"]  # what did not fit stands there to be mended
    transport.open(demo())
    window.session.close()

    window.document_actions.open_source("/models/demo.pt")
    assert transport.requests[-1].shape == "1x1x28x28"


def test_names_are_shown_as_they_are(window: MainWindow, transport: FakeTransport) -> None:
    window.session.open("/models/a&b [*].pt")
    transport.open(demo(name="a&b [*].pt"))
    window.session.edit_plans("Add plan R&D", window.session.plans.branched("R&D"))

    assert window.windowTitle() == "a&b [*][*].pt – R&D[*] – SlimGUI"
    assert window.menus.actions["undo"].text() == "&Undo: Add plan R&&D"
    recent = next(menu for menu in window.findChildren(QMenu) if menu.title() == "Open &Recent")
    window.settings.add_recent("/models/a&b.pt")
    recent.aboutToShow.emit()
    assert recent.actions()[0].text() == "&1 a&&b.pt"


# --- closing, and what was lost


def test_a_plan_left_behind_is_offered_when_its_model_is_opened_in_another_way(
    window: MainWindow, transport: FakeTransport, settings: Settings, qtbot: QtBot
) -> None:
    folder = settings.data_folder / "journal"
    folder.mkdir(parents=True)
    left = Entry("demo.pt", "/models/demo.pt", "", 9.0, PlanSet().with_plan(Plan(ratio=0.5)))
    (folder / "1-a.json").write_text(left.to_json())
    window.document_actions.open_source("/models/demo.pt")  # the argument of the start after the crash
    window.restore.offer()
    transport.open(demo())
    assert window.card.what.text().startswith("Restore the plan of demo.pt")
    window.card.offer.click()

    assert window.session.plans.plan.ratio == 0.5
    assert len(transport.requests) == 1  # it is open: nothing is read again
    qtbot.waitUntil(lambda: not (folder / "1-a.json").exists())


def test_a_busy_engine_is_told_before_edits_are_asked_about(loaded: MainWindow, dialogs: FakeDialogs) -> None:
    loaded.session.set_ratio(0.5)
    loaded.session.files.verify()
    loaded.document_actions.open_source("/models/second.pt")

    assert dialogs.asked == []
    assert loaded.card.what.text() == "SlimGUI is still proving Plan 1."


@pytest.mark.parametrize("stops", [True, False])
def test_closing_asks_about_what_would_be_stopped(
    stops: bool, loaded: MainWindow, dialogs: FakeDialogs
) -> None:
    loaded.session.insight.measure()
    dialogs.stops = stops
    loaded.close()

    assert dialogs.asked == ["measuring latency"]
    assert loaded.isVisible() != stops
    dialogs.stops = True


def test_closing_while_a_model_is_opened_asks_nothing(window: MainWindow, dialogs: FakeDialogs) -> None:
    window.session.open("/models/demo.pt")
    window.close()
    assert dialogs.asked == []
    assert not window.isVisible()


def test_the_plan_can_be_saved_on_close(loaded: MainWindow, dialogs: FakeDialogs, tmp_path: Path) -> None:
    loaded.session.edit("Minimum count: 4", replace(loaded.session.plans.plan, min_count=4))
    dialogs.answer, dialogs.path = "plans", str(tmp_path / "plan.json")
    loaded.close()

    assert '"min_count": 4' in (tmp_path / "plan.json").read_text()
    assert not loaded.isVisible()


@pytest.mark.parametrize(
    ("is_cut", "press", "answer"),
    [
        (True, "Save Smaller &Model…", "save"),
        (True, "Save &Plans…", "plans"),
        (False, "Save &Plans…", "plans"),
        (True, "Discard", "discard"),
        (True, "", "cancel"),  # Esc
    ],
)
def test_the_question_about_edits_offers_what_there_is_to_save(
    is_cut: bool, press: str, answer: str, loaded: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[str] = []

    def answer_it(box: QMessageBox) -> int:
        box.show()
        offered.extend(button.text().replace("&", "") for button in box.buttons())
        if press:
            wanted = press.replace("&", "")
            next(one for one in box.buttons() if one.text().replace("&", "") == wanted).click()
        else:
            QTest.keyClick(box, Qt.Key.Key_Escape)
        return 0

    monkeypatch.setattr(QDialog, "exec", answer_it)
    monkeypatch.setattr(QMessageBox, "exec", answer_it)

    assert Dialogs().unsaved(loaded, "demo.pt", is_cut) == answer
    assert ("Save Smaller Model…" in offered) == is_cut


# --- where the keyboard is


def test_find_and_edit_come_out_from_behind_another_tab(loaded: MainWindow) -> None:
    for key in ("find", "edit_count"):
        loaded.panels.docks["history"].show()
        loaded.panels.docks["history"].raise_()
        loaded.session.select("down.0.conv")
        QTest.qWait(20)
        assert not seen(loaded.panels.groups)
        loaded.menus.actions[key].trigger()
        QTest.qWait(20)
        assert seen(loaded.panels.groups)


def test_escape_drops_what_was_typed_into_a_spin_box(loaded: MainWindow, qtbot: QtBot) -> None:
    loaded.panels.docks["plan"].raise_()
    for box, shown in ((loaded.ratio.box, "0 %"), (loaded.panels.plan_panel.rules["min_count"], "1")):
        box.setFocus()
        box.selectAll()
        qtbot.keyClicks(box, "50")
        qtbot.keyClick(box, Qt.Key.Key_Escape)
        assert box.text() == shown
        loaded.panels.graph.setFocus()
    assert loaded.session.undo_stack.count() == 0


@pytest.mark.parametrize("kind", ["samples", "recovery", "sensitivity"])
def test_tab_reaches_every_field_of_a_form(kind: str, window: MainWindow) -> None:
    dialog = {
        "samples": lambda: SamplesDialog(window, Purpose("Title", "Aside", "Use"), SampleSource("")),
        "recovery": lambda: RecoveryDialog(window, None, SampleSource("")),
        "sensitivity": lambda: SensitivityDialog(window, SampleSource("")),
    }[kind]()
    dialog.show()
    dialog.activateWindow()
    QTest.qWait(20)
    reached = set()
    for _ in range(20):
        reached.add(QApplication.focusWidget())
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    dialog.close()

    assert {dialog.form.samples, dialog.form.limit, dialog.form.mean, dialog.form.size_of} <= reached


def test_tab_leads_out_of_the_list_of_channels(loaded: MainWindow, qtbot: QtBot) -> None:
    loaded.session.select("down.0.conv")
    table = loaded.panels.details.table
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Tab)
    assert not table.hasFocus()


def test_a_ring_shows_the_view_that_a_key_went_to(loaded: MainWindow, qtbot: QtBot) -> None:
    ring, reasons = loaded.panels.focus_ring, Qt.FocusReason
    loaded.panels.groups.search.setFocus()
    loaded.panels.graph.setFocus(reasons.ShortcutFocusReason)
    assert ring.isVisible()
    assert ring.size() == loaded.panels.graph.size()
    loaded.panels.groups.tree.setFocus(reasons.TabFocusReason)
    assert ring.size() == loaded.panels.groups.tree.size()
    qtbot.mouseClick(loaded.panels.groups.tree.viewport(), LEFT)
    loaded.panels.graph.setFocus(reasons.MouseFocusReason)
    assert not ring.isVisible()


def test_reset_layout_brings_columns_back(loaded: MainWindow) -> None:
    loaded.panels.groups.tree.header().setSectionHidden(3, True)
    loaded.menus.actions["reset_layout"].trigger()
    assert not loaded.panels.groups.tree.header().isSectionHidden(3)


def test_every_control_has_a_tooltip(loaded: MainWindow) -> None:
    loaded.session.select("down.0.conv")
    kinds = (QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox, QSlider)
    silent = [
        f"{type(widget).__name__} {widget.accessibleName()} in {type(widget.parent()).__name__}"
        for widget in loaded.findChildren(QWidget)
        if isinstance(widget, kinds)
        and not widget.toolTip()
        and widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not isinstance(widget.parent(), QAbstractSpinBox | QTabBar)
        and not widget.objectName().startswith("qt_")
    ]
    assert silent == []


def test_the_buttons_of_a_message_stand_below_it_however_narrow_it_is(loaded: MainWindow) -> None:
    card = loaded.card
    card.setParent(None)
    card.show_notice(Notice("error", "It could not be done.", "why " * 40, "hint " * 20, "details"))
    for width in (900, 330):
        card.resize(width, card.heightForWidth(width))
        QTest.qWait(5)
        card.resize(width, card.heightForWidth(width))
        assert card.copy.geometry().top() >= card.hint.geometry().bottom()
        assert card.why.height() >= card.why.heightForWidth(card.why.width())
    card.hide()
    card.setParent(loaded)


@pytest.mark.parametrize("is_open", [False, True])
def test_a_theme_chosen_later_looks_like_one_chosen_before(
    is_open: bool, make_window: Callable[..., MainWindow], transport: FakeTransport, qtbot: QtBot
) -> None:
    pictures = []
    for is_late in (False, True):
        window = make_window(transport)
        if not is_late:
            window.theme.choose("dark")
        if is_open:
            window.session.open("/models/demo.pt")
            transport.open(demo())
            window.session.select("down.0.conv")
            qtbot.waitUntil(window.panels.groups.updatesEnabled)  # a frame after the rest
        QTest.qWait(50)
        if is_late:
            window.theme.choose("dark")
            qtbot.waitUntil(lambda: window.grab().toImage() == pictures[0])  # noqa: B023 - called here
        pictures.append(window.grab().toImage())
    window.theme.choose("light")

    assert pictures[0] == pictures[1]


def test_enter_presses_a_button(window: MainWindow, transport: FakeTransport, qtbot: QtBot) -> None:
    window.welcome.example_button.setFocus()
    qtbot.keyClick(window.welcome.example_button, Qt.Key.Key_Return)
    assert isinstance(transport.requests[-1], Open)


def test_enter_in_the_tree_edits_and_down_leads_there(loaded: MainWindow, qtbot: QtBot) -> None:
    groups = loaded.panels.groups
    loaded.menus.actions["find"].trigger()
    qtbot.keyClicks(groups.search, "down.1")
    qtbot.keyClick(groups.search, Qt.Key.Key_Down)
    assert groups.tree.hasFocus()
    qtbot.keyClick(groups.tree, Qt.Key.Key_Return)
    editor = groups.tree.findChild(CountEditor)
    editor.selectAll()
    qtbot.keyClicks(editor, "7")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert kept(loaded, loaded.session.selected) == 7


def test_the_menu_key_is_about_the_box_that_keys_move_from(loaded: MainWindow) -> None:
    graph, reason = loaded.panels.graph, QContextMenuEvent.Reason
    boxes = graph.picture.boxes
    here = next(number for number, box in enumerate(boxes) if box.name == "down.0.conv")
    graph.go_to(here)
    pressed = QContextMenuEvent(reason.Keyboard, QPoint(1, 1), graph.mapToGlobal(QPoint(1, 1)))
    menu = graph.menu_at(graph.spot_of(pressed))
    offered = [action.objectName() for action in menu.actions()]

    assert loaded.session.selected == "down.0.conv"
    assert {"edit_count", "plan_lock"} <= set(offered)


def test_a_message_and_a_walk_through_the_graph_are_read_aloud(
    loaded: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts: list[tuple[QAccessible.Event, str]] = []

    def hear(event: QAccessibleEvent) -> None:
        alerts.append((event.type(), event.object().accessibleDescription()))

    monkeypatch.setattr("slimgui.gui.views.card.QAccessible.updateAccessibility", hear)
    loaded.session.noticed.emit(Notice("error", "It failed.", "The disk is full."))
    assert alerts == [(QAccessible.Event.Alert, "It failed. The disk is full.")]

    loaded.panels.graph.setFocus()
    qtbot.keyClick(loaded.panels.graph, Qt.Key.Key_Home)
    assert QApplication.focusWidget().accessibleDescription().startswith("input")


def test_the_tree_has_its_colours_from_the_start(loaded: MainWindow) -> None:
    groups, role = loaded.panels.groups, QPalette.ColorRole
    assert [action.icon().isNull() for action in groups.search.actions()][:1] == [False]
    back, text = (groups.tree.palette().color(each) for each in (role.Highlight, role.HighlightedText))
    assert abs(back.lightness() - text.lightness()) > 150  # a pale ground: the bars in a row stay visible


@pytest.mark.parametrize("panel", ["details", "plan", "plans"])
@pytest.mark.parametrize("key", [Qt.Key.Key_Tab, Qt.Key.Key_F6])
def test_keys_reach_all_that_is_seen_and_nothing_else(key: Qt.Key, panel: str, loaded: MainWindow) -> None:
    loaded.session.select("down.0.conv")
    loaded.panels.docks[panel].raise_()
    QTest.qWait(50)
    reached: set[QWidget] = set()
    for _ in range(80):
        QTest.keyClick(QApplication.focusWidget() or loaded, key)
        reached.add(QApplication.focusWidget())

    inside = {name for name, dock in loaded.panels.docks.items() if any(map(dock.isAncestorOf, reached))}
    assert inside == {"groups", "totals", panel}
    assert loaded.panels.graph in reached


def test_the_keyboard_is_where_the_work_is(window: MainWindow, transport: FakeTransport) -> None:
    window.activateWindow()
    window.session.open("/models/demo.pt")
    transport.open(demo())
    assert QApplication.focusWidget() is window.panels.graph
    window.session.close()
    assert QApplication.focusWidget() is window.welcome.open_button
