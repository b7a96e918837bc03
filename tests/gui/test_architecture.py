"""Weights alone lead to a question: a list with nothing chosen in it, or a factory."""

from collections.abc import Callable
from pathlib import Path

import pytest
from demo import demo
from fakes import FakeDialogs, FakeTransport
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from slimgui.core import wire
from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.main_window import MainWindow
from slimgui.gui.views.architectures import Architectures
from slimgui.gui.work.worker import Worker

ROWS = (
    wire.Architecture("a.pt@timm.models:one", "timm.models:one", "the same names and shapes"),
    wire.Architecture("a.pt@timm.models:two", "timm.models:two", "the same names and shapes"),
)


@pytest.fixture
def asked(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.document_actions.open_source("a.pt")
    transport.fail("a.pt holds weights without a model.", needs="architecture", architectures=ROWS)
    return window


@pytest.fixture
def dialog(window: MainWindow, qtbot: QtBot) -> Architectures:
    made = Architectures(window, "a.pt", ROWS)
    qtbot.addWidget(made)
    return made


def source(transport: FakeTransport) -> str:
    request = transport.requests[-1]
    assert isinstance(request, wire.Open)
    return request.source


def test_it_is_a_card_first_and_no_dialog_opens_by_itself(asked: MainWindow, dialogs: FakeDialogs) -> None:
    assert asked.card.offer.text() == "Say Which Architecture…"
    assert dialogs.asked == []


def test_what_was_chosen_is_opened(asked: MainWindow, transport: FakeTransport, dialogs: FakeDialogs) -> None:
    dialogs.chosen = ROWS[1].source
    asked.card.offer.click()
    assert dialogs.asked == ["a.pt"]
    assert source(transport) == "a.pt@timm.models:two"
    transport.open(demo())
    assert asked.session.document is not None


def test_who_cancels_opens_nothing(asked: MainWindow, transport: FakeTransport) -> None:
    before = len(transport.requests)
    asked.card.offer.click()
    assert len(transport.requests) == before


def test_of_several_none_is_chosen_until_the_user_chooses(dialog: Architectures) -> None:
    assert dialog.chosen() == ""
    assert not dialog.take.isEnabled()
    assert dialog.problem.text() == "Choose one of them, or name a factory."
    dialog.list.setCurrentRow(1)
    assert dialog.chosen() == ROWS[1].source
    assert (dialog.take.isEnabled(), dialog.problem.text()) == (True, "")


def test_one_alone_is_chosen_already(window: MainWindow, qtbot: QtBot) -> None:
    made = Architectures(window, "a.pt", ROWS[:1])
    qtbot.addWidget(made)

    assert made.chosen() == ROWS[0].source
    assert made.take.isEnabled()
    assert not made.take.isDefault()  # Enter alone opens nothing


def test_what_is_known_of_one_is_a_line_below_it(dialog: Architectures, qtbot: QtBot) -> None:
    item = dialog.list.item(0)
    dialog.show()

    assert item.text() == "timm.models:one"
    assert item.data(Qt.ItemDataRole.AccessibleTextRole) == "timm.models:one: the same names and shapes"
    row = dialog.list.visualItemRect(item)
    assert 1.5 * dialog.list.fontMetrics().height() < row.height() < 3 * dialog.list.fontMetrics().height()
    assert dialog.list.itemAt(row.bottomLeft()) is item


def test_a_factory_takes_the_place_of_the_list_and_back(dialog: Architectures, qtbot: QtBot) -> None:
    dialog.list.setCurrentRow(0)
    qtbot.keyClicks(dialog.factory, "my_net.py:build")
    assert dialog.chosen() == "a.pt@my_net.py:build"
    dialog.list.setCurrentRow(1)
    assert dialog.factory.text() == ""
    assert dialog.chosen() == ROWS[1].source


def test_without_candidates_a_factory_is_asked_for(window: MainWindow, qtbot: QtBot) -> None:
    made = Architectures(window, "a.pt", ())
    qtbot.addWidget(made)
    made.show()
    assert not made.list.isVisible()
    assert made.factory.isVisible()


def test_enter_does_not_open_anything_by_itself(window: MainWindow, qtbot: QtBot) -> None:
    def press() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, Architectures)
        qtbot.keyClick(box, Qt.Key.Key_Return)
        box.reject()

    QTimer.singleShot(0, window, press)
    assert Dialogs().architecture(window, "a.pt", ROWS) == ""


def test_the_real_engine_asks_and_opens_what_was_said(
    make_window: Callable[..., MainWindow], dialogs: FakeDialogs, qtbot: QtBot, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    models = pytest.importorskip("torchvision.models")
    path = tmp_path / "weights.pt"
    torch.save(models.squeezenet1_1(num_classes=4).state_dict(), path)
    worker = Worker()
    window = make_window(worker)
    worker.start()
    try:
        window.document_actions.open_source(str(path))
        qtbot.waitUntil(lambda: window.session.task is None, timeout=60_000)
        assert window.session.document is None
        assert window.card.notice
        rows = window.card.notice.architectures
        assert [row.factory for row in rows] == [
            "torchvision.models:squeezenet1_1(num_classes=4)",
        ]
        dialogs.chosen = rows[0].source
        window.card.offer.click()
        qtbot.waitUntil(lambda: window.session.task is None, timeout=60_000)
        assert window.session.document
        assert window.session.document.cost
    finally:
        worker.close()
