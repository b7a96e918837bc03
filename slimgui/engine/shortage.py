"""Whether something failed for want of memory. No torch: the engine's loop is there before it."""

from __future__ import annotations

from typing import Final

_SAID: Final = ("can't allocate memory", "out of memory")  # by torch: on a processor, on a graphics card


def ran_out(error: BaseException) -> bool:
    """Whether there was too little memory; torch says that in a RuntimeError."""
    text = str(error)
    told = isinstance(error, RuntimeError) and any(words in text for words in _SAID)
    return told or isinstance(error, MemoryError)
