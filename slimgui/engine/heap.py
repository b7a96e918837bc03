"""Give freed memory back to the system, where the C library would keep it.

After the first large block is freed, glibc takes large blocks from its heap as well; weights that are made
and dropped then leave holes which nothing fits into: 360 MiB for ViT-H/14 (2.4 GiB of weights).
"""

from __future__ import annotations

import ctypes
import functools

_LARGE = 1 << 20  # bytes; from here on a block is mapped by itself
_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h


def map_large_blocks() -> None:
    """Large blocks of this process return to the system when they are freed; glibc only, else nothing.

    It is a setting of the whole process: for our own programs, not for one that imports us.
    """
    if (mallopt := getattr(_c_library(), "mallopt", None)) is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE)


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
