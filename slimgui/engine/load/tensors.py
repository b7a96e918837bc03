"""safetensors files -> their tensors, mapped from disk. Nothing in such a file can run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from safetensors import SafetensorError, safe_open
from torch import Tensor

from slimgui.errors import LoadError
from slimgui.files.headers import read_header

_LONGEST: Final = 200  # characters of a message that may quote the file


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors, and what the file says about itself.

    They are mapped from the file and read from disk when they are used. Writing to them leaves the file as
    it is.

    Raises:
        LoadError: as `read_header`, or torch has no such number type.
    """
    header = read_header(path)  # guards the library from absurd ones
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.offset_keys()}, header.metadata
    except (SafetensorError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        why = f"safetensors says: {str(error).partition(chr(10))[0][:_LONGEST]}."
        raise LoadError(f"{path.name} is damaged.", why, "Download or save it again.") from None
