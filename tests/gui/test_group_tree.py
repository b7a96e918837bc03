"""The tree of groups in the window: several rows at once, the slider, search, copying, columns."""

from pathlib import Path

import pytest
from demo import demo
from fakes import FakeDialogs, FakeTransport
from PySide6.QtCore import QItemSelectionModel, QModelIndex, QRect, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter, QRegion
from PySide6.QtWidgets import QMenu, QStyleOptionViewItem
from pytestqt.qtbot import QtBot

from slimgui.gui.main_window import MainWindow
from slimgui.gui.models.columns import Column, Role
from slimgui.gui.settings import Settings
from slimgui.gui.views.delegates import CountDelegate, CountEditor, room_before
from slimgui.gui.views.group_tree import REST_MS

WIDE = ("down.0.conv", "down.1.conv", "stages.0.0.conv1")  # 64, 128 and 32 channels


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
    return window


def select(window: MainWindow, *groups: str) -> CountEditor:
    """The editor of the last of these rows, opened with F2 while all of them are selected."""
    tree, flags = window.panels.groups.tree, QItemSelectionModel.SelectionFlag
    tree.selectionModel().clear()
    for group in groups:
        index = window.panels.groups.model.index_of(group)
        tree.selectionModel().setCurrentIndex(index, flags.Select | flags.Rows)
    window.menus.actions["edit_count"].trigger()
    return tree.findChildren(CountEditor)[-1]


def kept(window: MainWindow) -> list[int]:
    assert window.session.snapshot
    return [window.session.snapshot.counts[group] for group in WIDE]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("/2", [32, 64, 16]),
        ("25%", [16, 32, 8]),
        ("-8", [56, 120, 24]),
        ("=48", [48, 48, 32]),  # never more than there are
    ],
)
def test_what_is_typed_holds_for_every_selected_row(
    loaded: MainWindow, qtbot: QtBot, typed: str, expected: list[int]
) -> None:
    editor = select(loaded, *reversed(WIDE))
    editor.selectAll()
    qtbot.keyClicks(editor, typed)
    qtbot.keyClick(editor, Qt.Key.Key_Return)

    assert kept(loaded) == expected
    assert loaded.session.undo_stack.count() == 1
    assert loaded.session.undo_stack.undoText() == "Set the counts of 3 groups"
    loaded.session.undo_stack.undo()
    assert kept(loaded) == [64, 128, 32]


def test_a_typed_count_reaches_the_other_rows_even_where_the_edited_one_has_it(
    loaded: MainWindow, qtbot: QtBot
) -> None:
    editor = select(loaded, "down.1.conv", "down.0.conv")
    editor.selectAll()
    qtbot.keyClicks(editor, "64")
    qtbot.keyClick(editor, Qt.Key.Key_Return)

    qtbot.waitUntil(lambda: kept(loaded) == [64, 64, 32])


def test_a_slide_takes_the_same_share_of_every_selected_row_in_one_step(loaded: MainWindow) -> None:
    editor = select(loaded, *reversed(WIDE))
    assert editor.slider.isVisible()
    assert editor.slider.geometry().left() == editor.geometry().right() + 1
    tree = loaded.panels.groups.tree  # half of a covered number would read like another one
    assert editor.slider.geometry().right() + 1 == tree.columnViewportPosition(Column.PARAMS)
    for count in (60, 40, 16):
        editor.slider.setValue(count)

    assert kept(loaded) == [16, 32, 8]
    assert loaded.session.undo_stack.count() == 1


def test_escape_takes_back_the_slide_of_all_rows(loaded: MainWindow, qtbot: QtBot) -> None:
    editor = select(loaded, *reversed(WIDE))
    editor.slider.setValue(16)
    qtbot.keyClick(editor, Qt.Key.Key_Escape)

    assert kept(loaded) == [64, 128, 32]
    assert loaded.session.undo_stack.count() == 0
    assert loaded.session.snapshot.by_hand == frozenset()
    qtbot.waitUntil(lambda: not editor_is_there(loaded))


def editor_is_there(window: MainWindow) -> bool:
    return bool(window.panels.groups.tree.findChildren(CountEditor))


