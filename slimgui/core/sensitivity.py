"""How much a model loses when one group alone is cut: curves, their file, and scores that follow from them.

A file holds one JSON object per line: the first says what was measured, each other one is a point. A point
is added when it is known, so that a measurement that was stopped goes on where it was; a torn last line is a
point that was not measured.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from slimgui.core.text_files import read_text, write_text
from slimgui.errors import PlanError, SaveError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = dict[str, NDArray[np.floating[Any]]]

# What a loss is: missing to the share that is right, or to a measure of the user's own; how far outputs went.
Measure = Literal["accuracy", "score", "distance"]

FORMAT: Final = 1
_TIE: Final = 1e-9  # of the steepest slope: keeps the order of channels that lose the same


@dataclass(frozen=True, slots=True)
class Point:
    """What is lost when `count` channels of `group` stay and every other group is whole.

    Attributes:
        group: its id.
        count: channels kept.
        loss: what is lost, 0 for nothing; None when the model could not be cut this way.
    """

    group: str
    count: int
    loss: float | None


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The points of all groups.

    Attributes:
        of: what was measured, on what: two files with the same text may be joined.
        points: in the order they were measured.
    """

    of: str
    points: tuple[Point, ...]

    def curve(self, group: str, size: int) -> list[tuple[int, float]]:
        """(channels kept, loss), rising counts; the whole group loses nothing, and fewer never lose less."""
        known = {p.count: p.loss for p in self.points if p.group == group and p.loss is not None}
        curve, worst = [(size, 0.0)], 0.0
        for count in sorted(known, reverse=True):
            if count < size:
                worst = max(worst, known[count] or 0.0)
                curve.append((count, worst))
        return curve[::-1]


def scores_from(sensitivity: Sensitivity, scores: Mapping[str, NDArray[np.floating[Any]]]) -> Scores:
    """Scores of one scale for all groups: what the loss grows by when the channel goes.

    Within a group the channels keep the order of `scores`. The n-th worst channel has the slope of the
    group's loss there, taken from the convex hull of its curve, for what the first channels seem to cost
    beyond it is saved by cutting deeper. A group without a curve is taken to lose as much per channel as
    the most sensitive of the others.

    Args:
        sensitivity: the curves.
        scores: per group id a float array [size].

    Returns:
        Per group id a float64 array [size], in the units of the losses.
    """
    import numpy as np

    curves = {name: sensitivity.curve(name, len(own)) for name, own in scores.items()}
    slopes = {name: _slopes(curve, len(scores[name])) for name, curve in curves.items() if len(curve) > 1}
    steepest = max((float(own.max()) for own in slopes.values()), default=0.0) or 1.0
    result: Scores = {}
    for name, own in scores.items():
        size = len(own)
        falling = slopes.get(name, np.full(size, steepest))
        order = np.argsort(-np.nan_to_num(np.asarray(own, np.float64)), kind="stable")
        result[name] = np.zeros(size)
        result[name][order] = falling + _TIE * steepest * np.arange(size, 0, -1) / size
    return result


def _slopes(curve: Sequence[tuple[int, float]], size: int) -> NDArray[np.float64]:
    """What each channel costs, the one that goes last first."""
    import numpy as np

    hull: list[tuple[int, float]] = []
    for point in curve:  # the lower hull, from few channels to many: slopes fall in steepness
        while len(hull) > 1 and _above(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    steep = [(a[1] - b[1]) / (b[0] - a[0]) for a, b in pairwise(hull)]
    places = np.searchsorted([count for count, _ in hull[1:]], np.arange(1, size + 1))
    return np.asarray(steep)[places]


def _above(one: tuple[int, float], middle: tuple[int, float], other: tuple[int, float]) -> bool:
    """Whether `middle` lies on or above the line between its neighbours."""
    across, up = other[0] - one[0], other[1] - one[1]
    return (middle[1] - one[1]) * across >= up * (middle[0] - one[0])


def read_points(path: str | Path) -> Sensitivity:
    """The measurement in a file.

    Raises:
        PlanError: the file cannot be read, or holds something else.
    """
    lines = read_text(path).splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]  # the last one may be torn
    try:
        head, *rest = [json.loads(line) for line in whole]
        version, of = head["format"], str(head["of"])
        points = tuple(_point(row) for row in rest)
    except (ValueError, KeyError, TypeError) as error:
        why = f"{type(error).__name__}: {error}"[:200]
        raise PlanError(f"{Path(path).name} holds no sensitivity.", why, "Measure it anew.") from None
    if version != FORMAT:
        why = f"Its format is {version}, and this program reads {FORMAT}."
        raise PlanError(f"{Path(path).name} cannot be read.", why, "Measure it anew.")
    return Sensitivity(of, points)


def _point(row: dict[str, Any]) -> Point:
    loss = row["loss"]
    return Point(str(row["group"]), int(row["count"]), None if loss is None else float(loss))


def start_file(path: str | Path, of: str) -> Sensitivity:
    """What the file at `path` already holds of the measurement `of`; a new file when it holds none of it.

    Raises:
        SaveError: it cannot be written there, or it is a file of something else.
    """
    target = Path(path)
    if target.exists() and target.stat().st_size:
        try:
            known = read_points(target)
        except PlanError as error:
            raise SaveError(f"{target.name} was not written.", error.what, "Choose another name.") from None
        if known.of == of:
            write_points(target, known)  # without a torn last line
            return known
    write_points(target, Sensitivity(of, ()))
    return Sensitivity(of, ())


def add_point(path: str | Path, point: Point) -> None:
    """Add a point to the file; it is on the disk when this returns."""
    with Path(path).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(asdict(point)) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def write_points(path: str | Path, sensitivity: Sensitivity) -> None:
    """Write a whole measurement to a file, in place of what is there. Raises SaveError."""
    rows = [{"format": FORMAT, "of": sensitivity.of}, *(asdict(point) for point in sensitivity.points)]
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))
