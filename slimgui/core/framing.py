"""Frames on a pipe: four bytes of big-endian length and that many bytes of body."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

MAX_FRAME: Final = 64 * 2**20
HEADER: Final = struct.Struct(">I")


class FrameReader:
    """Cuts a stream of bytes into frames: feed() what came in, get the bodies that are complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Bodies completed by `data`, in order. Raises ValueError on a frame above MAX_FRAME."""
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            (length,) = HEADER.unpack_from(self._buffer)
            if length > MAX_FRAME:
                raise ValueError(f"a frame of {length} bytes is above the limit of {MAX_FRAME}")
            end = HEADER.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[HEADER.size : end])
            del self._buffer[:end]
            yield body
