"""Small text files that people choose: read whole, or replaced at once."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from slimgui.errors import PlanError, SaveError


def read_text(path: str | Path) -> str:
    """The text in a file. Raises PlanError when it cannot be read as text."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"{Path(path).name} cannot be read.", f"{error}.", "Choose another file.") from None


def write_text(path: str | Path, text: str) -> None:
    """Put `text` in the file at `path`: either all of it, or what was there stays.

    Raises:
        SaveError: it cannot be written there.
    """
    target = Path(path)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            mask = os.umask(0o022)  # the mask can only be read by setting it
            os.umask(mask)
            Path(name).chmod(0o666 & ~mask)
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        why = f"{error.strerror or error}."
        raise SaveError(
            f"{target.name} was not saved in {target.parent}.", why, "Choose another folder."
        ) from error
