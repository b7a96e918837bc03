"""Give freed memory back to the system, where the C library would keep it.

After the first large block is freed, glibc takes large blocks from its heap as well; weights that are made
and dropped then leave holes which nothing fits into: 360 MiB for ViT-H/14 (2.4 GiB of weights).
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterator
from contextlib import contextmanager

_LARGE = 1 << 20  # bytes; from here on a block is mapped by itself
_MMAP_THRESHOLD, _TRIM_THRESHOLD, _MMAP_MAX = -3, -1, -4  # M_MMAP_THRESHOLD, ... of malloc.h
_MOST = 65536  # blocks that may be mapped at a time (DEFAULT_MMAP_MAX)
_SHRINKS = 128 << 10  # bytes that may be free at the end of the heap (DEFAULT_TRIM_THRESHOLD)
_NEVER = 2**31 - 1  # bytes free at the end of the heap with which it never shrinks: the largest int
_GROWN = (
    32 << 20
)  # where glibc's own threshold ends up once a large block was freed (DEFAULT_MMAP_THRESHOLD_MAX)
_chosen: list[int] = []  # the threshold of `map_large_blocks`, once it was called


def map_large_blocks() -> None:
    """Large blocks of this process return to the system when they are freed; glibc only, else nothing.

    It is a setting of the whole process: for our own programs, not for one that imports us.
    """
    if (mallopt := getattr(_c_library(), "mallopt", None)) is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE)
        _chosen[:] = [_LARGE]


@contextmanager
def as_in_other_programs() -> Iterator[None]:
    """Large blocks come from the heap, as in a program that has run a model for a while.

    Mapped anew for every call, their pages would be what is measured: a batch norm takes ten times as long.
    """
    if (mallopt := getattr(_c_library(), "mallopt", None)) is not None:
        mallopt(_MMAP_THRESHOLD, _GROWN)
        mallopt(_TRIM_THRESHOLD, 2 * _GROWN)
    try:
        yield
    finally:
        if _chosen:
            map_large_blocks()


@contextmanager
def blocks_kept() -> Iterator[None]:
    """Blocks of every size come from the heap and stay there: for many forward passes, one after the other.

    Each asks for the sizes that the one before gave back. Mapped anew, with pages to clear, three passes of
    a mobile classifier over 16 images take 3.9 s of the processor instead of 0.9. In a program that has not
    called `map_large_blocks` nothing happens. What is free at the end goes back to the system.
    """
    mallopt = getattr(_c_library(), "mallopt", None)
    if mallopt is None or _chosen != [_LARGE]:
        yield
        return
    mallopt(_MMAP_MAX, 0)
    mallopt(_TRIM_THRESHOLD, _NEVER)
    _chosen[:] = [0]  # within, there is nothing to do
    try:
        yield
    finally:
        mallopt(_MMAP_MAX, _MOST)
        mallopt(_TRIM_THRESHOLD, _SHRINKS)
        map_large_blocks()
        trim()


def trim() -> None:
    """Return what is free on the heap now; takes about half a millisecond. glibc only, else nothing."""
    if (malloc_trim := getattr(_c_library(), "malloc_trim", None)) is not None:
        malloc_trim(0)


@functools.cache
def _c_library() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows opens no library without a name
        return None
