"""The document: closing, recent files, history, past tasks, layout."""

import pytest
from demo import demo
from fakes import FakeDialogs, FakeTransport
from PySide6.QtCore import QProcess
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from slimgui.core import wire
from slimgui.gui.main_window import MainWindow
from slimgui.gui.settings import Settings


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.session.open("/models/demo.pt")
    transport.open(demo())
    return window


def test_a_closed_model_leaves_the_start_page(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    loaded.session.set_ratio(0.5)
    loaded.menus.actions["close_model"].trigger()
    assert dialogs.asked == ["unsaved"]
    assert loaded.session.document is not None

    dialogs.answer = "discard"
    loaded.menus.actions["close_model"].trigger()
    assert loaded.session.document is None
    assert loaded.pages.currentWidget() is loaded.welcome
    assert loaded.windowTitle() == "SlimGUI"
    assert not any(dock.isVisible() for dock in loaded.panels.docks.values())
    assert not loaded.menus.actions["close_model"].isEnabled()
    assert "Open a model first" in loaded.menus.actions["save"].toolTip()

    loaded.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
    assert loaded.session.snapshot.counts == loaded.session.base.counts
    assert loaded.panels.docks["groups"].isVisible()


def test_a_fresh_engine_does_not_read_a_closed_model(loaded: MainWindow, transport: FakeTransport) -> None:
    loaded.session.close()
    before = len(transport.requests)
    transport.stop()
    transport.answered.emit(wire.Ready(0, "fake"))
    assert len(transport.requests) == before


def test_a_fresh_engine_reads_the_open_model_unasked_and_the_next_task_waits_for_that(
    loaded: MainWindow, transport: FakeTransport
) -> None:
    transport.stop()
    transport.answered.emit(wire.Ready(0, "fake"))
    reading = transport.requests[-1]
    assert isinstance(reading, wire.Open)
    assert loaded.session.task is None

    loaded.session.set_ratio(0.5)
    loaded.session.files.verify()
    assert loaded.session.task.phase == "Reading the model again"
    assert transport.requests[-1] is reading
    transport.answered.emit(wire.Opened(reading.task, demo()))
    asked = transport.requests[-1]
    assert isinstance(asked, wire.Verify)
    assert asked.document == reading.task


def test_an_engine_that_ends_while_it_reads_unasked_does_not_do_so_for_ever(
    loaded: MainWindow, transport: FakeTransport
) -> None:
    transport.stop()
    transport.answered.emit(wire.Ready(0, "fake"))
    before = len(transport.requests)
    transport.stop()
    transport.answered.emit(wire.Ready(0, "fake"))
    assert len(transport.requests) == before
    loaded.session.set_ratio(0.5)
    loaded.session.files.verify()  # whoever asks is told why
    assert isinstance(transport.requests[-1], wire.Open)


def test_another_window_is_a_program_of_its_own(loaded: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr(QProcess, "startDetached", lambda *words: started.append(words))
    loaded.menus.actions["new_window"].trigger()
    assert started[0][1] == ["-m", "slimgui.gui", "--new-window"]


def test_a_pinned_file_stays_in_the_list(loaded: MainWindow, settings: Settings) -> None:
    loaded.menus.actions["pin"].trigger()
    settings.recent_limit = 3
    for number in range(5):
        settings.add_recent(f"/models/{number}.pt")
    assert settings.recent == ["/models/demo.pt", "/models/4.pt", "/models/3.pt"]
    loaded.menus.actions["clear_recent"].trigger()
    assert settings.recent == ["/models/demo.pt"]
    loaded.menus.actions["pin"].trigger()
    loaded.menus.actions["clear_recent"].trigger()
    assert settings.recent == []


def test_plans_are_saved_again_where_they_were_saved(
    loaded: MainWindow, dialogs: FakeDialogs, tmp_path
) -> None:
    loaded.session.set_ratio(0.5)
    dialogs.path = str(tmp_path / "plans.json")
    loaded.menus.actions["plan_save"].trigger()
    loaded.session.set_ratio(0.25)
    dialogs.path = str(tmp_path / "other.json")
    loaded.menus.actions["plan_save"].trigger()
    assert not loaded.isWindowModified()
    assert not (tmp_path / "other.json").exists()
    assert '"ratio": 0.25' in (tmp_path / "plans.json").read_text()
    loaded.menus.actions["plan_save_as"].trigger()
    assert (tmp_path / "other.json").exists()


def test_the_history_goes_to_any_step(loaded: MainWindow) -> None:
    loaded.session.set_ratio(0.5)
    loaded.session.set_count("stem.conv", 9)
    history = loaded.panels.docks["history"].widget()
    assert not loaded.panels.docks["history"].isVisible()  # until somebody asks for it
    loaded.panels.docks["history"].toggleViewAction().trigger()
    assert history.isVisible()  # in front of what it shares its place with
    history.setCurrentIndex(history.model().index(0, 0))
    assert loaded.session.snapshot.counts == loaded.session.base.counts
    history.setCurrentIndex(history.model().index(2, 0))
    assert loaded.session.snapshot.counts["stem.conv"] == 9


def test_past_tasks_say_what_became_of_them_and_can_be_copied(
    loaded: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    loaded.document_actions.open_source("/models/notes.txt")
    transport.fail("notes.txt is not a model.", hint="Choose another file.", details="Trace\nmore")
    loaded.document_actions.open_source("/models/slow.pt")
    loaded.session.cancel()
    tree = loaded.panels.past_tasks.tree
    rows = [[tree.topLevelItem(n).text(column) for column in (0, 3)] for n in range(3)]
    assert rows == [
        ["Opening slow.pt", "cancelled"],
        ["Opening notes.txt", "refused"],
        ["Opening demo.pt", "done"],
    ]
    assert not loaded.panels.past_tasks.copy_button.isEnabled()
    tree.setCurrentItem(tree.topLevelItem(1))
    loaded.panels.past_tasks.copy_button.click()
    copied = QGuiApplication.clipboard().text().split("\n")
    assert copied[0].startswith("Opening notes.txt")
    assert copied[1:] == ["notes.txt is not a model.", "Choose another file.", "Trace", "more"]
    loaded.panels.past_tasks.clear_button.click()
    assert tree.topLevelItemCount() == 0


def test_reset_layout_shows_the_usual_panels_and_forgets_the_rest(
    loaded: MainWindow, settings: Settings
) -> None:
    usual = [name for name, dock in loaded.panels.docks.items() if dock.isVisible()]
    loaded.panels.docks["history"].show()
    loaded.panels.docks["groups"].hide()
    settings.set_bytes("docks", loaded.saveState())
    loaded.menus.actions["reset_layout"].trigger()
    assert [name for name, dock in loaded.panels.docks.items() if dock.isVisible()] == usual
    assert settings.bytes("docks").isEmpty()


def test_a_frozen_engine_is_said_in_a_sentence(loaded: MainWindow, transport: FakeTransport) -> None:
    from slimgui.gui.work.worker import Stopped

    loaded.session.set_ratio(0.5)
    loaded.session.files.verify()
    transport.stopped.emit(Stopped(ready=True, log="it did not answer", killed=True, frozen=True))
    assert loaded.card.what.text() == "The engine did not answer any more while proving Plan 1."


def test_a_proof_without_a_save_is_a_card(loaded: MainWindow, transport: FakeTransport) -> None:
    assert "Nothing has been removed yet" in loaded.menus.actions["verify"].toolTip()
    loaded.session.set_ratio(0.5)
    loaded.menus.actions["verify"].trigger()
    transport.answer(wire.Verified, proof=wire.ProofRow(True, 3e-7, "numeric"))
    assert loaded.card.notice.kind == "success"
    assert "Proven" in loaded.card.why.text()
    assert loaded.isWindowModified()  # nothing was saved

    loaded.menus.actions["verify"].trigger()
    transport.answer(wire.Verified, proof=wire.ProofRow(False, 0.5, "numeric"))
    assert loaded.card.notice.kind == "error"
