"""Ties -> groups: connected components, once per solution, grouped by what they touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

from slimgui.core.groups import Group, Kind, Member, Refusal
from slimgui.engine.labels import SLIDES, SOLUTIONS, Fields, Ties, Where

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """One dimension of one weight: where its labels lie."""

    parameter: str
    dim: int
    labels: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """Labels that are cut together in one solution: `labels` of weights, `owner` the component's number."""

    owner: int
    labels: Ints
    signature: bytes
    locked: int | None
    blurred: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """Groups, and for every label its group and channel in each solution.

    Attributes:
        groups: in order of the forward pass, locked ones included.
        group_of: per solution an int array [labels]: index into `groups`, -1 for none.
        channel_of: per solution an int array [labels]: channel of that group.
        row_of: int array [labels]: the FINE group of a label, locked ones too; -1 for none.
    """

    groups: tuple[Group, ...]
    group_of: tuple[Ints, Ints]
    channel_of: tuple[Ints, Ints]
    row_of: Ints


def slots_of(weights: Mapping[str, Fields]) -> list[Slot]:
    """Every labelled dimension of every weight."""
    return [
        Slot(name, field.live[0], field.labels.reshape(-1).numpy())
        for name, fields in weights.items()
        for field in fields
    ]


def solve(ties: Ties, weights: Mapping[str, Fields], watched: Sequence[torch.Tensor] = ()) -> Solved:
    """Find the groups.

    Args:
        ties: what the rules stated.
        weights: the fields of every weight, by name, in order of the forward pass.
        watched: labels of activation dimensions whose lengths have to follow from the counts.
    """
    slots = slots_of(weights)
    seen = _unique_labels(watched)
    group_of = [np.full(ties.count, -1, np.int64) for _ in SOLUTIONS]  # by component, then by label
    channel_of = [np.zeros(ties.count, np.int64) for _ in SOLUTIONS]
    groups: list[Group] = []
    known: set[bytes] = set()
    for position, where in enumerate(SOLUTIONS if _differ(ties) else SOLUTIONS[:1]):
        solution = _Solution(ties, where, slots, seen)
        for components in solution.grouped():
            if solution.is_slide(components[0]):
                continue
            fresh = [c for c in components if c.labels.tobytes() not in known]
            known.update(c.labels.tobytes() for c in fresh)
            if not fresh or (where is Where.COARSE and (len(fresh) < 2 or fresh[0].locked is not None)):
                continue
            for channel, component in enumerate(fresh):
                group_of[position][component.owner] = len(groups)
                channel_of[position][component.owner] = channel
            groups.append(solution.group(fresh, coarse=where is Where.COARSE))
        group_of[position] = group_of[position][solution.component]
        channel_of[position] = channel_of[position][solution.component]
    fine, coarse = _without_shadows(group_of, groups)
    return Solved(tuple(_named(groups)), (fine, coarse), (channel_of[0], channel_of[1]), group_of[0])


def _differ(ties: Ties) -> bool:
    """Whether anything holds in one solution only."""
    stated = (*ties.pairs, *ties.locks, *ties.blurs)
    return any(where is not Where.BOTH for _, _, where in stated)


def _without_shadows(group_of: Sequence[Ints], groups: list[Group]) -> tuple[Ints, Ints]:
    """A label whose FINE group is locked counts as being in its COARSE group only."""
    locked = np.array([group.locked is not None for group in groups] + [False])
    fine, coarse = group_of[0].copy(), group_of[1].copy()
    fine[locked[fine]] = -1
    return fine, coarse


def _unique_labels(watched: Sequence[torch.Tensor]) -> list[Ints]:
    unique = {id(labels): labels for labels in watched}
    return [labels.reshape(-1).numpy() for labels in unique.values()]


