"""Find the files of resources/: beside the package in a clone, inside it in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_PLACES = (_PACKAGE / "_resources", _PACKAGE.parent / "resources")

EXAMPLE = "example/fashion_cnn.pt"
SAMPLES = "example/heldout.npz"  # its own data


def path(name: str) -> Path:
    """Return where a shipped file or folder lies.

    Args:
        name: relative to resources/, with forward slashes: "icons/app.svg".

    Raises:
        FileNotFoundError: this copy of SlimGUI is incomplete.
    """
    for place in _PLACES:
        if (found := place / name).exists():
            return found
    raise FileNotFoundError(
        f"SlimGUI ships no resource {name!r}; looked in {' and '.join(map(str, _PLACES))}"
    )
