"""Where files go that the program can make again."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path


def cache_folder(what: str) -> Path:
    """The folder for one kind of such files, where the user's system keeps them; it may not be there yet."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "slimgui" / what


def cache_file(what: str, key: str) -> Path | None:
    """The file of what `key` says, in a folder that is there; None when that cannot be made."""
    folder = cache_folder(what)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder / f"{hashlib.blake2b(key.encode(), digest_size=8).hexdigest()}.jsonl"
