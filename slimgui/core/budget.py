"""A target -> the plan that meets it and keeps the most importance. Pure, deterministic, without torch.

The cost is a sum of products of counts, so what a channel costs depends on all other counts. The search goes
down from the whole model in small moves: each removes, over all groups together, the channels with the least
importance per cost at the present counts. What is left below the target is filled up again, so that no
group can grow by one more step. A few rounds then start from the prices at the end instead of those on
the way, and small models are improved by exchanges. The best of these plans and of the uniform one wins.

Importance adds up, but a network is as good as its narrowest layer: unbounded, a search leaves single
channels of expensive groups and all of cheap ones. So every group keeps a share BALANCE of what it keeps
under the uniform plan for the same target. Measured on the example, norms recalibrated, images right on
average over L2, input and Taylor at 50, 30 and 20 % of the MACs: 60 % with 0.6, 65 with 0.75, 65 with 0.85,
67 with 0.92, 69 with 1; without a bound 24 % where L2 at half of the MACs reaches 90.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from slimgui.core.cost import Cost, CostModel
from slimgui.core.cost_arrays import Floats, Ints
from slimgui.core.groups import Group
from slimgui.core.plan import Plan
from slimgui.core.resolve import ROUNDING
from slimgui.core.steps import Steps
from slimgui.core.targets import Target, limits, reach
from slimgui.core.variants import NO_LIMITS

if TYPE_CHECKING:
    from slimgui.core.resolve import Scores

BALANCE: Final = 0.85  # a group keeps at least this much of what it keeps in the uniform plan
MOVES: Final = 20  # on the way down to half
NEAR: Final = 0.15  # of a group's steps go in one move: prices change on the way
ROUNDS: Final = 4  # with the prices at the end
BISECTIONS: Final = 50
LANDING: Final = 0.01  # of a cap: what is near it
TIGHT: Final = 0.98  # of a cap: what is at it
EVALUATIONS: Final = 2_500  # no exchange begins after so many


@dataclass(frozen=True, slots=True)
class Found:
    """One plan of a search.

    Attributes:
        plan: the limits of the given plan, with every count written out.
        cost: what it leaves.
        kept: importance that stays in the groups that were open, as a share of theirs.
    """

    plan: Plan
    cost: Cost
    kept: float


@dataclass(frozen=True, slots=True, eq=False)
class _Goal:
    """Where a search has to go.

    Attributes:
        caps: the most that may be left of every resource.
        uniform: levels of the uniform plan that removes least among those that meet the caps.
        bottom: levels below which no group goes.
    """

    caps: Floats
    uniform: Ints
    bottom: Ints

    @classmethod
    def of(cls, search: Steps, caps: Floats) -> _Goal:
        uniform = _uniform(search, caps)
        kept = search.counts(uniform)[: len(uniform)]
        return cls(caps, uniform, search.at_least(np.ceil(BALANCE * kept).astype(np.int64)))


def _uniform(search: Steps, caps: Floats) -> Ints:
    sizes = np.array([group.size for group in search.open], np.int64)

    def levels(ratio: float) -> Ints:
        return search.at_least(sizes - (sizes * ratio + ROUNDING).astype(np.int64))

    low, high = 0.0, 1.0  # the ratio 1 stands for the smallest counts
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if search.meets(levels(middle), caps) else (middle, high)
    return levels(high)


def _found(search: Steps, at: Ints) -> Found:
    counts = search.counts(at)
    kept = dict(zip(search.ids, counts.tolist(), strict=True))
    cut = {group.id: kept[group.id] for group in search.open if kept[group.id] != group.size}
    written = tuple(sorted({**dict(search.plan.counts), **cut}.items()))
    plan = replace(search.plan, ratio=0.0, ratios=(), counts=written)
    return Found(plan, search.cost.at(kept), search.kept(at) / search.total if search.total else 1.0)


def _density(search: Steps, at: Ints, goal: _Goal, steps: Ints) -> Floats:
    """Importance per cost of these steps, at the prices of these levels; free ones are infinite.

    Several resources add up as shares of their caps: those above theirs by how far, else those at theirs.
    """
    used = search.costs(at) / goal.caps
    over = np.maximum(used - 1, 0)
    weights = (over if over.any() else used >= TIGHT * used.max()) / goal.caps
    prices: Floats = weights @ search.arrays.gradient(search.counts(at))
    price = prices[search.owner[steps]] * search.width[steps]
    density: Floats = np.full(len(price), np.inf)
    np.divide(search.gain[steps], price, out=density, where=price > 0)
    return density


def _cheapest(search: Steps, start: Ints, priced: Ints, goal: _Goal, caps: Floats, most: float = 1.0) -> Ints:
    """Levels after the fewest steps down from `start` that meet the caps, the least dense first.

    Prices are those at the levels `priced`. No group loses more than the share `most` of its steps, which may
    not be enough.
    """
    lowest = np.maximum(goal.bottom, np.floor((1 - most) * start).astype(np.int64))
    steps = search.between(lowest, start)
    order = steps[np.argsort(_density(search, priced, goal, steps), kind="stable")]

    def after(removed: int) -> Ints:
        return start - np.bincount(search.owner[order[:removed]], minlength=len(start))

    low, high = 0, len(order)
    while low < high:  # costs fall with every step
        middle = (low + high) // 2
        if search.meets(after(middle), caps):
            high = middle
        else:
            low = middle + 1
    return after(low)


def _down(search: Steps, start: Ints, goal: _Goal) -> Ints:
    """Levels that meet the caps, by small moves from `start`, each at the prices that hold there."""
    at, begin = start, np.maximum(search.costs(start), goal.caps)
    moves = int(np.ceil(MOVES * np.log2(begin / goal.caps).max())) or 1
    for move in range(1, moves + 1):
        caps = goal.caps if move == moves else begin * (goal.caps / begin) ** (move / moves)
        while not search.meets(at, caps):
            at = _cheapest(search, at, at, goal, caps, NEAR)
    return at


def _fill(search: Steps, at: Ints, goal: _Goal, last: int = -1) -> Ints:
    """Levels to which no step can be added: the densest that fits goes first, those of group `last` last."""
    at, waiting = at.copy(), np.flatnonzero(at < search.top)
    density = _density(search, at, goal, search.step(waiting, at[waiting]))
    for group in waiting[np.lexsort((-density, waiting == last))].tolist():
        while at[group] < search.top[group]:
            at[group] += 1
            if not search.meets(at, goal.caps):  # nor will it later: costs only rise
                at[group] -= 1
                break
    return at


def _best(search: Steps, start: Ints, goal: _Goal, rounds: int) -> Ints:
    """The best levels of those found: uniform ones, by moves from `start`, then by the prices there."""
    found, at = [_fill(search, goal.uniform, goal)], _down(search, start, goal)
    for _ in range(rounds):
        found.append(_fill(search, at, goal))
        at = _cheapest(search, search.top, found[-1], goal, goal.caps)
    return max(found, key=lambda each: _merit(search, each, goal))


def _merit(search: Steps, at: Ints, goal: _Goal) -> tuple[bool, float]:
    """What is better: to land near a cap, then to keep more importance."""
    lands = bool((search.costs(at) >= (1 - LANDING) * goal.caps).any())
    return lands or bool((at == search.top).all()), search.kept(at)


def _landed(search: Steps, at: Ints, goal: _Goal) -> Ints:
    """Levels nearer to a cap: where steps are large, one group grows, and the others make room for it."""
    if _merit(search, at, goal)[0]:
        return at
    found = [at]
    for group in np.flatnonzero(at < search.top).tolist():
        start, bottom = at.copy(), goal.bottom.copy()
        start[group] = bottom[group] = at[group] + 1
        if search.meets(bottom, goal.caps):
            smaller = _cheapest(search, start, start, replace(goal, bottom=bottom), goal.caps)
            found.append(_fill(search, smaller, goal))
    return max(found, key=lambda each: _merit(search, each, goal))


def _exchanged(search: Steps, at: Ints, goal: _Goal) -> Ints:
    """Better levels: one group gives a step away for what then fits into the others, while that pays."""
    best, improved = _merit(search, at, goal), True
    while improved:
        improved = False
        for group in np.flatnonzero(at > goal.bottom).tolist():
            if search.evaluations > EVALUATIONS:
                return at
            other = at.copy()
            other[group] -= 1
            other = _fill(search, other, goal, last=group)
            merit = _merit(search, other, goal)
            if other[group] >= goal.bottom[group] and merit > (best[0], best[1] * (1 + ROUNDING)):
                at, best, improved = other, merit, True
    return at


def find(
    groups: Sequence[Group],
    cost: CostModel,
    targets: Sequence[Target],
    scores: Scores,
    plan: Plan = NO_LIMITS,
    *,
    one_scale: bool = False,
) -> Found:
    """The plan that meets all targets and keeps the most importance.

    Never above a target; no open group can grow by one more allowed step, and it lands within one percent
    of a target where any plan does that can be found. It never keeps less importance than the uniform plan of
    the same cost. Equal arguments give equal plans.

    Args:
        groups: as found by `trace`, any order.
        cost: closed forms of the cost.
        targets: the most that may be left; each resource once.
        scores: per group id a float array [size].
        plan: its locks, rounding, bins, minima and written counts are kept; its ratios are not.
        one_scale: scores of different groups can be compared as they are; else each group's are normalised.

    Raises:
        TargetError: no plan within these limits leaves as little.
        PlanError: the plan does not fit these groups.
    """
    wanted = limits(targets, reach(groups, cost, plan, scores))
    search = Steps(groups, cost, plan, scores, list(wanted), one_scale)
    caps = np.maximum(np.array(list(wanted.values()), np.float64), 1)
    goal = _Goal.of(search, caps)
    at = _landed(search, _best(search, search.top, goal, ROUNDS), goal)
    return _found(search, _exchanged(search, at, goal))


def pareto(
    groups: Sequence[Group],
    cost: CostModel,
    resource: str,
    scores: Scores,
    plan: Plan = NO_LIMITS,
    points: int = 20,
) -> tuple[Found, ...]:
    """Plans from the smallest to the whole model: none of them costs less than another and keeps more.

    Args:
        groups: as in `find`.
        cost: as in `find`.
        resource: a key of RESOURCES.
        scores: as in `find`.
        plan: as in `find`.
        points: evenly spaced costs to look at, at least 2.
    """
    search = Steps(groups, cost, plan, scores, [resource])
    low, high = float(search.costs(search.top * 0)[0]), float(search.costs(search.top)[0])
    at, found = search.top, list[Found]()
    for cap in np.linspace(high, low, points):
        goal = _Goal.of(search, np.array([max(np.floor(cap + ROUNDING), 1.0)]))
        at = _best(search, at, goal, rounds=1)
        found.append(_found(search, at))
    front: list[Found] = []
    for each in sorted(found, key=lambda one: getattr(one.cost, resource)):
        if not front or each.kept > front[-1].kept:
            front.append(each)
    return tuple(front)
