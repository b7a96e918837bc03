"""What a smaller model can be saved as: names, suffixes, and what to call them. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from slimgui.errors import SaveError


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One kind of file.

    Attributes:
        name: as in `format=` and `--format`.
        title: for a dialog.
        suffixes: that stand for it, the usual one first; empty for a format that has to be asked for.
    """

    name: str
    title: str
    suffixes: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        """An entry of a file dialog, "ONNX model (*.onnx)"."""
        return f"{self.title} ({' '.join(f'*{suffix}' for suffix in self.suffixes)})"


FORMATS: Final = (
    FileFormat("pt", "PyTorch weights with the plan", (".pt", ".pth")),
    FileFormat("safetensors", "safetensors with the plan", (".safetensors",)),
    FileFormat("pt2", "PyTorch exported program", (".pt2",)),
    FileFormat("onnx", "ONNX model", (".onnx",)),
    FileFormat("pickle", "Whole module, pickled"),
)
PATTERNS: Final = ";;".join(known.pattern for known in FORMATS if known.suffixes)


def format_of(path: str | PurePath, name: str | None = None) -> FileFormat:
    """The format called `name`; without one, the format that the suffix of `path` stands for.

    Raises:
        SaveError: there is none.
    """
    suffix = PurePath(path).suffix.lower()
    for known in FORMATS:
        if known.name == name or (name is None and suffix in known.suffixes):
            return known
    wanted = name or suffix or "a file without a suffix"
    suffixes = ", ".join(known.suffixes[0] for known in FORMATS if known.suffixes)
    names = ", ".join(known.name for known in FORMATS)
    hint = f"The formats are {names}." if name else f"Choose a name that ends with one of {suffixes}."
    raise SaveError(f"SlimGUI cannot write {wanted}.", "", hint)


def with_suffix_of(path: str, pattern: str, usual: str) -> str:
    """`path` with a suffix that fits the entry a user chose in a file dialog.

    A suffix the user typed decides as long as the entry is the usual one, which nobody may have chosen.

    Args:
        path: as the dialog gave it.
        pattern: the entry, "ONNX model (*.onnx)".
        usual: the entry that the dialog starts with.
    """
    suffixes = [word.strip("()*") for word in pattern.split() if word.lstrip("(").startswith("*.")]
    own = PurePath(path).suffix
    if not suffixes or own.lower() in suffixes or (own and pattern == usual):
        return path
    known = any(own.lower() in other.suffixes for other in FORMATS)
    return (path[: -len(own)] if known else path) + suffixes[0]
