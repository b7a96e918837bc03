"""Palette, list of keys, preferences, panes, diagnostics: what makes the window comfortable."""

import os
import sys
from pathlib import Path

import pytest
from demo import demo
from fakes import FakeDialogs, FakeTransport
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QApplication, QDialog, QTabBar, QWidget
from pytestqt.qtbot import QtBot

import slimgui
from slimgui.core import wire
from slimgui.core.caches import FOLDER, cache_folder
from slimgui.core.plan import Plan
from slimgui.gui.actions.listing import fit
from slimgui.gui.facts.notice import Notice
from slimgui.gui.main_window import MainWindow
from slimgui.gui.settings import Settings
from slimgui.gui.views.allowed import AllowedCode
from slimgui.gui.views.palette import Palette
from slimgui.gui.views.preferences import Preferences
from slimgui.gui.views.shortcuts import Shortcuts
from slimgui.gui.work.tasks import Ended


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.session.open("/models/demo.pt")
    transport.open(demo())
    return window


def dialog(window: MainWindow, kind: type[QDialog], key: str) -> QDialog:
    """The dialog that an action opens."""
    window.menus.actions[key].trigger()
    return next(found for found in window.findChildren(kind) if found.isVisible())


def nameless(parent: QWidget) -> list[str]:
    """Controls that a screen reader could not name."""
    return [
        type(widget).__name__
        for widget in parent.findChildren(QWidget)
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not (widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text()))
        and not (isinstance(widget.parent(), QAbstractSpinBox) or widget.objectName().startswith("qt_"))
    ]


@pytest.mark.parametrize(
    ("typed", "better", "worse"),
    [
        ("cp", "Copy as Python", "Recover Accuracy"),  # first letters of words
        ("save", "Save Plans", "Slab driver"),  # letters in a row
        ("sp", "Save Plans", "Snap"),
    ],
)
def test_what_begins_words_or_stands_together_fits_better(typed: str, better: str, worse: str) -> None:
    assert fit(typed, better) > fit(typed, worse)


def test_letters_that_are_not_there_or_in_another_order_do_not_fit() -> None:
    assert fit("xyz", "Save Plans") == 0
    assert fit("vas", "Save") == 0
    assert fit("", "Save") > 0


def test_the_palette_runs_what_a_few_letters_name(loaded: MainWindow, qtbot: QtBot) -> None:
    palette = dialog(loaded, Palette, "palette")
    qtbot.keyClicks(palette.box, "maxim")
    assert palette.list.currentItem().text(0) == "Maximum"
    assert palette.list.currentItem().text(1) == "Every group is whole"  # why it cannot be used
    qtbot.keyClick(palette.box, Qt.Key.Key_Return)
    assert palette.isVisible()  # nothing happens

    palette.box.setText("minimum")
    qtbot.keyClick(palette.box, Qt.Key.Key_Return)
    assert not palette.isVisible()
    assert loaded.session.undo_stack.undoText() == "Minimum"


def test_arrows_walk_the_palette_and_it_shows_keys_and_places(loaded: MainWindow, qtbot: QtBot) -> None:
    palette = dialog(loaded, Palette, "palette")
    palette.box.setText("zoom")
    first = palette.list.currentItem().text(0)
    qtbot.keyClick(palette.box, Qt.Key.Key_Down)
    second = palette.list.currentItem()
    assert {first, second.text(0)} == {"Zoom In", "Zoom Out"}
    assert second.text(1) == "View › Zoom and Detail"
    assert second.text(2).startswith("Ctrl+")
    palette.close()


def test_the_palette_holds_what_menus_fill_in_late(loaded: MainWindow) -> None:
    titles = [one.title for one in loaded.comfort_actions.commands()]
    for title in ("Plan 1", "demo.pt", "Dark", "Groups"):  # a plan, a recent file, a theme, a panel
        assert title in titles


def test_the_list_of_keys_has_every_shortcut(loaded: MainWindow, qtbot: QtBot) -> None:
    shown = dialog(loaded, Shortcuts, "shortcuts")
    rows = [shown.table.topLevelItem(n) for n in range(shown.table.topLevelItemCount())]
    keys = {action.shortcut().toString() for action in loaded.menus.actions.values()} - {""}
    assert keys <= {row.text(1) for row in rows}
    qtbot.keyClicks(shown.box, "undo")
    assert [row.text(0) for row in rows if not row.isHidden()] == ["Undo"]
    shown.close()


def test_preferences_count_at_once(loaded: MainWindow, settings: Settings, transport: FakeTransport) -> None:
    shown = dialog(loaded, Preferences, "preferences")
    shown.theme.setCurrentIndex(shown.theme.findData("dark"))
    assert loaded.theme.choice == "dark"
    shown.importance.setCurrentIndex(shown.importance.findData("lamp"))
    shown.round_to.setValue(8)
    shown.recent.setValue(1)
    loaded.session.open("/models/other.pt")
    transport.open(demo(source="/models/other.pt"))

    assert loaded.session.plans.plan == Plan(importance="lamp", round_to=8)
    assert not loaded.session.modified
    assert settings.recent == ["/models/other.pt"]
    loaded.session.set_ratio(0.5)
    loaded.menus.actions["reset_all"].trigger()
    assert loaded.session.plans.plan == Plan(importance="lamp", round_to=8)
    shown.theme.setCurrentIndex(shown.theme.findData("light"))
    shown.close()


