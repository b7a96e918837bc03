"""A file -> what is in it and what it would run, in words. Nothing is loaded: headers and opcodes only."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

from slimgui.errors import LoadError
from slimgui.files import foreign
from slimgui.files.headers import read_header
from slimgui.files.onnx_graph import read_graph
from slimgui.files.outline import Entry, Made, module_state, outline
from slimgui.files.scan import examine
from slimgui.files.sets import is_optimizer, weights_in
from slimgui.files.shards import check_names, checkpoint_at, shards_of
from slimgui.files.sniff import HEAD, Kind, bare_pickle, existing_file, old_module, refuse_archive, sniff
from slimgui.files.verdicts import check_allowed, verdicts
from slimgui.scanner.containers import inside
from slimgui.scanner.opcodes import UnreadableError
from slimgui.scanner.report import Report, Scan

_KINDS: Final[dict[Kind, str]] = {
    "safetensors": "safetensors",
    "index": "a sharded checkpoint",
    "zip": "a checkpoint of torch.save",
    "legacy": "a checkpoint of torch before 1.6",
    "pickle": "a bare pickle",
}
_LONGEST: Final = 100  # characters of a value that is shown
_FEW: Final = 10
_OPERATORS: Final = 20  # that are named; the commonest


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds.

    Attributes:
        kind: in words; "" when nothing is known but what `refusal` says.
        files: how many there are.
        bytes: of all files.
        weights: every set of weights in it, by where it lies ("" for the file itself), then by name.
        models: class names of whole models in it, by where they lie.
        entries: what else it holds, by name, in words.
        metadata: what a safetensors file or an index says about itself.
        asks: everything its pickle names, and what that means.
        forbidden: those of them that no file may ask for.
        refusal: why it cannot be opened, None when it can; weights need a model named beside them.
    """

    kind: str = ""
    files: int = 1
    bytes: int = 0
    weights: Mapping[str, Mapping[str, Entry]] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    entries: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    asks: Mapping[str, str] = field(default_factory=dict)
    forbidden: frozenset[str] = frozenset()
    refusal: LoadError | None = None


def inspect(path: Path) -> Contents:
    """What the file or folder holds. What cannot be opened is a `refusal` with whatever could be seen.

    Raises:
        LoadError: there is no such file.
    """
    try:
        contents = _of(existing_file(checkpoint_at(path)))
    except LoadError as error:
        if not path.exists():
            raise
        return Contents(bytes=path.stat().st_size if path.is_file() else 0, refusal=error)
    except OSError as error:
        why = f"{error.strerror or error}."
        raise LoadError(f"{path} cannot be read.", why, "Check its permissions.") from None
    largest: Mapping[str, Entry] = max(contents.weights.values(), key=len, default={})
    other = foreign.by_tensors(largest)
    if contents.refusal is None and other is not None:
        return replace(contents, refusal=other.refusal(path.name))
    return contents


def needs_model(found: Contents) -> bool:
    """Whether it is nothing but weights, so that somebody has to say which model they are of."""
    says = any("slimgui" in name for name in (*found.entries, *found.metadata))
    return found.refusal is None and not found.models and not says


def _of(path: Path) -> Contents:
    with path.open("rb") as stream:
        if foreign.by_bytes(stream.read(HEAD)) is foreign.ONNX:
            return _graph(path)
        kind = sniff(stream, path.name)
        if kind == "index":
            return _sharded(path)
        if kind == "safetensors":
            found = read_header(path)
            size = path.stat().st_size
            return Contents(_KINDS[kind], 1, size, {"": found.tensors}, metadata=found.metadata)
        return _pickled(stream, kind, path)


def _graph(path: Path) -> Contents:
    """An ONNX model: what can be seen of it, and why it cannot be slimmed."""
    found = read_graph(path)
    by = f" by {found.producer}" if found.producer else ""
    opsets = ", ".join(f"{domain} {version}" for domain, version in found.opsets.items())
    nodes = ", ".join(f"{count:,} {name}" for name, count in found.nodes.most_common(_OPERATORS))
    more = ", ..." if len(found.nodes) > _OPERATORS else ""
    return Contents(
        kind=f"an ONNX model{by}",
        bytes=path.stat().st_size,
        weights={"": found.weights},
        entries={
            **{f"input {name}": kind for name, kind in found.inputs.items()},
            **{f"output {name}": kind for name, kind in found.outputs.items()},
            "operator sets": opsets,
            "operators": f"{found.nodes.total():,} ({nodes}{more})",
        },
        metadata=found.metadata,
        refusal=foreign.ONNX.refusal(path.name),
    )


def _sharded(index: Path) -> Contents:
    """All shards of an index as one file."""
    tensors: dict[str, Entry] = {}
    total = Contents(_KINDS["index"], 0)
    for shard, names in shards_of(index).names.items():
        part = _of(shard) if shard != index else Contents()
        held = part.weights.get("", {})
        check_names(shard, names, set(held))
        tensors |= {name: held[name] for name in names}
        total = replace(
            total,
            kind=f"{_KINDS['index']} ({part.kind})",
            files=total.files + 1,
            bytes=total.bytes + part.bytes,
            metadata={**total.metadata, **part.metadata},
            asks={**total.asks, **part.asks},
            forbidden=total.forbidden | part.forbidden,
            refusal=total.refusal or part.refusal,
        )
    return replace(total, weights={"": tensors})


