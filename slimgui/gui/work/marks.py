"""The groups that are selected together, and what is done to all of them as one undo step. No widget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from slimgui.gui.facts import text

if TYPE_CHECKING:
    from slimgui.gui.session import Session


class Marks(QObject):
    """The part of the session that knows which groups actions on groups are about."""

    changed = Signal()  #: other groups are selected together

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._ids: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The selected groups; the one that is shown alone, as long as it was selected elsewhere."""
        selected = self._session.selected
        return self._ids if selected in self._ids else (selected,) if selected else ()

    @property
    def by_hand(self) -> tuple[str, ...]:
        """Those of them whose count was set one by one."""
        snapshot = self._session.snapshot
        return tuple(each for each in self.ids if snapshot is not None and each in snapshot.by_hand)

    @property
    def lockable(self) -> tuple[str, ...]:
        """Those of them that the user may lock or unlock: no model and no path of the plan does."""
        session = self._session
        if session.document is None or session.snapshot is None:
            return ()
        free = {row.id for row in session.document.groups if row.locked is None and row.size > 1}
        by_path = session.snapshot.locked.difference(session.plans.plan.whole)
        return tuple(each for each in self.ids if each in free and each not in by_path)

    @property
    def are_locked(self) -> bool:
        """Whether the user locked all of them that can be."""
        found = self.lockable
        return bool(found) and set(found) <= set(self._session.plans.plan.whole)

    def set(self, ids: Iterable[str]) -> None:
        """Other groups are selected together."""
        now = tuple(ids)
        if now != self._ids:
            self._ids = now
            self.changed.emit()

    def reset(self) -> None:
        """Let those that were set by hand follow the ratio of the whole model again."""
        plan, found = self._session.plans.plan, self.by_hand
        for each in found:
            plan = plan.without(each)
        if found:
            self._session.edit(f"Reset {_named(found)}", plan)

    def toggle_lock(self) -> None:
        """Leave them whole under the current plan, or not any more."""
        plan, found = self._session.plans.plan, self.lockable
        whole = set(plan.whole).difference(found) if self.are_locked else {*plan.whole, *found}
        title = "Unlock" if self.are_locked else "Lock"
        if found:
            self._session.edit(f"{title} {_named(found)}", replace(plan, whole=tuple(sorted(whole))))


def _named(ids: tuple[str, ...]) -> str:
    return ids[0] if len(ids) == 1 else text.plural(len(ids), "group")
