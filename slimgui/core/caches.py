"""Where files go that the program can make again."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Final

FOLDER: Final = "SLIMGUI_CACHE"  # the variable of the environment that names another folder


def cache_folder(what: str) -> Path:
    """The folder for one kind of such files; it may not be there yet.

    It is where the user's system keeps them, or in the folder that the environment names.
    """
    if chosen := os.environ.get(FOLDER):
        return Path(chosen) / what
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
