"""A checkpoint -> the object in it. Tensors are mapped from disk where that is possible; pickles are read
with `weights_only=True` and an allow list of classes.

The file's pickles are first read opcode by opcode in a process of their own (scan.py) and judged
(allow.py); torch sees them only when everything they name is plain data or an allowed module class.
Modules are checked once more before anything calls them.
"""

from __future__ import annotations

import hashlib
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor, nn

from slimgui.engine.load import own
from slimgui.engine.load.allow import allowed_classes
from slimgui.engine.load.consent import NONE, Consent, unpickle
from slimgui.engine.load.tensors import read_tensors
from slimgui.engine.shortage import ran_out
from slimgui.errors import LoadError, UnsafeFileError
from slimgui.files.scan import examine
from slimgui.files.shards import check_names, checkpoint_at, kind_of, shards_of
from slimgui.files.sniff import bare_pickle, existing_file, old_module, refuse_archive, sniff
from slimgui.scanner.report import Report, Scan

_HOOKS = (
    *("_backward_hooks", "_backward_pre_hooks", "_forward_hooks", "_forward_pre_hooks"),
    *("_state_dict_hooks", "_state_dict_pre_hooks"),
    *("_load_state_dict_pre_hooks", "_load_state_dict_post_hooks"),
)
_DEEPEST = 100


def read(path: Path, consent: Consent = NONE) -> object:
    """What the file or folder holds: a module, a state dict, a dict of plain things. On the CPU.

    Args:
        path: of the file or folder.
        consent: of the user, to run code that it needs.

    Raises:
        ConsentError: reading it needs code that the user may agree to run.
        UnsafeFileError: reading it would call something.
        LoadError: it is missing, damaged, or another kind of file.
    """
    try:
        return _read(existing_file(checkpoint_at(path)), consent)
    except OSError as error:
        why = f"{error.strerror or error}."
        raise LoadError(f"{path.name} cannot be read.", why, "Check its permissions.") from None


def _read(path: Path, consent: Consent) -> object:
    shown = path.name
    with path.open("rb") as stream:
        kind = sniff(stream, shown)
        if kind == "index":
            return _read_shards(path, consent)
        if kind == "safetensors":
            tensors, metadata = read_tensors(path)
            return own.from_tensors(metadata, tensors, shown)
        scanned = _scan(stream, shown)
        try:
            classes = allowed_classes(scanned, shown)
        except UnsafeFileError as refused:
            return unpickle(path, consent, refused)
        stream.seek(0)
        found = _torch_load(stream, classes, shown)
    for module in _modules_in(found):
        check_module(module, shown)
    return found


def _read_shards(index: Path, consent: Consent) -> dict[str, Any]:
    """All tensors that an index names."""
    state: dict[str, Any] = {}
    shards = shards_of(index)
    for shard, names in shards.names.items():
        found = {} if kind_of(shard) == "index" else _read(shard, consent)
        held = found if isinstance(found, dict) else {}
        check_names(shard, names, set(held))
        state |= {name: held[name] for name in names}
    return own.from_tensors(shards.metadata, state, index.name)


def _scan(stream: BinaryIO, shown: str) -> Scan:
    report = examine(stream, shown)
    if report.kind == "zip":
        refuse_archive(report.records, shown)
        check_torch_reads_the_same(stream, report, shown)
    elif report.kind == "pickle":
        allowed_classes(report.scan, shown)
        raise bare_pickle(shown)
    return report.scan


def check_torch_reads_the_same(stream: BinaryIO, report: Report, shown: str) -> bytes:
    """The pickle torch's zip reader finds, when it was the one scanned: on a forged zip two may differ."""
    stream.seek(0)
    try:
        data: bytes = torch._C.PyTorchFileReader(stream).get_record("data.pkl")
    except (RuntimeError, OSError, ValueError):  # it seeks wherever the broken directory tells it to
        why = "The end of the file is missing or its parts do not fit together."
        raise LoadError(f"{shown} is damaged or cut off.", why, "Download or save it again.") from None
    if (report.pickles or {}).get("data.pkl") != hashlib.sha256(data).hexdigest():
        raise UnsafeFileError(
            f"{shown} was not opened.",
            "Its archive is built so that two programs read different things in it.",
            "Do not trust this file; ask who gave it to you.",
        )
    return data


