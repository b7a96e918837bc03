"""The scanner's own process: the file on descriptor 0, its name as argument -> JSON on descriptor 1.

Started by engine/load/scan.py without site packages. It gives up its rights to memory, time and
files before it reads the first byte: a file that breaks the reader breaks nothing else.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import Final

from slimgui.errors import LoadError
from slimgui.scanner.containers import examine

LARGEST_ANSWER: Final = 4 * 2**20
_MEMORY: Final = 2**30
_SECONDS: Final = 12


def limit() -> None:
    """Limit memory, time, files and processes for good, where the system can."""
    try:
        import resource
    except ImportError:  # Windows: the time limit of the parent is all there is
        return
    wanted = (
        ("RLIMIT_AS", _MEMORY),
        ("RLIMIT_CPU", _SECONDS),
        ("RLIMIT_FSIZE", LARGEST_ANSWER),
        ("RLIMIT_NPROC", 0),
        ("RLIMIT_CORE", 0),
    )
    for name, most in wanted:
        number = getattr(resource, name, None)
        if number is not None:
            with suppress(ValueError, OSError):  # macOS refuses some; the others still hold
                resource.setrlimit(number, (most, most))


def main() -> None:
    """Answer {"report": ...} or {"refusal": [what, why, hint]}."""
    limit()
    shown = sys.argv[1]
    answer: dict[str, object]
    try:
        with os.fdopen(0, "rb") as stream:
            answer = {"report": asdict(examine(stream, shown))}
    except LoadError as error:
        answer = {"refusal": [error.what, error.why, error.hint]}
    except MemoryError:
        why = "Reading what it declares needs more memory than any model's description."
        answer = {"refusal": [f"{shown} was not opened.", why, "Download or save it again."]}
    os.write(1, json.dumps(answer, default=sorted).encode())


if __name__ == "__main__":
    main()
