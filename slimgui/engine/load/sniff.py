"""The first bytes of a file -> what kind of file it is. By content, never by suffix."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from slimgui.errors import LoadError
from slimgui.scanner.containers import kind_of
from slimgui.scanner.opcodes import UnreadableError, scan
from slimgui.scanner.report import Kind

_TEXT_PICKLE_LIMIT = 2**20  # bytes; larger ones are not looked for
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
    kind = kind_of(head)
    if kind != "pickle":
        return kind
    foreign = _foreign(head, size)
    if foreign:
        what, hint = foreign
        raise LoadError(f"{shown} is {what}, which SlimGUI cannot open yet.", "", hint)
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
