"""A file -> what is in it and what it would run, for the window. No number is read and nothing is run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from slimgui.core import wire
from slimgui.core.recognise import recognise
from slimgui.files.contents import Contents, counted, inspect, needs_model, printable

MOST_TENSORS: Final = 50_000  # in one answer: the window reads it while the user works
HASHED: Final = 1 << 29  # bytes; a larger file takes longer to hash than to look into
_CANDIDATES: Final = 10
_LONGEST: Final = 2_000  # characters of one fact
_NOTHING: Final = "Opening it runs nothing: it holds only numbers and names."


def looked(request: wire.Look) -> wire.Looked:
    """What the file or folder holds; what cannot be opened says why.

    Raises:
        LoadError: there is no such file, or it cannot be read.
    """
    path = Path(request.path)
    found = inspect(path)
    tensors = sum(map(len, found.weights.values()))
    return wire.Looked(
        request.task,
        path=str(path),
        kind=printable(found.kind) or "a file of an unknown kind",
        bytes=found.bytes,
        runs=_runs(found),
        facts=tuple((printable(what), _short(words)) for what, words in _facts(path, found)),
        sets=tuple(_sets(found)),
        asks=tuple(
            wire.Global(printable(name), meaning, name not in found.forbidden)
            for name, meaning in found.asks.items()
        ),
        refusal=() if found.refusal is None else _told(found),
        left_out=max(0, tensors - MOST_TENSORS),
    )


def _facts(path: Path, found: Contents) -> Iterator[tuple[str, str]]:
    if found.kind:
        yield "Kind", found.kind
    if found.files > 1:
        yield "Files", f"{found.files:,}"
    yield "Size", f"{found.bytes:,} bytes"
    if path.is_file() and path.stat().st_size <= HASHED:
        with path.open("rb") as stream:
            yield "SHA-256", hashlib.file_digest(stream, "sha256").hexdigest()
    for name, state in found.weights.items():
        yield f"Weights in {name}" if name else "Weights", counted(state)
    yield from (
        (f"Model in {name}" if name else "Model", f"of {kind}") for name, kind in found.models.items()
    )
    if needs_model(found):
        for one in recognise(found.weights)[:_CANDIDATES]:
            yield "May be", f"{one.named}: {one.how}"
    yield from ((f"Also holds {name}", words) for name, words in found.entries.items())
    yield from ((f"Says {name}", text) for name, text in found.metadata.items())


def _runs(found: Contents) -> str:
    """What opening it would run, in a sentence."""
    if not found.asks:
        return _NOTHING if found.kind else "Nobody knows what opening it would run."
    if not found.forbidden:
        return "Opening it runs nothing: all that it asks for is data and known layers."
    count = len(found.forbidden)
    return f"Opening it would run {count} thing{'s' if count > 1 else ''} that no file may run."


def _sets(found: Contents) -> Iterator[wire.WeightSet]:
    """The tensors, in their order, no more than fit into one answer."""
    left = MOST_TENSORS
    for name, state in found.weights.items():
        rows = list(islice(state.items(), left))
        left -= len(rows)
        yield wire.WeightSet(
            printable(name),
            names=tuple(printable(tensor) for tensor, _ in rows),
            shapes=tuple("x".join(map(str, entry.shape)) for _, entry in rows),
            dtypes=tuple(entry.dtype for _, entry in rows),
            bytes=tuple(entry.bytes for _, entry in rows),
        )


def _told(found: Contents) -> tuple[str, ...]:
    error = found.refusal
    assert error, "asked for where there is one"
    return tuple(map(printable, (error.what, error.why, error.hint)))


def _short(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}... ({len(shown):,} characters)"
