"""The main window with a transport that has no process, driven through its widgets."""

import time
from operator import attrgetter
from pathlib import Path

import pytest
from demo import demo
from fakes import FakeDialogs, FakeTransport
from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QFileDialog,
    QMessageBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from slimgui.core import wire
from slimgui.gui.actions.table import ACTIONS, MENUS, keys_of
from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.main_window import MainWindow
from slimgui.gui.models.columns import Column
from slimgui.gui.settings import Settings
from slimgui.gui.theme import Theme, is_dark
from slimgui.gui.views.delegates import CountEditor


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
    return window


def editor_of(window: MainWindow, group: str) -> CountEditor:
    """The editor, opened as a user does: select the row, press F2."""
    window.session.select(group)
    window.menus.actions["edit_count"].trigger()
    editors = window.panels.groups.tree.findChildren(CountEditor)
    assert len(editors) == 1
    return editors[0]


def kept(window: MainWindow, group: str) -> int:
    assert window.session.snapshot
    return window.session.snapshot.counts[group]


def test_an_empty_window_offers_to_open_and_nothing_else(window: MainWindow) -> None:
    assert window.pages.currentWidget() is window.welcome
    assert not any(dock.isVisible() for dock in window.panels.docks.values())
    assert not window.menus.actions["save"].isEnabled()
    assert "Open a model first" in window.menus.actions["save"].toolTip()


def test_an_opened_model_fills_every_view(loaded: MainWindow) -> None:
    assert loaded.pages.currentWidget() is loaded.panels.graph
    assert loaded.windowTitle() == "demo.pt[*] – SlimGUI"
    assert not loaded.isWindowModified()
    assert len(loaded.panels.groups.shown_rows()) == len(demo().groups)
    assert loaded.settings.recent == ["/models/demo.pt"]
    assert "1 must stay whole" in loaded.panels.inspector.toPlainText()


def test_typing_half_and_enter_halves_a_group(loaded: MainWindow, qtbot: QtBot) -> None:
    editor = editor_of(loaded, "down.0.conv")
    editor.selectAll()
    qtbot.keyClicks(editor, "/2")
    qtbot.keyClick(editor, Qt.Key.Key_Return)

    assert kept(loaded, "down.0.conv") == 32
    assert loaded.isWindowModified()
    assert loaded.panels.totals.tiles["Parameters"].accessibleDescription().startswith("872 k before")
    assert loaded.menus.actions["undo"].text() == "&Undo: Keep 32 of 64 channels of down.0.conv"


def test_steps_apply_live_and_are_one_undo_step(loaded: MainWindow, qtbot: QtBot) -> None:
    editor = editor_of(loaded, "down.0.conv")
    for expected in (63, 62, 61):
        qtbot.keyClick(editor, Qt.Key.Key_Down)
        assert kept(loaded, "down.0.conv") == expected
    qtbot.keyClick(editor, Qt.Key.Key_Return)

    assert loaded.session.undo_stack.count() == 1
    loaded.menus.actions["undo"].trigger()
    assert kept(loaded, "down.0.conv") == 64
    loaded.menus.actions["redo"].trigger()
    assert kept(loaded, "down.0.conv") == 61


def test_escape_takes_back_what_the_editor_did(loaded: MainWindow, qtbot: QtBot) -> None:
    editor = editor_of(loaded, "down.0.conv")
    qtbot.keyClick(editor, Qt.Key.Key_Down)
    assert kept(loaded, "down.0.conv") == 63
    qtbot.keyClick(editor, Qt.Key.Key_Escape)

    assert kept(loaded, "down.0.conv") == 64
    assert loaded.session.undo_stack.count() == 0
    qtbot.waitUntil(lambda: loaded.panels.groups.tree.findChildren(CountEditor) == [])


def test_typed_text_is_not_applied_before_enter_and_escape_drops_it(loaded: MainWindow, qtbot: QtBot) -> None:
    editor = editor_of(loaded, "down.0.conv")
    editor.selectAll()
    qtbot.keyClicks(editor, "5")
    assert kept(loaded, "down.0.conv") == 64
    qtbot.keyClick(editor, Qt.Key.Key_Escape)

    assert kept(loaded, "down.0.conv") == 64
    assert loaded.session.undo_stack.count() == 0


