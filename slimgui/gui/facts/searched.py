"""Plans that searches found, and what each started from: the next search is not bound by the last. No Qt."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from slimgui.core.plan import Plan

_KNOWN: Final = 64  # searches that are remembered


class Searched:
    """A found plan has every count written out, and a search leaves written counts alone.

    What the user wrote is told from what a search wrote by remembering every search.
    """

    def __init__(self) -> None:
        self._pairs: list[tuple[Plan, Plan]] = []  # found, started from

    def remember(self, found: Plan, start: Plan) -> None:
        """A search that began with `start` found `found`."""
        self._pairs = [*self._pairs[1 - _KNOWN :], (found, start)]

    def start(self, plan: Plan) -> Plan:
        """What a search from `plan` starts from: what the user wrote stays, what a search wrote does not."""
        for found, start in reversed(self._pairs):
            written = {*plan.counts, *plan.indices}
            own = written - {*found.counts, *found.indices}
            if written and 2 * len(own) <= len(written):
                return _without(plan, found, start)
        return plan


def _without(plan: Plan, found: Plan, start: Plan) -> Plan:
    counts = tuple(pair for pair in plan.counts if pair not in found.counts or pair in start.counts)
    indices = tuple(pair for pair in plan.indices if pair not in found.indices or pair in start.indices)
    importance = start.importance if plan.importance == found.importance else plan.importance
    return replace(plan, counts=counts, indices=indices, importance=importance)
