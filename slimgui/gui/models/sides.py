"""What goes into a layer and what comes out, in channels of groups: no Qt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from slimgui.core.wire import Document, MemberRow

_OUT_LAST: Final = ("ConvTranspose", "Embedding")  # torch.nn keeps their weights as [in, out, ...]


@dataclass(slots=True)
class Side:
    """The groups at both sides of a layer: per group id, the indices that each of its channels owns.

    A side of which no group is known (what must not be cut has none) is empty.
    """

    into: dict[str, int] = field(default_factory=dict)
    out: dict[str, int] = field(default_factory=dict)

    def width(self, group_id: str) -> int:
        """Indices of the layer that one channel of a group owns; on its output side where it is at both."""
        return self.out.get(group_id) or self.into[group_id]

    def moved(self, group_id: str) -> str:
        """Which channels of the layer a group moves."""
        return " and ".join(
            name for name, side in (("input", self.into), ("output", self.out)) if group_id in side
        )

    def describe(self, counts: Mapping[str, int]) -> str:
        """Its sizes, as in "in 64, out 128"."""
        sums = [(name, _total(side, counts)) for name, side in (("in", self.into), ("out", self.out)) if side]
        return ", ".join(f"{name} {size}" for name, size in sums)


def _total(side: Mapping[str, int], counts: Mapping[str, int]) -> int:
    return sum(counts[group_id] * width for group_id, width in side.items())


def sides_of(document: Document) -> dict[str, Side]:
    """Both sides of every layer that a group touches, by the layer's name."""
    kinds = {layer.name: layer.kind for layer in document.graph.layers}
    sides: dict[str, Side] = {}
    for row in document.groups:
        members: dict[str, list[MemberRow]] = {layer: [] for layer in row.layers}
        for member in row.members:
            if member.layer in members:
                members[member.layer].append(member)
        for layer, own in members.items():
            _add(sides.setdefault(layer, Side()), row.id, own, kinds.get(layer, ""))
    return sides


def _add(side: Side, group_id: str, members: Iterable[MemberRow], kind: str) -> None:
    """Enter the group on the sides that its members are on; a layer that has no matrix has one size."""
    out = 1 if kind.startswith(_OUT_LAST) else 0
    for member in members:
        vector = kind.startswith(_OUT_LAST) and member.parameter.endswith("bias")
        where = side.out if vector or member.dim == out else side.into
        where[group_id] = max(where.get(group_id, 0), member.width)
