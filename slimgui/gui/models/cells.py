"""What the cells of the tree of groups hold, say and draw, under one snapshot. Of Qt, it knows colours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from slimgui.core.wire import Document, GroupRow
from slimgui.gui.facts import text
from slimgui.gui.facts.snapshot import Snapshot
from slimgui.gui.models.columns import HEADERS, NUMBERS, Column
from slimgui.gui.models.sides import Side, sides_of
from slimgui.gui.theme import LOCKED_COLOUR, group_colour

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from slimgui.core.resolve import Scores

POINTS: Final = 24  # of an importance curve that is as wide as a cell


@dataclass(frozen=True, slots=True)
class Cell:
    """All that is painted of one cell.

    Attributes:
        text: what it says.
        number: whether it stands on the right.
        muted: whether it stands back.
        colour: of the swatch before the text, "" for none.
        share: how far the bar below the text is filled, None for no bar.
        curve: heights 0 to 1 of an importance curve; `share` of it stays.
        icons: drawn in place of the text, which is what they mean.
        wide: whether the text may begin in the empty cells on the left.
    """

    text: str
    number: bool = False
    muted: bool = False
    colour: str = ""
    share: float | None = None
    curve: tuple[float, ...] = ()
    icons: tuple[str, ...] = ()
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """The scores of a group's channels, the sums of the best ones, and a curve of POINTS heights 0 to 1."""

    own: NDArray[np.float64]
    sums: tuple[float, ...]
    curve: tuple[float, ...]


def judged(scores: NDArray[np.floating[Any]]) -> Judged:
    """What is shown of the scores of a group; those that are not numbers count as nothing."""
    import numpy as np

    own = np.nan_to_num(np.asarray(scores, np.float64))
    falling = np.sort(own)[::-1]
    places = np.linspace(0, len(falling) - 1, min(POINTS, len(falling))).round().astype(int)
    curve = (falling[places] / (falling[0] or 1.0)).clip(0, 1)
    return Judged(own, tuple(np.cumsum(falling).tolist()), tuple(curve.tolist()))


