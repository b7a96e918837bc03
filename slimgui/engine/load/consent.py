"""Files whose code runs when they are opened: what would run, and running it once the user agreed.

Consent is for bytes, never for a path: it is given as a SHA-256, which is compared with the very bytes
that are then executed. A file that changed in between is another file.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from slimgui.errors import ConsentError, LoadError, UnsafeFileError
from slimgui.files.scan import examine
from slimgui.files.verdicts import Verdict, verdicts


@dataclass(frozen=True, slots=True)
class Consent:
    """What the user agreed to: `named` factories may run, and the files of these SHA-256."""

    named: bool = False
    trusted: frozenset[str] = frozenset()


NONE: Final = Consent()


def agreed_source(path: Path, consent: Consent) -> bytes:
    """The text of a Python file that the user agreed to run.

    Raises:
        ConsentError: nobody agreed.
    """
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if consent.named or digest in consent.trusted:
        return data
    what = f"{path.name} was not run."
    runs = (f"{path.name}: this program, and every module it imports",)
    why = "Opening it means running its code, which needs your consent."
    raise ConsentError(what, why, _hint(digest), str(path), digest, runs)


def unpickle(path: Path, consent: Consent, refused: UnsafeFileError) -> object:
    """What lies in a checkpoint that needs code of its own, when the user agreed to run that.

    Args:
        path: of the checkpoint.
        consent: of the user.
        refused: why it was not opened without consent.

    Raises:
        UnsafeFileError: `refused`, when no consent is asked for: it runs programs, or hides what it does.
        ConsentError: nobody agreed.
        LoadError: it needs a module that is not there, or its code fails.
    """
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest in consent.trusted:
        return _run(data, path.name)
    wanted = [asked for asked in _verdicts_of(data, path.name) if not asked.allowed]
    if not wanted or any(asked.hostile for asked in wanted):
        raise refused
    runs = tuple(str(asked) for asked in wanted)
    raise ConsentError(refused.what, refused.why, f"{refused.hint} {_hint(digest)}", str(path), digest, runs)


def _verdicts_of(data: bytes, shown: str) -> Sequence[Verdict]:
    """Of these bytes, not of a file that somebody may exchange before it is hashed."""
    with tempfile.TemporaryDirectory() as folder:  # Windows opens no NamedTemporaryFile twice
        copy = Path(folder, "copy")
        copy.write_bytes(data)
        with copy.open("rb") as stream:
            return verdicts(examine(stream, shown).scan)


def _run(data: bytes, shown: str) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # The one place that runs what a pickle says: its bytes are those the user agreed to.
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=False)
    except ModuleNotFoundError as error:
        hint = "Install it, or start SlimGUI in the folder that holds it."
        raise LoadError(f"{shown} needs the module {error.name}, which is not here.", "", hint) from error
    except Exception as error:  # its code can raise anything; it becomes a sentence
        why = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise LoadError(
            f"{shown} could not be opened by its own code.", why, "Save its state dict."
        ) from error


def _hint(digest: str) -> str:
    return f"If you trust who made it, say so: --trust-code {digest}"
