"""How much importance a plan keeps, as the search counts it. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slimgui.core.resolve import kept_channels
from slimgui.core.wire import GroupRow
from slimgui.gui.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slimgui.core.resolve import Scores


def kept_share(rows: Sequence[GroupRow], snapshot: Snapshot, scores: Scores) -> float:
    """Share of the importance that stays in the groups that may be cut; a group counts by its channels.

    Source: the measure of `slimgui.core.budget`, where every group's scores are 1 on average.
    """
    import numpy as np

    written = dict(snapshot.plan.indices)
    kept = whole = 0.0
    for row in rows:
        if row.locked is None and row.id not in snapshot.locked:
            own = np.nan_to_num(np.asarray(scores[row.id], np.float64))
            stays = kept_channels(row.size, snapshot.counts[row.id], own, written.get(row.id))
            total = float(own.sum())
            kept += row.size * float(own[stays].sum()) / total if total > 0 else len(stays)
            whole += row.size
    return kept / whole if whole else 1.0
