"""safetensors files -> their header, or their tensors mapped from disk. Nothing in such a file can run.

The library reads the header; it is guarded before that, and what the library says becomes a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open
from torch import Tensor

from slimgui.engine.load.outline import Entry
from slimgui.errors import LoadError

_LARGEST_HEADER: Final = 100_000_000  # bytes; the limit of the format
_LONGEST: Final = 200  # characters of a message that may quote the file
_DTYPES: Final = {
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
}


@dataclass(frozen=True, slots=True)
class Header:
    """What a safetensors file holds, by name, and what it says about itself."""

    tensors: dict[str, Entry]
    metadata: dict[str, str] = field(default_factory=dict)


def read_header(path: Path) -> Header:
    """The header of a safetensors file; no tensor is read.

    Raises:
        LoadError: it is absurd, or does not fit the size of the file.
    """
    with _opened(path) as file:
        slices = {name: file.get_slice(name) for name in file.offset_keys()}
        tensors = {name: Entry(tuple(one.get_shape()), _dtype(one)) for name, one in slices.items()}
        return Header(tensors, dict(file.metadata() or {}))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors, mapped from the file and read from disk when they are used.

    Writing to them leaves the file as it is.

    Raises:
        LoadError: as `read_header`, or torch has no such number type.
    """
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.offset_keys()}


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    _guard(path)
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        why = f"safetensors says: {str(error).partition(chr(10))[0][:_LONGEST]}."
        raise LoadError(f"{path.name} is damaged.", why, "Download or save it again.") from None


def _guard(path: Path) -> None:
    """A header may not be longer than the file or the format allow: it is read as a whole."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
    if length > min(size - 8, _LARGEST_HEADER):
        why = f"Its header claims {length:,} bytes, and the file has {size:,}."
        raise LoadError(f"{path.name} is damaged or cut off.", why, "Download or save it again.")


def _dtype(one: Any) -> str:
    name = str(one.get_dtype())
    return _DTYPES.get(name, name)
