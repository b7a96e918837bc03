"""A cut that was refused -> counts near the wanted ones that can be cut, each of them tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from slimgui.core.groups import Group, Kind
from slimgui.core.plan import Selection
from slimgui.engine.trace import Traced
from slimgui.errors import Advice

TRIES = 8  # smaller models that are built for one hint
SUSPECTS = 3  # groups that are left whole one by one
UNITS: dict[Kind, str] = {
    "channels": "channels", "heads": "heads", "head_dim": "channels per head", "conv_groups": "groups",
}  # fmt: skip

Works = Callable[[Selection], bool]
Counts = dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What in the forward code does not follow a cut.

    Attributes:
        what: in a sentence, with op, module and line.
        module: dotted path of the module, "" for the model itself.
        source: "file.py:123", "" when unknown.
    """

    what: str
    module: str
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours(Advice):
    """Looks for counts that work.

    One group at the obstacle after the other is left whole, until that helps; then numbers near the wanted
    one are tried for it, below and above. Else two are given the same count, else all are left whole.

    Attributes:
        traced: the model's trace.
        selection: what cannot be cut.
        obstacle: what is in the way.
        works: builds the smaller model for another selection; False where that is refused, too.
    """

    traced: Traced
    selection: Selection
    obstacle: Obstacle
    works: Works

    def find(self) -> tuple[str, Counts]:
        """A sentence, and by group id the counts that work: the whole size where no other was found."""
        tries = _Tries(self.selection, self.works)
        suspects = suspected(self.traced, self.selection, self.obstacle)
        for group in suspects[:SUSPECTS]:
            if tries({group.id: group.size}):
                found = _near(group, self.selection, tries)
                return _sentence(group, found), {group.id: found or (group.size,)}
        for group, other in pairwise(suspects[:SUSPECTS]):
            count = len(self.selection.keep[other.id])
            if count <= group.size and tries({group.id: count}):
                return _sentence(group, (count,)), {group.id: (count,)}
        whole = _fewest({group.id: group.size for group in suspects}, tries)
        if not whole:
            return "Leave more groups whole: those at that line are not enough.", {}
        names = [_unit(group) for group in suspects if group.id in whole]
        hint = f"Leave these whole: {', '.join(names)}."
        return hint, {name: (size,) for name, size in whole.items()}


def _fewest(whole: dict[str, int], tries: _Tries) -> dict[str, int]:
    """Groups that have to stay whole together, {} when leaving all of `whole` does not help."""
    if len(whole) < 2 or not tries(whole):
        return {}
    for name in list(whole):
        rest = {other: size for other, size in whole.items() if other != name}
        if tries(rest):
            whole = rest
    return whole


def suspected(traced: Traced, selection: Selection, obstacle: Obstacle) -> list[Group]:
    """The groups that are cut at the obstacle: those of values on its line, then those of its module."""
    cut = [group for group in traced.groups if len(selection.keep[group.id]) < group.size]
    on_line = _on_line(traced, obstacle.source)
    inside = f"{obstacle.module}." if obstacle.module else ""
    in_module = {group.id for group in cut if any(m.parameter.startswith(inside) for m in group.members)}
    ranked = [group for group in cut if group.id in on_line]
    return ranked + [group for group in cut if group.id in in_module - on_line]


def _on_line(traced: Traced, source: str) -> set[str]:
    """Groups of the values that the ops of one line of the code take and make."""
    found: set[str] = set()
    for labelled in traced.passes:
        calls = [call for call in labelled.capture.calls if source and call.source == source]
        values = {i for call in calls for i in (*call.operands, *call.outputs) if i is not None}
        for value in values:
            for field in labelled.operands[value].fields:
                labels = np.unique(field.labels.numpy())
                for group_of in traced.solved.group_of:
                    found |= {traced.groups[i].id for i in np.unique(group_of[labels]) if i >= 0}
    return found


class _Tries:
    """Tries other counts for some groups of a selection, TRIES times at most."""

    def __init__(self, selection: Selection, works: Works) -> None:
        self.selection, self.works, self.left = selection, works, TRIES

    def __call__(self, counts: Mapping[str, int]) -> bool:
        if not self.left:
            return False
        self.left -= 1
        keep = {name: resized(self.selection.keep[name], count) for name, count in counts.items()}
        return self.works(Selection({**self.selection.keep, **keep}))


def resized(kept: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """`count` channels: spread over those that are kept, or all of them and the first others."""
    if count <= len(kept):
        return kept[np.linspace(0, len(kept) - 1, count).round().astype(np.int64)]
    others = np.setdiff1d(np.arange(count), kept)
    return np.sort(np.append(kept, others[: count - len(kept)]))


def _near(group: Group, selection: Selection, tries: _Tries) -> tuple[int, ...]:
    """Counts of `group` that work, larger first: the nearest found above and below the wanted one."""
    wanted = len(selection.keep[group.id])
    others = {len(kept) for name, kept in selection.keep.items() if name != group.id}
    best: dict[bool, int] = {}  # above the wanted count, below it
    for count in candidates(wanted, group.size, sorted(others, key=lambda n: abs(n - wanted))):
        known = best.get(count > wanted)
        nearer = known is None or abs(count - wanted) < abs(known - wanted)
        if nearer and tries({group.id: count}):
            best[count > wanted] = count
    return tuple(sorted(best.values(), reverse=True))


def candidates(wanted: int, size: int, others: Sequence[int]) -> Iterator[int]:
    """Counts to try in place of `wanted`, each once: the next ones, then what code mostly asks for.

    That is the count of another group (halves that are added or compared), and multiples of a half, a
    quarter, an eighth of the whole: of the number of heads, of groups, of what a size is divided by.
    """
    step, steps = size, list[int]()
    while step > 1:
        step //= next(p for p in range(2, step + 1) if step % p == 0)
        steps.append(step)
    multiples = [n for step in steps for n in (ceil(wanted / step) * step, wanted // step * step)]
    counts = dict.fromkeys([wanted + 1, wanted - 1, *others[:1], *multiples])
    return (count for count in counts if 0 < count < size and count != wanted)


def _sentence(group: Group, counts: tuple[int, ...]) -> str:
    if not counts:
        return f"Leave the {_unit(group)} whole: no other number was found that works."
    return f"{' or '.join(map(str, counts))} {_unit(group)} would work."


def _unit(group: Group) -> str:
    return f"{UNITS[group.kind]} of {group.id.replace(f':{group.kind}', '')}"
