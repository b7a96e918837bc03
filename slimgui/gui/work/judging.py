"""How important every channel is and where it lies, asked for when somebody looks. Knows no widget."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimerEvent, Signal

from slimgui.core import wire
from slimgui.core.criteria import looks_at_data
from slimgui.core.resolve import kept_channels
from slimgui.core.words import to_ranges
from slimgui.gui.facts.worth import Worth
from slimgui.gui.work.aside import Aside
from slimgui.gui.work.tasks import Tasks, Transport

if TYPE_CHECKING:
    from slimgui.core.resolve import Scores
    from slimgui.gui.session import Session

WAIT: Final = 300  # milliseconds until it asks: who walks through the groups asks for the last one only
HEAVY: Final = 1 << 30  # bytes of weights: above, nobody reads them all just to draw small curves


Member = tuple[str, int, int, "array[int]"]


@dataclass(frozen=True, slots=True)
class Places:
    """Where the channels of a group lie: per member parameter, dimension, width, all indices."""

    members: tuple[Member, ...]

    def of(self, channel: int) -> list[str]:
        """Everything that one channel owns, as "conv.weight[:, 3-5]"."""
        return [f"{member[0]}{_part(member, channel)}" for member in self.members]

    def shortly(self, channel: int) -> str:
        """The first of it by the end of its layer's name, and how many more: "conv[:, 3-5] +13"."""
        if not self.members:
            return ""
        more = f" +{len(self.members) - 1}" if len(self.members) > 1 else ""
        return f"{_ending(self.members[0][0])}{_part(self.members[0], channel)}{more}"


class Judging(QObject):
    """The scores of the open model by the current plan's criterion, and the places of channels."""

    changed = Signal()  #: there are other scores or places, or none will come

    def __init__(self, session: Session, tasks: Tasks, transport: Transport) -> None:
        super().__init__(session)
        self._session = session
        self._aside = Aside(transport, tasks, self)
        self._places: dict[str, Places] = {}
        self._worth: dict[str, Worth] = {}
        self._timer = 0  # number of the timer that runs, 0 for none
        self._told: tuple[str, Scores | None] = ("", None)  # criterion and scores when `changed` was emitted
        self._aside.answered.connect(self.changed)
        session.document_changed.connect(self._on_document_changed)
        session.selection_changed.connect(self.refresh)
        session.snapshot_changed.connect(self._on_snapshot_changed)

    @property
    def scores(self) -> Scores | None:
        """By the criterion of the current plan; None when nobody has judged the channels by it."""
        resolver = self._session.resolver
        return resolver.scores.get(self._criterion) if resolver else None

    def worth(self, importance: str) -> Worth | None:
        """What plans by that criterion keep; None when nobody has judged the channels by it."""
        resolver = self._session.resolver
        scores = resolver.scores.get(importance) if resolver else None
        if resolver is None or scores is None:
            return None
        known = self._worth.get(importance)
        if known is None or known.scores is not scores:
            known = self._worth[importance] = Worth(resolver.document.groups, scores)
        return known

    @property
    def why_not(self) -> str:
        """Why there are no scores, in a sentence; "" while they are on their way, or there."""
        if self.scores is not None or self._aside.is_asked(self._criterion):
            return ""
        if looks_at_data(self._criterion):
            return f"{self._criterion} looks at data: choose samples in the menu Data."
        return self._aside.refusals.get(self._criterion, "")

    def places(self, group_id: str) -> Places | None:
        """Where the channels of a group lie; None when that was not asked."""
        return self._places.get(group_id)

    def kept(self, group_id: str) -> Sequence[int] | None:
        """The channels of a group that stay, ascending; None when only scores could say."""
        snapshot, scores = self._session.snapshot, self.scores
        assert snapshot, "a group is of an open model"
        size, count = self._size(group_id), snapshot.counts[group_id]
        if count == size:
            return range(size)
        if (written := dict(snapshot.plan.indices).get(group_id)) is not None:
            return written
        return None if scores is None else kept_channels(size, count, scores[group_id]).tolist()

    def refresh(self) -> None:
        """Ask in a moment for what is missing: another group is selected, or another criterion is used."""
        self._stop()
        self._timer = self.startTimer(WAIT)

    def _stop(self) -> None:
        if self._timer:
            self.killTimer(self._timer)
            self._timer = 0

    def timerEvent(self, event: QTimerEvent) -> None:
        """See Qt."""
        del event
        self._stop()
        self._ask()

    @property
    def _criterion(self) -> str:
        return self._session.plans.plan.importance

    def _size(self, group_id: str) -> int:
        assert self._session.base, "a group is of an open model"
        return self._session.base.counts[group_id]

    def _on_document_changed(self) -> None:
        self._aside.reset()
        self._places.clear()
        self._worth.clear()
        base = self._session.base
        if base is not None and base.cost.bytes < HEAVY:
            self.refresh()

    def _on_snapshot_changed(self) -> None:
        now = (self._criterion, self.scores)
        if now[0] != self._told[0] or now[1] is not self._told[1]:
            self._told = now
            self.changed.emit()
            self.refresh()

    def _ask(self) -> None:
        """Ask for what is missing: scores, and the places of the selected group."""
        group_id, name = self._session.selected, self._criterion
        if self.scores is None and not looks_at_data(name):
            self._aside.ask(name, wire.Rank(0, name, 0), self._on_ranked)
        if group_id and group_id not in self._places:
            self._aside.ask(f"places of {group_id}", wire.Locate(0, group_id, 0), self._on_located)
        self.changed.emit()

    def _on_ranked(self, answer: wire.Ranked) -> None:
        if self._session.resolver is not None:
            self._session.resolver.take_scores(answer, None)

    def _on_located(self, answer: wire.Located) -> None:
        tables = [array("i", packed) for packed in answer.tables]
        size = self._size(answer.group)
        self._places[answer.group] = Places(
            tuple(
                (parameter, dim, len(tables[number]) // size, tables[number])
                for parameter, dim, number in answer.members
            )
        )


def _part(member: Member, channel: int) -> str:
    """What of a parameter belongs to a channel, as "[:, 3-5]"."""
    _, dim, width, indices = member
    return f"[{':, ' * dim}{to_ranges(sorted(indices[channel * width : (channel + 1) * width]))}]"


def _ending(parameter: str) -> str:
    """The name of a parameter's layer from its last word that is more than a number: "downsample.0"."""
    layer, _, own = parameter.rpartition(".")
    words = layer.split(".") if layer else [own]
    start = max((place for place, word in enumerate(words) if not word.isdigit()), default=0)
    return ".".join(words[start:])
