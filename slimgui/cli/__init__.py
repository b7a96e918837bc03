"""The command line: the window, or the same engine without one. `slimgui --help` says how."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from slimgui.cli.commands import COMMANDS
from slimgui.cli.exits import Exit, UsageError
from slimgui.cli.parser import file_to_open, parse
from slimgui.cli.progress import Progress
from slimgui.errors import ConsentError, DeployError, SlimError, TargetError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status and never raises for what a user can cause."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words and words[0] in COMMANDS:
            return _command(words)
        return _window(words)
    except UsageError as error:
        what, _, usage = str(error).partition("\n")
        return _complain(SlimError(what[:1].upper() + what[1:], "", usage), words, Exit.USAGE)
    except SlimError as error:
        return _complain(error, words, Exit.CONSENT if isinstance(error, ConsentError) else Exit.REFUSED)
    except KeyboardInterrupt:
        return _complain(SlimError("Cancelled; no model was written."), words, Exit.CANCELLED)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the edge of the program: a sentence, never a traceback
        return _complain(_unexpected(error), words, Exit.FAULT)


def _command(words: Sequence[str]) -> int:
    try:
        arguments = parse(words)
    except SystemExit:  # --help ends this way; wrong usage is a UsageError
        return Exit.DONE
    shown = sys.stderr.isatty() and not arguments.json
    with contextlib.redirect_stdout(sys.stderr), Progress(sys.stderr, shown=shown) as step:
        answer = COMMANDS[words[0]](arguments, step)  # a model that prints must not break the JSON
    _print(json.dumps(answer.row) if arguments.json else answer.text)
    return answer.status


def _print(text: str) -> None:
    """Print; a reader that has seen enough (`| head`) is no fault."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # python flushes once more at its end


def _complain(error: SlimError, words: Sequence[str], status: Exit) -> int:
    if "--json" in words:
        row = {"kind": type(error).__name__, "what": error.what, "why": error.why, "hint": error.hint}
        counts = {"counts": error.counts} if isinstance(error, DeployError) else {}
        reach = {"reach": _reach(error)} if isinstance(error, TargetError) else {}
        code = {"path": error.path, "sha256": error.sha256} if isinstance(error, ConsentError) else {}
        _print(json.dumps({"error": {**row, **counts, **reach, **code}}))
    else:
        print(error, file=sys.stderr)
    return status


def _reach(error: TargetError) -> dict[str, dict[str, int]]:
    names = ("minimum", "now", "maximum")
    return {resource: dict(zip(names, values, strict=True)) for resource, values in error.reach.items()}


def _unexpected(error: BaseException) -> SlimError:
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" ({Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno})" if place else ""
    first = str(error).partition("\n")[0]
    return SlimError(
        "Something went wrong.", f"{type(error).__name__}: {first}{where}.", "Please report this."
    )


def _window(words: Sequence[str]) -> int:
    """Open the window; torch is not imported on this way."""
    try:
        chosen = file_to_open(words)
    except SystemExit:  # --help and --version end this way
        return Exit.DONE
    from slimgui.gui.__main__ import main as open_window

    status: int = open_window([] if chosen is None else [chosen])
    return status
