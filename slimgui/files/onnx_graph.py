"""An ONNX file -> its inputs, outputs, operators and weights by shape. No tensor is read, and nothing is run.

The file is one protobuf message: fields, each a key (number and kind) and a value; a value with a length
is a text, bytes, or another message. Only messages that say what the graph is are followed; the numbers of
tensors are stepped over where they lie.

Source: onnx.proto of ONNX 1.17, whose field numbers never change.
"""

from __future__ import annotations

import mmap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from slimgui.errors import LoadError
from slimgui.files.outline import Entry

_DTYPES: Final = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string",
    9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128",
    16: "bfloat16", 17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz",
    21: "uint4", 22: "int4",
}  # fmt: skip
_VARINT, _LONG, _LENGTH, _SHORT = 0, 1, 2, 5  # kinds of values
_DEEPEST: Final = 16  # graphs inside graphs
_MOST: Final = 5_000_000  # fields that are looked at, some more than once
_LONGEST: Final = 200  # bytes of a name
_LONGEST_SAID: Final = 1_000_000  # bytes of what it says about itself
_MOST_DIMS: Final = 64


class _UnreadableError(Exception):
    """The bytes are no such message."""


@dataclass(frozen=True, slots=True)
class _Message:
    """A part of the file; numbers and texts are read from it when they are asked for."""

    data: mmap.mmap
    start: int
    end: int
    looked: list[int]  # how many fields of the whole file, one number

    def fields(self) -> Iterator[tuple[int, int | _Message]]:
        """Number and value of every field, in order."""
        place = self.start
        while place < self.end:
            self.looked[0] += 1
            if self.looked[0] > _MOST:
                raise _UnreadableError("it has too many parts")
            key, place = self._varint(place)
            kind = key & 7
            if kind == _VARINT:
                value, place = self._varint(place)
                yield key >> 3, value
                continue
            size, place = (
                self._varint(place) if kind == _LENGTH else ({_LONG: 8, _SHORT: 4}.get(kind, -1), place)
            )
            if size < 0 or place + size > self.end:
                raise _UnreadableError("a part of it is longer than the whole")
            yield key >> 3, _Message(self.data, place, place + size, self.looked)
            place += size

    def _varint(self, place: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            if place >= self.end:
                raise _UnreadableError("it ends in the middle")
            byte = self.data[place]
            place += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value, place
        raise _UnreadableError("a number in it has no end")

    def all(self, number: int) -> Iterator[_Message]:
        """Every message in the fields of that number."""
        return (value for key, value in self.fields() if key == number and isinstance(value, _Message))

    def first(self, number: int) -> _Message:
        """The first of them; an empty one when there is none."""
        return next(self.all(number), _Message(self.data, self.start, self.start, self.looked))

    def number(self, number: int) -> int:
        """The last number in the fields of that number; 0 when there is none."""
        values = [value for key, value in self.fields() if key == number and isinstance(value, int)]
        return values[-1] if values else 0

    def numbers(self, number: int) -> tuple[int, ...]:
        """All of them, one by one or packed together."""
        found: list[int] = []
        for key, value in self.fields():
            if key == number and isinstance(value, int):
                found.append(value)
            elif key == number and isinstance(value, _Message):
                place = value.start
                while place < value.end:
                    one, place = value._varint(place)
                    found.append(one)
        return tuple(found)

    def text(self, number: int, longest: int = _LONGEST) -> str:
        """The text in the field of that number, cut to so many bytes; "" when there is none."""
        part = self.first(number)
        return self.data[part.start : min(part.end, part.start + longest)].decode("utf-8", "replace")


@dataclass(slots=True)
class OnnxGraph:
    """What an ONNX file holds.

    Attributes:
        producer: the program that wrote it, and its version.
        opsets: version of every set of operators, by its domain; ai.onnx is the standard one.
        inputs: shape and type by name; of a size that is free its name.
        outputs: the same.
        nodes: how many there are of every operator, those of inner graphs too.
        weights: the initializers by name, and constants of real numbers.
        metadata: what the file says about itself.
    """

    producer: str = ""
    opsets: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    nodes: Counter[str] = field(default_factory=Counter)
    weights: dict[str, Entry] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


def read_graph(path: Path) -> OnnxGraph:
    """What the ONNX file at `path` holds.

    Raises:
        LoadError: it is damaged, or no ONNX file.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _model(_Message(data, 0, len(data), [0]))
    except (_UnreadableError, ValueError) as error:
        why = f"As an ONNX model it cannot be read: {error}."
        raise LoadError(f"{path.name} is damaged or cut off.", why, "Download or save it again.") from None


def _model(model: _Message) -> OnnxGraph:
    found = OnnxGraph(producer=f"{model.text(2)} {model.text(3)}".strip())
    found.opsets = {part.text(1) or "ai.onnx": part.number(2) for part in model.all(8)}
    found.metadata = {part.text(1): part.text(2, _LONGEST_SAID) for part in model.all(14)}
    graph = model.first(7)
    found.weights = {tensor.text(8): _entry(tensor) for tensor in graph.all(5)}
    found.inputs = {name: kind for name, kind in _values(graph, 11) if name not in found.weights}
    found.outputs = dict(_values(graph, 12))
    _look_through(graph, found, 0)
    return found


def _entry(tensor: _Message) -> Entry:
    kind, shape = tensor.number(2), tensor.numbers(1)
    if len(shape) > _MOST_DIMS or any(size >= 2**63 for size in shape):
        raise _UnreadableError("a tensor in it has an absurd shape")
    return Entry(shape, _DTYPES.get(kind, f"type {kind}"))


def _values(graph: _Message, number: int) -> Iterator[tuple[str, str]]:
    """Names of inputs or outputs, and what they are."""
    for value in graph.all(number):
        tensor = value.first(2).first(1)
        sizes = [one.text(2) or str(one.number(1) or "?") for one in tensor.first(2).all(1)]
        yield value.text(1), f"{'x'.join(sizes) or 'one number'} {_DTYPES.get(tensor.number(1), '')}".strip()


def _look_through(graph: _Message, found: OnnxGraph, depth: int) -> None:
    """Count the operators of the graph and of those in its attributes (the branches of an If).

    Some programs write weights as operators: a Constant with a tensor of real numbers.
    """
    if depth > _DEEPEST:
        raise _UnreadableError("its graphs lie in each other without end")
    for node in graph.all(1):
        name = node.text(4)
        found.nodes[name] += 1
        for attribute in node.all(5):
            entries = map(_entry, attribute.all(5)) if name == "Constant" else iter(())
            found.weights |= {node.text(2): one for one in entries if one.shape and "float" in one.dtype}
            for number in (6, 11):
                for inner in attribute.all(number):
                    _look_through(inner, found, depth + 1)
