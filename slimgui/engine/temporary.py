"""A file that is being written, beside the one it will replace; and what killed programs left of such files.

As long as a file is being written its program holds a lock on it, which ends with the program however that
ends. A file of such a name that nobody holds is rubbish, and so are the shards that bear its token.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, Final

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: an open file cannot be renamed, so none is held and none cleared away
    fcntl = None

_NAME: Final = re.compile(r"\..*\.(?P<token>[0-9a-f]{8})\.slimgui-tmp")


@contextmanager
def temporary_for(target: Path) -> Iterator[Path]:
    """A new file in the folder of `target`, with the rights that has or would have; removed at the end."""
    clear(target.parent)
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.slimgui-tmp")
    held = temporary.open("xb")
    try:
        if fcntl is None or not _held(held):
            held.close()
        temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
        held.close()


def shard_of(temporary: Path, target: Path, number: int, count: int) -> Path:
    """The name of a shard that belongs to the index being written as `temporary`; it stays for good."""
    found = _NAME.fullmatch(temporary.name)
    assert found, "it was made by `temporary_for`"
    return target.with_name(f"{target.stem}-{found['token']}-{number:05}-of-{count:05}.safetensors")


def clear(folder: Path) -> None:
    """Remove what killed programs left of files they were writing into `folder`."""
    with suppress(OSError):
        for temporary in folder.glob(".*.slimgui-tmp"):
            found = _NAME.fullmatch(temporary.name)
            if found and _is_left(temporary):
                for shard in folder.glob(f"*-{found['token']}-?????-of-?????.safetensors"):
                    shard.unlink(missing_ok=True)
                temporary.unlink(missing_ok=True)


def _is_left(temporary: Path) -> bool:
    """Whether no program holds the file. Where locks do not work it may be held."""
    if fcntl is None or temporary.is_symlink():
        return False
    with temporary.open("rb") as stream:
        return _held(stream)


def _held(stream: BinaryIO) -> bool:
    """Take the lock of an open file; False where another has it, or there are no locks."""
    assert fcntl is not None, "asked before"
    with suppress(OSError):
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _umask() -> int:
    """The mask can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def sync(path: Path) -> None:
    """Have a file's bytes on the disk."""
    with path.open("r+b") as stream:
        os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Make a rename itself durable, where the system knows how."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
