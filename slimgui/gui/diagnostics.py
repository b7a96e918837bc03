"""What a report of a fault needs, as text: versions, the system, the log. Nothing of the user's model."""

from __future__ import annotations

import faulthandler
import platform
import time
from pathlib import Path
from typing import IO, Final

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication

import slimgui

LOG: Final = "slimgui.log"
_LONGEST: Final = 1_000_000  # bytes of the log; above, it begins anew


def versions(torch: str) -> list[tuple[str, str]]:
    """Names and versions of what runs; `torch` as the engine says, "" while it has not."""
    return [
        ("SlimGUI", slimgui.__version__),
        ("PyTorch", torch or "not known yet: the engine is starting"),
        ("Qt", qVersion()),
        ("Python", platform.python_version()),
    ]


def diagnostics(torch: str, log: Path, task: str) -> str:
    """The text to paste into a report.

    Args:
        torch: its version, "" when the engine did not say.
        log: where faults are written.
        task: what the engine is doing, "" for nothing.
    """
    screen = QGuiApplication.primaryScreen()
    rows = [
        *versions(torch),
        ("System", platform.platform()),
        ("Window system", QGuiApplication.platformName()),
        ("Scale", f"{screen.devicePixelRatio():g}" if screen else "no screen"),
        ("Task", task or "none"),
        ("Log", str(log)),
    ]
    return "\n".join(f"{name}: {value}" for name, value in rows)


class Log:
    """The file that faults are written to, also those of C code that end the program.

    Args:
        folder: where it lies; when it cannot be written there, faults go to the terminal only.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG
        self._stream = self._opened()
        if self._stream is not None:
            faulthandler.enable(self._stream)

    def write(self, text: str) -> None:
        """Put down one fault, with the time."""
        if self._stream is not None:
            self._stream.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text.rstrip()}\n")
            self._stream.flush()

    def close(self) -> None:
        """Faults of C code go nowhere from now on."""
        if self._stream is not None:
            faulthandler.disable()
            self._stream.close()
            self._stream = None

    def _opened(self) -> IO[str] | None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            long = self.path.exists() and self.path.stat().st_size > _LONGEST
            return self.path.open("w" if long else "a", encoding="utf-8")
        except OSError:
            return None
