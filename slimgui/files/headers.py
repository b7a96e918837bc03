"""safetensors files -> their header: names, shapes and types. No tensor is read, and torch is not needed.

The header is JSON of a known length in front of the numbers. It is checked as strictly as the library of the
format does, so that what is shown here is what loading finds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from slimgui.errors import LoadError
from slimgui.files.outline import Entry

LARGEST_HEADER: Final = 100_000_000  # bytes; the limit of the format
DTYPES: Final = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "C64": "complex64",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "BOOL": "bool",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
}
_LONGEST: Final = 80  # characters of a name that is shown


@dataclass(frozen=True, slots=True)
class Header:
    """What a safetensors file holds, by name, and what it says about itself."""

    tensors: dict[str, Entry]
    metadata: dict[str, str] = field(default_factory=dict)


def read_header(path: Path) -> Header:
    """The header of a safetensors file.

    Raises:
        LoadError: it is absurd, or does not fit the size of the file.
    """
    text, room = _header_bytes(path)
    try:
        rows = json.loads(text)
        metadata = rows.pop("__metadata__", None) or {}
        places = {name: _place(row) for name, row in rows.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _damaged(path, "Its header cannot be read.") from None
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _damaged(path, "Its metadata is no text.")
    end = 0
    for name, (entry, start, stop) in sorted(places.items(), key=lambda item: item[1][1:]):
        if start != end or (entry.dtype in _WIDE and stop - start != entry.bytes):
            raise _damaged(path, f"Its header gives {name[:_LONGEST]!r} a place that it cannot have.")
        end = stop
    if end != room:
        raise _damaged(path, f"Its tensors are {end:,} bytes, and {room:,} follow the header.")
    return Header({name: entry for name, (entry, *_) in places.items()}, metadata)


_WIDE: Final = frozenset(DTYPES.values())  # types whose width is known; newer ones may pack several in a byte


def _header_bytes(path: Path) -> tuple[bytes, int]:
    """The header, and how many bytes follow it."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > min(size - 8, LARGEST_HEADER):
            why = f"Its header claims {length:,} bytes, and the file has {size:,}."
            raise LoadError(f"{path.name} is damaged or cut off.", why, "Download or save it again.")
        return stream.read(length), size - 8 - length


def _place(row: Mapping[str, Any]) -> tuple[Entry, int, int]:
    """A tensor, and where its numbers begin and end. Raises what `read_header` knows."""
    name, shape, (start, stop) = row["dtype"], row["shape"], row["data_offsets"]
    numbers = [*shape, start, stop]
    if not isinstance(name, str) or not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError("a tensor without type, shape or place")
    if math.prod(shape) >= 2**63:
        raise ValueError("a tensor of more numbers than there can be")
    return Entry(tuple(shape), DTYPES.get(name, name)), start, stop


def _damaged(path: Path, why: str) -> LoadError:
    return LoadError(f"{path.name} is damaged.", why, "Download or save it again.")
