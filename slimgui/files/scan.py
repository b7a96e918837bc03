"""An open file -> what it asks for, found out in a process of its own (slimgui.scanner)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import slimgui
from slimgui.errors import LoadError
from slimgui.scanner.process import LARGEST_ANSWER
from slimgui.scanner.report import Report

_HOME: Final = str(Path(slimgui.__file__).parents[1])
# Isolated (-I) and without site packages (-S): neither the environment, the working folder nor a .pth
# file decides what runs. The standard library stays first on the path.
_START: Final = (
    "import sys; sys.path.append(sys.argv.pop(1)); from slimgui.scanner.process import main; main()"
)
_PATIENCE_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class _Answer:
    report: Report | None = None
    refusal: tuple[str, str, str] | None = None


def examine(stream: BinaryIO, shown: str) -> Report:
    """What the file asks for, of which nothing was run.

    Args:
        stream: the file, opened by its path; its position does not change.
        shown: how to call the file in a sentence.

    Raises:
        LoadError: it is damaged, made to be read in two ways, or takes too much time or memory to read.
    """
    with _second_handle(stream, shown) as again, tempfile.TemporaryFile() as answer:
        command = [sys.executable, "-I", "-S", "-B", "-c", _START, _HOME, shown]
        try:
            status = subprocess.run(  # noqa: PLW1510 - the status is judged with the answer
                command, stdin=again, stdout=answer, stderr=subprocess.DEVNULL, timeout=_PATIENCE_S
            ).returncode
        except subprocess.TimeoutExpired:
            raise _gave_up(shown, f"It could not be looked through in {_PATIENCE_S:.0f} s.") from None
        answer.seek(0)
        return _understood(answer.read(LARGEST_ANSWER), status, shown)


def _second_handle(stream: BinaryIO, shown: str) -> BinaryIO:
    """The same file opened again: two processes that share one handle would move each other's position."""
    again = Path(stream.name).open("rb")  # noqa: SIM115 - the caller closes it
    if os.path.sameopenfile(stream.fileno(), again.fileno()):
        return again
    again.close()
    raise LoadError(f"{shown} was replaced while it was being opened.", "", "Open it again.")


def _understood(text: bytes, status: int, shown: str) -> Report:
    import msgspec  # here: safetensors are looked into without it

    try:
        answer = msgspec.json.decode(text, type=_Answer)
    except msgspec.DecodeError:
        why = f"The process that looks through it ended with status {status}."
        raise _gave_up(shown, why) from None
    if answer.refusal is not None:
        raise LoadError(*answer.refusal)
    assert answer.report is not None, "the scanner reports or refuses"
    return answer.report


def _gave_up(shown: str, why: str) -> LoadError:
    hint = "A real model takes a moment; do not trust this file. Download or save it again."
    return LoadError(f"{shown} was not opened.", why, hint)
