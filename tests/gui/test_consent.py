"""Code of a file runs only after the user said so in a dialog of its own, of which Cancel is the default."""

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from demo import demo
from fakes import FakeDialogs, FakeTransport
from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from slimgui.core import wire
from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.main_window import MainWindow
from slimgui.gui.settings import Settings
from slimgui.gui.views.allowed import AllowedCode
from slimgui.gui.work.worker import Worker

CODE = wire.Code("/models/my_net.py", "ab" * 32, ("my_net.py: this program, and every module it imports",))
OTHER = wire.Code("/models/my_net.py", "cd" * 32, CODE.runs)
Act = Callable[[QMessageBox], None]


def refuse(transport: FakeTransport, code: wire.Code = CODE) -> None:
    transport.fail("my_net.py was not run.", why="It needs your consent.", hint="Look.", code=code)


def sent(transport: FakeTransport) -> wire.Open:
    request = transport.requests[-1]
    assert isinstance(request, wire.Open)
    return request


@pytest.fixture
def asked(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.document_actions.open_source("/models/my_net.py:build")
    refuse(transport)
    return window


def test_a_refusal_is_a_card_and_no_dialog_opens_by_itself(asked: MainWindow, dialogs: FakeDialogs) -> None:
    assert asked.card.offer.isVisible()
    assert asked.card.offer.text() == "See What Would Run…"
    assert dialogs.asked == []


def test_who_cancels_sends_nothing_and_stores_nothing(
    asked: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    before = len(transport.requests)
    asked.card.offer.click()
    assert dialogs.asked == [CODE.sha256]
    assert len(transport.requests) == before
    assert asked.settings.trusted == ()


def test_consent_goes_with_the_request_once_and_is_not_stored(
    asked: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    dialogs.consents = "once"
    asked.card.offer.click()
    assert (sent(transport).source, sent(transport).trusted) == ("/models/my_net.py:build", (CODE.sha256,))
    transport.open(demo())
    assert asked.settings.trusted == ()
    asked.document_actions.open_source("/models/my_net.py:build")
    assert sent(transport).trusted == ()  # it asks again


def test_what_is_remembered_is_the_hash_and_the_user_can_forget_it(
    asked: MainWindow, transport: FakeTransport, dialogs: FakeDialogs, settings: Settings
) -> None:
    dialogs.consents = "remember"
    asked.card.offer.click()
    transport.open(demo())
    assert settings.trusted == (CODE.sha256,)
    asked.document_actions.open_source("/models/moved/net.py:build")  # by content, wherever it lies
    assert sent(transport).trusted == (CODE.sha256,)
    transport.open(demo())
    shown = allowed(asked)
    name, since, folder = (shown.table.topLevelItem(0).text(place) for place in range(3))
    assert (name, folder) == ("my_net.py", "/models")
    assert date.fromisoformat(since) >= date(2026, 1, 1)
    shown.forget.click()
    shown.close()
    asked.document_actions.open_source("/models/my_net.py:build")
    assert sent(transport).trusted == ()


def allowed(window: MainWindow) -> AllowedCode:
    window.menus.actions["allowed_code"].trigger()
    return next(found for found in window.findChildren(AllowedCode) if found.isVisible())


def test_allowed_files_are_forgotten_one_by_one_or_all(
    window: MainWindow, settings: Settings, qtbot: QtBot
) -> None:
    settings._store.setValue("trusted", ["99" * 32])  # by a version that noted no names
    for number, path in enumerate(("/b/net.py", "/a/Data.py", "/c/a.pt")):
        settings.add_trusted(f"{number:064}", path)
    shown = allowed(window)
    rows = [shown.table.topLevelItem(place) for place in range(4)]
    assert [row.text(0) for row in rows[:3]] == ["a.pt", "Data.py", "net.py"]
    assert "older SlimGUI" in rows[3].text(0)
    assert "99" * 32 in rows[3].toolTip(0)

    qtbot.waitUntil(shown.isActiveWindow)
    shown.table.setCurrentItem(rows[1])
    qtbot.keyClick(shown.table, Qt.Key.Key_Delete)
    assert settings.trusted == (f"{0:064}", f"{2:064}", "99" * 32)
    assert [one.path for one in settings.allowed] == ["/c/a.pt", "/b/net.py", ""]
    settings.add_trusted(f"{7:064}", "/d/later.py")  # while the list is open
    shown.table.setCurrentItem(shown.table.topLevelItem(1))
    QApplication.sendEvent(shown, QEvent(QEvent.Type.ActivationChange))
    assert shown.table.topLevelItemCount() == 4
    assert [row.text(0) for row in shown.table.selectedItems()] == ["net.py"]  # later.py came before it
    shown.forget_all.click()
    assert (settings.trusted, settings.allowed) == ((), ())
    assert (shown.forget.isEnabled(), shown.forget_all.isEnabled()) == (False, False)
    assert shown.about.text().startswith("No file's code may run")
    shown.close()


def test_a_file_that_changed_meanwhile_is_asked_about_again(
    asked: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    dialogs.consents = "once"
    asked.card.offer.click()
    refuse(transport, OTHER)  # the engine found other bytes than those agreed to
    dialogs.consents = "cancel"
    asked.card.offer.click()
    assert dialogs.asked == [CODE.sha256, OTHER.sha256]
    assert sent(transport).trusted == (CODE.sha256,)


def test_consent_is_kept_when_the_input_shape_is_asked_for(
    asked: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    dialogs.consents, dialogs.shape = "once", "1x3x8x8"
    asked.card.offer.click()
    transport.fail("No shape.", needs="inputs")
    asked.card.offer.click()
    assert (sent(transport).shape, sent(transport).trusted) == ("1x3x8x8", (CODE.sha256,))


def test_a_restarted_engine_gets_the_consent_again(
    asked: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    dialogs.consents = "once"
    asked.card.offer.click()
    transport.open(demo())
    transport.stop()
    asked.session.set_ratio(0.5)
    asked.session.files.save("/tmp/small.pt")
    assert sent(transport).trusted == (CODE.sha256,)


def answered(window: MainWindow, code: wire.Code, act: Act) -> str:
    """What the real dialog answers when `act` uses it."""

    def use() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        act(box)

    QTimer.singleShot(0, window, use)
    return Dialogs().consent(window, code)


def test_enter_and_escape_and_cancel_all_cancel(window: MainWindow, qtbot: QtBot) -> None:
    cancel = QMessageBox.StandardButton.Cancel
    acts: list[Act] = [
        lambda box: qtbot.keyClick(box, Qt.Key.Key_Return),
        lambda box: qtbot.keyClick(box, Qt.Key.Key_Enter),
        lambda box: qtbot.keyClick(box, Qt.Key.Key_Escape),
        lambda box: box.button(cancel).click(),
        lambda box: box.close(),
    ]
    assert [answered(window, CODE, act) for act in acts] == ["cancel"] * 5


def test_only_its_own_button_runs_and_remembering_is_asked_for(window: MainWindow) -> None:
    def run(box: QMessageBox) -> None:
        next(button for button in box.buttons() if "Run" in button.text()).click()

    def remember(box: QMessageBox) -> None:
        assert not box.checkBox().isChecked()
        box.checkBox().click()
        run(box)

    assert answered(window, CODE, run) == "once"
    assert answered(window, CODE, remember) == "remember"


def test_it_says_what_would_run_and_shows_the_hash_shortened(window: MainWindow) -> None:
    many = wire.Code(
        "/a/<b>net</b>.pt", "0123456789abcdef" * 4, tuple(f"net.C{n}: needed" for n in range(20))
    )
    shown = {}

    def read(box: QMessageBox) -> None:
        shown["text"] = f"{box.text()}\n{box.informativeText()}"
        shown["format"] = box.textFormat()
        shown["default"] = box.defaultButton()
        assert shown["default"] is box.button(QMessageBox.StandardButton.Cancel)
        box.close()

    answered(window, many, read)
    assert shown["format"] == Qt.TextFormat.PlainText  # what a file is called is no markup
    for part in (
        "net.C0: needed",
        "net.C7: needed",
        "and 12 more",
        "SHA-256 0123456789abcdef…",
        "<b>net</b>",
    ):
        assert part in shown["text"]
    assert "0123456789abcdef0" not in shown["text"]


def test_a_damaged_store_trusts_nothing(settings: Settings) -> None:
    settings._store.setValue("trusted", {"a": 1})
    assert settings.trusted == ()


def test_the_real_engine_runs_a_file_after_consent_and_not_when_it_changed(
    make_window: Callable[..., MainWindow], dialogs: FakeDialogs, qtbot: QtBot, tmp_path: Path
) -> None:
    net, canary = tmp_path / "window_net.py", tmp_path / "canary"
    net.write_text(
        f"import pathlib, torch\npathlib.Path({str(canary)!r}).touch()\n"
        "def build(): return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Conv2d(8, 4, 1))\n"
    )
    worker = Worker()
    window = make_window(worker)
    worker.start()
    try:
        window.document_actions.open_source(str(net))
        qtbot.waitUntil(lambda: window.session.task is None, timeout=60_000)
        assert not canary.exists()
        agreed = net.read_text()
        net.write_text(agreed + "# changed\n")
        dialogs.consents = "once"
        window.card.offer.click()
        qtbot.waitUntil(lambda: window.session.task is None, timeout=60_000)
        assert not canary.exists()
        assert window.session.document is None
        window.card.offer.click()  # this time to the changed file
        qtbot.waitUntil(lambda: window.session.task is None, timeout=60_000)
        assert canary.exists()
        assert window.session.document
        digests = [hashlib.sha256(text.encode()).hexdigest() for text in (agreed, net.read_text())]
        assert dialogs.asked == digests
    finally:
        worker.close()
