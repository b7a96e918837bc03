"""Whether there is a file of a name that anybody may have typed."""

from __future__ import annotations

import os


def exists(name: str) -> bool:
    """Whether `name` is a file or a folder; a text that no file can be called, as a long one, is neither."""
    return os.path.exists(name)  # noqa: PTH110 - Path.exists raises for such a text
