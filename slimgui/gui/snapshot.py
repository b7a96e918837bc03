"""A document and a plan -> everything the views show, frozen; two snapshots -> what differs. No Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from slimgui.core.cost import Cost
from slimgui.core.groups import Group
from slimgui.core.plan import Plan, counts
from slimgui.core.sizes import Product
from slimgui.core.wire import Document, GroupRow

_Indexed = tuple[tuple[Product, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the open model looks like under one plan.

    Attributes:
        counts: channels kept per group.
        by_hand: ids of the groups whose count was set one by one.
        cost: totals under the plan.
        params, macs: per group, the sum over everything the group touches.
        layer_params: parameters per layer.
        channels: per layer of the graph, the channels it puts out.
    """

    plan: Plan
    counts: Mapping[str, int]
    by_hand: frozenset[str]
    cost: Cost
    params: Mapping[str, int]
    macs: Mapping[str, int]
    layer_params: Mapping[str, int]
    channels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two snapshots: ids of groups, indices of layers."""

    groups: frozenset[str]
    layers: frozenset[int]


class Resolver:
    """Turns plans for one document into snapshots; indexes the cost model once."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._groups = as_groups(document.groups)
        self._params = _index(document.cost.params)
        self._macs = _index(document.cost.macs)

    def snapshot(self, plan: Plan) -> Snapshot:
        """What `plan` makes of the document. Raises PlanError when it does not fit."""
        kept = counts(self._groups, plan)
        params, layers = _sums(self._params, kept)
        macs, _ = _sums(self._macs, kept)
        channels = tuple(layer.channels.at(kept) for layer in self.document.graph.layers)
        by_hand = frozenset(name for name, _ in plan.counts)
        cost = self.document.cost.at(kept)
        return Snapshot(plan, kept, by_hand, cost, params, macs, layers, channels)


def as_groups(rows: Sequence[GroupRow]) -> Sequence[Group]:
    """`rows` where core functions want Groups: a row has every attribute they read."""
    return cast("Sequence[Group]", rows)


def difference(old: Snapshot | None, new: Snapshot) -> Change:
    """What a view of `old` has to repaint to show `new`."""
    if old is None or len(old.channels) != len(new.channels):
        return Change(frozenset(new.counts), frozenset(range(len(new.channels))))
    groups = {group for group, count in new.counts.items() if old.counts.get(group) != count}
    pairs = enumerate(zip(old.channels, new.channels, strict=True))
    layers = {index for index, (before, after) in pairs if before != after}
    return Change(frozenset(groups | (old.by_hand ^ new.by_hand)), frozenset(layers))


def _index(products: Sequence[Product]) -> _Indexed:
    return tuple((product, tuple(product.groups())) for product in products)


def _sums(products: _Indexed, kept: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Sums per group and per layer."""
    groups: dict[str, int] = {}
    layers: dict[str, int] = {}
    for product, ids in products:
        value = product.at(kept)
        layers[product.layer] = layers.get(product.layer, 0) + value
        for group_id in ids:
            groups[group_id] = groups.get(group_id, 0) + value
    return groups, layers
