"""Ties -> groups: connected components, once per solution, grouped by what they touch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

from slimgui.core.groups import Group, Kind, Member, Refusal
from slimgui.engine.labels import SLIDES, SOLUTIONS, Fields, Ties, Where

Ints = NDArray[np.int64]
SmallInts = NDArray[np.int32]
Words = NDArray[np.uint64]
Pair = tuple[torch.Tensor, torch.Tensor]  # labels that are tied, one by one
_AT_A_TIME: Final = 1 << 23  # ties: some 300 MB while they are sorted


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """One dimension of one weight: where its labels lie."""

    parameter: str
    dim: int
    labels: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Sets of weight labels that are cut together in one solution and touch the same dimensions.

    Attributes:
        owners: their numbers, in order of the first label.
        locked: number of the reason why none of them may be cut, -1 for none.
        blurred: number of the first reason why cutting one does not equal zeroing, -1 for none.
    """

    owners: Ints
    locked: int
    blurred: int


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """Groups, and for every label its group and channel in each solution.

    Attributes:
        groups: in order of the forward pass, locked ones included.
        group_of: per solution an int32 array [labels]: index into `groups`, -1 for none.
        channel_of: per solution an int32 array [labels]: channel of that group.
        row_of: int32 array [labels]: the FINE group of a label, locked ones too; -1 for none.
    """

    groups: tuple[Group, ...]
    group_of: tuple[SmallInts, SmallInts]
    channel_of: tuple[SmallInts, SmallInts]
    row_of: SmallInts


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
    known = np.zeros(0, np.uint64)
    for position, where in enumerate(SOLUTIONS if _differ(ties) else SOLUTIONS[:1]):
        solution = _Solution(ties, where, slots, seen)
        is_new = ~np.isin(solution.contents, known)
        offered: list[Components] = []
        for found in solution.grouped():
            fresh = found.owners[is_new[found.owners]]
            if not len(fresh) or (where is Where.COARSE and (len(fresh) < 2 or found.locked >= 0)):
                continue
            group_of[position][fresh] = len(groups) + len(offered)
            channel_of[position][fresh] = np.arange(len(fresh))
            offered.append(replace(found, owners=fresh))
        groups += solution.groups(offered, coarse=where is Where.COARSE)
        known = np.unique(solution.contents)
        group_of[position] = group_of[position][solution.component]
        channel_of[position] = channel_of[position][solution.component]
    fine, coarse = _without_shadows(group_of, groups)
    channels = (_small(channel_of[0]), _small(channel_of[1]))
    return Solved(tuple(_named(groups)), (_small(fine), _small(coarse)), channels, _small(group_of[0]))


