"""The whole job of both, side by side: a row for each model.

Two processes for each model, so that each side is cold in one that nobody warmed up: in the first
the peer begins, in the second SlimGUI; from then on they take turns.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

from benchmarks.bench.process import TookTooLongError, lines

OURS, PEER = "SlimGUI", "Torch-Pruning"
ROUNDS = 4


@dataclass
class Side:
    """What one of the two did to one model; seconds, bytes, parameters."""

    cold: float | None = None
    warm: list[float] = field(default_factory=list)
    peak: int | None = None
    left: int | None = None
    stages: dict[str, float] = field(default_factory=dict)
    failure: str = ""
    complaint: str = ""

    def add(self, done: dict[str, Any], first: bool) -> None:
        """Take in one run; `first` of a process that did nothing before."""
        if done["error"]:
            self.failure = done["error"]
            return
        self.left, self.complaint = done["left"], done["complaint"]
        if first:
            self.cold, self.peak = done["seconds"], done["peak"]
        else:
            self.warm.append(done["seconds"])
            self.stages = done["stages"]

    @property
    def median(self) -> float | None:
        """Seconds of the median warm run; the cold one where there is no other."""
        return statistics.median(self.warm) if self.warm else self.cold


@dataclass
class Row:
    """One model."""

    name: str
    parameters: int = 0
    sides: dict[str, Side] = field(default_factory=lambda: {OURS: Side(), PEER: Side()})

    def ratio(self, kind: str) -> float | None:
        """Seconds of SlimGUI by seconds of the peer, None where one of them has none."""
        ours, peer = (getattr(self.sides[who], kind) for who in (OURS, PEER))
        return None if ours is None or peer is None or self.sides[PEER].failure else ours / peer


def measure(name: str) -> Row:
    """The row of one model."""
    row = Row(name)
    for order in ((PEER, OURS), (OURS, PEER)):
        take_turns(row, [who for who in order if not row.sides[who].failure], ROUNDS)
    return row


def take_turns(row: Row, order: list[str], rounds: int) -> None:
    """One process; another one for the side that is left, where one of them ends it."""
    running, first = "", True
    try:
        for said in lines("benchmarks.bench.turns", row.name, ",".join(order), str(rounds)) if order else ():
            if "built" in said:
                row.parameters = said["built"]
            elif "start" in said:
                running = said["start"]
            else:
                row.sides[said["who"]].add(said, first)
                first = False
    except (TookTooLongError, ChildProcessError) as error:
        if not running:
            raise
        row.sides[running].failure = str(error)
        take_turns(row, [who for who in order if who != running], rounds)


HEAD = (
    "model", "params M", "ours cold s", "peer cold s", "ratio", "ours warm s", "peer warm s", "ratio",
    "ours peak MB", "peer peak MB", "ours left", "peer left", "trace+resolve+deploy s", "remarks",
)  # fmt: skip


def cells(row: Row) -> list[str]:
    """The row as text."""
    ours, peer = row.sides[OURS], row.sides[PEER]
    remarks = [
        f"{label} {text}"
        for label, side in (("ours:", ours), ("peer:", peer))
        for text in (side.failure, side.complaint)
        if text
    ]
    return [
        row.name,
        _number(row.parameters / 1e6, ".1f"),
        _number(ours.cold, ".2f"),
        _number(peer.cold, ".2f"),
        _number(row.ratio("cold"), ".2f"),
        _number(ours.median, ".2f"),
        _number(peer.median, ".2f"),
        _number(row.ratio("median"), ".2f"),
        *(_number(None if s.peak is None else s.peak / 2**20, ".0f") for s in (ours, peer)),
        *(_number(None if s.left is None else s.left / row.parameters, ".0%") for s in (ours, peer)),
        " + ".join(f"{seconds:.2f}" for seconds in ours.stages.values()),
        "; ".join(remarks),
    ]


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def summary(rows: list[Row]) -> str:
    """Median and worst ratio over the rows where the peer finishes."""
    said = []
    for kind, label in (("cold", "cold"), ("median", "warm")):
        ratios = sorted((r, row.name) for row in rows if (r := row.ratio(kind)) is not None)
        if ratios:
            middle = statistics.median(ratio for ratio, _ in ratios)
            said.append(f"{label}: median {middle:.2f}, worst {ratios[-1][0]:.2f} ({ratios[-1][1]})")
    finished = sum(not row.sides[PEER].failure for row in rows)
    ours = sum(not row.sides[OURS].failure for row in rows)
    return (
        f"SlimGUI finishes {ours} of {len(rows)}, the peer {finished}. "
        f"SlimGUI's seconds by the peer's, {'; '.join(said) or 'nothing to compare'}."
    )


def line(row: tuple[str, ...] | list[str]) -> str:
    """One row of the table."""
    return f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


def table(rows: list[Row]) -> list[str]:
    """Markdown."""
    return [line(HEAD), "|---" * len(HEAD) + "|", *(line(cells(row)) for row in rows), "", summary(rows)]
