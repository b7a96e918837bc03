"""One kind of edit: replace the plans. Undo puts the old ones back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtGui import QUndoCommand

from slimgui.core.plan_set import PlanSet

NO_GESTURE: Final = 0
_MERGEABLE: Final = 1


class PlanCommand(QUndoCommand):
    """Replaces `before` by `after`.

    Args:
        apply: takes the plans to show.
        gesture: commands of one gesture (a drag, an open editor) on one `subject` merge to one step.
    """

    def __init__(
        self,
        text: str,
        before: PlanSet,
        after: PlanSet,
        apply: Callable[[PlanSet], None],
        *,
        subject: str = "",
        gesture: int = NO_GESTURE,
    ) -> None:
        super().__init__(text)
        self._before, self._after, self._apply = before, after, apply
        self._key = (subject, gesture)

    def redo(self) -> None:
        """Show the new plans."""
        self._apply(self._after)

    def undo(self) -> None:
        """Show the old plans."""
        self._apply(self._before)

    def id(self) -> int:
        """Commands with the same id are offered to each other for merging."""
        return -1 if self._key[1] == NO_GESTURE else _MERGEABLE

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take over the end of `other`; a gesture that ends where it began leaves no step."""
        if not isinstance(other, PlanCommand) or other._key != self._key:
            return False
        self._after = other._after
        self.setText(other.text())
        self.setObsolete(self._after == self._before)
        return True
