"""A second start hands its file to the first window; nobody else may, and nothing it says is trusted."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalSocket
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from slimgui.gui.main_window import MainWindow
from slimgui.gui.single import Doorbell, hand_over, socket_name, wanted

SECOND = """
import sys
from PySide6.QtCore import QCoreApplication
from slimgui.gui.single import hand_over
app = QCoreApplication([])
print(hand_over(sys.argv[1], sys.argv[2]))
"""


@pytest.fixture
def name(tmp_path_factory: pytest.TempPathFactory) -> str:
    return socket_name(tmp_path_factory.mktemp("s"))


@pytest.fixture
def doorbell(qapp: QApplication, name: str) -> Iterator[Doorbell]:
    doorbell = Doorbell(name)
    doorbell.heard = []
    doorbell.rung.connect(doorbell.heard.append)
    yield doorbell
    doorbell.close()
    doorbell.deleteLater()


def test_a_second_start_hands_its_file_over(doorbell: Doorbell, name: str, qtbot: QtBot) -> None:
    assert doorbell.listens
    second = subprocess.Popen(
        [sys.executable, "-c", SECOND, name, "/models/ä b.pt"], stdout=subprocess.PIPE, text=True
    )
    qtbot.waitUntil(lambda: doorbell.heard == ["/models/ä b.pt"], timeout=20_000)
    qtbot.waitUntil(lambda: second.poll() is not None)
    assert second.communicate()[0] == "True\n"


def test_without_a_first_window_nothing_is_handed_over(qapp: QApplication, name: str) -> None:
    assert not hand_over(name, "/models/a.pt")
    assert not hand_over("", "/models/a.pt")


def test_the_socket_of_a_killed_window_is_taken_over(qapp: QApplication, name: str) -> None:
    killed = f"""
import os
from PySide6.QtCore import QCoreApplication
from slimgui.gui.single import Doorbell
app = QCoreApplication([])
doorbell = Doorbell({name!r})
assert doorbell.listens
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", killed], timeout=60)
    assert Path(name).exists()
    assert not hand_over(name, "/models/a.pt")

    second = Doorbell(name)
    assert second.listens
    second.close()


def test_a_socket_that_lives_is_not_taken_over(doorbell: Doorbell, name: str) -> None:
    other = Doorbell(name)
    assert not other.listens
    assert doorbell.listens


def test_only_the_user_may_connect(doorbell: Doorbell, name: str) -> None:
    assert Path(name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "line", [b"", b"{}\n", b"[1]\n", b'{"open": 3}\n', b"\xff\xfe\n", b"open /etc/passwd\n"]
)
def test_what_is_no_message_is_nothing(line: bytes) -> None:
    assert wanted(line) is None


def test_a_stranger_that_talks_without_end_is_hung_up_on(doorbell: Doorbell, name: str, qtbot: QtBot) -> None:
    socket = QLocalSocket()
    socket.connectToServer(name)
    socket.write(b"x" * 1_000_000)
    qtbot.waitUntil(lambda: socket.state() == QLocalSocket.LocalSocketState.UnconnectedState)
    assert doorbell.heard == []


def test_a_message_in_pieces_is_one_message(doorbell: Doorbell, name: str, qtbot: QtBot) -> None:
    socket = QLocalSocket()
    socket.connectToServer(name)
    text = json.dumps({"open": "/models/a.pt"}).encode() + b"\n"
    for byte in text:
        socket.write(bytes([byte]))
        qtbot.wait(1)
    qtbot.waitUntil(lambda: doorbell.heard == ["/models/a.pt"])
    socket.abort()


def test_a_folder_too_long_for_a_socket_has_none(tmp_path: Path) -> None:
    assert socket_name(tmp_path / ("x" * 120)) == ""


def test_the_window_comes_up_and_opens_it(window: MainWindow, transport) -> None:
    window.showMinimized()
    window.show_source("/models/demo.pt")
    assert not window.isMinimized()
    assert transport.requests[-1].source == "/models/demo.pt"
    before = len(transport.requests)
    window.show_source("")
    assert len(transport.requests) == before


def test_a_window_that_waits_for_an_answer_lets_the_second_start_open_its_own(
    qapp: QApplication, qtbot: QtBot, name: str
) -> None:
    doorbell = Doorbell(name, is_free=lambda: False)
    second = subprocess.Popen(
        [sys.executable, "-c", SECOND, name, "/models/a.pt"], stdout=subprocess.PIPE, text=True
    )
    qtbot.waitUntil(lambda: second.poll() is not None, timeout=20_000)
    assert second.stdout.read() == "False\n"
    second.stdout.close()
    doorbell.close()
    doorbell.deleteLater()
