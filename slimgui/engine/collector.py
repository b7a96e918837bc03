"""Keep Python's cyclic garbage collector out of the way."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector() -> Iterator[None]:
    """No automatic collection inside; also a decorator.

    A trace makes many objects that stay, and hardly any cycles. The collector would look at all of them
    again and again, and at all that the user's program holds: a third of the trace of a deep net.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
