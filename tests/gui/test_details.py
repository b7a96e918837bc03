"""The panel of the selected group: judged beside the tasks, a line to drag, channels to tick."""

from array import array

import numpy as np
import pytest
from demo import demo
from fakes import FakeDialogs, FakeTransport
from PySide6.QtCore import QItemSelectionModel, QPoint, QPointF, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from slimgui.core import wire
from slimgui.core.plan import Plan
from slimgui.gui.main_window import MainWindow
from slimgui.gui.models.channels import ChannelModel, Column
from slimgui.gui.session import Session
from slimgui.gui.views.curve import Curve
from slimgui.gui.work.judging import Places

STRICT = QAbstractItemModelTester.FailureReportingMode.Fatal
GROUP = "down.0.conv"  # 64 channels


def scores() -> dict[str, np.ndarray]:
    """Of every group: the higher a channel's number, the more important it is."""
    return {row.id: np.arange(1.0, row.size + 1) for row in demo().groups}


def answer_aside(transport: FakeTransport, group: str = GROUP) -> None:
    """Answer every question that was asked beside the tasks."""
    for request in transport.requests:
        if isinstance(request, wire.Rank) and request.task >= 1 << 32:
            packed = {name: own.tobytes() for name, own in scores().items()}
            transport.answered.emit(wire.Ranked(request.task, request.importance, packed))
        elif isinstance(request, wire.Locate):
            rows = np.arange(128, dtype="int32")  # two indices for each channel
            members = ((f"{group}.weight", 0, 0), ("next.weight", 1, 1))
            tables = (rows[:64].tobytes(), rows.tobytes())
            transport.answered.emit(wire.Located(request.task, request.group, members, tables))


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport, qtbot: QtBot) -> MainWindow:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
    window.session.select(GROUP)
    qtbot.waitUntil(lambda: any(isinstance(request, wire.Locate) for request in transport.requests))
    return window


@pytest.fixture
def judged(loaded: MainWindow, transport: FakeTransport) -> MainWindow:
    answer_aside(transport)
    return loaded


def kept(window: MainWindow) -> int:
    assert window.session.snapshot
    return window.session.snapshot.counts[GROUP]


