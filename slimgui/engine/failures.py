"""What a request that failed is answered with: sentences, and what the user could add to make it work."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import Final

from slimgui.core import wire
from slimgui.core.paths import exists
from slimgui.engine.shortage import ran_out
from slimgui.errors import (
    ConsentError,
    DeployError,
    InputShapeError,
    MissingInputsError,
    SlimError,
    TraceError,
    UnnamedModelError,
)

_DOING: Final[dict[type[wire.Request], str]] = {
    wire.Recalibrate: "taking the statistics",
    wire.Recover: "recovering accuracy",
    wire.Report: "writing the report",
    wire.Sense: "measuring sensitivity",
    wire.Evaluate: "measuring accuracy",
    wire.Rank: "judging the channels",
    wire.Meet: "judging the channels",
    wire.Look: "looking into the file",
    wire.Prove: "proving the saved file",
}


def document_name(source: str) -> str:
    """The last part of a path, "/home/a/net.pt" -> "net.pt", without a factory behind it; it stays alone."""
    file, at, _ = source.rpartition("@")
    shown = file if at and not exists(source) else source
    return Path(shown).name if os.sep in shown or Path(shown).suffix else shown


def failed(request: wire.Request, error: BaseException) -> wire.Failed:
    """The answer to `request`, which raised `error`."""
    if isinstance(error, MissingInputsError):
        hint = "Give the shape of one input, for example 1x3x224x224."
        return wire.Failed(request.task, error.what, error.why, hint, _trace(error), "inputs")
    if isinstance(error, UnnamedModelError):
        rows = tuple(wire.Architecture(*row) for row in error.candidates)
        hint = "Say which architecture it is." if rows else "Choose the factory of its model."
        return wire.Failed(
            request.task, error.what, error.why, hint, needs="architecture", architectures=rows
        )
    if isinstance(error, ConsentError):
        code = wire.Code(error.path, error.sha256, error.runs)
        hint = "Look at what would run, and run it only if you trust who made it."
        return wire.Failed(request.task, error.what, error.why, hint, code=code)
    if isinstance(request, wire.Open) and isinstance(error, InputShapeError | TraceError):
        return wire.Failed(request.task, error.what, error.why, error.hint, _trace(error), "inputs")
    if isinstance(error, SlimError):
        counts = error.counts if isinstance(error, DeployError) else {}
        return wire.Failed(request.task, error.what, error.why, error.hint, _trace(error), counts=counts)
    return _unexpected(request, error)


def _unexpected(request: wire.Request, error: BaseException) -> wire.Failed:
    doing = _doing(request)
    if ran_out(error):
        return wire.Failed(
            request.task,
            f"The memory ran out while {doing}.",
            "",
            "Close other programs and try again.",
            _trace(error),
        )
    return wire.Failed(
        request.task,
        f"Something went wrong while {doing}.",
        f"{type(error).__name__}: {str(error).partition(chr(10))[0][:300]}",
        "This is a fault of SlimGUI or of the model's code. Copy the details to report it.",
        _trace(error),
    )


def _doing(request: wire.Request) -> str:
    if isinstance(request, wire.Open):
        return f"opening {document_name(request.source)}"
    if isinstance(request, wire.ReadPlans):
        return f"reading {Path(request.path).name}"
    return _DOING.get(type(request), "building the smaller model")


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
