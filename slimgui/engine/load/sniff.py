"""The first bytes of a file -> what kind of file it is. By content, never by suffix."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Literal

import torch

from slimgui.engine.load.scan import Scan, UnreadableError, scan
from slimgui.errors import LoadError

Kind = Literal["zip", "legacy", "pickle"]

_LEGACY_MAGIC = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")
_AS_STATE_DICT = "Open the original model and save it with torch.save(model.state_dict(), path)."
_CONVERT = "SlimGUI works on PyTorch models; convert it first."
_MAGIC = (
    (0, b"GGUF", "a GGUF file (quantised weights for llama.cpp)", "Open the PyTorch model it was made from."),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras)", _CONVERT),
    (4, b"TFL3", "a TensorFlow Lite file", _CONVERT),
    (257, b"ustar", "a tar archive (or a checkpoint of torch before 0.1.10)", _AS_STATE_DICT),
    (0, b"\x1f\x8b", "a gzip archive", "Unpack it and open the checkpoint inside."),
)


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
    head = stream.read(4096)
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if head[:4] == b"PK\x03\x04":
        return "zip"
    if head[:2] == b"\x80\x02" and _LEGACY_MAGIC in head[:16]:
        return "legacy"
    foreign = _foreign(head, size)
    if foreign:
        kind, hint = foreign
        raise LoadError(f"{shown} is {kind}, which SlimGUI cannot open yet.", "", hint)
    if head[:1] == b"\x80" or _is_text_pickle(head, stream):
        return "pickle"
    if _is_text(head):
        raise LoadError(f"{shown} is a text file, not a model.", "", "Choose a checkpoint (.pt, .pth).")
    hint = "Choose a checkpoint written by torch.save (.pt, .pth)."
    raise LoadError(f"{shown} is not a kind of file SlimGUI knows.", "", hint)


def _foreign(head: bytes, size: int) -> tuple[str, str] | None:
    """What it is and what to do, for formats of other programs."""
    length = int.from_bytes(head[:8], "little")
    if size > 8 and length <= size - 8 and head[8:9] == b"{":
        return "a safetensors file", "Save the same weights with torch.save(state_dict, path)."
    if head[:1] == b"\x08" and head[1:2] < b"\x20" and head[2:3] in (b"\x12", b"\x1a", b"\x22", b"\x3a"):
        return "an ONNX model", "Open the PyTorch model it was exported from."
    for offset, magic, kind, hint in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return kind, hint
    return None


def _is_text_pickle(head: bytes, stream: BinaryIO) -> bool:
    """A pickle of protocol 0 or 1 has no header: it is one when it can be followed and names something."""
    if head[:1] not in b"(c]}lditI\x8c":
        return False
    try:
        return bool(scan(stream).names)
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


def zip_scan(stream: BinaryIO, shown: str) -> Scan:
    """What the checkpoint archive asks for, read by torch's own zip reader (the one that will load it).

    Raises:
        LoadError: the archive is cut off, or holds something else than a checkpoint.
    """
    stream.seek(0)
    try:
        reader = torch._C.PyTorchFileReader(stream)
        records = reader.get_all_records()
    except (RuntimeError, OSError, ValueError):  # it seeks wherever the broken directory tells it to
        raise _bad_zip(stream, shown) from None
    refuse_archive(records, shown)
    try:
        data = reader.get_record("data.pkl")
    except (RuntimeError, OSError, ValueError):
        raise _damaged(shown) from None
    try:
        return scan(io.BytesIO(data))
    except UnreadableError as error:
        raise LoadError(f"{shown} is damaged.", error.why, "Download or save it again.") from None


def refuse_archive(records: Sequence[str], shown: str) -> None:
    """Raise LoadError for archives that are no checkpoint of `torch.save`."""
    if "constants.pkl" in records or any(name.startswith("code/") for name in records):
        raise LoadError(
            f"{shown} is a TorchScript archive, which cannot be slimmed.",
            "It holds compiled code instead of a module whose layers could be changed.",
            _AS_STATE_DICT,
        )
    if "archive_format" in records or "serialized_exported_program.json" in records:
        what = f"{shown} is an exported program (torch.export), which SlimGUI cannot open yet."
        raise LoadError(what, "", _AS_STATE_DICT)
    if "data.pkl" not in records:
        inside = ", ".join(records[:3]) or "nothing"
        what = f"{shown} is a zip archive, not a checkpoint."
        raise LoadError(what, f"It holds {inside}.", "Unpack it and open what is inside.")


def legacy_scan(stream: BinaryIO, shown: str) -> Scan:
    """What a checkpoint from before torch 1.6 asks for: magic number, version, machine, object, storage keys.

    Raises:
        LoadError: it is cut off.
    """
    stream.seek(0)
    total = Scan()
    try:
        for _ in range(5):
            total += scan(stream)
    except UnreadableError:
        raise _damaged(shown) from None
    return total


def _bad_zip(stream: BinaryIO, shown: str) -> LoadError:
    """The reader of torch accepts only checkpoint archives; tell other zips from broken ones."""
    stream.seek(0)
    try:
        names = zipfile.ZipFile(stream).namelist()
        refuse_archive([name.partition("/")[2] for name in names], shown)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        pass
    except LoadError as error:
        return error
    return _damaged(shown)


def _damaged(shown: str) -> LoadError:
    return LoadError(
        f"{shown} is damaged or cut off.",
        "The end of the file is missing or its parts do not fit together.",
        "Download or save it again.",
    )