def _torch_load(stream: BinaryIO, classes: dict[str, type[nn.Module]], shown: str) -> object:
    allowed: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
        (cls, name) for name, cls in classes.items()
    ]
    name = None if classes else _mappable(stream)  # a whole model goes on living when its file is replaced
    try:
        with torch.serialization.safe_globals(allowed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(name or stream, map_location="cpu", weights_only=True, mmap=name is not None)
    except Exception as error:  # what a broken file makes torch raise is not documented
        if ran_out(error):  # the file may be whole
            raise
        text = str(error).partition("\n")[0]
        if "persistent_load" in str(error):
            raise old_module(shown) from None
        raise LoadError(
            f"{shown} is damaged.", f"torch says: {text}", "Download or save it again."
        ) from error


def _mappable(stream: BinaryIO) -> str | None:
    """A name of this open file whose tensors can be mapped: a zip with nothing packed, on Linux; else None.

    By its path another file might be found there by now.
    """
    name = Path(f"/proc/self/fd/{stream.fileno()}")
    try:
        if not name.exists() or not zipfile.is_zipfile(stream):
            return None
        with zipfile.ZipFile(stream) as archive:
            plain = all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())
        return str(name) if plain else None
    finally:
        stream.seek(0)  # looking for a zip ends at the end of the file


def _modules_in(found: object) -> list[nn.Module]:
    """The module itself, or those that lie directly in a dict."""
    values = found.values() if isinstance(found, dict) else [found]
    return [value for value in values if isinstance(value, nn.Module)]


def check_module(root: nn.Module, shown: str) -> None:
    """Make sure that a module read from a file is whole, has no hooks and runs only its own class's code.

    Raises:
        UnsafeFileError: an attribute replaces a method, or a hook is set.
        LoadError: something every module has is missing, or a module contains itself.
    """
    done: set[int] = set()
    pending: list[tuple[nn.Module, tuple[int, ...]]] = [(root, ())]
    while pending:
        module, above = pending.pop()
        if id(module) in above or len(above) > _DEEPEST:
            raise _broken(shown, "a module contains itself, or modules without end")
        if id(module) in done:
            continue
        _check_one(module, shown)
        inside = (*above, id(module))
        children = _held(module)
        pending.extend((child, inside) for child in children)
        if not any(id(child) in inside for child in children):
            done.add(id(module))


def _held(module: nn.Module) -> list[nn.Module]:
    """Modules that `module` holds, as children or inside plain containers."""
    found: list[nn.Module] = []
    seen: set[int] = set()
    pending: list[object] = list(vars(module).values())
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, nn.Module):
            found.append(value)
        elif isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, (list, tuple, set)):
            pending.extend(value)
    return found


def _check_one(module: nn.Module, shown: str) -> None:
    state = vars(module)
    for name, kind in (("_parameters", nn.Parameter), ("_buffers", Tensor), ("_modules", nn.Module)):
        table = state.get(name)
        if not isinstance(table, dict):
            raise _broken(shown, f"a {type(module).__name__} has no {name}")
        for key, value in table.items():
            if not isinstance(key, str) or not (value is None or isinstance(value, kind)):
                raise _broken(shown, f"{key!r} in a {type(module).__name__} is not what it should be")
    unsaved = state.get("_non_persistent_buffers_set")
    if not isinstance(state.get("training"), bool) or not isinstance(unsaved, set):
        raise _broken(shown, f"a {type(module).__name__} is not whole")
    for key in state:
        if callable(getattr(type(module), str(key), None)):
            raise _tampered(shown, f"it replaces {type(module).__name__}.{key}")
    if state.get("_compiled_call_impl") is not None or any(state.get(hooks) for hooks in _HOOKS):
        raise _tampered(shown, f"it hooks code into {type(module).__name__}")


def _broken(shown: str, why: str) -> LoadError:
    hint = "Download or save it again."
    return LoadError(f"{shown} is damaged.", f"The model in it is not whole: {why}.", hint)


def _tampered(shown: str, why: str) -> UnsafeFileError:
    return UnsafeFileError(
        f"{shown} was not opened.",
        f"The model in it was changed by hand: {why}.",
        "Save its state dict instead.",
    )