def test_locked_rows_in_a_selection_stay_as_they_are(loaded: MainWindow, qtbot: QtBot) -> None:
    editor = select(loaded, "classifier", "down.0.conv")
    editor.selectAll()
    qtbot.keyClicks(editor, "/2")
    qtbot.keyClick(editor, Qt.Key.Key_Return)

    assert loaded.session.snapshot.counts["classifier"] == 10
    assert kept(loaded) == [32, 128, 32]


def test_a_search_hides_rows_keeps_open_ones_open_and_says_how_many_are_left(
    loaded: MainWindow, qtbot: QtBot
) -> None:
    tree, model = loaded.panels.groups.tree, loaded.panels.groups.model
    tree.expand(model.index_of("stages.1.0.conv1"))
    qtbot.keyClicks(loaded.panels.groups.search, "locked:")
    assert [model.index(row, 0).data() for row in loaded.panels.groups.shown_rows()] == ["classifier"]
    assert loaded.panels.groups.found.text() == f"1 of {len(demo().groups)} groups"
    loaded.panels.groups.search.clear()

    assert len(loaded.panels.groups.shown_rows()) == len(demo().groups)
    assert tree.isExpanded(model.index_of("stages.1.0.conv1"))
    tree.sortByColumn(Column.OF, Qt.SortOrder.DescendingOrder)
    assert tree.isExpanded(model.index_of("stages.1.0.conv1"))


def test_a_group_chosen_elsewhere_is_shown_even_when_a_search_hides_it(loaded: MainWindow) -> None:
    loaded.panels.groups.search.setText("locked:")
    loaded.session.select("down.0.conv")

    index = loaded.panels.groups.model.index_of("down.0.conv")
    assert not loaded.panels.groups.tree.isRowHidden(index.row(), QModelIndex())
    assert loaded.panels.groups.tree.currentIndex().data(Role.GROUP_ID) == "down.0.conv"


def test_rows_are_copied_for_a_spreadsheet(loaded: MainWindow) -> None:
    loaded.session.set_count("down.0.conv", 16)
    select(loaded, "down.0.conv").clearFocus()
    loaded.menus.actions["copy_rows"].trigger()

    head, row = (line.split("\t") for line in QGuiApplication.clipboard().text().splitlines())
    assert head[:4] == ["Group", "Keep", "Of", "Removed"]
    assert row[:4] == ["down.0.conv", "16", "64", "75 %"]


def test_shown_groups_and_columns_are_exported(
    loaded: MainWindow, dialogs: FakeDialogs, tmp_path: Path
) -> None:
    dialogs.path = str(tmp_path / "rows")
    loaded.panels.groups.search.setText("down.")
    loaded.panels.groups.tree.sortByColumn(Column.OF, Qt.SortOrder.DescendingOrder)
    loaded.panels.groups.tree.setColumnHidden(Column.KEEP, True)
    loaded.menus.actions["export_rows"].trigger()

    assert dialogs.asked[-1].endswith("demo-groups.csv")
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    assert lines[0].startswith("Group,Of,Removed,")
    names = [line.split(",")[0] for line in lines[1:]]
    assert names[0] == "down.1.conv"
    assert set(names) >= {"down.0.conv", "down.1.conv"}
    dialogs.path = "/no/such/folder/rows.csv"
    loaded.menus.actions["export_rows"].trigger()
    assert "was not saved" in loaded.card.what.text()


def test_columns_are_hidden_in_a_menu_and_remembered(loaded: MainWindow, settings: Settings) -> None:
    menu, header = QMenu(), loaded.panels.groups.tree.header()
    loaded.tree_actions.fill_columns(menu)
    entries = {action.text(): action for action in menu.actions()}
    entries["Params"].trigger()
    assert header.isSectionHidden(Column.PARAMS)
    loaded.close()
    header.restoreState(settings.bytes("columns"))
    assert header.isSectionHidden(Column.PARAMS)
    entries["&Reset Columns"].trigger()
    assert not header.isSectionHidden(Column.PARAMS)


def test_the_menu_of_a_row_has_what_can_be_done_with_it(loaded: MainWindow) -> None:
    loaded.session.select("classifier")
    menu = loaded.tree_actions.row_menu()
    entries = {action.objectName(): action for action in menu.actions()}

    assert {"edit_count", "plan_lock", "copy_rows", "export_rows"} <= entries.keys()
    assert not entries["edit_count"].isEnabled()
    assert "output of the model" in entries["edit_count"].toolTip()


