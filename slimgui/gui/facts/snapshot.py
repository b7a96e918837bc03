"""A document and a plan -> everything the views show, frozen; two snapshots -> what differs. No Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from msgspec import structs

from slimgui.core.cost import Cost
from slimgui.core.criteria import looks_at_data
from slimgui.core.graph import LayerGraph
from slimgui.core.groups import Group
from slimgui.core.plan import Plan
from slimgui.core.resolve import counts, lasting, locked_by, written_counts
from slimgui.core.sampling import SampleSource
from slimgui.core.view import View
from slimgui.core.wire import Document, GroupRow, Ranked
from slimgui.gui.facts.ledger import Ledger

if TYPE_CHECKING:
    from slimgui.core.resolve import Scores

_GLANCES = 32


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the open model looks like under one plan.

    Attributes:
        counts: channels kept per group.
        by_hand: ids of the groups whose count was set one by one.
        locked: ids of the groups that the plan leaves whole by name.
        cost: totals under the plan.
        params, macs: per group, the sum over everything the group touches.
        layer_params, layer_macs: parameters and MACs per layer.
        channels: per layer of the graph, the channels it puts out.
    """

    plan: Plan
    counts: Mapping[str, int]
    by_hand: frozenset[str]
    locked: frozenset[str]
    cost: Cost
    params: Mapping[str, int]
    macs: Mapping[str, int]
    layer_params: Mapping[str, int]
    layer_macs: Mapping[str, int]
    channels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two snapshots: ids of groups, indices of layers."""

    groups: frozenset[str]
    layers: frozenset[int]


class Resolver:
    """Turns plans for one document into snapshots; indexes the cost model once.

    From one plan to the next, only what depends on a count that differs is computed again.

    Attributes:
        groups: of the document.
        scores: of every channel per criterion, as far as the engine was asked for them.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.groups = as_groups(document.groups)
        self.scores: dict[str, Scores] = {}
        self._scored: dict[str, SampleSource | None] = {}  # what the scores of a criterion are of
        self._ledger = Ledger(document)
        self._last: Snapshot | None = None
        self._glances: dict[Plan, Snapshot] = {}

    def with_graph(self, graph: LayerGraph, view: View) -> Resolver:
        """The same for a document that is drawn in another detail."""
        other = Resolver(structs.replace(self.document, graph=graph, view=view))
        other.scores, other._scored = self.scores, self._scored
        return other

    def lacks_scores(self, plan: Plan, samples: SampleSource | None) -> bool:
        """Whether nobody asked the engine for the scores that `plan` needs; of data, those of `samples`."""
        if looks_at_data(plan.importance):
            known = self._scored.get(plan.importance)
            return known is None or not known.is_like(samples)
        return plan.scope != "local" and plan.importance not in self.scores

    def take_scores(self, ranked: Ranked, samples: SampleSource | None) -> None:
        """Remember what the engine answered, and what it looked at."""
        import numpy as np

        self.scores[ranked.importance] = {
            name: np.frombuffer(packed, np.float64) for name, packed in ranked.scores.items()
        }
        self._scored[ranked.importance] = samples
        self._last, self._glances = None, {}  # may be of other scores

    def lasting(self, plan: Plan) -> Plan:
        """`plan` for whoever has no samples: what data says is written out, where it is known."""
        scores = self.scores.get(plan.importance)
        return plan if scores is None else lasting(self.groups, scores, plan)

    def glance(self, plan: Plan) -> Snapshot:
        """`snapshot` of a plan that is not the current one: that of the current one stays at hand.

        The last few are remembered: charts and comparisons ask for the same plans again and again.
        """
        known = self._glances.get(plan)
        if known is None:
            last = self._last
            known = self.snapshot(plan)
            self._last = last
            self._glances = {**dict(list(self._glances.items())[-_GLANCES:]), plan: known}
        return known

    def snapshot(self, plan: Plan) -> Snapshot:
        """What `plan` makes of the document. Raises PlanError when it does not fit."""
        if self._last is not None and self._last.plan == plan:
            return self._last  # an edit is tried before it is done
        kept = counts(self.groups, plan, self.scores.get(plan.importance))
        bill = self._ledger.at(kept)
        by_hand = frozenset(written_counts(self.groups, plan))
        locked = locked_by(self.groups, plan)
        self._last = Snapshot(
            plan,
            kept,
            by_hand,
            locked,
            bill.cost,
            bill.params,
            bill.macs,
            bill.layer_params,
            bill.layer_macs,
            bill.channels,
        )
        return self._last


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
    groups |= (old.by_hand ^ new.by_hand) | (old.locked ^ new.locked)
    return Change(frozenset(groups), frozenset(layers))
