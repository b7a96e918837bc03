"""A plan and the groups of a model -> how many channels each group keeps, and which. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any

from slimgui.core.criteria import looks_at_data
from slimgui.core.groups import Group
from slimgui.core.names import Names
from slimgui.core.plan import Plan, Selection
from slimgui.errors import PlanError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = Mapping[str, NDArray[np.floating[Any]]]

ROUNDING = 1e-9  # 0.29 · 100 is 28.999999999999996: 29 are meant


def locked_by(groups: Sequence[Group], plan: Plan) -> frozenset[str]:
    """Ids of the groups that `plan` leaves whole by name. Raises PlanError for a name that is in no group."""
    if not (plan.locked or plan.whole):
        return frozenset()
    names = Names(groups)
    by_path = {group.id for path in plan.locked for group in names.touching(path)}
    return frozenset(by_path | {names.find(name).id for name in plan.whole})


def with_ids(groups: Sequence[Group], plan: Plan) -> Plan:
    """The same plan, in which groups go by their ids and not by their layers; paths stay.

    Raises:
        PlanError: a name is unknown.
    """
    names = Names(groups)
    for path in plan.locked:
        names.touching(path)
    for path, _ in plan.ratios:
        names.below(path)
    return replace(
        plan,
        counts=tuple(sorted({names.find(name).id: count for name, count in plan.counts}.items())),
        indices=tuple(sorted({names.find(name).id: kept for name, kept in plan.indices}.items())),
        whole=tuple(sorted({names.find(name).id for name in plan.whole})),
    )


def written_counts(groups: Sequence[Group], plan: Plan) -> dict[str, int]:
    """Channels kept in the groups for which the plan writes down a count or channels, by group id.

    Raises:
        PlanError: a name is unknown, a count is out of range, a group that may not be cut is to be cut,
            or two names of one group disagree.
    """
    names, result = Names(groups), dict[str, int]()
    for name, kept in plan.indices:
        group = names.find(name)
        if kept[-1] >= group.size:
            raise PlanError(
                f"{group.id!r} has no channel {kept[-1]}.",
                f"Its {group.size} channels are numbered from 0 to {group.size - 1}.",
            )
    for name, count in (*plan.counts, *((name, len(kept)) for name, kept in plan.indices)):
        group = names.find(name)
        _check_count(group, count)
        if result.setdefault(group.id, count) != count:
            raise PlanError(
                f"The plan wants both {result[group.id]} and {count} channels in {group.id!r}.",
                f"{name!r} belongs to that group.",
                "Layers of one group keep the same channels: write down one number.",
            )
    return result


def _check_count(group: Group, count: int) -> None:
    if not 1 <= count <= group.size:
        raise PlanError(
            f"{count} channels cannot stay in {group.id!r}.",
            f"The group has {group.size} channels and must keep at least one.",
            f"Give a number from 1 to {group.size}.",
        )
    if group.locked and count != group.size:
        raise PlanError(f"{group.id!r} may not be cut.", str(group.locked), "Leave this group whole.")


def free_groups(groups: Sequence[Group], plan: Plan) -> list[Group]:
    """The groups that `plan` may cut by itself: not locked, and exact where it leaves the others whole."""
    locked = locked_by(groups, plan)
    return [
        group
        for group in groups
        if group.locked is None and group.id not in locked and (group.exact or not plan.only_exact)
    ]


def smallest(group: Group, plan: Plan) -> int:
    """The fewest channels that `plan` leaves in a group it may cut by itself."""
    return rounded(group, plan, 1)


def rounded(group: Group, plan: Plan, wanted: int) -> int:
    """The smallest count that `plan` allows for `group` and that is not below `wanted`.

    First one of `bins` equal steps, then a multiple of `round_to`, never above the size.
    """
    size = group.size
    kept = max(wanted, plan.min_count, ceil(plan.min_ratio * size - ROUNDING))
    if plan.bins:
        step = (kept - 1) * plan.bins // size + 1  # the first one that ends at or above `kept`
        kept = -(-step * size // plan.bins)
    kept = -(-kept // plan.round_to) * plan.round_to
    return min(kept, size)


def counts(groups: Sequence[Group], plan: Plan, scores: Scores | None = None) -> dict[str, int]:
    """Channels each group keeps under `plan`, 1 <= count <= size; locked groups stay whole.

    Args:
        groups: as found by `trace`, any order.
        plan: see `Plan`.
        scores: per group id a float array [size]; only plans that `needs_scores` look at it.

    Raises:
        PlanError: the plan does not fit these groups.
    """
    result = {group.id: group.size for group in groups}
    written, own = written_counts(groups, plan), _own_ratios(groups, plan)
    shared = []
    for group in free_groups(groups, plan):
        if group.id in own or plan.scope == "local":
            wanted = _left(group.size, own.get(group.id, plan.ratio))
            result[group.id] = rounded(group, plan, wanted)
        elif group.id not in written:
            shared.append(group)
    if plan.ratio:
        for pool in _pools(shared, plan):
            result.update(_share_out(pool, plan, scores))
    locked = locked_by(groups, plan)
    result.update((name, count) for name, count in written.items() if name not in locked)
    return result


def needs_scores(plan: Plan) -> bool:
    """Whether the counts of `plan` depend on how important channels are."""
    return plan.scope != "local" and plan.ratio > 0


def _pools(groups: Sequence[Group], plan: Plan) -> list[list[Group]]:
    """Groups whose channels are compared: all of them, or those of the same structure.

    Source: Fang et al. 2024, "Isomorphic Pruning for Vision Models": scores of what is built differently are
    spread differently. Groups are of the same structure when their members are, but for the layers' names.
    """
    pools: dict[object, list[Group]] = {}
    for group in groups:
        members = ((member.parameter.rpartition(".")[2], member.dim) for member in group.members)
        key = (group.kind, tuple(sorted(members))) if plan.scope == "isomorphic" else None
        pools.setdefault(key, []).append(group)
    return list(pools.values())


def _left(size: int, ratio: float) -> int:
    """What stays of `size` channels; never removes more than asked."""
    return size - int(size * ratio + ROUNDING)


def _own_ratios(groups: Sequence[Group], plan: Plan) -> dict[str, float]:
    names, result = Names(groups), dict[str, float]()
    for path, ratio in sorted(plan.ratios, key=lambda pair: len(pair[0])):
        result.update((group.id, ratio) for group in names.below(path))
    return result


def _share_out(groups: Sequence[Group], plan: Plan, scores: Scores | None) -> dict[str, int]:
    """Counts under one threshold for these groups.

    Every group keeps its best channels down to `smallest`; of all the others together the lowest scores
    go, until `ratio` of all their channels is gone.

    Scores are `normalised` first; without it, groups with large weights would keep everything.
    """
    import numpy as np

    if scores is None:
        why = "A global plan compares the channels of all groups."
        raise PlanError("Nothing says which channels matter.", why, "Give the scores of every channel.")
    groups = sorted(groups, key=lambda group: group.id)
    value, owner = [], []
    for number, group in enumerate(groups):
        own = normalised(scores[group.id])
        candidates = best_first(own)[smallest(group, plan) :][
            ::-1
        ]  # worst first, so that a stable sort keeps it
        value.append(own[candidates])
        owner.append(np.full(len(candidates), number))
    order = np.argsort(np.concatenate(value), kind="stable")
    asked = int(sum(group.size for group in groups) * plan.ratio + ROUNDING)
    gone = np.bincount(np.concatenate(owner)[order[:asked]], minlength=len(groups))
    pairs = zip(groups, gone.tolist(), strict=True)
    return {group.id: rounded(group, plan, group.size - removed) for group, removed in pairs}


def normalised(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Scores of one group [size] that can be compared with those of others: they are 1 on average, or 0.

    Source: the default normalizer="mean" of Torch-Pruning's GroupMagnitudeImportance.
    """
    import numpy as np

    own = np.nan_to_num(np.asarray(scores, dtype=np.float64))
    mean = own.mean()
    return own / mean if mean > 0 else np.zeros(len(own))


