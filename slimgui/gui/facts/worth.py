"""How much importance plans keep, as the search counts it. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slimgui.core.wire import GroupRow
from slimgui.gui.facts.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slimgui.core.resolve import Scores


class Worth:
    """The scores of a model, summed up once, so that a plan's share is a look at every group.

    Source: the measure of `slimgui.core.budget`, where every group's scores are 1 on average.

    Args:
        rows: groups of the open model.
        scores: by the criterion of the plans that are asked about.
    """

    def __init__(self, rows: Sequence[GroupRow], scores: Scores) -> None:
        import numpy as np

        self.scores = scores
        self._rows = [row for row in rows if row.locked is None]
        self._own = {row.id: np.nan_to_num(np.asarray(scores[row.id], np.float64)) for row in self._rows}
        self._sums = {name: np.cumsum(np.sort(own)[::-1]).tolist() for name, own in self._own.items()}

    def kept(self, snapshot: Snapshot) -> float:
        """Share of the importance that stays in groups that may be cut; a group counts by its channels."""
        written = dict(snapshot.plan.indices)
        kept = whole = 0.0
        for row in self._rows:
            if row.id not in snapshot.locked:
                count, sums = snapshot.counts[row.id], self._sums[row.id]
                picked = written.get(row.id)
                stays = sums[count - 1] if picked is None else float(self._own[row.id][list(picked)].sum())
                kept += row.size * stays / sums[-1] if sums[-1] > 0 else count
                whole += row.size
        return kept / whole if whole else 1.0
