"""Hostile and broken files, each made when it is asked for; opening must refuse them all in a sentence."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import socket
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import nn

from benchmarks.soak.payloads import bombs, pickles

TRUNCATIONS: Final = 50
FLIPS: Final = 100


@dataclass(frozen=True, slots=True)
class Hostile:
    """One file. `make` writes it into a folder of its own and returns what the user would open."""

    kind: str
    name: str
    make: Callable[[Path], Path]


def everything(canary: Path) -> Iterator[Hostile]:
    """All of them; every payload drops `canary`."""
    for kind, group in {"payload": pickles(canary), "bomb": bombs().items()}.items():
        for name, data in group:
            for container, wrap in CONTAINERS.items():
                yield Hostile(kind, f"{name}, {container}", _writes("evil.pt", wrap, data))
    evil = next(data for name, data in pickles(canary) if name == "os.system, protocol 2")
    for name, data in _archives(evil):
        yield Hostile("archive", name, _writes("evil.pt", bytes, data))
    for name, large in _large_archives().items():
        yield Hostile("archive", name, _writes("evil.pt", large, b""))
    for container, whole in _whole().items():
        for length in sorted({len(whole) * n // TRUNCATIONS for n in range(TRUNCATIONS)}):
            yield Hostile("truncation", f"{container} at {length}", _writes("cut.pt", bytes, whole[:length]))
        draw = random.Random(container)  # noqa: S311 - a seeded draw
        for place in draw.sample(range(len(whole) * 8), FLIPS):
            flipped = bytearray(whole)
            flipped[place // 8] ^= 1 << place % 8
            yield Hostile("bit flip", f"{container} at {place}", _writes("flip.pt", bytes, bytes(flipped)))
    for name, data in _safetensors():
        yield Hostile("safetensors", name, _writes("evil.safetensors", bytes, data))
    for name, header in _indexes().items():
        yield Hostile("shard index", name, _index(header))
    for name, make in PLACES.items():
        yield Hostile("no file", name, make)


def _writes(name: str, wrap: Callable[[bytes], bytes], data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(wrap(data))
        return path

    return make


# --- containers


def zipped(data: bytes) -> bytes:
    """An archive as torch.save writes it, around any pickle."""
    parts = {"data.pkl": data, "byteorder": b"little", "data/0": bytes(16), "version": b"3\n"}
    return archived([(f"evil/{name}", part) for name, part in parts.items()])


def archived(parts: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of these parts, also of several with one name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in parts:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            archive.NameToInfo.pop(name, None)  # else it warns of what is meant here
            archive.writestr(info, data)
    return buffer.getvalue()


def legacy(data: bytes) -> bytes:
    """A file as torch.save wrote it before 1.6, around any pickle."""
    system = {
        "protocol_version": 1001,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    head = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, system)]
    return b"".join([*head, data, pickle.dumps(["0"], 2), struct.pack("<Q", 4), bytes(16)])


CONTAINERS: Final[dict[str, Callable[[bytes], bytes]]] = {"zip": zipped, "legacy": legacy, "bare": bytes}


def _whole() -> dict[str, bytes]:
    """Two honest files, for cutting and flipping."""
    state = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1)).state_dict()
    files = {}
    for container in ("zip", "legacy"):
        buffer = io.BytesIO()
        torch.save(state, buffer, _use_new_zipfile_serialization=container == "zip")
        files[container] = buffer.getvalue()
    return files


# --- archives that lie


def _archives(evil: bytes) -> Iterator[tuple[str, bytes]]:
    good = pickle.dumps({"weight": [1, 2]}, 2)
    end = ("evil/version", b"3\n")
    names = ("evil/data.pkl", "evil/data.pkl"), ("evil/data.pkl", "evil/DATA.PKL")
    for first, second in names:
        for order, (one, two) in {"first": (evil, good), "last": (good, evil)}.items():
            yield f"{second} twice, the evil {order}", archived([(first, one), (second, two), end])
    for extra in (
        "more.pkl",
        "constants.pkl",
        "code/net.py",
        "data/0.pkl",
        "notes",
        "data.pkl/x",
        "../data.pkl",
    ):
        yield f"an extra part {extra}", archived([("evil/data.pkl", good), (f"evil/{extra}", evil), end])
    yield "two archives in one", archived([("good/data.pkl", good), ("evil/data.pkl", evil), end])
    yield "a folder called data.pkl", archived([("evil/data.pkl/", b""), end])
    yield "no pickle", archived([end])
    yield "nothing", archived([])
    yield "a path to the root", archived([("/etc/data.pkl", evil), end])
    yield "no folder", archived([("data.pkl", evil), ("version", b"3\n")])
    for method, named in ((8, "deflate"), (12, "bzip2"), (14, "lzma")):
        yield f"packed by {named}", archived([("evil/data.pkl", evil), end], method)
    whole = zipped(evil)
    yield "bytes before it", b"PK\x03\x04" + bytes(500) + whole
    yield "bytes behind it", whole + bytes(500)
    yield "another archive behind it", zipped(good) + whole
    yield "another archive before it", whole + zipped(good)
    yield from _directories(whole)


def _large_archives() -> dict[str, Callable[[bytes], bytes]]:
    """Those that take their time to make: each is made when it is asked for, from nothing."""
    parts = [("evil/data.pkl", pickle.dumps({"weight": [1, 2]}, 2)), ("evil/version", b"3\n")]

    def bomb(method: int) -> Callable[[bytes], bytes]:
        return lambda nothing: archived([*parts, ("evil/data/0", nothing.ljust(10**8, b"0"))], method)

    return {
        "a bomb by deflate": bomb(zipfile.ZIP_DEFLATED),
        "a bomb by bzip2": bomb(zipfile.ZIP_BZIP2),
        "a bomb by lzma": bomb(zipfile.ZIP_LZMA),
        "many parts": lambda nothing: archived(
            [*parts, *((f"evil/data/{n}", nothing) for n in range(70_000))]
        ),
    }


def _directories(whole: bytes) -> Iterator[tuple[str, bytes]]:
    """Single fields of the central directory and of the first part's own header, changed."""
    entry, local = whole.index(b"PK\x01\x02"), 0
    huge, flag = struct.pack("<I", 0xF000_0000), struct.pack("<H", 1)
    changes = {
        "a declared size of 4 GB": (entry + 24, huge),
        "a packed size of 4 GB": (entry + 20, huge),
        "a place behind the end": (entry + 42, huge),
        "encrypted": (entry + 8, flag),
        "an unknown method": (entry + 10, struct.pack("<H", 77)),
        "a wrong sum": (entry + 16, bytes(4)),
        "another name in the directory": (entry + 46, b"EVIL"),
        "another name at the part": (local + 30, b"EVIL"),
        "another size at the part": (local + 22, huge),
        "a comment of 64 KB": (len(whole) - 2, b"\xff\xff"),
        "a directory behind the end": (len(whole) - 6, huge),
        "60,000 parts": (len(whole) - 12, struct.pack("<H", 60_000)),
    }
    for name, (place, new) in changes.items():
        yield name, whole[:place] + new + whole[place + len(new) :]
    second = whole.index(b"PK\x01\x02", entry + 4)
    overlapping = whole[: second + 42] + struct.pack("<I", 0) + whole[second + 46 :]
    yield "two parts in one place", overlapping


