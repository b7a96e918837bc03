"""The panel of the selected group: what it is in words, its importance curve, its channels one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from slimgui.core.wire import GroupRow
from slimgui.gui.facts.snapshot import Snapshot
from slimgui.gui.models.channels import ChannelModel, Column
from slimgui.gui.session import Session
from slimgui.gui.theme import SPACE
from slimgui.gui.views.curve import Curve
from slimgui.gui.views.inspector import Inspector
from slimgui.gui.views.own_keys import copy_rows

JUDGING: Final = "Judging…"
_AUTOMATIC: Final = "The most important channels stay already: none was picked by hand"


class Details(QWidget):
    """Words above, numbers below; the lower half is there while a group is selected.

    Args:
        session: whose selected group is shown, and who is told what the user does to it.
        inspector: the words.
    """

    def __init__(self, session: Session, inspector: Inspector, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: tuple[GroupRow, bool, object] | None = None  # group, may be cut, scores
        self.curve = Curve(self)
        self.channels = ChannelModel(self._on_picked, self)
        self.table = QTableView(self)
        self.keep, self.remove = QPushButton("&Keep", self), QPushButton("Re&move", self)
        self.automatic = QPushButton("By importance", self)
        self._numbers = QWidget(self)
        self._set_up_table()
        self._arrange(inspector)
        self._connect()
        self._numbers.hide()

    def _set_up_table(self) -> None:
        table = self.table
        table.setModel(self.channels)
        table.setAccessibleName("Channels of the group")
        table.setFrameShape(QFrame.Shape.NoFrame)
        table.setShowGrid(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSortingEnabled(True)
        table.sortByColumn(Column.CHANNEL, Qt.SortOrder.AscendingOrder)
        table.setWordWrap(False)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        table.setTabKeyNavigation(False)  # Tab leads on, or nobody without a mouse gets out
        copy_rows(table)
        header = table.horizontalHeader()
        header.setAccessibleName("Columns of the channels")
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.resizeSection(Column.CHANNEL, 74)
        header.resizeSection(Column.SCORE, 78)

    def _arrange(self, inspector: Inspector) -> None:
        buttons = QHBoxLayout()
        buttons.setContentsMargins(SPACE, 0, SPACE, SPACE)
        for button in (self.keep, self.remove, self.automatic):
            buttons.addWidget(button)
        buttons.addStretch()
        lower = QVBoxLayout(self._numbers)
        lower.setContentsMargins(0, 0, 0, 0)
        lower.setSpacing(SPACE // 2)
        lower.addWidget(self.curve)
        lower.addWidget(self.table, 1)
        lower.addLayout(buttons)
        splitter = QSplitter(Qt.Orientation.Vertical, self)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(inspector)
        splitter.addWidget(self._numbers)
        splitter.setSizes([240, 420])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(splitter)

    def _connect(self) -> None:
        session = self._session
        self.curve.gesture_started.connect(session.begin_gesture)
        self.curve.gesture_ended.connect(session.end_gesture)
        self.curve.count_changed.connect(lambda count: session.set_count(session.selected, count))
        self.keep.clicked.connect(lambda: self._tick_selected(stays=True))
        self.remove.clicked.connect(lambda: self._tick_selected(stays=False))
        self.automatic.clicked.connect(lambda: session.unpick(session.selected))
        session.document_changed.connect(self.refresh)
        session.selection_changed.connect(self.refresh)
        session.snapshot_changed.connect(self.refresh)
        session.judging.changed.connect(self.refresh)

    def sizeHint(self) -> QSize:
        """See Qt."""
        return QSize(300, 600)

    def refresh(self) -> None:
        """Show the selected group as it is now."""
        session, snapshot = self._session, self._session.snapshot
        row = session.row(session.selected) if session.document and session.selected else None
        self._numbers.setVisible(row is not None)
        if row is None or snapshot is None:
            self._shown = None
            return
        is_free = row.locked is None and row.size > 1 and row.id not in snapshot.locked
        if self._shown is None or self._shown[:2] != (row, is_free):
            self.channels.set_group(row.size, is_free)
            self._shown = (row, is_free, None)
        self._show_scores(row, is_free)
        self._show_kept(row, snapshot, is_free)

    def _show_scores(self, row: GroupRow, is_free: bool) -> None:
        judging = self._session.judging
        scores = judging.scores
        if scores is None:
            self.curve.set_message(judging.why_not or JUDGING)
            self.channels.set_scores(())
        elif self._shown is None or self._shown[2] is not scores:
            own = shares(scores[row.id].tolist())
            self.channels.set_scores(own)
            self.curve.set_scores(own, is_free)
        self._shown = (row, is_free, scores)

    def _show_kept(self, row: GroupRow, snapshot: Snapshot, is_free: bool) -> None:
        kept = self._session.judging.kept(row.id)
        if kept is not None:
            self.curve.set_kept(kept)
        self.channels.set_kept(kept)
        self.channels.set_places(self._session.judging.places(row.id))
        whole = "" if is_free else _why_whole(row)
        unknown = "" if kept is not None else "It is not known yet which channels stay"
        picked = "" if row.id in dict(snapshot.plan.indices) else _AUTOMATIC
        _explain(self.keep, "Keep the selected channels", whole or unknown)
        _explain(self.remove, "Remove the selected channels", whole or unknown)
        _explain(self.automatic, "Keep as many as now, the most important ones", whole or picked)

    def _on_picked(self, channels: Sequence[int]) -> None:
        self._session.pick(self._session.selected, channels)

    def _tick_selected(self, stays: bool) -> None:
        rows = self.table.selectionModel().selectedRows()
        self.channels.tick([self.channels.channel(index.row()) for index in rows], stays)


def _why_whole(row: GroupRow) -> str:
    """Why no channel of a group can be removed."""
    if row.locked:
        return f"This group stays whole. {row.locked.what}"
    if row.size == 1:
        return "This group stays whole: it has a single channel"
    return "This group stays whole: you locked it in this plan (Plan › Lock Group)"


def _explain(button: QPushButton, tip: str, why_not: str) -> None:
    """Enable, or disable and say why."""
    button.setEnabled(not why_not)
    button.setToolTip("\n".join(filter(None, (tip, why_not))))
    button.setAccessibleDescription(button.toolTip())


def shares(scores: list[float]) -> list[float]:
    """Scores as shares of their average; what is not a number is nothing."""
    known = [score if score == score else 0.0 for score in scores]  # noqa: PLR0124 - NaN is not itself
    mean = sum(known) / len(known)
    return [score / mean for score in known] if mean > 0 else known