def _pickled(stream: BinaryIO, kind: Kind, path: Path) -> Contents:
    found, asked = _followed(stream, path.name)
    modules = _modules(found)
    models = {name: value.name for name, value in modules.items()}
    named = verdicts(asked)
    sets = {**weights_in(found, Entry), **{name: module_state(value) for name, value in modules.items()}}
    return Contents(
        kind=_KINDS[kind],
        bytes=path.stat().st_size,
        weights=sets,
        models=models,
        entries=_entries(found, {name.partition(".")[0] for name in sets}),
        asks={one.name: one.reason for one in named},
        forbidden=frozenset(one.name for one in named if not one.allowed),
        refusal=_refusal(asked, kind, models, path.name),
    )


def _followed(stream: BinaryIO, shown: str) -> tuple[object, Scan]:
    """What the file's pickle holds, and what all its pickles ask for."""
    report = examine(stream, shown)
    pickled = _pickle_in(stream, report, shown) if report.kind == "zip" else stream
    pickled.seek(0)
    try:
        if report.kind == "legacy":  # a magic number, a version and a machine come before the object
            for _ in range(3):
                outline(pickled)
        return outline(pickled), report.scan
    except UnreadableError as error:
        raise LoadError(f"{shown} is damaged or cut off.", error.why, "Download or save it again.") from None


def _pickle_in(stream: BinaryIO, report: Report, shown: str) -> BinaryIO:
    refuse_archive(report.records, shown)
    with zipfile.ZipFile(stream) as archive:
        (name,) = [name for name in archive.namelist() if inside(name) == "data.pkl"]
        return io.BytesIO(archive.read(name))


def _refusal(asked: Scan, kind: Kind, models: Mapping[str, str], shown: str) -> LoadError | None:
    try:
        check_allowed(asked, shown)
    except LoadError as error:
        return error
    if kind == "pickle":
        return bare_pickle(shown)
    return old_module(shown) if kind == "legacy" and models else None


def _modules(found: object) -> dict[str, Made]:
    """Whole models: the object itself, or those directly in a dict."""
    rows = found if isinstance(found, dict) else {"": found}
    return {
        key: value
        for key, value in rows.items()
        if isinstance(key, str) and isinstance(value, Made) and module_state(value)
    }


def _entries(found: object, told: set[str]) -> dict[str, str]:
    """What lies in a checkpoint beside its weights, in words."""
    if not isinstance(found, dict):
        return {} if "" in told else {"": _words(found)}
    others = {key: value for key, value in found.items() if not ("" in told and isinstance(value, Entry))}
    named = {key if isinstance(key, str) else _scalar(key): value for key, value in others.items()}
    return {key: _words(value) for key, value in named.items() if key not in told}


def _words(value: Any) -> str:
    if isinstance(value, Made):
        return f"an object of {value.name}"
    if isinstance(value, Entry):
        return f"a tensor, {spoken(value)}"
    if is_optimizer(value):
        return f"the state of an optimizer ({_count(value):,} tensors)"
    if isinstance(value, (dict, list, tuple)):
        return _few(value) or f"{len(value):,} items with {_count(value):,} tensors"
    return _scalar(value)


def _few(values: dict[object, object] | list[object] | tuple[object, ...]) -> str:
    """The values themselves, when they are few and plain; else ""."""
    held = list(values.values() if isinstance(values, dict) else values)
    if len(held) > _FEW or not all(map(_is_scalar, held)):
        return ""
    if isinstance(values, dict):
        return ", ".join(f"{_scalar(key)}: {_scalar(value)}" for key, value in values.items()) or "nothing"
    return ", ".join(map(_scalar, held)) or "nothing"


def _is_scalar(value: object) -> bool:
    return isinstance(value, (str, int, float, bytes, type(None)))


def _scalar(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 8 * _LONGEST:  # python refuses to write some
        return "a huge number"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _count(value: object) -> int:
    """Tensors in nested dicts and lists, each list looked into once: they may share parts."""
    total, seen, pending = 0, set[int](), [value]
    while pending:
        item = pending.pop()
        if isinstance(item, Entry):
            total += 1
        elif isinstance(item, (dict, list, tuple)) and id(item) not in seen:
            seen.add(id(item))
            pending.extend(item.values() if isinstance(item, dict) else item)
    return total


def spoken(entry: Entry) -> str:
    """A tensor's shape and type: "64x3x7x7 float32"."""
    return f"{'x'.join(map(str, entry.shape)) or 'one number'} {entry.dtype}"


def dtypes(weights: Mapping[str, Entry]) -> dict[str, int]:
    """How many tensors there are of every type, the commonest first."""
    return dict(Counter(entry.dtype for entry in weights.values()).most_common())


def largest(weights: Mapping[str, Entry], count: int = 5) -> dict[str, Entry]:
    """The tensors with the most numbers, the largest first."""
    return dict(sorted(weights.items(), key=lambda row: -row[1].elements)[:count])


def counted(weights: Mapping[str, Entry]) -> str:
    """How much a set of weights is: "62 tensors (62 of float32), 189,642 numbers"."""
    kinds = ", ".join(f"{count:,} of {dtype}" for dtype, count in dtypes(weights).items())
    numbers = sum(entry.elements for entry in weights.values())
    return f"{len(weights):,} tensors ({kinds}), {numbers:,} numbers"


def printable(text: str) -> str:
    """What a file says may steer neither a terminal nor a line of text."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
