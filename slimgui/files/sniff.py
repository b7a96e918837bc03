"""The first bytes of a file -> what kind of file it is. By content, never by suffix."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

from slimgui.errors import LoadError
from slimgui.files import foreign
from slimgui.scanner.containers import kind_of
from slimgui.scanner.opcodes import UnreadableError, scan
from slimgui.scanner.report import Kind as Container

Kind = Container | Literal["safetensors", "index"]

HEAD = 4096  # bytes that tell what a file is
_TEXT_PICKLE_LIMIT = 2**20  # bytes; larger ones are not looked for
_LARGEST_INDEX = 64 * 2**20


def existing_file(path: Path) -> Path:
    """`path`, when it is a readable, non-empty regular file.

    Raises:
        LoadError: it is missing, a folder, something that is no file, or empty.
    """
    try:
        if path.is_dir():
            raise LoadError(f"{path} is a folder.", "", "Choose the checkpoint file inside it.")
        if not path.exists():
            hint = "Check the name; a model to build is written torchvision.models:resnet50."
            raise LoadError(f"There is no file {path}.", "", hint)
        if not path.is_file():
            raise LoadError(f"{path} is not a regular file.", "", "Choose a checkpoint file.")
        if path.stat().st_size == 0:
            raise LoadError(f"{path.name} is empty.", "", "Download or save it again.")
    except OSError as error:
        why = f"{error.strerror or error}."
        raise LoadError(f"{path} cannot be opened.", why, "Check its name and permissions.") from None
    return path


def sniff(stream: BinaryIO, shown: str) -> Kind:
    """Which reader the file needs.

    Args:
        stream: the open file.
        shown: how to call the file in a sentence.

    Raises:
        LoadError: it is something SlimGUI does not open; says what it is and what to do.
    """
    stream.seek(0)
    head = stream.read(HEAD)
    stream.seek(0)
    kind = kind_of(head)
    if kind != "pickle":
        return kind
    if head[8:9] == b"{" and not _is_text(head[:8]):
        return "safetensors"
    other = foreign.by_bytes(head)
    if other is not None:
        raise other.refusal(shown)
    if head[:1] == b"\x80" or _is_text_pickle(head, stream):
        return "pickle"
    if not _is_text(head):
        hint = "Choose a checkpoint written by torch.save (.pt, .pth), or safetensors."
        raise LoadError(f"{shown} is not a kind of file SlimGUI knows.", "", hint)
    if read_index(stream) is not None:
        return "index"
    hint = "Choose a checkpoint (.pt, .pth, .safetensors), or the folder it lies in."
    raise LoadError(f"{shown} is a text file, not a model.", "", hint)


def read_index(stream: BinaryIO) -> tuple[dict[str, str], dict[str, Any]] | None:
    """Of the JSON index of a sharded checkpoint tensor name -> file name, and what it says about itself."""
    stream.seek(0)
    text = stream.read(_LARGEST_INDEX + 1)
    stream.seek(0)
    if text.lstrip()[:1] != b"{" or len(text) > _LARGEST_INDEX:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    names = found.get("weight_map") if isinstance(found, dict) else None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        return None
    metadata = found.get("metadata")
    return names, metadata if isinstance(metadata, dict) else {}


def _is_text_pickle(head: bytes, stream: BinaryIO) -> bool:
    """A pickle of protocol 0 or 1 has no header: it is one when it can be followed and names something."""
    if head[:1] not in b"(c]}lditI\x8c":
        return False
    try:
        return bool(scan(io.BytesIO(stream.read(_TEXT_PICKLE_LIMIT))).names)
    except UnreadableError:
        return False
    finally:
        stream.seek(0)


def _is_text(head: bytes) -> bool:
    try:
        text = head[:4000].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head[:4000]) - 4:
            return False
        text = head[: error.start].decode("utf-8")
    return all(char.isprintable() or char in "\r\n\t\f" for char in text)


def refuse_archive(records: Sequence[str], shown: str) -> None:
    """Raise LoadError for archives that are no checkpoint of `torch.save`."""
    other = foreign.by_records(records)
    if other is not None:
        raise other.refusal(shown)
    if "data.pkl" not in records:
        inside = ", ".join(records[:3]) or "nothing"
        what = f"{shown} is a zip archive, not a checkpoint."
        raise LoadError(what, f"It holds {inside}.", "Unpack it and open what is inside.")


def bare_pickle(shown: str) -> LoadError:
    """The sentence for what pickle.dump wrote."""
    return LoadError(
        f"{shown} is a bare pickle, not a checkpoint.",
        "It was written by pickle.dump; SlimGUI reads what torch.save writes.",
        "Save it again with torch.save(model.state_dict(), path).",
    )


def old_module(shown: str) -> LoadError:
    """The sentence for a whole model in the old format, of which torch reads weights only."""
    what = f"{shown} is a whole model in the file format of torch before 1.6."
    return LoadError(what, "", "Save it again with a newer torch, or save its state dict.")
