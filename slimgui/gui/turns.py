"""Later turns of Qt's event loop: how long one waits for them, and work that is spread over several."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QTimer

NEXT_TURN: Final = 1  # ms; what waits 0 is done in the same turn
NEXT_FRAME: Final = 25  # ms; longer than Qt waits before it paints what asked for it


class Turns(QObject):
    """Does one thing after another, each in a turn of its own: between them the window lives."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._left: deque[Callable[[], None]] = deque()
        self._timer = QTimer(self, singleShot=True, interval=NEXT_TURN)
        self._timer.timeout.connect(self._next)

    def start(self, *things: Callable[[], None]) -> None:
        """Do these from the next turn on; what is left of others is forgotten."""
        self._left = deque(things)
        self._timer.start()

    @property
    def is_busy(self) -> bool:
        """Whether something is left to do."""
        return bool(self._left)

    def finish(self) -> None:
        """Do at once what is left."""
        self._timer.stop()
        while self._left:
            self._left.popleft()()

    def _next(self) -> None:
        if self._left:
            self._timer.start()
            self._left.popleft()()
