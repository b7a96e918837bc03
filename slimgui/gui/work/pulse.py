"""Whether a process is frozen: it does not answer, and nothing in it works or waits for the machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BEAT_S: Final = 0.15
PATIENCE: Final = 3  # beats without a word or a sign of work
BLIND_PATIENCE: Final = 70  # where a process cannot be looked at: C code may keep python's lock for seconds
_AT_WORK: Final = frozenset("RD")  # states of a thread: on a core or waiting for one; waiting for the disk
_TICKS: Final = slice(11, 13)  # fields behind the name: time in the program, time in the system


@dataclass(frozen=True, slots=True)
class Sign:
    """What the system says of a process: whether any thread of it is at work, and its ticks so far."""

    at_work: bool
    ticks: int


Look = Callable[[], Sign | None]


class Pulse:
    """Counts the beats at which one process neither answers nor works.

    Beats are counted, not seconds: a computer that slept must not take its engine for frozen.

    Args:
        look: what the system says of the process, None where it says nothing.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._asked = False
        self._silent = 0
        self._last: Sign | None = None

    def heard(self) -> None:
        """The process said something."""
        self._asked, self._silent = False, 0

    def beat(self) -> bool:
        """Count one beat. Returns whether the process is to be asked: it owes no answer yet."""
        if not self._asked:
            self._asked = True
            return True
        sign = self._look()
        works = sign is not None and (sign.at_work or sign != self._last)
        self._silent, self._last = (0 if works else self._silent + 1), sign
        return False

    @property
    def frozen(self) -> bool:
        """Whether it was silent for too long."""
        return self._silent >= (BLIND_PATIENCE if self._last is None else PATIENCE)


def sign_of(pid: int) -> Sign | None:
    """What Linux says of the threads of a process; None elsewhere, and when it is gone."""
    if not sys.platform.startswith("linux"):
        return None
    states, ticks = "", 0
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError, IndexError):  # it has just ended
            fields = (
                (thread / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            )
            states += fields[0]
            ticks += sum(map(int, fields[_TICKS]))
    return Sign(not _AT_WORK.isdisjoint(states), ticks) if states else None