def test_scores_are_asked_for_once_and_nothing_waits_for_them(
    loaded: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    assert loaded.session.task is None
    assert loaded.panels.details.curve.accessibleDescription() == "Judging…"
    loaded.session.set_count(GROUP, 32)  # an edit need not wait
    loaded.session.files.save("/tmp/no-such-folder/small.pt")  # nor a task
    answer_aside(transport)
    assert loaded.session.task is not None
    transport.save()
    loaded.session.select("stem.conv")
    qtbot.waitUntil(lambda: sum(isinstance(one, wire.Locate) for one in transport.requests) == 2)

    assert sum(isinstance(request, wire.Rank) for request in transport.requests) == 1
    # 33 + … + 64 of 1 + … + 64: 1552 of 2080
    loaded.session.select(GROUP)
    assert loaded.panels.details.curve.accessibleDescription() == "32 of 64 stay, with 75 % of the importance"
    row = loaded.panels.groups.model.index_of(GROUP)
    assert row.siblingAtColumn(6).data() == "75 %"


def test_a_question_that_is_refused_is_told_where_the_answer_would_be(
    loaded: MainWindow, transport: FakeTransport
) -> None:
    rank = next(request for request in transport.requests if isinstance(request, wire.Rank))
    transport.answered.emit(wire.Failed(rank.task, "There is not enough memory."))

    assert loaded.panels.details.curve.accessibleDescription() == "There is not enough memory."
    assert not loaded.card.isVisible()


def test_an_engine_that_ended_is_asked_again_once_it_holds_the_model(
    loaded: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    transport.stop()
    loaded.session.meet("macs=50%")
    transport.open(demo())
    before = len(transport.requests)
    loaded.session.select("stem.conv")
    qtbot.waitUntil(lambda: len(transport.requests) == before + 2)

    assert {type(request) for request in transport.requests[before:]} == {wire.Rank, wire.Locate}


def test_a_criterion_that_looks_at_data_says_so(loaded: MainWindow) -> None:
    loaded.session.resolver.take_scores(wire.Ranked(0, "taylor", {}), None)
    del loaded.session.resolver.scores["taylor"]

    assert "taylor" not in loaded.panels.details.curve.accessibleDescription()
    loaded.session._plans = loaded.session.plans.with_plan(Plan(importance="taylor"))
    loaded.panels.details.refresh()
    assert "choose samples" in loaded.panels.details.curve.accessibleDescription()


def test_dragging_the_line_sets_the_count_in_one_step(judged: MainWindow, qtbot: QtBot) -> None:
    curve = judged.panels.details.curve
    curve.resize(280, 130)
    area = curve._area()

    def at(share: float) -> QPoint:
        return QPointF(area.left() + share * area.width(), area.center().y()).toPoint()

    qtbot.mousePress(curve, Qt.MouseButton.LeftButton, pos=at(0.75))
    assert kept(judged) == 48
    qtbot.mouseMove(curve, at(0.6))
    qtbot.mouseMove(curve, at(0.5))
    qtbot.mouseRelease(curve, Qt.MouseButton.LeftButton, pos=at(0.5))

    assert (kept(judged), curve.count) == (32, 32)
    assert judged.session.undo_stack.count() == 1
    qtbot.keyClick(curve, Qt.Key.Key_Left)
    qtbot.keyClick(curve, Qt.Key.Key_PageDown)  # a tenth of 64
    assert kept(judged) == 25
    qtbot.keyClick(curve, Qt.Key.Key_Home)
    assert kept(judged) == 1
    assert not curve.grab().isNull()


def test_a_locked_group_has_no_line_to_drag(judged: MainWindow, qtbot: QtBot) -> None:
    judged.session.select("classifier")
    qtbot.mousePress(judged.panels.details.curve, Qt.MouseButton.LeftButton, pos=QPoint(30, 60))

    assert judged.session.undo_stack.count() == 0
    assert "It must stay whole" in judged.panels.details.curve.toolTip()
    assert not judged.panels.details.keep.isEnabled()


def test_ticks_choose_channels_and_importance_can_choose_again(judged: MainWindow, qtbot: QtBot) -> None:
    judged.session.set_count(GROUP, 62)
    table, model = judged.panels.details.table, judged.panels.details.channels
    checked = Qt.CheckState.Checked.value
    assert model.index(0, 0).data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Unchecked
    assert model.setData(model.index(0, 0), checked, Qt.ItemDataRole.CheckStateRole)

    assert judged.session.plans.plan.indices == ((GROUP, (0, *range(2, 64))),)
    assert judged.session.undo_stack.undoText() == f"Choose 63 channels of {GROUP}"
    flags = QItemSelectionModel.SelectionFlag
    for row in (5, 6):
        table.selectionModel().select(model.index(row, 0), flags.Select | flags.Rows)
    press(judged.panels.details.remove, qtbot)
    assert kept(judged) == 61
    assert not {1, 5, 6} & set(dict(judged.session.plans.plan.indices)[GROUP])
    press(judged.panels.details.automatic, qtbot)
    assert judged.session.plans.plan == Plan().with_count(GROUP, 61)
    assert list(judged.session.judging.kept(GROUP)) == list(range(3, 64))


def press(button: QPushButton, qtbot: QtBot) -> None:
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_last_channel_cannot_be_taken_away(judged: MainWindow) -> None:
    judged.session.set_count(GROUP, 1)
    judged.panels.details.channels.tick([63], stays=False)

    assert kept(judged) == 1
    assert judged.card.what.text() == "Every group keeps at least one channel."


def test_every_channel_says_what_it_is_made_of(judged: MainWindow) -> None:
    cell = judged.panels.details.channels.index(5, Column.PLACES)

    assert cell.data() == "conv[5] +1"
    said = f"Channel 5 stays.\n{GROUP}.weight[5]\nnext.weight[:, 10-11]"
    assert cell.data(Qt.ItemDataRole.ToolTipRole) == said


def test_a_channel_is_named_by_the_end_of_its_layer_that_says_something() -> None:
    def shortly(*members: str) -> str:
        indices = array("i", range(8))  # four channels of two indices each
        return Places(tuple((name, dim, 2, indices) for dim, name in enumerate(members))).shortly(1)

    assert shortly("stages.3.conv1.weight") == "conv1[2-3]"
    assert shortly("layer1.0.downsample.0.weight", "layer1.0.downsample.1.bias") == "downsample.0[2-3] +1"
    assert shortly("0.weight") == "0[2-3]"
    assert shortly("table") == "table[2-3]"
    assert shortly() == ""


def test_a_channel_has_no_box_until_it_is_known_whether_it_stays(qtbot: QtBot) -> None:
    picked: list[list[int]] = []
    model = ChannelModel(lambda channels: picked.append(list(channels)))
    model.set_group(2, is_free=True)
    cell = model.index(0, Column.CHANNEL)

    assert cell.data(Qt.ItemDataRole.CheckStateRole) is None
    assert not cell.flags() & Qt.ItemFlag.ItemIsUserCheckable
    assert "not known yet" in cell.data(Qt.ItemDataRole.ToolTipRole)
    model.tick([0], stays=True)
    assert picked == []
    model.set_kept([1])
    assert cell.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Unchecked


def test_channels_sort_by_importance_and_the_model_keeps_its_promises(qtbot: QtBot) -> None:
    picked: list[list[int]] = []
    model = ChannelModel(lambda channels: picked.append(list(channels)))
    tester = QAbstractItemModelTester(model, STRICT)
    model.set_group(4, is_free=True)
    model.set_kept([0, 2])
    model.set_scores([0.5, 2.0, 1.0, 0.5])
    model.sort(Column.SCORE, Qt.SortOrder.DescendingOrder)

    assert [model.channel(row) for row in range(4)] == [1, 2, 0, 3]
    assert [model.index(row, 1).data() for row in range(4)] == ["2.000", "1.000", "0.500", "0.500"]
    model.tick([3], stays=True)
    model.tick([0, 2], stays=False)
    assert picked == [[0, 2, 3], []]
    model.set_group(2, is_free=False)
    model.tick([0], stays=True)
    assert len(picked) == 2
    del tester


def test_a_pick_is_a_plan_that_undo_takes_back(opened: Session) -> None:
    opened.pick(GROUP, [3, 1, 2])
    assert opened.snapshot.counts[GROUP] == 3
    assert opened.judging.kept(GROUP) == (1, 2, 3)
    assert opened.judging.kept("stem.conv") == range(32)
    opened.set_count(GROUP, 2)
    assert opened.judging.kept(GROUP) is None  # only scores could say
    opened.undo_stack.undo()
    opened.undo_stack.undo()
    assert opened.plans.plan == Plan()


def test_a_curve_without_scores_says_why(qtbot: QtBot) -> None:
    curve = Curve()
    qtbot.addWidget(curve)
    curve.set_message("Judging…")
    curve.set_kept([1])

    assert (curve.accessibleDescription(), curve.count) == ("Judging…", 0)
    assert not curve.grab().isNull()


def test_channels_that_stay_are_typed_as_ranges(judged: MainWindow, dialogs: FakeDialogs) -> None:
    action, session = judged.menus.actions["pick_channels"], judged.session
    session.set_count(GROUP, 3)
    action.trigger()  # the user changed their mind
    assert dialogs.asked[-1] == "61-63"  # the most important ones
    assert "0 to 63" in dialogs.labels[-1]
    dialogs.typed = "0-7, 12"
    action.trigger()
    assert session.plans.plan.indices == ((GROUP, (*range(8), 12)),)
    assert kept(judged) == 9
    action.trigger()
    assert dialogs.asked[-1] == "0-7,12"
    for wrong, said in (("a few", "no list of channels"), ("0-64", GROUP)):
        dialogs.typed = wrong
        action.trigger()
        assert said in judged.card.what.text()
        assert kept(judged) == 9

    dialogs.typed = ""  # importance chooses, and as many stay
    action.trigger()
    assert (session.plans.plan.indices, kept(judged)) == ((), 9)
    session.select("")
    assert "Select a group first" in action.toolTip()