def _small(numbers: Ints) -> SmallInts:
    """In half the memory: a trace keeps them, and a model has millions of labels."""
    return numbers.astype(np.int32)


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
    """The components of one solution.

    Attributes:
        component: int array [labels]: number of the component of each label.
        contents: uint64 array [components]: a hash of the weight labels in each.
    """

    def __init__(self, ties: Ties, where: Where, slots: list[Slot], seen: list[Ints]) -> None:
        self.ties, self.slots, self.seen = ties, slots, seen
        self.graph = _graph(ties, where)
        self.count, self.component = connected_components(self.graph, directed=False)
        self.locks, self.reasons = _marks(ties.locks, where)
        self.blurs, self.notes = _marks(ties.blurs, where)
        self.kinds = [(set(self.component[labels.numpy()].tolist()), kind) for labels, kind in ties.marks]
        labels = np.concatenate([*(s.labels for s in slots), np.zeros(0, np.int64)])
        self.weight_labels = np.sort(labels, kind="stable")  # runs in order: linear time
        self.contents = self._hashed(self.weight_labels, self.weight_labels)

    @cached_property
    def both_ways(self) -> csr_matrix:
        """Every tie in both directions."""
        both: csr_matrix = (self.graph + self.graph.T).tocsr()
        return both

    def grouped(self) -> list[Components]:
        """Components that touch weights, with the same signature together, in order of first label."""
        owners, first = np.unique(self.component[self.weight_labels], return_index=True)
        owners = owners[np.argsort(first)]
        locked, blurred = self._marked(self.locks)[owners], self._marked(self.blurs)[owners]
        signatures = self._signatures()[owners] ^ (locked >= 0).astype(np.uint64)
        _, first, which = np.unique(signatures, return_index=True, return_inverse=True)
        runs = np.split(np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))[:-1])
        found = [
            Components(owners[run], int(locked[run[0]]), int(next(iter(blurred[run][blurred[run] >= 0]), -1)))
            for run in (runs[i] for i in np.argsort(first))
        ]
        return [components for components in found if not self._is_slide(components)]

    def _signatures(self) -> Words:
        """Per component: which dimensions it touches, and how often each."""
        touched = [slot.labels for slot in self.slots] + self.seen
        places = np.repeat(np.arange(len(touched)), [len(labels) for labels in touched])
        return self._hashed(np.concatenate([*touched, np.zeros(0, np.int64)]), places)

    def _hashed(self, labels: Ints, kinds: Ints) -> Words:
        """Per component a hash of how many of its `labels` there are of each kind.

        It is a sum of random numbers below 2^32, one for each kind, twice: exact up to 2^21 labels.
        """
        draw, words = np.random.default_rng(0), np.zeros(self.count, np.uint64)
        for shift in (0, 32):
            numbers = draw.integers(1 << 32, size=self.ties.count + len(self.seen)).astype(np.float64)
            sums = np.bincount(self.component[labels], numbers[kinds], self.count)
            words ^= sums.astype(np.uint64) << np.uint64(shift)
        return words

    def _marked(self, marks: tuple[Ints, Ints]) -> Ints:
        """Per component the number of the first reason given for it, -1 for none."""
        labels, reasons = marks
        result = np.full(self.count, -1, np.int64)
        owners, first = np.unique(self.component[labels], return_index=True)
        result[owners] = reasons[first]
        return result

    def _is_slide(self, components: Components) -> bool:
        """Kernel positions: locked, and not worth a row."""
        return components.locked >= 0 and self.reasons[components.locked].what == SLIDES

    def groups(self, offered: Sequence[Components], *, coarse: bool) -> list[Group]:
        """The components as groups, one channel each."""
        members = self._members(offered)
        return [
            self._group(components, members[number], coarse=coarse)
            for number, components in enumerate(offered)
        ]

    def _group(self, components: Components, members: list[Member], *, coarse: bool) -> Group:
        locked = None if components.locked < 0 else self._with_path(components)
        if locked is None and len(components.owners) == 1:
            locked = Refusal("All of its channels move together, and one must stay.")
        inexact = None if components.blurred < 0 else self.notes[components.blurred]
        kind = self._kind(components, coarse=coarse)
        return Group("", len(components.owners), kind, inexact is None, locked, inexact, tuple(members))

    def _kind(self, components: Components, *, coarse: bool) -> Kind:
        """What one channel of the group stands for: told by the ops that its labels met."""
        met = {kind for owners, kind in self.kinds if components.owners[0] in owners}
        if "heads" in met:
            return "heads" if coarse else "head_dim"
        return "conv_groups" if coarse and "conv_groups" in met else "channels"

    def _members(self, offered: Sequence[Components]) -> list[list[Member]]:
        """For each of the future groups the dimensions that it cuts."""
        number, channel = np.full(self.count, -1, np.int64), np.zeros(self.count, np.int64)
        for i, components in enumerate(offered):
            number[components.owners] = i
            channel[components.owners] = np.arange(len(components.owners))
        members: list[list[Member]] = [[] for _ in offered]
        for slot in self.slots:
            owners = self.component[slot.labels]
            numbers = number[owners]
            for i in numbers[:1] if (numbers == numbers[0]).all() else np.unique(numbers):
                if i < 0:
                    continue
                indices = np.flatnonzero(numbers == i)
                order = np.argsort(channel[owners[indices]], kind="stable")
                table = indices[order].reshape(len(offered[i].owners), -1)
                members[i].append(Member(slot.parameter, slot.dim, table))
        return members

    def _with_path(self, components: Components) -> Refusal:
        """The reason of a lock, with the weights on the shortest way from the lock to the first component."""
        labels, reasons = self.locks
        owner, reason = components.owners[0], components.locked
        start = labels[(self.component[labels] == owner) & (reasons == reason)][0]
        _, before = breadth_first_order(self.both_ways, start, directed=True)
        path, label = [], int(self.weight_labels[self.component[self.weight_labels] == owner][0])
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
    """Which labels are tied. The same tie is stated again and again: in parts, few of them are held twice."""
    chosen = [(one, other) for one, other, holds in ties.pairs if holds in (where, Where.BOTH)]
    graph = csr_matrix((ties.count, ties.count))
    for part in _parts(chosen):
        rows, columns = (torch.cat(side).numpy() for side in zip(*part, strict=True))
        ones = np.ones(len(rows))  # what csgraph works on: of anything else it makes a copy at every call
        graph = graph + coo_matrix((ones, (rows, columns)), shape=graph.shape).tocsr()
    return graph


def _parts(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """All `pairs`, so many at a time that their ties are `_AT_A_TIME` or a few more."""
    part: list[Pair] = []
    held = 0
    for pair in pairs:
        part.append(pair)
        held += len(pair[0])
        if held >= _AT_A_TIME:
            yield part
            part, held = [], 0
    if part:
        yield part


def _marks(
    marks: Sequence[tuple[torch.Tensor, Refusal, Where]], where: Where
) -> tuple[tuple[Ints, Ints], list[Refusal]]:
    """(labels, index of the reason for each), and the reasons."""
    chosen = [(labels.numpy(), reason) for labels, reason, holds in marks if holds in (where, Where.BOTH)]
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