# --- safetensors


def _safetensors() -> Iterator[tuple[str, bytes]]:
    tensor = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    headers: dict[str, object] = {
        "offsets behind the end": {"w": {**tensor, "data_offsets": [0, 2**60]}},
        "negative offsets": {"w": {**tensor, "data_offsets": [-16, 0]}},
        "offsets backwards": {"w": {**tensor, "data_offsets": [16, 0]}},
        "a hole": {"w": {**tensor, "shape": [2], "data_offsets": [8, 16]}},
        "overlapping tensors": {"v": tensor, "w": tensor},
        "a shape of 2^62": {"w": {**tensor, "shape": [2**31, 2**31]}},
        "a shape that overflows": {"w": {**tensor, "shape": [2**63, 2**63]}},
        "a negative shape": {"w": {**tensor, "shape": [-4]}},
        "an unknown type": {"w": {**tensor, "dtype": "os.system"}},
        "no tensors": {},
        "metadata only": {"__metadata__": {"format": "pt"}},
        "metadata that is no text": {"__metadata__": {"a": [1]}, "w": tensor},
        "a list": [tensor],
        "numbers": {"w": 7},
        "a tensor without type": {"w": {"shape": [4]}},
        "a path as name": {"../../etc/passwd": tensor},
        "a name of 1 MB": {"w" * 10**6: tensor},
        "100,000 empty tensors": {
            f"w{n}": {**tensor, "shape": [0], "data_offsets": [0, 0]} for n in range(10**5)
        },
    }
    for name, header in headers.items():
        text = json.dumps(header).encode()
        yield name, struct.pack("<Q", len(text)) + text + bytes(16)
    deep = b'{"w":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    yield "a tower of lists", struct.pack("<Q", len(deep)) + deep + bytes(16)
    twice = b'{"w":%b,"w":%b}' % ((json.dumps(tensor).encode(),) * 2)
    yield "one name twice", struct.pack("<Q", len(twice)) + twice + bytes(16)
    for name, length in {"2^63": 2**63, "2^64 - 1": 2**64 - 1, "0": 0, "one too many": 19}.items():
        yield f"a header length of {name}", struct.pack("<Q", length) + b"{" + bytes(17)
    yield "no text", struct.pack("<Q", 8) + b"{\xff\xfe\xfd\xfc\xfb\xfa}" + bytes(16)
    yield "a header cut off", struct.pack("<Q", 12) + b'{"w":{"dtyp' + b"e"


