"""The model of the tree of groups and its search, without a view."""

from collections.abc import Mapping

import numpy as np
import pytest
from demo import demo
from PySide6.QtCore import QPersistentModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from slimgui.core.plan import Plan
from slimgui.gui.facts.snapshot import Resolver, difference
from slimgui.gui.models import query
from slimgui.gui.models.columns import Column, Role
from slimgui.gui.models.groups import GroupModel

STRICT = QAbstractItemModelTester.FailureReportingMode.Fatal


class Rig:
    """A filled model that remembers edits."""

    def __init__(self) -> None:
        self.edits: list[Mapping[str, int]] = []
        self.resolver = Resolver(demo())
        self.snapshot = self.resolver.snapshot(Plan())
        self.model = GroupModel(self.edits.append)
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
    assert rig.text("stages.0.0.conv1", Column.STATE) == "Exact, by hand"
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
    assert rig.edits == [{"down.0.conv": 32}]


def test_a_locked_group_cannot_be_edited_and_says_why(rig: Rig) -> None:
    cell = rig.model.index_of("classifier").siblingAtColumn(Column.KEEP)

    assert not cell.flags() & Qt.ItemFlag.ItemIsEditable
    assert not rig.model.setData(cell, 3)
    assert "output of the model" in cell.data(Qt.ItemDataRole.ToolTipRole)


def found(rig: Rig, typed: str) -> list[str]:
    cells = rig.model.cells
    assert cells
    return [cells.rows[number].id for number in sorted(query.matching(cells, query.parse(typed)))]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (
            "stages.1.0 conv1",
            ["down.0.conv", "stages.1.0.conv1"],
        ),  # the first holds the layer, the second is it
        ("locked", ["classifier"]),
        ("locked:", ["classifier"]),
        ("approx:", ["stem.conv"]),
        ("exact: down", ["down.0.conv", "down.1.conv"]),  # exact stages.x.x.conv1 hold no layer named down
        ("cut:", ["stages.0.0.conv1", "down.0.conv"]),
        ("hand:", ["stages.0.0.conv1", "down.0.conv"]),
        ("removed>30%", ["stages.0.0.conv1"]),  # 24 of 32
        ("removed>0.3", ["stages.0.0.conv1"]),
        ("removed > 30 %", ["stages.0.0.conv1"]),
        ("Removed>30,5%", ["stages.0.0.conv1"]),
        ("removed>=16", ["stages.0.0.conv1", "down.0.conv"]),  # 24 and 16
        ("keep<=10", ["stages.0.0.conv1", "classifier"]),
        ("of>100 down", ["down.1.conv"]),
        ("keep", []),
        ("no such layer", []),
    ],
)
def test_the_search_understands_words_kinds_and_numbers(rig: Rig, typed: str, expected: list[str]) -> None:
    rig.show(Plan().with_count("stages.0.0.conv1", 8).with_count("down.0.conv", 48))

    assert found(rig, typed) == expected


def test_a_comparison_without_its_number_asks_for_nothing_yet(rig: Rig) -> None:
    everything = [row.id for row in demo().groups]

    assert found(rig, "") == found(rig, "macs>") == found(rig, "removed<=") == everything


def test_amounts_may_have_units_or_be_shares(rig: Rig) -> None:
    params = rig.snapshot.params

    assert found(rig, "params>100k") == [row.id for row in demo().groups if params[row.id] > 100_000]
    assert found(rig, "params>1e5") == found(rig, "params>0.1m") == found(rig, "params>100k") != []
    macs, whole = rig.snapshot.macs, rig.snapshot.cost.macs
    assert found(rig, "macs>10%") == [row.id for row in demo().groups if macs[row.id] > whole / 10]


def test_columns_sort_by_number_and_layers_stay_below_their_group(rig: Rig) -> None:
    held = QPersistentModelIndex(rig.model.index_of("stem.conv"))
    below = QPersistentModelIndex(rig.model.index(2, 0, rig.model.index_of("stem.conv")))
    layer = below.data()

    rig.model.sort(Column.OF, Qt.SortOrder.DescendingOrder)

    sizes = [int(rig.model.index(row, Column.OF).data()) for row in range(rig.model.rowCount())]
    assert sizes == sorted(sizes, reverse=True)
    assert held.data(Role.GROUP_ID) == "stem.conv"
    assert (below.data(), below.parent()) == (layer, rig.model.index_of("stem.conv"))
    rig.model.sort(Column.GROUP)
    assert [rig.model.index(row, 0).data() for row in range(2)] == ["stem.conv", "stages.0.0.conv1"]


@pytest.mark.parametrize("column", list(Column))
def test_every_column_sorts_both_ways(rig: Rig, column: Column) -> None:
    rig.show(Plan(ratio=0.3).with_count("down.0.conv", 10))
    for order in Qt.SortOrder:
        rig.model.sort(column, order)
        keys = [rig.model.index(row, column).data(Role.SORT) for row in range(rig.model.rowCount())]
        assert keys == sorted(keys, reverse=order == Qt.SortOrder.DescendingOrder)


def test_layers_show_what_goes_in_and_what_comes_out(rig: Rig) -> None:
    rig.show(Plan().with_count("stages.0.0.conv1", 8))
    top = rig.model.index_of("stages.0.0.conv1")
    rows = {
        rig.model.index(row, 0, top).data(): [rig.model.index(row, c, top).data() for c in (1, 2, 7)]
        for row in range(rig.model.rowCount(top))
    }

    assert rows == {
        "stages.0.0.conv1": ["8", "32", "in 32, out 8"],
        "stages.0.0.norm1": ["8", "32", "out 8"],
        "stages.0.0.conv2": ["8", "32", "in 8, out 32"],
    }


def test_importance_is_a_falling_curve_and_says_what_is_kept(rig: Rig) -> None:
    rig.show(Plan().with_count("down.0.conv", 16))
    cell = rig.model.index_of("down.0.conv").siblingAtColumn(Column.IMPORTANCE)
    assert (cell.data(), cell.data(Role.CELL).curve) == ("", ())
    assert "Nobody has judged" in cell.data(Qt.ItemDataRole.ToolTipRole)
    # 16 channels of importance 3 and 48 of importance 1: 48 of 96
    rig.model.set_scores({"down.0.conv": np.array([1.0, 3.0, 1.0, 1.0] * 16)})

    curve = cell.data(Role.CELL).curve
    assert cell.data() == "50 %"
    assert (curve[0], curve[-1], list(curve)) == (1.0, pytest.approx(1 / 3), sorted(curve, reverse=True))
    rig.show(Plan().with_indices("down.0.conv", (0, 1, 2)))  # 1 + 3 + 1 of 96, whatever is larger
    assert (cell.data(), cell.data(Role.CELL).share) == ("5.2 %", 0.0)  # they are not the left part
    rig.model.set_scores(None)
    assert cell.data() == ""
