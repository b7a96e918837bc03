"""A plan and the groups of a model -> other plans: whole, the smallest, a random one, steps towards one."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from slimgui.core.groups import Group
from slimgui.core.names import Names
from slimgui.core.plan import HasGroups, Plan
from slimgui.core.resolve import counts, free_groups, rounded, smallest, written_counts
from slimgui.errors import PlanError

if TYPE_CHECKING:
    from slimgui.core.resolve import Scores

NO_LIMITS: Final = Plan()


def maximum(plan: Plan = NO_LIMITS) -> Plan:
    """The plan that removes nothing and keeps the limits of `plan`: locks, rounding, bins, minima."""
    return replace(plan, ratio=0.0, ratios=(), counts=(), indices=())


def minimum(traced: HasGroups, plan: Plan = NO_LIMITS) -> Plan:
    """The plan in which every group is as small as the limits of `plan` allow, counts written out."""
    return _written(traced.groups, plan, {g.id: smallest(g, plan) for g in free_groups(traced.groups, plan)})


def smallest_counts(groups: Sequence[Group], plan: Plan) -> dict[str, int]:
    """The fewest channels that `plan` allows in every group; counts that it writes down stay.

    Raises:
        PlanError: the plan does not fit these groups.
    """
    whole = counts(groups, replace(plan, ratio=0.0, ratios=()))
    return {**whole, **{group.id: smallest(group, plan) for group in open_groups(groups, plan)}}


def open_groups(groups: Sequence[Group], plan: Plan) -> list[Group]:
    """The groups that may be cut and for which `plan` writes down neither a count nor channels."""
    by_hand = written_counts(groups, plan)
    return [group for group in free_groups(groups, plan) if group.id not in by_hand]


def sample(traced: HasGroups, seed: int, plan: Plan = NO_LIMITS) -> Plan:
    """A random plan within the limits of `plan`, counts written out.

    Every group draws one of its allowed counts, each as likely as the others. The draw depends on the seed
    and the group's id alone, so that neither the order of groups nor a lock on another one changes it.
    """
    drawn = {}
    for group in free_groups(traced.groups, plan):
        allowed = sorted({rounded(group, plan, wanted) for wanted in range(1, group.size + 1)})
        drawn[group.id] = random.Random(f"{seed} {group.id}").choice(allowed)  # noqa: S311 - no secret
    return _written(traced.groups, plan, drawn)


def steps(groups: Sequence[Group], plan: Plan, number: int, scores: Scores | None = None) -> tuple[Plan, ...]:
    """Plans that lead to `plan` in `number` equal steps, for pruning with training in between.

    Counts are written out and absolute, so that a step also fits the model that the step before it made.
    Channels that `plan` names one by one are removed in the last step.

    Args:
        groups: of the model that the first step will cut.
        plan: what the last step leaves.
        number: of steps, at least 1.
        scores: as in `counts`.

    Raises:
        PlanError: the plan does not fit these groups, or there would be no step.
    """
    if number < 1:
        raise PlanError(f"A plan cannot be reached in {number} steps.", "", "Give a number from 1.")
    names, last = Names(groups), counts(groups, plan, scores)
    named = {names.find(name).id for name, _ in plan.indices}
    cut = [group for group in groups if last[group.id] < group.size and group.id not in named]
    result = []
    for step in range(1, number):
        gone = {group.id: (group.size - last[group.id]) * step // number for group in cut}
        kept = {group.id: rounded(group, plan, group.size - gone[group.id]) for group in cut}
        result.append(_written(groups, plan, kept))
    end = _written(groups, plan, {group.id: last[group.id] for group in cut})
    return (*result, replace(end, indices=plan.indices))


def _written(groups: Sequence[Group], plan: Plan, kept: Mapping[str, int]) -> Plan:
    """The limits of `plan` with these counts, without those that keep a group whole."""
    sizes = {group.id: group.size for group in groups}
    cut = ((name, count) for name, count in kept.items() if count != sizes[name])
    return replace(maximum(plan), counts=tuple(sorted(cut)))