def best_first(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """Channels by falling score; of equal ones the lower index first."""
    import numpy as np

    return np.argsort(-scores, kind="stable")


def resolve(groups: Sequence[Group], scores: Scores, plan: Plan) -> Selection:
    """Choose which channels stay: those written down, else the highest scores, as many as the plan says.

    Args:
        groups: as found by `trace`, any order.
        scores: per group id a float array [size]; higher is more important.
        plan: see `Plan`.

    Returns:
        Sorted kept indices for every group; equal scores keep the lower index.

    Raises:
        PlanError: the plan does not fit these groups.
    """
    names = Names(groups)
    written = {names.find(name).id: indices for name, indices in plan.indices}
    kept = counts(groups, plan, scores)
    return Selection(
        {g.id: kept_channels(g.size, kept[g.id], scores[g.id], written.get(g.id)) for g in groups}
    )


def kept_channels(
    size: int, count: int, scores: NDArray[np.floating[Any]], written: Sequence[int] | None = None
) -> NDArray[np.int64]:
    """The channels of one group that stay: all, those `written` down, else the `count` best; ascending."""
    import numpy as np

    if count == size:
        return np.arange(count)
    if written is not None:
        return np.array(written, dtype=np.int64)
    order = best_first(np.nan_to_num(np.asarray(scores, dtype=np.float64)))
    return np.sort(order[:count]).astype(np.int64)


def write_out(groups: Sequence[Group], selection: Selection) -> Plan:
    """The plan that names every channel of `selection`: it gives the same whatever the scores are."""
    sizes = {group.id: group.size for group in groups}
    cut = sorted(name for name, kept in selection.keep.items() if len(kept) != sizes[name])
    return Plan(indices=tuple((name, tuple(selection.keep[name].tolist())) for name in cut))


def lasting(groups: Sequence[Group], scores: Scores, plan: Plan) -> Plan:
    """`plan`, with every channel written out where only data says which ones stay: it needs no data.

    The limits stay, and shape what is edited later.
    """
    if not looks_at_data(plan.importance):
        return plan
    chosen = write_out(groups, resolve(groups, scores, plan))
    usual = Plan().importance
    return replace(plan, ratio=0.0, ratios=(), counts=(), indices=chosen.indices, importance=usual)
