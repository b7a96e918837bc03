"""docs/benchmarks.md: one section for each program, rewritten when it runs."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks.md"
HEADING = """# Benchmarks

Written by the commands below; [benchmarks](../benchmarks/README.md) says what they do and how they count.
Seconds are CPU seconds of one thread. Figures of different machines or days are no comparison: only columns
of one table are.
"""
TITLES = {
    "speed": "The whole job beside Torch-Pruning's",
    "growth": "Growth with depth and width",
    "memory": "Memory of big models",
    "latency": "Latency: predicted, measured, and to a target",
    "coverage": "Coverage beside Torch-Pruning's",
    "accuracy": "Accuracy without training, beside Torch-Pruning's",
    "window": "The window",
    "big": "A checkpoint of 4 GB",
}
COMMANDS = {
    "accuracy": "make bench-accuracy",
    "coverage": "make bench-coverage",
    "window": "make bench-window",
    "big": "python -m benchmarks.soak.big",
}


def write(section: str, lines: list[str], page: Path = PAGE) -> None:
    """Put `lines` in place of what the section held."""
    kept = _sections(page.read_text(encoding="utf-8")) if page.exists() else {}
    command = COMMANDS.get(section, f"make bench ARGS={section}")
    kept[TITLES[section]] = "\n".join([f"`{command}`, {_setting()}.", "", *lines]).strip()
    known = [(title, kept[title]) for title in TITLES.values() if title in kept]
    page.write_text("\n".join([HEADING, *(f"## {t}\n\n{body}\n" for t, body in known)]), encoding="utf-8")


def _sections(text: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return {title: body.strip() for title, body in zip(parts[::2], parts[1::2], strict=True)}


def _setting() -> str:
    day, python = datetime.now(UTC).date(), f"Python {platform.python_version()}"
    return ", ".join((str(day), f"torch {torch.__version__}", *_versions(), python, _processor()))


def _versions() -> Iterator[str]:
    for name in ("torchvision", "torch-pruning", "timm", "transformers"):
        with suppress(PackageNotFoundError):
            yield f"{name} {version(name)}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.+)$", info.read_text(encoding="ascii"), re.MULTILINE)
    return names[0] if names else platform.machine()