class Cells:
    """The content of every row, by the number of its group in the document.

    Args:
        document: the open model.
        snapshot: what the plan makes of it; see `show`.
    """

    def __init__(self, document: Document, snapshot: Snapshot) -> None:
        self.rows, self.snapshot = document.groups, snapshot
        self.children = [row.layers for row in self.rows]
        self._document = document
        self._names = [" ".join((row.id, *row.layers)).lower() for row in self.rows]
        self._scores: Scores | None = None
        self._judged: dict[str, Judged] = {}  # of the groups that somebody looked at

    @cached_property
    def _sides(self) -> dict[str, Side]:
        return sides_of(self._document)

    def set_scores(self, scores: Scores | None) -> None:
        """Draw these scores from now on; None: nobody has judged the channels."""
        if scores is not self._scores:
            self._scores, self._judged = scores, {}

    def _of(self, group_id: str) -> Judged | None:
        """What the scores of a group's channels look like, worked out when it is first seen."""
        if self._scores is None or group_id not in self._scores:
            return None
        if group_id not in self._judged:
            self._judged[group_id] = judged(self._scores[group_id])
        return self._judged[group_id]

    def _colour(self, number: int) -> str:
        return LOCKED_COLOUR if self.rows[number].locked else group_colour(number).name()

    def kept(self, row: GroupRow) -> int:
        """Channels that stay in a group."""
        return self.snapshot.counts[row.id]

    def may_edit(self, number: int) -> bool:
        """Whether the count of a group can be changed: neither the model nor the user locked it."""
        row = self.rows[number]
        return row.locked is None and row.size > 1 and row.id not in self.snapshot.locked

    def has(self, number: int, word: str) -> bool:
        """Whether a group has `word`, which is in lower case, in its name, a layer's name or its state."""
        if word in self._names[number]:
            return True
        row = self.rows[number]
        done = "whole" if self.kept(row) == row.size else "reduced"
        return word in f"{self.state(number)} {done}".lower()

    # --- groups

    def value(self, number: int, column: Column) -> Any:
        """What a cell holds: the editor starts with it, and rows are sorted by it."""
        row = self.rows[number]
        match column:
            case Column.GROUP | Column.OF:
                return number if column == Column.GROUP else row.size
            case Column.KEEP | Column.REMOVED:
                return self.kept(row) if column == Column.KEEP else 1 - self.kept(row) / row.size
            case Column.PARAMS | Column.MACS:
                sums = self.snapshot.params if column == Column.PARAMS else self.snapshot.macs
                return sums.get(row.id, 0)
            case Column.IMPORTANCE:
                return self.importance(row)
        return self.state(number)

    def importance(self, row: GroupRow) -> float:
        """Share of a group's importance that stays; -1 when nobody judged its channels."""
        known = self._of(row.id)
        if known is None:
            return -1.0
        picked = dict(self.snapshot.plan.indices).get(row.id)
        stays = known.sums[self.kept(row) - 1] if picked is None else float(known.own[list(picked)].sum())
        return stays / (known.sums[-1] or 1.0)

    def shown(self, number: int, column: Column) -> str:
        """What a cell says."""
        row, value = self.rows[number], self.value(number, column)
        match column:
            case Column.GROUP:
                return row.id or "(input)"
            case Column.REMOVED:
                return f"{100 * value:.0f} %" if value else "–"
            case Column.PARAMS:
                return text.short(value)
            case Column.MACS:
                return text.percent(value, self.snapshot.cost.macs)
            case Column.IMPORTANCE:
                return "" if value < 0 else text.percent(value, 1)
        return str(value)

    def cell(self, number: int, column: Column) -> Cell:
        """What is painted of a group's cell."""
        row = self.rows[number]
        said = "" if column == Column.IMPORTANCE else self.shown(number, column)
        colour = self._colour(number) if column == Column.GROUP else ""
        known = self._of(row.id) if column == Column.IMPORTANCE else None
        curve = known.curve if known else ()
        icons = self.icons(number) if column == Column.STATE else ()
        return Cell(said, column in NUMBERS, False, colour, self._share(row, column), curve, icons)

    def _share(self, row: GroupRow, column: Column) -> float | None:
        if column == Column.IMPORTANCE and row.id in dict(self.snapshot.plan.indices):
            return 0.0  # channels chosen by hand are not the left part of the curve
        if column in (Column.KEEP, Column.IMPORTANCE):
            return self.kept(row) / row.size
        if column == Column.MACS and self.snapshot.cost.macs:
            return self.snapshot.macs.get(row.id, 0) / self.snapshot.cost.macs
        return None

    def state(self, number: int) -> str:
        """Whether a cut is exact, and who decided about the group."""
        row = self.rows[number]
        if row.locked:
            return "Locked"
        if row.id in self.snapshot.locked:
            return "Locked by you"
        state = "Exact" if row.exact else "Approximate"
        return f"{state}, by hand" if row.id in self.snapshot.by_hand else state

    def icons(self, number: int) -> tuple[str, ...]:
        """The state as drawings: how exact a cut is, or a lock; and a pencil for what the user decided."""
        row = self.rows[number]
        is_locked = row.locked or row.id in self.snapshot.locked
        what = "lock" if is_locked else "success" if row.exact else "approximate"
        own = row.id in self.snapshot.locked or row.id in self.snapshot.by_hand
        return (what, "pencil") if own and not row.locked else (what,)

    def tip(self, number: int, column: Column) -> str:
        """What a cell says when the pointer rests on it."""
        row = self.rows[number]
        if row.locked:
            return f"{row.id or 'The input'} must stay whole.\n{row.locked}"
        if column == Column.KEEP:
            return HEADERS[column][1]
        if column == Column.IMPORTANCE:
            return self._importance_tip(row)
        if column == Column.STATE:
            return self._state_tip(number)
        head = f"{row.id}: {row.size} channels that {text.plural(len(row.layers), 'layer')} share."
        return f"{head}\n{self._state_tip(number)}"

    def _state_tip(self, number: int) -> str:
        row = self.rows[number]
        if row.id in self.snapshot.locked:
            return f"You locked {row.id} in this plan."
        why = row.inexact or "A normalisation runs over these channels."
        exact = (
            "Exact: the result is that of the model with the removed channels at zero."
            if row.exact
            else f"Approximate: {why}"
        )
        return f"{exact}\nYou set its count by hand." if row.id in self.snapshot.by_hand else exact

    def _importance_tip(self, row: GroupRow) -> str:
        kept = self.importance(row)
        if kept < 0:
            return "Nobody has judged these channels yet: select a group to see its importance"
        return f"The {self.kept(row)} channels that stay hold {text.percent(kept, 1)} of the importance."

    # --- layers

    def layer_shown(self, number: int, child: int, column: Column) -> str:
        """What the cell of a layer says."""
        row, layer = self.rows[number], self.children[number][child]
        side = self._sides[layer]
        match column:
            case Column.GROUP:
                return layer
            case Column.KEEP:
                return str(self.kept(row) * side.width(row.id))
            case Column.OF:
                return str(row.size * side.width(row.id))
            case Column.PARAMS:
                return text.short(self.snapshot.layer_params.get(layer, 0))
            case Column.STATE:
                return side.describe(self.snapshot.counts)
        return ""

    def layer_cell(self, number: int, child: int, column: Column) -> Cell:
        """What is painted of a layer's cell."""
        is_sizes = column == Column.STATE
        said = self.layer_shown(number, child, column)
        return Cell(said, is_sizes or column in NUMBERS, muted=True, wide=is_sizes)

    def layer_tip(self, number: int, child: int) -> str:
        """What moves with the group in a layer, and its sizes."""
        row, layer = self.rows[number], self.children[number][child]
        side, whole = self._sides[layer], {other.id: other.size for other in self.rows}
        moved = f"{layer}: its {side.moved(row.id)} channels go with this group."
        return f"{moved}\nIn the original model: {side.describe(whole)}"
