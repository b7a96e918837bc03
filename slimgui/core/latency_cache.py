"""Measured seconds of ops, kept in a file: a second target need not measure them again.

One file for each setting (machine, device, threads, version of torch): a line of JSON for the setting, then
one per op. A line is added when it is known; a torn one is an op that was not measured.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from slimgui.core.text_files import read_text, write_text
from slimgui.errors import PlanError, SaveError


class LatencyCache:
    """Seconds of ops under one setting.

    Args:
        setting: all that they depend on, in words.
        folder: of the files; None keeps them in memory alone.
    """

    def __init__(self, setting: str, folder: Path | None) -> None:
        self.setting, self.path = setting, None
        self._seconds: dict[str, float | None] = {}
        if folder is not None:
            digest = hashlib.blake2b(setting.encode(), digest_size=8).hexdigest()
            self.path = folder / f"{digest}.jsonl"
            self._seconds = _read(self.path, setting)

    def __contains__(self, op: str) -> bool:
        return op in self._seconds

    def __getitem__(self, op: str) -> float | None:
        """Seconds of `op`; None when it is known that it cannot run alone."""
        return self._seconds[op]

    def add(self, found: Mapping[str, float | None]) -> None:
        """Remember these; a folder that cannot be written to only means that they are measured again."""
        self._seconds.update(found)
        if self.path is None:
            return
        try:
            if not self.path.exists():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                write_text(self.path, json.dumps({"setting": self.setting}) + "\n")
            lines = [json.dumps({"op": op, "seconds": seconds}) for op, seconds in found.items()]
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write("\n".join(lines) + "\n")
        except (OSError, SaveError):
            self.path = None


def _read(path: Path, setting: str) -> dict[str, float | None]:
    try:
        first, *rest = read_text(path).splitlines()
        if json.loads(first) != {"setting": setting}:
            return {}
    except (PlanError, ValueError):
        return {}
    known: dict[str, float | None] = {}
    for line in rest:
        try:
            row = json.loads(line)
            known[str(row["op"])] = None if row["seconds"] is None else float(row["seconds"])
        except (ValueError, KeyError, TypeError):
            continue  # torn: two programs wrote at once, or one was killed
    return known
