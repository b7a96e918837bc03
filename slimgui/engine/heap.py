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
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h
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
