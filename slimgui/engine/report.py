"""The page about a smaller model, with the versions and hashes of what made it."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from slimgui import __version__
from slimgui.core.report import Facts, Setting, to_html
from slimgui.core.text_files import write_text
from slimgui.engine.load.source import parse
from slimgui.errors import LoadError


def write_report(path: str | Path, facts: Facts) -> None:
    """Write one page of HTML about a smaller model that was saved.

    Raises:
        SaveError: it cannot be written there.
    """
    versions = (
        ("SlimGUI", __version__),
        ("Python", platform.python_version()),
        ("PyTorch", str(torch.__version__)),
        ("NumPy", np.__version__),
        (platform.system(), f"{platform.release()} ({platform.machine()})"),
    )
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    write_text(path, to_html(facts, Setting(versions, tuple(_hashes(facts)), when)))


def _hashes(facts: Facts) -> Iterator[tuple[str, str]]:
    """Of the files that are still there."""
    for file in (_file_of(facts.source), Path(facts.saved)):
        if file is not None and file.is_file():
            with file.open("rb") as stream:
                yield file.name, hashlib.file_digest(stream, "sha256").hexdigest()


def _file_of(source: str) -> Path | None:
    try:
        return parse(source).path
    except LoadError:  # gone since
        return None