def test_the_cache_goes_where_the_user_wants_it(
    loaded: MainWindow, transport: FakeTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    transport.answered.emit(wire.Ready(0, "2.13.0"))
    shown = dialog(loaded, Preferences, "preferences")
    shown.cache.setText(str(tmp_path))
    shown.cache.editingFinished.emit()
    assert cache_folder("latency") == tmp_path / "latency"
    assert transport.cancelled == 1  # an engine that knows nothing of it is replaced
    shown.cache.setText("")
    shown.cache.editingFinished.emit()
    assert FOLDER not in os.environ
    shown.close()


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (Palette, "palette"),
        (Shortcuts, "shortcuts"),
        (Preferences, "preferences"),
        (AllowedCode, "allowed_code"),
    ],
)
def test_every_control_of_the_dialogs_has_an_accessible_name(
    loaded: MainWindow, kind: type[QDialog], key: str
) -> None:
    shown = dialog(loaded, kind, key)
    assert nameless(shown) == []
    shown.close()


def test_damaged_settings_count_as_missing(tmp_path: Path) -> None:
    store = QSettings(str(tmp_path / "odd.ini"), QSettings.Format.IniFormat)
    for key, value in (("recent_limit", "many"), ("round_to", "-3"), ("importance", "taylor")):
        store.setValue(key, value)
    odd = Settings(store)
    assert (odd.recent_limit, odd.round_to, odd.importance) == (10, 1, Plan().importance)


def test_diagnostics_name_versions_and_the_log_and_not_the_model(
    loaded: MainWindow, transport: FakeTransport, settings: Settings
) -> None:
    transport.answered.emit(wire.Ready(0, "2.13.0+cpu"))
    loaded.menus.actions["diagnostics"].trigger()
    found = QGuiApplication.clipboard().text()
    assert f"SlimGUI: {slimgui.__version__}" in found
    assert "PyTorch: 2.13.0+cpu" in found
    assert f"Python: {sys.version.split()[0]}" in found
    assert f"Log: {settings.data_folder / 'slimgui.log'}" in found
    assert "demo" not in found


def test_about_names_the_versions(loaded: MainWindow, dialogs: FakeDialogs) -> None:
    loaded.menus.actions["about"].trigger()
    assert dialogs.asked == ["SlimGUI", "PyTorch", "Qt", "Python"]


def test_f6_goes_round_all_panes_and_back(loaded: MainWindow, qtbot: QtBot) -> None:
    loaded.panels.groups.tree.setFocus()
    start = QApplication.focusWidget()
    assert start is loaded.panels.groups.tree
    seen = []
    for _ in range(12):
        loaded.menus.actions["next_pane"].trigger()
        pane = next(
            (
                name
                for name, dock in loaded.panels.docks.items()
                if dock.isAncestorOf(QApplication.focusWidget())
            ),
            "graph" if loaded.pages.isAncestorOf(QApplication.focusWidget()) else "other",
        )
        seen.append(pane)
        if pane == "groups":
            break
    assert {"graph", "details", "groups", "other"} <= set(seen)
    loaded.menus.actions["next_pane"].trigger()
    loaded.menus.actions["previous_pane"].trigger()
    assert loaded.panels.docks["groups"].isAncestorOf(QApplication.focusWidget())


def test_a_long_task_pushes_no_panel(loaded: MainWindow) -> None:
    before = loaded.centralWidget().minimumSizeHint().width()
    loaded.strip.title.setText("Searching " + "very " * 60 + "long")
    loaded.strip.show()
    loaded.session.noticed.emit(Notice("note", "x" * 300, "/a/very/long/path" * 20))

    assert loaded.centralWidget().minimumSizeHint().width() <= max(before, 460)


def test_past_tasks_begin_at_the_edge_until_one_has_details(loaded: MainWindow) -> None:
    tasks = loaded.panels.past_tasks
    tasks.clear()
    tasks.add(Ended("opening a.pt", 0.0, 1.0, "done", ""))
    assert not tasks.tree.rootIsDecorated()
    tasks.add(Ended("opening b.pt", 0.0, 1.0, "failed", "A line."))
    assert tasks.tree.rootIsDecorated()


def test_tab_stays_on_what_is_seen_before_and_after_a_model_is_open(
    window: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    def walked() -> set[QTabBar]:
        seen: set[QWidget | None] = set()
        for _ in range(60):
            qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
            seen.add(QApplication.focusWidget())
        return {each for each in seen if isinstance(each, QTabBar)}

    window.activateWindow()
    window.welcome.open_button.setFocus()
    assert walked() == set()
    window.session.open("/models/demo.pt")
    transport.open(demo())
    assert len(walked()) == 1  # of the panels on the right: the others have one panel each