class _Solution:
    """The components of one solution."""

    def __init__(self, ties: Ties, where: Where, slots: list[Slot], seen: list[Ints]) -> None:
        self.ties, self.where, self.slots = ties, where, slots
        self.graph = _graph(ties, where)
        _, self.component = connected_components(self.graph, directed=False)
        self.locks, self.reasons = _marks(ties.locks, where)
        self.blurs, self.notes = _marks(ties.blurs, where)
        self.seen = seen
        self.kinds = [(set(self.component[labels.numpy()].tolist()), kind) for labels, kind in ties.marks]

    @cached_property
    def both_ways(self) -> csr_matrix:
        """Every tie in both directions."""
        both: csr_matrix = (self.graph + self.graph.T).tocsr()
        return both

    def grouped(self) -> list[list[Component]]:
        """Components that touch weights, with the same signature together, in order of first label."""
        by_signature: dict[tuple[bytes, bool], list[Component]] = {}
        for component in self._components():
            key = (component.signature, component.locked is not None)
            by_signature.setdefault(key, []).append(component)
        return list(by_signature.values())

    def _components(self) -> list[Component]:
        touched = [slot.labels for slot in self.slots] + self.seen
        if not touched:
            return []
        labels = np.concatenate(touched)
        places = np.repeat(np.arange(len(touched)), [len(t) for t in touched])
        weight_labels = np.unique(np.concatenate([slot.labels for slot in self.slots]))
        owners = self.component[weight_labels]
        order = np.argsort(owners, kind="stable")
        starts = np.flatnonzero(np.diff(owners[order], prepend=-1))
        runs = np.split(weight_labels[order], starts[1:])
        signatures = self._signatures(labels, places)
        locked, blurred = self._marked(self.locks), self._marked(self.blurs)
        found = []
        for run in runs:
            owner = self.component[run[0]]
            found.append(Component(int(owner), run, signatures[owner], locked.get(owner), blurred.get(owner)))
        return sorted(found, key=lambda component: component.labels[0])

    def _signatures(self, labels: Ints, places: Ints) -> dict[int, bytes]:
        """Per component: which dimensions it touches, and how often each."""
        width = int(places[-1]) + 1
        keys, counts = np.unique(self.component[labels].astype(np.int64) * width + places, return_counts=True)
        owners, table = keys // width, np.stack((keys % width, counts), axis=1)
        starts = np.flatnonzero(np.diff(owners, prepend=-1))
        ends = [*starts[1:].tolist(), len(keys)]
        return {
            owner: table[start:end].tobytes()
            for owner, start, end in zip(owners[starts].tolist(), starts.tolist(), ends, strict=True)
        }

    def _marked(self, marks: tuple[Ints, Ints]) -> dict[int, int]:
        """The first reason given for each component."""
        labels, reasons = marks
        owners, first = np.unique(self.component[labels], return_index=True)
        return dict(zip(owners.tolist(), reasons[first].tolist(), strict=True))

    def is_slide(self, component: Component) -> bool:
        """Kernel positions: locked, and not worth a row."""
        return component.locked is not None and self.reasons[component.locked].what == SLIDES

    def group(self, components: list[Component], *, coarse: bool) -> Group:
        """Components of one signature as a group."""
        first = components[0]
        members = self._members(components)
        locked = None if first.locked is None else self._with_path(first)
        if locked is None and len(components) == 1:
            locked = Refusal("All of its channels move together, and one must stay.")
        blurred = next((c.blurred for c in components if c.blurred is not None), None)
        inexact = None if blurred is None else self.notes[blurred]
        kind = self._kind(components, coarse=coarse)
        return Group("", len(components), kind, inexact is None, locked, inexact, members)

    def _kind(self, components: list[Component], *, coarse: bool) -> Kind:
        """What one channel of the group stands for: told by the ops that its labels met."""
        met = {kind for owners, kind in self.kinds if components[0].owner in owners}
        if "heads" in met:
            return "heads" if coarse else "head_dim"
        return "conv_groups" if coarse and "conv_groups" in met else "channels"

    def _members(self, components: list[Component]) -> tuple[Member, ...]:
        channel = np.full(self.ties.count, -1, np.int64)
        for i, component in enumerate(components):
            channel[component.labels] = i
        members = []
        for slot in self.slots:
            owner = channel[slot.labels]
            indices = np.flatnonzero(owner >= 0)
            if len(indices):
                order = np.argsort(owner[indices], kind="stable")
                members.append(Member(slot.parameter, slot.dim, indices[order].reshape(len(components), -1)))
        return tuple(members)

    def _with_path(self, component: Component) -> Refusal:
        """The reason of a lock, with the weights on the shortest way from the lock to the component."""
        labels, reasons = self.locks
        reason = component.locked
        assert reason is not None
        near = self.component[labels] == component.owner
        start = labels[near & (reasons == reason)][0]
        _, before = breadth_first_order(self.both_ways, start, directed=True)
        path, label = [], int(component.labels[0])
        while label >= 0:
            path.append(label)
            label = int(before[label])
        names = [name for name in map(self._slot_name, path) if name]
        return replace(self.reasons[reason], path=tuple(dict.fromkeys(names)))

    def _slot_name(self, label: int) -> str:
        return next(
            (s.parameter.rpartition(".")[0] for s in self.slots if s.labels[0] <= label <= s.labels[-1]), ""
        )


def _graph(ties: Ties, where: Where) -> csr_matrix:
    chosen = [(one, other) for one, other, holds in ties.pairs if holds & where]
    rows = torch.cat([one for one, _ in chosen]).numpy() if chosen else np.zeros(0, np.int64)
    columns = torch.cat([other for _, other in chosen]).numpy() if chosen else np.zeros(0, np.int64)
    ones = np.ones(len(rows), np.bool_)
    return coo_matrix((ones, (rows, columns)), shape=(ties.count, ties.count)).tocsr()


def _marks(
    marks: Sequence[tuple[torch.Tensor, Refusal, Where]], where: Where
) -> tuple[tuple[Ints, Ints], list[Refusal]]:
    """(labels, index of the reason for each), and the reasons."""
    chosen = [(labels.numpy(), reason) for labels, reason, holds in marks if holds & where]
    reasons = [reason for _, reason in chosen]
    if not chosen:
        return (np.zeros(0, np.int64), np.zeros(0, np.int64)), reasons
    labels = np.concatenate([labels for labels, _ in chosen])
    which = np.repeat(np.arange(len(chosen)), [len(labels) for labels, _ in chosen])
    return (labels, which), reasons


def _named(groups: list[Group]) -> list[Group]:
    """Ids from the layer that writes the channels; a number where two groups would share one."""
    taken: dict[str, int] = {}
    named = []
    for group in groups:
        writers = [m.layer for m in group.members if m.dim == 0 and m.parameter.endswith("weight")]
        base = next(iter(writers), None) or group.members[0].parameter
        if group.kind != "channels":
            base = f"{base}:{group.kind}"
        taken[base] = taken.get(base, 0) + 1
        named.append(replace(group, id=base if taken[base] == 1 else f"{base}#{taken[base]}"))
    return named
