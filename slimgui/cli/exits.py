"""What the program's exit status means. Scripts rely on these numbers."""

from __future__ import annotations

import enum
from typing import Final


class UsageError(Exception):
    """The command was written wrongly."""


class Exit(enum.IntEnum):
    """Exit status of `slimgui`; what each means is in `MEANINGS`."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNPROVEN = 3
    CONSENT = 4
    FAULT = 70  # EX_SOFTWARE of sysexits.h
    CANCELLED = 130  # 128 + SIGINT, as shells say it


MEANINGS: Final = {
    Exit.DONE: "done: what was cut is proven, what was inspected can be opened",
    Exit.REFUSED: "it cannot be done, and a sentence says why; no model was written",
    Exit.USAGE: "the command is written wrongly",
    Exit.UNPROVEN: "the proof failed; a model was written only with --accept-unproven",
    Exit.CONSENT: "it would run code that you may agree to; the sentence says how",
    Exit.FAULT: "a fault of SlimGUI or of the model's code",
    Exit.CANCELLED: "cancelled with Ctrl+C; no model was written",
}


def table() -> str:
    """The meanings, a line each, for `--help`."""
    return "exit status:\n" + "\n".join(f"  {code:>3}  {text}" for code, text in MEANINGS.items())
