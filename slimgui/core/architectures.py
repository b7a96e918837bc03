"""The index of known architectures: names and shapes of their weights -> the factories that make them.

One file of resources/, made by tools/architectures.py: msgpack, compressed by lzma. An architecture is a
key, which stands for the names of its tensors and their numbers of dimensions, and a form, which is all their
sizes in the order of the names. The names themselves are not kept: a file that has the key has the names.
Only floating-point tensors count, for counters and tables of indices come and go between versions.
"""

from __future__ import annotations

import lzma
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

FORMAT: Final = 1
FILE: Final = "architectures.xz"

Shapes = Mapping[str, Sequence[int]]


class Free(msgspec.Struct, frozen=True, array_like=True):
    """A number that a factory can be given, as of classes. Some sizes follow it: step · number + rest.

    Attributes:
        argument: its name.
        number: the one of the form.
        default: the one the factory takes when it is given none.
        places: which of the form's sizes show it, each with its step.
    """

    argument: str
    number: int
    default: int
    places: tuple[tuple[int, int], ...]


class Maker(msgspec.Struct, frozen=True, array_like=True):
    """What makes an architecture: a factory as `engine.load` takes it, and numbers it can be given."""

    factory: str
    free: tuple[Free, ...] = ()

    def source(self, numbers: Mapping[str, int]) -> str:
        """The factory with these numbers, by argument, as the user writes it."""
        own = {free.argument: free.default for free in self.free}
        given = ", ".join(f"{name}={number}" for name, number in numbers.items() if number != own[name])
        head, opened, rest = self.factory.partition("(")
        if not given:
            return self.factory
        return f"{head}({given}, {rest}" if opened else f"{head}({given})"


class Form(msgspec.Struct, frozen=True, array_like=True):
    """Sizes of one architecture, and everything that makes it."""

    packed: bytes
    makers: tuple[Maker, ...]

    @property
    def sizes(self) -> array[int]:
        """Every size of every tensor, in the order of `flat`."""
        numbers = array("I", self.packed)
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers


class Index(msgspec.Struct, frozen=True):
    """All known architectures, by key, and the versions of the libraries they are of."""

    format: int
    versions: dict[str, str]
    forms: dict[bytes, tuple[Form, ...]]


def key(shapes: Shapes) -> bytes:
    """What stands for the names of these tensors and their numbers of dimensions."""
    rows = "\n".join(f"{name} {len(shape)}" for name, shape in sorted(shapes.items()))
    return blake2b(rows.encode(), digest_size=8).digest()


def flat(shapes: Shapes) -> list[int]:
    """All sizes of these tensors, in the order of their names."""
    return [size for _, shape in sorted(shapes.items()) for size in shape]


def made(rows: Iterable[tuple[Shapes, Maker]], versions: dict[str, str]) -> Index:
    """The index of these architectures; those with the same names and shapes share a form, in their order."""
    found: dict[bytes, dict[bytes, list[Maker]]] = {}
    for shapes, maker in rows:
        numbers = array("I", flat(shapes))
        if sys.byteorder == "big":
            numbers.byteswap()
        found.setdefault(key(shapes), {}).setdefault(numbers.tobytes(), []).append(maker)
    forms = {
        name: tuple(Form(packed, tuple(makers)) for packed, makers in by_sizes.items())
        for name, by_sizes in found.items()
    }
    return Index(FORMAT, versions, forms)


def write(index: Index, path: Path) -> None:
    """Write the index; the same one always gives the same bytes."""
    path.write_bytes(lzma.compress(msgspec.msgpack.encode(index), preset=9 | lzma.PRESET_EXTREME))


def read(path: Path) -> Index:
    """The index in a file.

    Raises:
        ValueError: it is of another format than this program's.
    """
    index = msgspec.msgpack.decode(lzma.decompress(path.read_bytes()), type=Index)
    if index.format != FORMAT:
        raise ValueError(f"{path.name} is of format {index.format}, not {FORMAT}")
    return index
