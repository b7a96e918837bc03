"""Pickles that do something when they are loaded carelessly: each drops a canary file.

Plain `pickle.load` trips every one of them; `trips` shows it.
"""

from __future__ import annotations

import cProfile
import doctest
import io
import logging
import os
import pickle
import runpy
import shutil
import sqlite3
import subprocess
import tarfile
import timeit
import zipfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final


class Calls:
    """A pickle of it calls `function`."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        """As pickle wants it."""
        return (self.function, self.arguments)


def reduces(canary: Path, protocol: int) -> dict[str, Calls]:
    """By kind an object whose pickle writes `canary` when it is loaded."""
    write, text = f"open({str(canary)!r}, 'w').close()", str(canary)
    script = canary.with_suffix(".script.py")
    script.write_text(write, encoding="utf-8")
    inner = pickle.dumps(Calls(os.system, f"touch {text}"), protocol)
    return {
        "os.system": Calls(os.system, f"touch {text}"),
        "os.mkdir": Calls(os.mkdir, text),
        "os.open": Calls(os.open, text, os.O_CREAT),
        "os.symlink": Calls(os.symlink, str(script), text),
        "subprocess": Calls(subprocess.check_call, ["touch", text]),
        "Popen": Calls(subprocess.call, ("touch", text)),
        "eval": Calls(eval, write),
        "exec": Calls(exec, write),
        "open": Calls(open, text, "w"),
        "FileIO": Calls(io.FileIO, text, "w"),
        "copy": Calls(shutil.copyfile, str(script), text),
        "runpy": Calls(runpy.run_path, str(script)),
        "profile": Calls(cProfile.run, write),
        "timeit": Calls(timeit.timeit, write, "pass", timeit.default_timer, 1),
        "doctest": Calls(doctest.debug_script, write, True),
        "log file": Calls(logging.FileHandler, text),
        "zip file": Calls(zipfile.ZipFile, text, "w"),
        "tar file": Calls(tarfile.open, text, "w"),
        "database": Calls(sqlite3.connect, text),
        "pickle in a pickle": Calls(pickle.loads, inner),
    }


def spelled(canary: Path) -> dict[str, bytes]:
    """By kind one call of os.system, written in opcodes that pickle.dumps does not use for it."""
    command = f"touch {canary}".encode()
    text = b"S'" + command + b"'\n"
    short = b"X" + len(command).to_bytes(4, "little") + command
    system = b"cposix\nsystem\n"
    return {
        "INST": b"(" + text + b"iposix\nsystem\n.",
        "OBJ": b"(" + system + text + b"o.",
        "GLOBAL of python 2": b"\x80\x02c__builtin__\neval\n" + _text(_opens(canary)) + b"\x85R.",
        "STACK_GLOBAL": b"\x80\x04\x8c\x05posix\x8c\x06system\x93" + short + b"\x85R.",
        "names from the memo": b"\x80\x04\x8c\x06system\x94\x8c\x05posix\x940h\x01h\x00\x93"
        + short
        + b"\x85R.",
        "another string first": b"\x80\x04\x8c\x03os.\x940\x8c\x02os\x8c\x06system\x93" + short + b"\x85R.",
        "attribute path": b"\x80\x04\x8c\x07logging\x8c\x09os.system\x93" + short + b"\x85R.",
        "twice a header": b"\x80\x02\x80\x04" + system + short + b"\x85R.",
        "frames": b"\x80\x04\x95"
        + (len(system + short) + 3).to_bytes(8, "little")
        + system
        + short
        + b"\x85R.",
        "called and thrown away": b"\x80\x02" + system + short + b"\x85R0N.",
        "behind a mark": b"\x80\x02(" + system + short + b"\x85R1N.",
        "as a key": b"\x80\x02}" + system + short + b"\x85RK\x01s.",
        "state of an object": b"\x80\x02cfunctools\npartial\n" + system + b"\x85R" + short + b"\x85R.",
        "map that is listed": b"\x80\x02cbuiltins\nlist\ncbuiltins\nmap\n"
        + system
        + b"]"
        + short
        + b"a\x86R\x85R.",
        "far memo": b"\x80\x02" + system + b"r\x00\x00\x00\x010j\x00\x00\x00\x01" + short + b"\x85R.",
    }


def _opens(canary: Path) -> bytes:
    return f"open({str(canary)!r}, 'w').close()".encode()


def _text(data: bytes) -> bytes:
    return b"X" + len(data).to_bytes(4, "little") + data


def bombs() -> dict[str, bytes]:
    """By kind a pickle that asks for much time or memory, or nests without end. They call nothing."""
    return {
        "shared tuples": b"\x80\x02ca\nf\nca\nB\n" + b"2\x86" * 60 + b"R.",
        "shared lists": b"\x80\x02]" + b"".join(b"q%c]h%ch%c\x86a" % (n, n, n) for n in range(40)) + b".",
        "a tower of lists": b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".",
        "a tower of tuples": b"\x80\x02)" + b"\x85" * 500_000 + b".",
        "a million marks": b"\x80\x02" + b"(" * 1_000_000 + b"t" * 1_000_000 + b".",
        "20,000 names": b"\x80\x02" + b"".join(b"ca\nB%d\n0" % n for n in range(20_000)) + b"N.",
        "a string of 4 EB": b"\x80\x04\x8d" + (2**62).to_bytes(8, "little") + b"x",
        "a string of 4 GB": b"\x80\x02X\xff\xff\xff\xff" + b"x",
        "bytes of 3 GB": b"\x80\x03B\x00\x00\x00\xc0" + b"x",
        "a number of 2 GB": b"\x80\x02\x8b\xff\xff\xff\x7f" + b"x",
        "a negative length": b"\x80\x02\x8b\xff\xff\xff\xff" + b"x",
        "a frame of 8 EB": b"\x80\x04\x95" + (2**63 - 1).to_bytes(8, "little") + b"N.",
        "digits without end": b"I" + b"9" * 1_000_000 + b"\n.",
        "a memo far away": b"\x80\x02Nr\xff\xff\xff\xff.",
        "a memo that is empty": b"\x80\x02h\x07.",
        "a name that is computed": b"\x80\x04\x8c\x02os\x85\x8c\x06system\x93.",
        "an extension": b"\x80\x02\x82\x07.",
        "an extension of four bytes": b"\x80\x02\x84\xff\xff\xff\x7f.",
        "a persistent name": b"\x80\x02Psomething\n.",
        "a persistent object": b"\x80\x02X\x02\x00\x00\x00osQ.",
        "a buffer from elsewhere": b"\x80\x05\x97\x98.",
        "an unknown opcode": b"\x80\x02\xff.",
        "protocol 200": b"\x80\xc8N.",
        **_tensors(),
    }  # fmt: skip


def _tensors() -> dict[str, bytes]:
    """Tensors whose storage, place, sizes or steps are absurd."""
    huge, minus = b"\x8a\x08" + (2**60).to_bytes(8, "little"), b"J\xff\xff\xff\xff"
    numbers = {
        "of 2^60": (huge, b"K\x00", huge, b"K\x01"),
        "behind its storage": (b"K\x04", huge, b"K\x04", b"K\x01"),
        "with steps of 2^60": (b"K\x04", b"K\x00", b"K\x04", huge),
        "larger than its storage": (b"K\x04", b"K\x00", b"J\x00\x00\x00\x10", b"K\x01"),
        "of negative size": (b"K\x04", b"K\x00", minus, b"K\x01"),
        "at a negative place": (b"K\x04", minus, b"K\x04", b"K\x01"),
    }
    storage = b"X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
    found = {}
    for name, (held, place, size, step) in numbers.items():
        made = b"(" + storage + held + b"tQ" + place + size + b"\x85" + step + b"\x85\x89"
        rebuilt = b"ctorch._utils\n_rebuild_tensor_v2\n(" + made + b"ccollections\nOrderedDict\n)RtR"
        found[f"a tensor {name}"] = b"\x80\x02}X\x01\x00\x00\x00w" + rebuilt + b"s."
    return found


_PROTOCOLS: Final = range(pickle.HIGHEST_PROTOCOL + 1)


def pickles(canary: Path) -> Iterator[tuple[str, bytes]]:
    """Every payload as bytes, in every protocol that can say it."""
    for protocol in _PROTOCOLS:
        for kind, value in reduces(canary, protocol).items():
            yield f"{kind}, protocol {protocol}", pickle.dumps({"weight": [1, 2], "extra": value}, protocol)
    for kind, data in spelled(canary).items():
        yield f"spelled as {kind}", data


def trips(data: bytes, canary: Path) -> bool:
    """Whether plain `pickle.load` of `data` drops the canary; it is taken away again."""
    try:
        with redirect_stdout(io.StringIO()):
            found = pickle.load(io.BytesIO(data))  # noqa: S301 - this is what must not happen anywhere else
        if isinstance(found, dict) and hasattr(found.get("extra"), "close"):
            found["extra"].close()
    except Exception as error:  # noqa: BLE001 - some raise after they have done their harm
        del error
    return remove(canary)


def remove(canary: Path) -> bool:
    """Take `canary` away; whether it was there."""
    there = canary.is_symlink() or canary.exists()
    if there:
        canary.rmdir() if canary.is_dir() and not canary.is_symlink() else canary.unlink()
    return there