def test_a_cell_outside_of_the_exposed_part_is_not_drawn(loaded: MainWindow) -> None:
    tree, index = loaded.panels.groups.tree, loaded.panels.groups.model.index(0, Column.GROUP)
    option = QStyleOptionViewItem()
    option.rect, option.palette, option.fontMetrics = QRect(0, 0, 90, 30), tree.palette(), tree.fontMetrics()
    option.widget = tree

    def drawn(exposed: QRect) -> bool:
        tree.exposed = QRegion(exposed)
        blank = QImage(90, 30, QImage.Format.Format_RGB32)
        blank.fill(Qt.GlobalColor.white)
        image = blank.copy()
        painter = QPainter(image)
        loaded.panels.groups.delegate.paint(painter, option, index)
        painter.end()
        return image != blank

    assert drawn(QRect(0, 0, 10, 10))
    assert not drawn(QRect(200, 0, 10, 10))


def test_an_edit_leaves_the_layers_of_other_groups_unpainted(loaded: MainWindow, qtbot: QtBot) -> None:
    tree, model = loaded.panels.groups.tree, loaded.panels.groups.model
    for group in ("stages.0.0.conv1", "stages.0.1.conv1"):
        tree.expand(model.index_of(group))
    painted: list[tuple[str, str]] = []

    class Watched(CountDelegate):
        def paint(self, painter, option, index) -> None:
            painted.append((index.parent().data() or "", index.siblingAtColumn(0).data()))
            super().paint(painter, option, index)

    tree.setItemDelegate(Watched(lambda *_: None, lambda: None, loaded))
    qtbot.waitUntil(lambda: ("stages.0.1.conv1", "stages.0.1.conv2") in painted)
    qtbot.wait(50)  # the window arranges its panels
    painted.clear()
    loaded.session.set_count("stages.0.0.conv1", 16)
    qtbot.waitUntil(lambda: bool(painted))

    assert ("", "stem.conv") in painted  # its parameters are others now
    assert ("stages.0.0.conv1", "stages.0.0.conv2") in painted
    assert "stages.0.1.conv1" not in {above for above, _ in painted}


def test_names_and_titles_can_be_read_at_the_size_of_the_start(loaded: MainWindow, qtbot: QtBot) -> None:
    tree = loaded.panels.groups.tree
    header, metrics = tree.header(), tree.fontMetrics()
    qtbot.waitUntil(lambda: loaded.isVisible() and tree.width() > 500)

    # 12 pixels of margins, 18 of the swatch, 14 of the arrow that opens a group
    assert header.sectionSize(Column.GROUP) - 44 >= metrics.horizontalAdvance("stage1.0.shortcut.0")
    for column in list(Column)[1:]:
        title = loaded.panels.groups.model.headerData(column, Qt.Orientation.Horizontal)
        assert header.sectionSize(column) >= header.fontMetrics().horizontalAdvance(title) + 8, title
    for column, widest in ((Column.KEEP, "2048"), (Column.PARAMS, "88.8 M"), (Column.MACS, "88 %")):
        assert header.sectionSize(column) >= metrics.horizontalAdvance(widest) + 12


def test_the_state_is_drawn_as_icons_and_told_in_words(loaded: MainWindow) -> None:
    model = loaded.panels.groups.model
    loaded.session.set_count("down.0.conv", 16)

    def state(group: str) -> tuple[tuple[str, ...], str, str]:
        index = model.index_of(group).siblingAtColumn(Column.STATE)
        return index.data(Role.CELL).icons, index.data(), index.data(Qt.ItemDataRole.ToolTipRole)

    icons, said, tip = state("down.0.conv")
    assert (icons, said) == (("success", "pencil"), "Exact, by hand")
    assert "by hand" in tip
    assert state("down.1.conv")[0] == ("success",)
    assert state("classifier")[0] == ("lock",)
    loaded.session.select("down.1.conv")
    loaded.menus.actions["plan_lock"].trigger()
    assert state("down.1.conv")[:2] == (("lock", "pencil"), "Locked by you")


