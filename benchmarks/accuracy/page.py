"""The rows of all runs -> the page: means of the splits with their spread, and what is required of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any, Final

Row = dict[str, Any]
SPLITS: Final = 3
STAGES: Final = ("whole", "cut", "merge", "absorb", "recalibrate", "fold")
HEAD: Final = (
    "model", "splits", "MACs removed", "whole", "cut", "cut + merge, no samples", "cut + absorb",
    "+ recalibrate", "+ fold", "peer's best", "which", "with norms anew", "which",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """All splits of one model at one share."""

    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        """Model and share."""
        return f"{self.rows[0]['model']} without {100 * self.rows[0]['share']:.0f} %"

    def mean(self, stage: str) -> float:
        """Accuracy in percent, mean of the splits."""
        return mean(row[stage] for row in self.rows)

    def lost(self, stage: str) -> float:
        """Points that are missing to the whole model."""
        return self.mean("whole") - self.mean(stage)

    def peers(self, anew: bool) -> tuple[list[float], str]:
        """Of every split the best of all settings, as that very split tells, and the names of those."""
        best = [
            max((found[anew], name) for name, found in row["peers"].items())
            for row in self.rows
            if row["peers"]
        ]
        names = Counter(name for _, name in best)
        return [accuracy for accuracy, _ in best], "; ".join(name for name, _ in names.most_common())

    @property
    def peer_lost(self) -> float:
        """Points that the peer's best loses, with or without norms anew, whichever is better."""
        return self.mean("whole") - max(mean(self.peers(anew)[0] or [0.0]) for anew in (False, True))


def page(rows: Sequence[Row]) -> list[str]:
    """The lines of the page."""
    models = dict.fromkeys(row["model"] for row in rows)
    lines = [line for model in models for line in _lines(row for row in rows if row["model"] == model)]
    result = [_cells(HEAD), _cells(["---"] * len(HEAD)), *(_cells(_row(line)) for line in lines), ""]
    result += [_note(next(row for row in rows if row["model"] == model)) for model in models]
    commits = " and ".join(dict.fromkeys(f'"{row["commit"]}"' for row in rows))
    return [
        *result,
        "",
        *TEXT.splitlines(),
        "",
        f"Measured with the engine of commit {commits}.",
        "",
        *verdicts(lines),
    ]


TEXT: Final = """\
Accuracy in percent on held-out data, mean of the splits ± the largest distance from it. The cut is the
plan that `plan_for` finds for this share of the MACs by the criterion "input". All settings of the peer
within 1 % of the MACs are judged on 400 samples of the first split's held-out data; the four best by
either figure, as they are and with norms anew, are judged on all of it, and on the other splits; the
best of every split is taken, a choice that favours the peer. The settings: L1, L2, LAMP and FPGM, and
Taylor with the labels of the samples (plain and multivariable, in one step and in five with new
gradients); local and global; over the group or by its first layer; on all layers and on those alone that
SlimGUI cuts. Left out are Taylor in steps when global or by the first layer, and global Taylor by the
first layer: most of these were tried on the digit CNN at 85 and 93 %, where none was the best, and ten
steps were no better than five. Where Torch-Pruning fails on a layer, that layer is left whole to it: the
last convolution of the pitch CNN, whose output is flattened channels last.
"""


def _lines(rows: Iterable[Row]) -> Iterator[Line]:
    shares: dict[float, list[Row]] = {}
    for row in rows:
        shares.setdefault(row["share"], []).append(row)
    for share in sorted(shares):
        yield Line(tuple(shares[share]))


def _cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _row(line: Line) -> list[str]:
    removed = f"{100 * (1 - line.mean('macs')):.1f} %"
    found = [_spread([row[stage] for row in line.rows]) for stage in STAGES]
    for anew in (False, True):
        accuracies, names = line.peers(anew)
        found += [_spread(accuracies) if accuracies else "-", names or "none runs"]
    return [line.rows[0]["model"], str(len(line.rows)), removed, *found]


def _spread(values: Sequence[float]) -> str:
    middle = mean(values)
    if len(values) == 1:
        return f"{middle:.2f}"
    return f"{middle:.2f} ± {max(abs(value - middle) for value in values):.2f}"


def _note(row: Row) -> str:
    return (
        f"- {row['model']}: {row['data']}; random splits into {row['samples']:,} {row['what']} that "
        f"selection and recovery see, without labels, and {row['held']:,} others that are held out."
    )


def verdicts(lines: Sequence[Line]) -> list[str]:
    """A line per requirement: of how many lines it holds, and where it does not."""
    collapsed = [line for line in lines if line.lost("cut") >= 5]
    behind = [line for line in lines if line.peer_lost > 1]
    near = [line for line in lines if abs(line.mean("macs") - 1 + line.rows[0]["share"]) <= 0.01]
    return [
        f"- Five models: {_holds(len({line.rows[0]['model'] for line in lines}) >= 5)}.",
        _verdict(f"{SPLITS} splits each", [line for line in lines if len(line.rows) >= SPLITS], lines),
        _verdict("The target is met within 1 % of the MACs", near, lines),
        _verdict(
            "Where the cut loses 5 points or more, recovery wins back at least half",
            [line for line in collapsed if line.lost("fold") <= line.lost("cut") / 2],
            collapsed,
        ),
        _verdict(
            "Where the peer's best loses more than 1 point, SlimGUI loses at most half of that",
            [line for line in behind if line.lost("fold") <= line.peer_lost / 2],
            behind,
        ),
    ]


def _verdict(what: str, held: Sequence[Line], among: Sequence[Line]) -> str:
    missed = ", ".join(line.name for line in among if line not in held)
    tail = f"; not: {missed}" if missed else ""
    return f"- {what}: {_holds(not missed)}, {len(held)} of {len(among)}{tail}."


def _holds(held: bool) -> str:
    return "holds" if held else "does not hold"
