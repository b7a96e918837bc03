"""`slimgui inspect FILE`: what is in a file and what it would run, as text and as JSON."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimgui.cli.exits import Exit
from slimgui.cli.progress import Step
from slimgui.cli.report import Answer
from slimgui.core.recognise import Candidate, recognise, sentence

if TYPE_CHECKING:
    from slimgui.files.contents import Contents
    from slimgui.files.outline import Entry

SHOWN = 10  # candidates
_LONGEST = 200  # characters of a line of metadata


def inspected(arguments: argparse.Namespace, step: Step) -> Answer:
    """The answer; its status is `DONE` when SlimGUI can open the file."""
    from slimgui.files.contents import inspect, needs_model, printable

    step("Looking through the file", 0, 0)
    found = inspect(Path(arguments.file))
    candidates = recognise(found.weights) if needs_model(found) else []
    lines = [printable(line) for line in _lines(arguments.file, found, candidates)]
    status = Exit.DONE if found.refusal is None else Exit.REFUSED
    return Answer(_row(arguments.file, found, candidates), "\n".join(lines), status)


def _row(file: str, found: Contents, candidates: Sequence[Candidate]) -> dict[str, Any]:
    error = found.refusal
    refusal = {"what": error.what, "why": error.why, "hint": error.hint} if error else None
    return {
        "file": file,
        "kind": found.kind,
        "files": found.files,
        "bytes": found.bytes,
        "weights": [{"name": name, **_summary(state)} for name, state in found.weights.items()],
        "models": dict(found.models),
        "entries": dict(found.entries),
        "metadata": dict(found.metadata),
        "asks": dict(found.asks),
        "recognised": [
            {"factory": one.factory, "entry": one.entry, "match": one.match, "share": one.share}
            for one in candidates
        ],
        "opens": error is None,
        "refusal": refusal,
    }


def _summary(state: Mapping[str, Entry]) -> dict[str, Any]:
    from slimgui.files.contents import dtypes, largest

    return {
        "tensors": len(state),
        "elements": sum(entry.elements for entry in state.values()),
        "bytes": sum(entry.bytes for entry in state.values()),
        "dtypes": dtypes(state),
        "largest": [
            {"name": name, "shape": list(entry.shape), "dtype": entry.dtype}
            for name, entry in largest(state).items()
        ],
    }


def _lines(file: str, found: Contents, candidates: Sequence[Candidate]) -> Iterator[str]:
    from slimgui.files.contents import needs_model

    if found.kind:
        parts = f" in {found.files} files" if found.files > 1 else ""
        yield f"{file}: {found.kind}{parts}, {found.bytes:,} bytes"
    for name, state in found.weights.items():
        yield from _weights(name, state, found.models.get(name))
    yield from (f"also holds {name}: {words}" for name, words in found.entries.items())
    yield from (f"says {name}: {_short(text)}" for name, text in found.metadata.items())
    if found.asks:
        yield "Opening it would ask for:"
        yield from (f"  {name}: {verdict}" for name, verdict in found.asks.items())
    elif found.kind:
        yield "Opening it runs nothing: it holds only numbers and names."
    if found.refusal:
        yield from str(found.refusal).splitlines()
    elif candidates:
        yield f"It holds weights, recognised as {sentence(candidates)}."
        yield from (f"  {one.named}: {one.how}" for one in candidates[:SHOWN])
        yield "Names and shapes do not tell all: name the model they belong to with --model."
    elif needs_model(found):
        yield "It holds weights: name the model they belong to with --model."


def _weights(name: str, state: Mapping[str, Entry], model: str | None) -> Iterator[str]:
    from slimgui.files.contents import counted, largest, spoken

    title = f"a model of {model}" if model else "weights"
    place = f" {name!r}" if name else ""
    yield f"{title}{place}: {counted(state)}"
    yield from (f"  {key}: {spoken(entry)}" for key, entry in largest(state).items())


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text):,} characters)"