def _indexes() -> dict[str, object]:
    """By name what lies in model.safetensors.index.json."""
    maps: dict[str, object] = {
        "a path outside": {"w": "../secret.safetensors"},
        "a path far outside": {"w": "../../../../../../etc/passwd"},
        "an absolute path": {"w": "/etc/passwd"},
        "a device": {"w": "/dev/zero"},
        "a folder": {"w": "."},
        "an address": {"w": "https://example.com/w.safetensors"},
        "itself": {"w": "model.safetensors.index.json"},
        "a shard that is missing": {"w": "model-00001-of-00002.safetensors"},
        "a name with a zero byte": {"w": "a\0b"},
        "a name of 1 MB": {"w": "a" * 10**6},
        "numbers": {"w": 7},
        "a list": ["w"],
        "nothing": {},
    }
    return {name: {"metadata": {"total_size": 16}, "weight_map": value} for name, value in maps.items()}


def _index(header: object) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "model.safetensors.index.json"
        path.write_text(json.dumps(header), encoding="utf-8")
        (folder.parent / "secret.safetensors").write_bytes(b"secret")
        return path

    return make


# --- what is no file


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.pt")
    return folder / "pipe.pt"


def _link(target: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "link.pt").symlink_to(target)
        return folder / "link.pt"

    return make


def _socket(folder: Path) -> Path:
    here = Path.cwd()
    os.chdir(folder)  # a socket's path may have 100 characters at most
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket.pt")
    os.chdir(here)
    return folder / "socket.pt"


def _folder(folder: Path) -> Path:
    (folder / "folder.pt").mkdir()
    return folder / "folder.pt"


PLACES: Final[dict[str, Callable[[Path], Path]]] = {
    "empty": _writes("empty.pt", bytes, b""),
    "one byte": _writes("byte.pt", bytes, b"\x80"),
    "half a header": _writes("half.pt", bytes, b"PK"),
    "zeros": _writes("zeros.pt", bytes, bytes(10_000)),
    "a text": _writes("text.pt", bytes, b"import os\nos.system('true')\n"),
    "a text that is nearly a pickle": _writes("text.pt", bytes, b"cos\nsystem\n" * 200_000),
    "a fifo": _fifo,
    "a socket": _socket,
    "a folder": _folder,
    "nothing": lambda folder: folder / "nothing.pt",
    "a link to nothing": _link("nothing.pt"),
    "a link to itself": _link("link.pt"),
    "a link to a device without end": _link("/dev/zero"),
    "a link to a folder": _link("."),
    "a device": lambda _: Path("/dev/zero"),
    "a name that is too long": lambda folder: folder / ("a" * 5_000),
    "a name with a zero byte": lambda folder: folder / "a\0b.pt",
    "a name of two lines": _writes("two\nlines.pt", bytes, b"\x80\x02}q"),
}