def test_the_sizes_of_a_layer_have_the_room_of_the_empty_cells_before_them(loaded: MainWindow) -> None:
    tree, model = loaded.panels.groups.tree, loaded.panels.groups.model
    top = model.index_of("down.0.conv")
    cell = model.index(0, Column.STATE, top).data(Role.CELL)
    before = sum(tree.columnWidth(column) for column in (Column.MACS, Column.IMPORTANCE))

    assert cell.wide
    assert "in " in cell.text or "out " in cell.text
    assert room_before(tree, Column.STATE) == before
    widest = tree.fontMetrics().horizontalAdvance("in 2048, out 2048") + 12
    assert before + tree.columnWidth(Column.STATE) >= widest
    tree.setColumnHidden(Column.IMPORTANCE, True)
    assert room_before(tree, Column.STATE) == tree.columnWidth(Column.MACS)


def test_the_search_box_is_marked_as_one(loaded: MainWindow) -> None:
    marks = [a for a in loaded.panels.groups.search.actions() if a.objectName() == "search"]
    assert len(marks) == 1
    assert not marks[0].icon().isNull()


def test_a_narrow_panel_scrolls_and_keeps_its_names(loaded: MainWindow, qtbot: QtBot) -> None:
    tree, least = loaded.panels.groups.tree, 160
    loaded.resize(940, 700)
    qtbot.waitUntil(lambda: tree.viewport().width() < 500)

    assert tree.columnWidth(Column.GROUP) == least
    assert tree.horizontalScrollBar().maximum() > 0
    assert loaded.panels.graph.width() >= loaded.panels.graph.minimumWidth() > 200
    loaded.resize(1700, 900)
    loaded.panels.reset()
    qtbot.waitUntil(lambda: tree.horizontalScrollBar().maximum() == 0)
    others = sum(tree.columnWidth(column) for column in Column if column != Column.GROUP)
    assert tree.columnWidth(Column.GROUP) == tree.viewport().width() - others > least
    before = tree.columnWidth(Column.GROUP)
    tree.setColumnHidden(Column.PARAMS, True)
    assert tree.columnWidth(Column.GROUP) > before


def shown(window: MainWindow) -> set[str]:
    model = window.panels.groups.model
    return {model.index(row, 0).data() for row in window.panels.groups.shown_rows()}


def test_rows_that_an_edit_makes_fit_or_not_come_and_go_once_it_rests(
    loaded: MainWindow, qtbot: QtBot
) -> None:
    groups, session = loaded.panels.groups, loaded.session
    session.set_counts({"down.0.conv": 16, "down.1.conv": 16})
    groups.search.setText("removed>50%")
    assert shown(loaded) == {"down.0.conv", "down.1.conv"}
    groups.tree.selectionModel().clear()
    session.set_counts({"stem.conv": 8, "down.0.conv": 64})
    assert shown(loaded) == {"down.0.conv", "down.1.conv"}  # nothing moves under the pointer
    qtbot.waitUntil(lambda: shown(loaded) == {"stem.conv", "down.1.conv"})
    assert groups.found.text() == f"2 of {len(demo().groups)} groups"


def test_the_selected_row_stays_until_another_one_is_selected(loaded: MainWindow, qtbot: QtBot) -> None:
    groups, session = loaded.panels.groups, loaded.session
    session.set_counts({"down.0.conv": 16, "down.1.conv": 16})
    groups.search.setText("removed>50%")
    session.select("down.0.conv")
    session.set_count("down.0.conv", 60)
    of = f"1 of {len(demo().groups)} groups"
    qtbot.waitUntil(lambda: groups.found.text() == f"{of}, and the selected one, which fits no more")
    assert shown(loaded) == {"down.0.conv", "down.1.conv"}
    session.select("down.1.conv")
    qtbot.waitUntil(lambda: shown(loaded) == {"down.1.conv"})
    assert groups.found.text() == of


def test_no_row_goes_while_a_count_is_edited(loaded: MainWindow, qtbot: QtBot) -> None:
    session = loaded.session
    session.set_counts({"down.0.conv": 16, "down.1.conv": 16})
    loaded.panels.groups.search.setText("removed>50%")
    editor = select(loaded, "down.0.conv")
    session.set_count("down.1.conv", 120)
    qtbot.wait(2 * REST_MS)
    assert shown(loaded) == {"down.0.conv", "down.1.conv"}
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: shown(loaded) == {"down.0.conv"})
