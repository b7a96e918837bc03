"""One line on the terminal while a command works: a bar, what is done now, and for how long already."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

Step = Callable[[str, int, int], None]  # what is done now, steps done, steps in all (0: nobody knows)

_BAR: Final = 20  # characters
_SECONDS: Final = 0.2  # between two drawings


def line(phase: str, done: int, total: int, seconds: float, width: int) -> str:
    """The line that shows a step, cut to `width` characters."""
    filled = _BAR * done // total if total else 0
    bar = f"[{'#' * filled}{' ' * (_BAR - filled)}] " if total else ""
    minutes, rest = divmod(int(seconds), 60)
    time_spent = f"{minutes}:{rest:02d}"
    return f"{bar}{time_spent} {phase}"[:width]


class Progress:
    """Draws the last step that it was called with, again and again until it is left.

    Args:
        stream: where to draw.
        shown: False draws nothing, for pipes and files.
    """

    def __init__(self, stream: TextIO, *, shown: bool) -> None:
        self._stream, self._shown = stream, shown
        self._step: tuple[str, int, int] = ("Starting", 0, 0)
        self._started = time.monotonic()
        self._drawn = 0  # characters on the line now
        self._drawing = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._redraw, daemon=True)

    def __call__(self, phase: str, done: int = 0, total: int = 0) -> None:
        """Say what is done now: a new phase is drawn at once, counts are when the line is drawn next."""
        is_new = phase != self._step[0]
        self._step = (phase, done, total)
        if self._shown and is_new:
            self._draw(self._text())

    def __enter__(self) -> Self:
        if self._shown:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._ended.set()
            self._thread.join()

    def _redraw(self) -> None:
        while not self._ended.wait(_SECONDS):
            self._draw(self._text())
        self._draw("")
        self._stream.write("\r")
        self._stream.flush()

    def _text(self) -> str:
        width = shutil.get_terminal_size().columns - 1
        return line(*self._step, time.monotonic() - self._started, width)

    def _draw(self, text: str) -> None:
        with self._drawing:
            self._stream.write(f"\r{text}{' ' * (self._drawn - len(text))}")
            self._stream.flush()
            self._drawn = len(text)
