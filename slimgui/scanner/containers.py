"""An open file -> what all its pickles ask for, for the zip and the legacy format of `torch.save`.

Archives are read more strictly than any program reads them: where two readers could see different
contents (two parts of one name, parts that overlap, sizes that lie), the file is refused.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from typing import BinaryIO, Final

from slimgui.errors import LoadError
from slimgui.scanner.opcodes import UnreadableError, scan
from slimgui.scanner.report import Kind, Report, Scan

LEGACY_MAGIC: Final = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")
_ZIP_MAGIC: Final = b"PK\x03\x04"
_LARGEST_PICKLE: Final = 256 * 2**20
_PICKLE_SUFFIXES: Final = (".pkl", ".pickle")
_SWELLING: Final = 20  # times its size that an archive may unpack to; torch.save does not compress at all
_ENCRYPTED: Final = 0x1
_AGAIN: Final = "Download or save it again."
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError)


def kind_of(head: bytes) -> Kind:
    """Which of the containers begins with `head`, its first 16 bytes or more."""
    if head[:4] == _ZIP_MAGIC:
        return "zip"
    return "legacy" if head[:2] == b"\x80\x02" and LEGACY_MAGIC in head[:16] else "pickle"


def examine(stream: BinaryIO, shown: str) -> Report:
    """What the file asks for; nothing in it is run.

    Args:
        stream: the open file, seekable.
        shown: how to call the file in a sentence.

    Raises:
        LoadError: it is damaged, or made to be read in two ways.
    """
    kind = kind_of(stream.read(16))
    stream.seek(0)
    if kind == "zip":
        return _archive(stream, shown)
    try:
        # Legacy: magic number, version, machine, object, keys of the storages; then numbers, no pickles.
        scans = [scan(stream) for _ in range(5 if kind == "legacy" else 1)]
    except UnreadableError as error:
        raise LoadError(f"{shown} is damaged or cut off.", error.why, _AGAIN) from None
    return Report(kind, Scan.union(scans))


def _archive(stream: BinaryIO, shown: str) -> Report:
    size = stream.seek(0, io.SEEK_END)
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            _check_members(members, size, shown)
            pickles = {member.filename: data for member in members if (data := _pickle(archive, member))}
    except _BROKEN:
        why = "The end of the file is missing or its parts do not fit together."
        raise LoadError(f"{shown} is damaged or cut off.", why, _AGAIN) from None
    try:
        scans = [scan(io.BytesIO(data)) for data in pickles.values()]
    except UnreadableError as error:
        raise LoadError(f"{shown} is damaged.", error.why, _AGAIN) from None
    records = tuple(inside(member.filename) for member in members)
    hashes = {inside(name): hashlib.sha256(data).hexdigest() for name, data in pickles.items()}
    return Report("zip", Scan.union(scans), records, hashes)


def _check_members(members: list[zipfile.ZipInfo], size: int, shown: str) -> None:
    names = [member.filename.lower() for member in members]  # torch's reader does not tell case apart
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise _forged(shown, f"It has two parts called {twice[:80]!r}; a saved model never has.")
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise LoadError(f"{shown} is encrypted.", "", "Unpack it with its password first.")
    whole = sum(member.file_size for member in members)
    if whole > _SWELLING * size:
        raise _forged(shown, f"It is {size:,} bytes and would unpack to {whole:,}.")
    stored = [member for member in members if member.compress_type == zipfile.ZIP_STORED]
    lying = any(member.file_size != member.compress_size for member in stored)
    if lying or sum(member.compress_size for member in members) > size:
        raise _forged(shown, "Its parts overlap, or are larger than the file that holds them.")


def _pickle(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """The bytes of a part that is a pickle, by its name or its first byte; b"" for any other.

    Numbers of tensors lie in the folder data and may begin with any byte; no reader takes them for pickles.
    """
    part_name = inside(member.filename)
    named = part_name.lower().endswith(_PICKLE_SUFFIXES)
    if part_name.startswith("data/") and not named:
        return b""
    with archive.open(member) as part:
        head = part.read(1)
        if not named and head != b"\x80":
            return b""
        if member.file_size > _LARGEST_PICKLE:
            raise ValueError("a pickle without end")
        return head + part.read()


def inside(name: str) -> str:
    """A part's name without the folder that holds the whole archive."""
    return name.partition("/")[2] or name


def _forged(shown: str, why: str) -> LoadError:
    return LoadError(f"{shown} was not opened.", why, "Do not trust this file; ask who gave it to you.")