def test_a_click_on_a_box_selects_its_group_everywhere(loaded: MainWindow, qtbot: QtBot) -> None:
    spot = next(box for box in demo().view.boxes if box.name == "stages.1.0.conv1")
    point = loaded.panels.graph.mapFromScene(QPointF(spot.x, spot.y))
    qtbot.mouseClick(loaded.panels.graph.viewport(), Qt.MouseButton.LeftButton, pos=point)

    assert loaded.session.selected == "stages.1.0.conv1"
    assert loaded.panels.groups.tree.currentIndex().siblingAtColumn(0).data() == "stages.1.0.conv1"
    assert "stages.1.0.conv2" in loaded.panels.inspector.toPlainText()  # reads what the group writes


def test_a_row_selects_the_box_and_a_lock_says_why(loaded: MainWindow) -> None:
    loaded.panels.groups.tree.setCurrentIndex(loaded.panels.groups.model.index_of("classifier"))

    assert loaded.session.selected == "classifier"
    assert "Must stay whole" in loaded.panels.inspector.toPlainText()
    assert not loaded.menus.actions["edit_count"].isEnabled()
    assert "output of the model" in loaded.menus.actions["edit_count"].toolTip()
    number = next(i for i, layer in enumerate(demo().graph.layers) if layer.name == "classifier")
    assert "Must stay whole" in loaded.panels.graph.describe(number)


def test_the_slider_cuts_every_group_in_one_undo_step(loaded: MainWindow) -> None:
    slider = loaded.ratio.slider
    slider.sliderPressed.emit()
    for percent in (10, 20, 50):
        slider.setValue(percent)
    slider.sliderReleased.emit()

    assert kept(loaded, "stem.conv") == 16
    assert kept(loaded, "classifier") == 10
    assert loaded.session.undo_stack.count() == 1
    loaded.session.undo_stack.undo()
    assert (slider.value(), loaded.ratio.box.value()) == (0, 0)


def test_find_narrows_the_tree(loaded: MainWindow, qtbot: QtBot) -> None:
    loaded.menus.actions["find"].trigger()
    qtbot.keyClicks(loaded.panels.groups.search, "classifier locked")

    assert len(loaded.panels.groups.shown_rows()) == 1


