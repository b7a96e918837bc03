"""The tree of groups and its filter, without a view."""

import pytest
from demo import demo
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from slimgui.core.plan import Plan
from slimgui.gui.models.filter import GroupFilter
from slimgui.gui.models.groups import Column, GroupModel, Role
from slimgui.gui.snapshot import Resolver, difference

STRICT = QAbstractItemModelTester.FailureReportingMode.Fatal


class Rig:
    """A filled model that remembers edits."""

    def __init__(self) -> None:
        self.edits: list[tuple[str, int]] = []
        self.resolver = Resolver(demo())
        self.snapshot = self.resolver.snapshot(Plan())
        self.model = GroupModel(lambda group, count: self.edits.append((group, count)))
        self.tester = QAbstractItemModelTester(self.model, STRICT)
        self.model.set_document(self.resolver.document, self.snapshot)

    def show(self, plan: Plan) -> None:
        new = self.resolver.snapshot(plan)
        self.model.set_snapshot(new, difference(self.snapshot, new))
        self.snapshot = new

    def text(self, group: str, column: Column) -> str:
        return self.model.index_of(group).siblingAtColumn(column).data()


@pytest.fixture
def rig(qtbot: QtBot) -> Rig:
    return Rig()


def test_every_layer_hangs_below_its_group(rig: Rig) -> None:
    model = rig.model

    assert model.rowCount() == len(demo().groups)
    for row in range(model.rowCount()):
        top = model.index(row, 0)
        assert model.rowCount(top) > 0
        for child in range(model.rowCount(top)):
            below = model.index(child, 3, top)
            assert model.parent(below) == top
            assert model.rowCount(below) == 0


def test_a_row_shows_what_stays_of_what(rig: Rig) -> None:
    rig.show(Plan().with_count("stages.0.0.conv1", 8))

    assert rig.text("stages.0.0.conv1", Column.KEEP) == "8"
    assert rig.text("stages.0.0.conv1", Column.OF) == "32"
    assert rig.text("stages.0.0.conv1", Column.REMOVED) == "75 %"
    assert rig.text("stages.0.0.conv1", Column.STATE) == "By hand"
    # conv1: 8·32·9, its norm 8·4, conv2: 32·8·9 weights
    assert rig.model.index_of("stages.0.0.conv1").siblingAtColumn(Column.PARAMS).data(Role.SORT) == 4640


def test_only_rows_that_differ_are_told(rig: Rig, qtbot: QtBot) -> None:
    told: list[tuple[int, int, int]] = []
    rig.model.dataChanged.connect(
        lambda a, b: told.append((a.row(), a.column(), b.column())) if not a.parent().isValid() else None
    )

    rig.show(Plan().with_count("down.0.conv", 10))

    row = rig.model.index_of("down.0.conv").row()
    assert told == [(row, 0, Column.STATE), (0, Column.PARAMS, Column.MACS)]


def test_a_typed_count_is_passed_on_and_nonsense_is_not(rig: Rig) -> None:
    cell = rig.model.index_of("down.0.conv").siblingAtColumn(Column.KEEP)

    assert rig.model.setData(cell, "50%")
    assert not rig.model.setData(cell, "nonsense")
    assert rig.edits == [("down.0.conv", 32)]


def test_a_locked_group_cannot_be_edited_and_says_why(rig: Rig) -> None:
    cell = rig.model.index_of("classifier").siblingAtColumn(Column.KEEP)

    assert not cell.flags() & Qt.ItemFlag.ItemIsEditable
    assert not rig.model.setData(cell, 3)
    assert "output of the model" in cell.data(Qt.ItemDataRole.ToolTipRole)


def test_the_filter_finds_groups_by_layer_and_state(rig: Rig) -> None:
    proxy = GroupFilter(rig.model)
    tester = QAbstractItemModelTester(proxy, STRICT)

    proxy.set_words("stages.1.0 conv1")
    assert shown(proxy) == ["down.0.conv", "stages.1.0.conv1"]  # the first holds the layer, the second is it
    proxy.set_words("locked")
    assert shown(proxy) == ["classifier"]
    proxy.set_words("no such layer")
    assert shown(proxy) == []
    proxy.set_words("")
    assert len(shown(proxy)) == rig.model.rowCount()
    assert proxy.rowCount(proxy.index(0, 0)) == rig.model.rowCount(rig.model.index(0, 0))
    del tester


def test_columns_sort_by_number(rig: Rig) -> None:
    proxy = GroupFilter(rig.model)

    proxy.sort(Column.OF, Qt.SortOrder.DescendingOrder)

    sizes = [int(proxy.index(row, Column.OF).data()) for row in range(proxy.rowCount())]
    assert sizes == sorted(sizes, reverse=True)


def shown(proxy: GroupFilter) -> list[str]:
    return [proxy.index(row, 0, QModelIndex()).data(Role.GROUP_ID) for row in range(proxy.rowCount())]
