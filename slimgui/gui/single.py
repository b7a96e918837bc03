"""One window per user: a second start hands its file to the first one. No network: a local socket."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

CONNECT_MS: Final = 300
ANSWER_MS: Final = 1500  # a window that does not answer by then is busy or frozen: another one is opened
LONGEST: Final = 1 << 16  # bytes of a message
_LONGEST_PATH: Final = 100  # of a socket: the system's limit is 104 or 108
TAKEN: Final = b"taken\n"


def socket_name(folder: Path) -> str:
    """The name of the user's socket, "" where there can be none.

    It lies in the user's own folder, not in one where anybody may put a socket of that name.
    """
    if os.name != "posix":
        return f"slimgui-{getpass.getuser()}"
    path = str(folder / "window.socket")
    return path if len(os.fsencode(path)) <= _LONGEST_PATH else ""


def hand_over(name: str, source: str) -> bool:
    """Give `source` to the window that is open, "" for nothing but to be seen. Returns whether it took it."""
    if not name:
        return False
    socket = QLocalSocket()
    socket.connectToServer(name)
    if not socket.waitForConnected(CONNECT_MS):
        return False
    socket.write(json.dumps({"open": source}).encode() + b"\n")
    answered = socket.waitForBytesWritten(ANSWER_MS) and socket.waitForReadyRead(ANSWER_MS)
    taken = answered and socket.readLine().data() == TAKEN
    socket.abort()
    return taken


class Doorbell(QObject):
    """Listens for second starts. Only the same user may connect.

    Args:
        name: of the socket.
        is_free: whether the window can open something now; else the second start opens one of its own.
    """

    rung = Signal(str)  #: a second start wants this opened, "" for nothing

    def __init__(
        self, name: str, parent: QObject | None = None, is_free: Callable[[], bool] = lambda: True
    ) -> None:
        super().__init__(parent)
        self._is_free = is_free
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connected)
        self.listens = bool(name) and self._listen(name)

    def close(self) -> None:
        """Listen no more."""
        self._server.close()

    def _listen(self, name: str) -> bool:
        """Take the name, also from a window that was killed; not from one that lives, as Qt would."""
        if os.name == "posix":
            with suppress(OSError):
                Path(name).parent.mkdir(parents=True, exist_ok=True)
        probe = QLocalSocket()
        probe.connectToServer(name)
        lives = probe.waitForConnected(CONNECT_MS)
        probe.abort()
        if lives:
            return False
        QLocalServer.removeServer(name)
        return self._server.listen(name)

    def _on_connected(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.setParent(self)
            socket.disconnected.connect(socket.deleteLater)
            socket.readyRead.connect(lambda socket=socket: self._on_message(socket))

    def _on_message(self, socket: QLocalSocket) -> None:
        if socket.bytesAvailable() > LONGEST:
            socket.abort()
        elif socket.canReadLine():
            source = wanted(bytes(socket.readLine().data()))
            if source is None or not self._is_free():
                socket.abort()
                return
            socket.write(TAKEN)
            socket.flush()
            self.rung.emit(source)


def wanted(line: bytes) -> str | None:
    """What a message wants opened; None when it is no such message."""
    with suppress(ValueError):
        message = json.loads(line)
        if isinstance(message, dict) and isinstance(message.get("open"), str):
            return str(message["open"])
    return None