def test_a_failure_is_a_card_and_the_document_stays(
    loaded: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    loaded.document_actions.open_source("/models/notes.txt")
    transport.fail(
        "notes.txt is not a model.", why="It is text.", hint="Choose another file.", details="Trace"
    )

    card = loaded.card
    assert card.isVisible()
    assert card.what.text() == "notes.txt is not a model."
    assert not card.details.isVisible()
    qtbot.mouseClick(card.show_details, Qt.MouseButton.LeftButton)
    assert card.details.isVisible()
    qtbot.mouseClick(card.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text().endswith("Trace")
    assert loaded.windowTitle().startswith("demo.pt")
    loaded.menus.actions["dismiss"].trigger()
    assert not card.isVisible()


def test_a_save_shows_size_and_proof(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    dialogs.path = "/tmp/no-such-folder/small"
    loaded.session.set_ratio(0.5)
    loaded.menus.actions["save"].trigger()
    transport.save(1_000_000)

    assert dialogs.asked[-1].endswith("demo-slim.pt")
    assert transport.requests[-1].path == "/tmp/no-such-folder/small.pt"
    assert loaded.card.what.text() == "Saved 1.00 MB (29 % of the original)."
    assert (
        "Proven: largest difference 3e-7 of the output's scale, on the whole model" in loaded.card.why.text()
    )
    assert not loaded.isWindowModified()


def test_a_save_says_what_the_file_needs(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    dialogs.path = "/tmp/no-such-folder/small.onnx"
    loaded.session.set_ratio(0.5)
    loaded.menus.actions["save"].trigger()
    transport.answer(
        wire.Saved,
        path=dialogs.path,
        bytes=7,
        proof=wire.ProofRow(True, 3e-7, "numeric"),
        needs="onnxruntime runs it.",
    )

    assert loaded.card.hint.text() == "/tmp/no-such-folder/small.onnx\nonnxruntime runs it."


@pytest.mark.parametrize(("answer", "path"), [("Yes", "small.onnx"), ("No", "")])
def test_a_name_that_gets_its_suffix_late_is_asked_about(
    answer: str, path: str, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small.onnx").touch()
    chosen = str(tmp_path / "small.pt"), "ONNX model (*.onnx)"
    asked: list[str] = []

    def question(parent: QWidget, title: str, text: str) -> QMessageBox.StandardButton:
        asked.append(text)
        return QMessageBox.StandardButton[answer]

    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: chosen)
    monkeypatch.setattr(QMessageBox, "question", question)

    named = Dialogs().save_path(window, "net-slim.pt")

    assert named == (str(tmp_path / path) if path else "")
    assert asked == ["small.onnx already exists. Do you want to replace it?"]


def test_the_shape_of_the_input_can_be_given(
    window: MainWindow, transport: FakeTransport, dialogs: FakeDialogs, qtbot: QtBot
) -> None:
    window.document_actions.open_source("/models/net.pt")
    transport.fail("The shape is not known.", needs="inputs")
    dialogs.shape = "1x3x8x8"
    qtbot.mouseClick(window.card.offer, Qt.MouseButton.LeftButton)

    assert transport.requests[-1] == wire.Open(2, "/models/net.pt", "1x3x8x8")


def test_an_unproven_model_is_saved_after_save_anyway(
    loaded: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    loaded.session.files.save("/tmp/no-such-folder/small.pt")
    row = wire.ProofRow(False, 0.2, "blocks", "The outputs part in stem.", "stem")
    transport.answered.emit(wire.Unproven(transport.requests[-1].task, "/tmp/no-such-folder/small.pt", row))
    said = loaded.card.why.text()
    assert said.startswith("The smaller model does not compute the same: largest difference 2e-1 of")
    assert said.endswith("scale, block by block. The outputs part in stem.")
    qtbot.mouseClick(loaded.card.offer, Qt.MouseButton.LeftButton)

    assert transport.requests[-1].accept_unproven


def test_nothing_is_shown_for_a_short_task_and_cancel_for_a_long_one(
    window: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    window.document_actions.open_source("/models/demo.pt")
    assert not window.strip.isVisible()
    transport.answered.emit(wire.Progress(1, "Following one input through the model", 1, 4))
    qtbot.waitUntil(window.strip.isVisible, timeout=2000)
    assert window.strip.title.text() == "Opening demo.pt"
    assert window.strip.phase.text() == "Following one input through the model"
    assert (window.strip.bar.value(), window.strip.bar.maximum()) == (1, 4)
    assert not window.welcome.open_button.isEnabled()

    qtbot.mouseClick(window.strip.button, Qt.MouseButton.LeftButton)

    assert transport.cancelled == 1
    assert not window.strip.isVisible()
    assert window.card.what.text() == "Cancelled opening demo.pt."
    assert window.welcome.open_button.isEnabled()


def test_a_dropped_file_is_opened(window: MainWindow, transport: FakeTransport, qtbot: QtBot) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile("/models/demo.pt")])
    keys, buttons = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    enter = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, mime, buttons, keys)
    window.dragEnterEvent(enter)
    assert enter.isAccepted()
    window.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, mime, buttons, keys))

    qtbot.waitUntil(lambda: len(transport.requests) == 1)
    assert transport.requests[0].source == "/models/demo.pt"


def test_the_example_and_recent_files_are_one_click_away(
    window: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    qtbot.mouseClick(window.welcome.example_button, Qt.MouseButton.LeftButton)
    assert Path(transport.requests[-1].source).is_file()
    transport.fail("No.")
    window.settings.add_recent("/models/old.pt")
    window.welcome.set_recent(window.settings.recent)
    button = next(b for b in window.welcome.findChildren(QAbstractButton) if "old.pt" in b.text())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    assert transport.requests[-1].source == "/models/old.pt"


@pytest.mark.parametrize(("answer", "closes"), [("cancel", False), ("discard", True)])
def test_closing_asks_about_unsaved_counts(
    loaded: MainWindow, dialogs: FakeDialogs, answer: str, closes: bool
) -> None:
    loaded.session.set_ratio(0.5)
    dialogs.answer = answer

    loaded.close()

    assert dialogs.asked == ["unsaved"]
    assert loaded.isVisible() != closes


def test_save_on_close_closes_once_it_is_saved(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    loaded.session.set_ratio(0.5)
    dialogs.answer, dialogs.path = "save", "/tmp/no-such-folder/small.pt"
    QApplication.sendEvent(loaded, QCloseEvent())
    assert loaded.isVisible()

    transport.save()

    assert not loaded.isVisible()


def test_a_failed_save_does_not_close(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    loaded.session.set_ratio(0.5)
    dialogs.answer, dialogs.path = "save", "/tmp/no-such-folder/small.pt"
    loaded.close()
    transport.fail("The disk is full.")
    loaded.session.files.save("/tmp/no-such-folder/small.pt")
    transport.save()

    assert loaded.isVisible()


def test_opening_another_model_asks_first(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    loaded.session.set_ratio(0.5)
    loaded.document_actions.open_source("/models/other.pt")
    assert len(transport.requests) == 1

    dialogs.answer = "discard"
    loaded.document_actions.open_source("/models/other.pt")
    assert len(transport.requests) == 2


def test_geometry_and_columns_are_remembered(loaded: MainWindow, settings: Settings) -> None:
    loaded.panels.groups.tree.header().resizeSection(Column.STATE, 211)
    loaded.close()

    assert not settings.bytes("window").isEmpty()
    other = QWidget()
    assert other.restoreGeometry(settings.bytes("window"))


def test_every_control_has_an_accessible_name(loaded: MainWindow) -> None:
    loaded.session.open("/models/bad.pt")
    nameless = [
        f"{type(widget).__name__} in {type(widget.parent()).__name__}"
        for widget in loaded.findChildren(QWidget)
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not (widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text()))
        and not (isinstance(widget.parent(), QAbstractSpinBox) or widget.objectName().startswith("qt_"))
    ]

    assert nameless == []


def test_every_action_is_in_a_menu_and_explains_itself(loaded: MainWindow) -> None:
    listed = {one.action.objectName() for one in loaded.comfort_actions.commands()}
    assert {key for _, entries in MENUS for key in keys_of(entries)} & {
        info.key for info in ACTIONS
    } <= listed

    for info in ACTIONS:
        action = loaded.menus.actions[info.key]
        assert info.key in listed  # so it is in the palette, and its letters are tested in test_plans.py
        assert callable(attrgetter(info.handler)(loaded))
        assert action.toolTip()
        assert action.isEnabled() == (not info.why_not(loaded.session))
        if not action.isEnabled():
            assert info.why_not(loaded.session) in action.toolTip()
    shortcuts = [a.shortcut().toString() for a in loaded.menus.actions.values() if not a.shortcut().isEmpty()]
    assert len(shortcuts) == len(set(shortcuts))


def test_the_theme_follows_the_choice(loaded: MainWindow, qapp: QApplication) -> None:
    theme: Theme = loaded.theme
    theme.choose("dark")
    QTest.qWait(1)
    assert is_dark(loaded.panels.graph.palette())
    theme.choose("light")
    QTest.qWait(1)
    assert not is_dark(loaded.panels.graph.palette())


def test_zoom_stays_within_reason(loaded: MainWindow) -> None:
    for _ in range(100):
        loaded.menus.actions["zoom_in"].trigger()
    assert loaded.panels.graph.transform().m11() == pytest.approx(4.0)
    for _ in range(200):
        loaded.menus.actions["zoom_out"].trigger()
    assert loaded.panels.graph.transform().m11() == pytest.approx(0.02)
    loaded.grab()  # the coarsest level paints
    loaded.menus.actions["fit"].trigger()
    assert 0.1 < loaded.panels.graph.transform().m11() <= 1


def test_pointing_at_a_box_lights_it(loaded: MainWindow, qtbot: QtBot) -> None:
    spot = demo().view.boxes[3]
    qtbot.mouseMove(loaded.panels.graph.viewport(), QPoint(1, 1))
    qtbot.mouseMove(loaded.panels.graph.viewport(), loaded.panels.graph.mapFromScene(QPointF(spot.x, spot.y)))

    qtbot.waitUntil(
        lambda: loaded.panels.graph.viewport().cursor().shape() == Qt.CursorShape.PointingHandCursor
    )
    assert loaded.panels.graph.palette().color(QPalette.ColorRole.Window).isValid()


def test_a_model_is_painted_though_a_paint_was_due_while_it_was_shown(
    window: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    painted = PaintSpy()
    window.session.open("/models/demo.pt")
    qtbot.waitUntil(window.strip.isVisible)  # its bar is painted all the time
    window.menuBar().update()
    time.sleep(0.02)  # a paint is due now, and comes before anything that is asked for from here on
    transport.answered.emit(wire.Opened(transport.requests[-1].task, demo()))
    window.panels.graph.viewport().installEventFilter(painted)

    qtbot.waitUntil(lambda: painted.count > 0)


class PaintSpy(QObject):
    """Counts how often a widget is painted."""

    count = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False
