"""The panel of named plans: a tree of what was branched from what, and two of them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QFontMetrics, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSplitter,
    QTableView,
    QToolButton,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from slimgui.core.words import describe
from slimgui.errors import PlanError
from slimgui.gui.facts import text
from slimgui.gui.facts.comparison import Row, compare
from slimgui.gui.facts.snapshot import Snapshot
from slimgui.gui.models.comparison import MARK, ComparisonModel
from slimgui.gui.session import Session
from slimgui.gui.theme import SPACE, scaled
from slimgui.gui.views.calm_wheel import CalmWheel
from slimgui.gui.views.own_keys import copy_rows
from slimgui.gui.views.plan_names import PlanNames

WHOLE: Final = "The whole model"
BUTTONS: Final = (("plan_new", "Branch…"), ("plan_rename", "Rename…"), ("plan_delete", "Delete"))


class PlanTree(QWidget):
    """A click on a plan leaves as `chosen`; the current one is compared with another.

    Args:
        session: whose plans are shown.
    """

    chosen = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._is_stale = True
        self._built: object = None  # names and parents that the tree shows
        self._items: dict[str, QTreeWidgetItem] = {}
        self.tree = PlanNames(self)
        self.other = QComboBox(self)
        self.only = QCheckBox("Differences only", self)
        self.model = ComparisonModel(self)
        self.table = QTableView(self)
        self._buttons = QHBoxLayout()
        self._set_up()
        self._arrange()
        self.tree.itemPressed.connect(lambda item: self.chosen.emit(item.text(0)))  # by the right button, too
        self.tree.itemActivated.connect(lambda item: self.chosen.emit(item.text(0)))
        self.other.currentIndexChanged.connect(self._compare)
        self.only.toggled.connect(self._compare)
        self.table.clicked.connect(
            lambda index: session.select(self.model.group(index.row()) or session.selected)
        )
        for signal in (session.document_changed, session.plans_changed, session.snapshot_changed):
            signal.connect(self.refresh)
        session.judging.changed.connect(self.refresh)

    def _set_up(self) -> None:
        tree, table = self.tree, self.table
        tree.setHeaderLabels(["Plan", "MACs", "Params"])
        tree.setAccessibleName("Plans")
        tree.setFrameShape(QFrame.Shape.NoFrame)
        tree.header().setAccessibleName("Columns of the plans")
        tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        tree.header().setStretchLastSection(False)
        for column in (1, 2):
            tree.header().setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        table.setModel(self.model)
        table.setAccessibleName("Two plans side by side")
        table.setFrameShape(QFrame.Shape.NoFrame)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTextElideMode(Qt.TextElideMode.ElideLeft)
        table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        table.setTabKeyNavigation(False)
        copy_rows(table)
        header = table.horizontalHeader()
        header.setAccessibleName("Columns of the comparison")
        header.setMinimumSectionSize(16)
        header.setTextElideMode(Qt.TextElideMode.ElideRight)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.resizeSection(1, self.fontMetrics().horizontalAdvance(MARK) + SPACE)
        self.other.setAccessibleName("Compare the current plan with")
        self.other.setToolTip("The plan that the current one is compared with, below")
        self.other.view().setAccessibleName("Compare the current plan with")
        CalmWheel(self.other, parent=self)
        self.only.setToolTip("Leave out what both plans agree on")

    def _arrange(self) -> None:
        upper, lower = QWidget(self), QWidget(self)
        self._buttons.setContentsMargins(SPACE, 0, SPACE, 0)
        above, below = QVBoxLayout(upper), QVBoxLayout(lower)
        for column in (above, below):
            column.setContentsMargins(0, SPACE, 0, 0)
        above.addWidget(self.tree)
        above.addLayout(self._buttons)
        line = QHBoxLayout()
        line.setContentsMargins(SPACE, 0, SPACE, 0)
        line.addWidget(QLabel("Compare with", lower))
        line.addWidget(self.other, 1)
        only = QHBoxLayout()
        only.setContentsMargins(SPACE, 0, SPACE, 0)
        only.addWidget(self.only)
        below.addLayout(line)
        below.addLayout(only)
        below.addWidget(self.table)
        splitter = QSplitter(Qt.Orientation.Vertical, self)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(upper)
        splitter.addWidget(lower)
        splitter.setSizes([220, 400])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(splitter)

    def set_actions(self, actions: Mapping[str, QAction]) -> None:
        """Give the tree its buttons; they are grey when their actions are, and say why."""
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        for key, title in BUTTONS:
            self.tree.addAction(actions[key])
            button = QToolButton(self)
            actions[key].setIconText(title)
            button.setDefaultAction(actions[key])
            button.setAccessibleName(title)
            self._buttons.addWidget(button)
        self._buttons.addStretch()

    def sizeHint(self) -> QSize:
        """See Qt."""
        return QSize(300, 600)

    # --- what is shown

    def paintEvent(self, event: QPaintEvent) -> None:
        """Somebody looks: behind another tab, nothing was kept up to date."""
        super().paintEvent(event)
        if self._is_stale:
            QTimer.singleShot(0, self, self.refresh)

    def refresh(self) -> None:
        """Show the plans as they are now, where somebody can see it."""
        self._is_stale = self.visibleRegion().isEmpty()
        if self._is_stale or self._session.resolver is None:
            return
        plans = self._session.plans
        if (plans.names, plans.parents) != self._built:
            self._build()
        for name, item in self._items.items():
            self._show_plan(name, item)
        with QSignalBlocker(self.tree):
            self.tree.setCurrentItem(self._items[plans.current])
        self._show_others()
        self._compare()

    def _build(self) -> None:
        plans = self._session.plans
        self._built, self._items = (plans.names, plans.parents), {}
        above = dict(plans.parents)
        self.tree.clear()
        waiting = list(plans.names)
        while waiting:  # a plan comes after the one it hangs below
            name = next(name for name in waiting if above.get(name) not in waiting)
            waiting.remove(name)
            over = self._items.get(above.get(name, ""))
            self._items[name] = QTreeWidgetItem(over or self.tree, [name])
            self._items[name].setFlags(self._items[name].flags() | Qt.ItemFlag.ItemIsEditable)
            self._items[name].setSizeHint(0, QSize(0, self.fontMetrics().height() + SPACE))
        self.tree.expandAll()

    def _show_plan(self, name: str, item: QTreeWidgetItem) -> None:
        base, plans = self._session.base, self._session.plans
        assert base, "plans are for an open model"
        snapshot = self._snapshot(name)
        cost = snapshot.cost if snapshot else None
        item.setText(1, text.percent(cost.macs, base.cost.macs) if cost else "?")
        item.setText(2, text.percent(cost.params, base.cost.params) if cost else "?")
        own = text.statistics(plans, name)
        item.setToolTip(0, " ".join(filter(None, (describe(dict(plans.plans)[name]), own))))
        item.setFont(0, scaled(self.font(), 1.0, bold=name == plans.current))

    def _show_others(self) -> None:
        others = [WHOLE, *(name for name in self._session.plans.names if name != self._session.plans.current)]
        known = [self.other.itemText(place) for place in range(self.other.count())]
        if others != known:
            wanted = self.other.currentText()
            with QSignalBlocker(self.other):
                self.other.clear()
                self.other.addItems(others)
                self.other.setCurrentIndex(max(0, self.other.findText(wanted)))

    def _compare(self) -> None:
        session, name = self._session, self.other.currentText()
        if session.document is None or session.base is None or not name:
            return
        one = self._snapshot(session.plans.current)
        other = session.base if name == WHOLE else self._snapshot(name)
        if one is None or other is None:
            self.model.set_rows([], session.plans.current, name)
            return
        kept = (self._kept(one), self._kept(other))
        known = (kept[0], kept[1]) if kept[0] is not None and kept[1] is not None else None
        rows = compare(session.document.groups, one, other, known)
        shown = [row for row in rows if row.differs] if self.only.isChecked() else rows
        self._fit(rows)
        self.model.set_rows(shown, session.plans.current, name)

    def _fit(self, rows: Sequence[Row]) -> None:
        """Give both plans the room of what they say, and the names all that is left."""
        metrics = QFontMetrics(scaled(self.font(), 1.0, bold=True))
        for column, said in ((2, [row.left for row in rows]), (3, [row.right for row in rows])):
            longest = max(said, key=len, default="")  # measuring every row would be felt
            self.table.horizontalHeader().resizeSection(
                column, metrics.horizontalAdvance(longest) + SPACE + 2
            )

    def _snapshot(self, name: str) -> Snapshot | None:
        """What a plan makes of the model; None for one that compares channels that nobody has judged."""
        session = self._session
        assert session.resolver, "plans are for an open model"
        if name == session.plans.current and session.snapshot is not None:
            return session.snapshot
        try:
            return session.resolver.glance(dict(session.plans.plans)[name])
        except PlanError:
            return None

    def _kept(self, snapshot: Snapshot) -> float | None:
        worth = self._session.judging.worth(snapshot.plan.importance)
        return None if worth is None else worth.kept(snapshot)
