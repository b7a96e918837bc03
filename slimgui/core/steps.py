"""Groups and their scores -> every step by which a plan may grow, what it is worth and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from slimgui.core.cost import CostModel
from slimgui.core.cost_arrays import CostArrays, Floats, Ints
from slimgui.core.groups import Group
from slimgui.core.plan import Plan
from slimgui.core.resolve import best_first, normalised, rounded, smallest
from slimgui.core.variants import open_groups, smallest_counts

if TYPE_CHECKING:
    from slimgui.core.resolve import Scores


class Steps:
    """The counts that are allowed, what they are worth, and what they cost.

    Attributes:
        open: the groups that may change, in the order of every array [open].
        levels: per open group the counts that its plan allows, ascending.
        worth: per open group the importance that each of these counts keeps.
        evaluations: costs that were asked for so far.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        cost: CostModel,
        plan: Plan,
        scores: Scores,
        resources: Sequence[str],
        one_scale: bool = False,
    ) -> None:
        self.cost, self.plan, self.evaluations = cost, plan, 0
        self.open = sorted(open_groups(groups, plan), key=lambda group: group.id)
        self.fixed = smallest_counts(groups, plan)  # of groups that are not open: what they have
        mine = [group.id for group in self.open]
        self.ids = [*mine, *sorted(self.fixed.keys() - set(mine))]
        self.arrays = CostArrays(cost, resources, self.ids)
        self._rest = np.array([self.fixed[name] for name in self.ids[len(self.open) :]], np.int64)
        self.levels = [_levels(group, plan) for group in self.open]
        own = [scores[g.id] if one_scale else normalised(scores[g.id]) for g in self.open]
        self.worth = [_kept_by(each, level) for each, level in zip(own, self.levels, strict=True)]
        self.total = sum(float(worth[-1]) for worth in self.worth)
        self.top = np.array([len(level) - 1 for level in self.levels], np.int64)
        self._flatten()

    def _flatten(self) -> None:
        """Every step from one level to the next as arrays, group after group, each from above."""
        self._values = _joined(self.levels)
        self._first = np.cumsum([0, *self.top + 1])[:-1]
        self._apart = int(self._values.max(initial=0)) + 1
        self._keys = self._values + np.repeat(np.arange(len(self.open)), self.top + 1) * self._apart
        self._steps = np.cumsum(self.top)  # behind the steps of each group
        self.owner = np.repeat(np.arange(len(self.open)), self.top)
        self.width = _joined([np.diff(level)[::-1] for level in self.levels])
        self.gain = _joined([np.diff(worth)[::-1] for worth in self.worth], np.float64)

    def counts(self, at: Ints) -> Ints:
        """Counts of all groups, where open ones are at these levels."""
        mine: Ints = self._values[self._first + at]
        return np.concatenate((mine, self._rest))

    def at_least(self, counts: Ints) -> Ints:
        """The lowest levels with these many channels [open] or more."""
        offsets = np.arange(len(counts)) * self._apart
        levels: Ints = np.searchsorted(self._keys, np.maximum(counts, 1) + offsets) - self._first
        return levels

    def step(self, groups: Ints, levels: Ints) -> Ints:
        """The steps of these groups that lead up from these levels."""
        places: Ints = self._steps[groups] - 1 - levels
        return places

    def between(self, low: Ints, high: Ints) -> Ints:
        """The steps of every group between two levels of it, each group's from above."""
        lengths = high - low
        ends = np.cumsum(lengths)
        places: Ints = np.arange(lengths.sum()) + np.repeat(self._steps - high - (ends - lengths), lengths)
        return places

    def costs(self, at: Ints) -> Floats:
        """What open groups at these levels cost: [resources]."""
        self.evaluations += 1
        return self.arrays.at(self.counts(at))

    def meets(self, at: Ints, caps: Floats) -> bool:
        """Whether no resource is above its cap."""
        return bool((self.costs(at) <= caps).all())

    def kept(self, at: Ints) -> float:
        """The importance that stays."""
        return sum(float(worth[i]) for worth, i in zip(self.worth, at.tolist(), strict=True))


def _joined(parts: Sequence[NDArray[Any]], dtype: type = np.int64) -> NDArray[Any]:
    return np.concatenate([*parts, np.zeros(0, dtype)])


def _levels(group: Group, plan: Plan) -> Ints:
    if plan.round_to == 1 and not plan.bins:
        return np.arange(smallest(group, plan), group.size + 1)
    return np.unique([rounded(group, plan, wanted) for wanted in range(1, group.size + 1)])


def _kept_by(scores: NDArray[np.floating[Any]], levels: Ints) -> Floats:
    own = scores.astype(np.float64)
    sums: Floats = np.concatenate(([0.0], np.cumsum(own[best_first(own)])))
    return sums[levels]
