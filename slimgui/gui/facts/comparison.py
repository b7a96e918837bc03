"""Two plans side by side: totals, and the count of every group. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from slimgui.core.cost import Cost
from slimgui.core.wire import GroupRow
from slimgui.gui.facts import text
from slimgui.gui.facts.snapshot import Snapshot

_TOTALS: Final[tuple[tuple[str, Callable[[Cost], int], Callable[[float], str]], ...]] = (
    ("MACs", lambda cost: cost.macs, text.short),
    ("Parameters", lambda cost: cost.params, text.short),
    ("Weights", lambda cost: cost.bytes, text.file_size),
    ("Activations", lambda cost: cost.activation_bytes, text.file_size),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What both plans say of one thing; `group` is its id, "" for a total, and `size` its channels."""

    title: str
    left: str
    right: str
    differs: bool
    group: str = ""
    size: int = 0


def compare(
    rows: Sequence[GroupRow], one: Snapshot, other: Snapshot, kept: tuple[float, float] | None = None
) -> list[Row]:
    """Totals first, then every group that may be cut.

    Args:
        rows: groups of the open model.
        one: what a plan makes of it.
        other: what another one makes of it.
        kept: the share of importance that each keeps; None when nobody has judged the channels.
    """
    totals = [
        Row(title, show(read(one.cost)), show(read(other.cost)), read(one.cost) != read(other.cost))
        for title, read, show in _TOTALS
    ]
    if kept is not None:
        left, right = (text.percent(share, 1) for share in kept)
        totals.append(Row("Importance kept", left, right, left != right))
    free = (row for row in rows if row.locked is None)
    return [*totals, *(_group(row, one, other) for row in free)]


def _group(row: GroupRow, one: Snapshot, other: Snapshot) -> Row:
    """A group differs, too, where as many channels stay, but others."""
    left, right = one.counts[row.id], other.counts[row.id]
    picked = dict(one.plan.indices).get(row.id) != dict(other.plan.indices).get(row.id)
    return Row(row.id, str(left), str(right), left != right or picked, row.id, row.size)
