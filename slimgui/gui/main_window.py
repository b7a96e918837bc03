"""The main window: puts the views around a session and passes wishes on."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QChildEvent, QEvent, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QPaintEvent,
)
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QTabBar, QTabWidget, QVBoxLayout, QWidget

from slimgui.gui import drops
from slimgui.gui.actions.comfort import ComfortActions
from slimgui.gui.actions.data import DataActions
from slimgui.gui.actions.document import DocumentActions
from slimgui.gui.actions.finding import Finding
from slimgui.gui.actions.graph import GraphActions
from slimgui.gui.actions.menus import Menus
from slimgui.gui.actions.plan import PlanActions
from slimgui.gui.actions.tree import TreeActions
from slimgui.gui.actions.view import ViewActions
from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.docks import EXTRA, add_dock
from slimgui.gui.facts.losses import losses
from slimgui.gui.facts.snapshot import Change
from slimgui.gui.journal.restore import Restore
from slimgui.gui.journal.writer import Journal
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings
from slimgui.gui.theme import Theme
from slimgui.gui.views.card import Card
from slimgui.gui.views.charts import Charts
from slimgui.gui.views.details import Details
from slimgui.gui.views.graph_view import GraphView
from slimgui.gui.views.group_tree import GroupTree
from slimgui.gui.views.history import History
from slimgui.gui.views.inspector import Inspector
from slimgui.gui.views.past_tasks import PastTasks
from slimgui.gui.views.plan_panel import PlanPanel
from slimgui.gui.views.plan_tree import PlanTree
from slimgui.gui.views.ratio import RatioControl
from slimgui.gui.views.task_strip import TaskStrip
from slimgui.gui.views.totals import Totals
from slimgui.gui.views.welcome import Welcome

_NEXT_TURN: Final = 1  # milliseconds: what waits 0 is done in the same turn of Qt's event loop
_NEXT_FRAME: Final = 25  # milliseconds: longer than Qt waits before it paints what asked for it


class MainWindow(QMainWindow):
    """Views around a session.

    Args:
        session: owns everything that changes.
        settings: what is remembered.
        theme: follows the user's choice.
        dialogs: asks the user; tests give their own.
    """

    first_painted = Signal()

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, dialogs: Dialogs | None = None
    ) -> None:
        super().__init__()
        self.session, self.settings, self.theme = session, settings, theme
        dialogs = dialogs or Dialogs()
        self._painted = self._is_settled = False
        self._task = 0  # number of the running one
        self.card, self.strip, self.past_tasks = Card(self), TaskStrip(self), PastTasks(self)
        self.welcome, self.graph = Welcome(self), GraphView(self)
        self.groups = GroupTree(session.set_counts, self)
        self.inspector, self.totals, self.ratio = Inspector(self), Totals(self), RatioControl(self)
        self.details, self.plan_panel = Details(session, self.inspector, self), PlanPanel(session, self)
        self.charts, self.plan_tree = Charts(session, self), PlanTree(session, self)
        self.pages = QStackedWidget(self)
        self.setAcceptDrops(True)
        self.setWindowTitle("SlimGUI")
        self.resize(1440, 900)
        self._arrange()
        self.document_actions = DocumentActions(self, session, dialogs, settings)
        self.view_actions = ViewActions(self, session)
        self.data_actions = DataActions(self, session, dialogs, settings)
        self.plan_actions = PlanActions(self, session, dialogs, settings, self.data_actions)
        self.tree_actions = TreeActions(self, session, dialogs, settings)
        self.graph_actions = GraphActions(self, session, dialogs, settings)
        self.finding = Finding(session, self.graph, self)
        self.journal = Journal(session, settings.data_folder / "journal")
        self.restore = Restore(session, settings, self.journal)
        self.comfort_actions = ComfortActions(self, session, dialogs, settings)
        self.menus = Menus(self, session, settings, theme)
        self.plan_panel.set_actions(self.menus.actions)
        self.plan_tree.set_actions(self.menus.actions)
        self.totals.latency.set_action(self.menus.actions["data_latency"])
        self._connect()
        self._restore()
        self._on_theme_changed()

    def _arrange(self) -> None:
        self.welcome.setMinimumSize(
            1, 1
        )  # once a model is open, its pages must not need the room of this one
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(self.graph)
        middle = QWidget(self)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.card)
        column.addWidget(self.pages, 1)
        column.addWidget(self.strip)
        self.setCentralWidget(middle)
        area = Qt.DockWidgetArea
        left, right, bottom = area.LeftDockWidgetArea, area.RightDockWidgetArea, area.BottomDockWidgetArea
        self.docks = {
            "groups": add_dock(self, "Groups", "groups", self.groups, left),
            "details": add_dock(self, "Details", "details", self.details, right),
            "plan": add_dock(self, "Plan", "plan", self.plan_panel, right),
            "plans": add_dock(self, "Plans", "plans", self.plan_tree, right),
            "charts": add_dock(self, "Charts", "charts", self.charts, right),
            "totals": add_dock(self, "Totals", "totals", self.totals, bottom),
            "history": add_dock(self, "History", "history", History(self.session.undo_stack, self), left),
            "tasks": add_dock(self, "Past tasks", "tasks", self.past_tasks, bottom),
        }
        drops.let_fall_through(self)
        self.setTabPosition(left | right | bottom, QTabWidget.TabPosition.North)
        for tab, beside in (
            ("plan", "details"),
            ("plans", "plan"),
            ("charts", "plans"),
            ("history", "groups"),
            ("tasks", "totals"),
        ):
            self.tabifyDockWidget(self.docks[beside], self.docks[tab])
        self._first_layout = self.saveState()

    def show_source(self, source: str) -> None:
        """Come to the front, and open what a second start wants opened."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.raise_()
        self.activateWindow()
        if source:
            self.document_actions.open_source(source)

    def reset_layout(self) -> None:
        """Put every panel back where it was at first."""
        self.restoreState(self._first_layout)
        self._show_panels()
        self._is_settled = False
        self._settle()

    def _show_panels(self) -> None:
        """The usual panels around a model, none without one."""
        for name, dock in self.docks.items():
            dock.setVisible(self.session.document is not None and name not in EXTRA)

    def _settle(self) -> None:
        """Once the docks are there: give them room, where none is remembered, and the graph the rest."""
        if not self._is_settled:
            sides = [self.docks["groups"], self.docks["details"]]
            self.resizeDocks(sides, [580, 290], Qt.Orientation.Horizontal)
            self.docks["details"].raise_()
        self.graph.first_fit()
        self.groups.setUpdatesEnabled(False)  # all at once would stop the window for twice as long
        self.setUpdatesEnabled(True)
        QTimer.singleShot(_NEXT_FRAME, self, lambda: self.groups.setUpdatesEnabled(True))

    def _connect(self) -> None:
        session = self.session
        session.document_changed.connect(self._on_document_changed)
        session.closing.connect(self._remember)
        session.closed.connect(self._on_closed)
        session.tasks.ended.connect(self.past_tasks.add)
        session.snapshot_changed.connect(self._on_snapshot_changed)
        session.plans_changed.connect(self._show_title)
        session.data.changed.connect(self._show_title)
        session.selection_changed.connect(self._on_selection_changed)
        session.judging.changed.connect(self._show_scores)
        session.task_changed.connect(self._on_task_changed)
        session.undo_stack.cleanChanged.connect(self._on_clean_changed)
        self.welcome.open_clicked.connect(self.document_actions.choose_file)
        self.welcome.example_clicked.connect(self.document_actions.open_example)
        self.welcome.recent_clicked.connect(self.document_actions.open_source)
        self.welcome.pin_wanted.connect(self.document_actions.keep_recent)
        self.welcome.forget_wanted.connect(self.document_actions.forget_recent)
        self.graph.group_clicked.connect(session.select)
        session.graph_changed.connect(self._on_graph_changed)
        self.groups.search.textChanged.connect(self.finding.set_words)
        self.inspector.layer_clicked.connect(self.finding.show)
        self.graph.toggled.connect(session.levels.toggle)
        self.graph.opened_within.connect(session.levels.open_within)
        session.levels.changed.connect(self.graph.set_view)
        self.groups.group_selected.connect(session.select)
        self.groups.marked.connect(session.marks.set)
        session.marks.changed.connect(self.menus.refresh)
        self.groups.delegate.editing_started.connect(session.begin_gesture)
        self.groups.delegate.editing_ended.connect(session.end_gesture)
        self.plan_tree.chosen.connect(self.plan_actions.switch)
        self.plan_panel.importance_chosen.connect(self.plan_actions.set_importance)
        session.insight.changed.connect(self._show_time)
        self.ratio.gesture_started.connect(session.begin_gesture)
        self.ratio.gesture_ended.connect(session.end_gesture)
        self.ratio.ratio_changed.connect(session.set_ratio)
        self.strip.cancelled.connect(session.cancel)
        self.card.offer_taken.connect(self.document_actions.take_offer)
        self.card.offer_refused.connect(lambda notice: self.restore.discard(notice.subject))
        self.welcome.continue_clicked.connect(self.restore.continue_last)
        self.theme.changed.connect(self._on_theme_changed)

    def _restore(self) -> None:
        self.restoreGeometry(self.settings.bytes("window"))
        header = self.settings.bytes("columns")
        if not header.isEmpty():
            self.groups.tree.header().restoreState(header)
        self.document_actions.show_recent()
        self.welcome.set_last(self.restore.last)

    def childEvent(self, event: QChildEvent) -> None:
        """Name the tabs that Qt makes for docks of one place."""
        super().childEvent(event)
        child = event.child()
        if event.type() == QEvent.Type.ChildPolished and isinstance(child, QTabBar):
            child.setAccessibleName("Panels")

    # --- what the session says

    def _on_document_changed(self) -> None:
        document, snapshot, base = self.session.document, self.session.snapshot, self.session.base
        assert document, "the session said so"
        assert snapshot, "a document has a snapshot"
        assert base, "a document has a base"
        self.setUpdatesEnabled(False)  # painted once, when all is in its place and others had their turn
        QTimer.singleShot(_NEXT_TURN, self, self._settle)
        self.card.dismiss()
        self.pages.setCurrentWidget(self.graph)
        self._show_panels()
        self.docks["details"].raise_()
        self._is_settled = self.restoreState(self.settings.bytes("docks"))
        self.groups.set_document(document, snapshot)
        self.totals.set_costs(base.cost, snapshot.cost)
        self._show_details()
        self.ratio.set_plan(snapshot.plan)
        self._show_title()
        self.setWindowModified(False)
        self.graph.set_document(document, snapshot)
        self.menus.refresh()

    def _on_closed(self) -> None:
        self.card.dismiss()
        self.setWindowTitle("SlimGUI")
        self.setWindowModified(False)
        self.pages.setCurrentWidget(self.welcome)
        self.welcome.set_last(None)
        self.ratio.set_plan(self.session.plans.plan)
        self._show_panels()
        self.menus.refresh()

    def _on_graph_changed(self) -> None:
        document, snapshot = self.session.document, self.session.snapshot
        assert document, "the session said so"
        assert snapshot, "a document has a snapshot"
        self.graph.set_document(document, snapshot)
        self.graph.set_selected(self.session.selected)
        self.finding.set_words(self.groups.search.text())
        self.menus.refresh()

    def _on_snapshot_changed(self, change: Change) -> None:
        snapshot, base = self.session.snapshot, self.session.base
        assert snapshot, "the session said so"
        assert base, "a snapshot has a base"
        self.groups.set_snapshot(snapshot, change)
        self.graph.set_snapshot(snapshot, change)
        self.totals.set_costs(base.cost, snapshot.cost)
        self._show_time()
        self.ratio.set_plan(snapshot.plan)
        self._show_details()

    def _show_title(self) -> None:
        document, plans = self.session.document, self.session.plans
        assert document, "plans are for an open model"
        plan = f" – {plans.current}" if len(plans.plans) > 1 else ""
        shown = f"{document.name}{plan}".replace("[*]", "[*][*]")  # Qt's way to write its mark as text
        self.setWindowTitle(f"{shown}[*] – SlimGUI")
        self._show_details()
        self.menus.refresh()

    def _on_selection_changed(self, group_id: str) -> None:
        self.graph.set_selected(group_id)
        self.groups.set_selected(group_id)
        self.session.marks.set(self.groups.selected_ids())
        self._show_details()
        self.menus.refresh()

    def _show_details(self) -> None:
        document, snapshot = self.session.document, self.session.snapshot
        if document is None or snapshot is None:
            return
        row = next((row for row in document.groups if row.id == self.session.selected), None)
        if row is None:
            self.inspector.show_model(document, self.session.plans, self.session.data.recovery)
        else:
            boxes = {layer.name for layer in document.graph.layers}
            self.inspector.show_group(row, snapshot, losses(self.session.data.sensed, row), boxes)

    def _show_time(self) -> None:
        measured = self.session.insight.measured
        self.totals.latency.set_time(measured.timed if measured else None, self.session.insight.is_current)
        self.menus.refresh()

    def _show_scores(self) -> None:
        self.groups.set_scores(self.session.judging.scores)

    def _on_task_changed(self) -> None:
        task = self.session.task
        self.strip.set_task(task)
        if task is None or task.number != self._task:  # not with each step of its progress: there are many
            self.welcome.set_busy(task.doing if task else "")
            self.menus.refresh()
        self._task = task.number if task else 0

    def _on_clean_changed(self, clean: bool) -> None:
        self.setWindowModified(not clean)
        self.menus.refresh()

    def _on_theme_changed(self) -> None:
        with QSignalBlocker(self.theme):
            self.menus.refresh_icons()
            self.welcome.refresh_colours()
            self.document_actions.show_recent()
            self.groups.refresh_colours()
            self.charts.refresh_colours()
            self.card.refresh_icons()
            self._show_details()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved edits and what the engine is at; a save closes the window when it is done."""
        ask = self.document_actions
        if ask.may_lose_edits(then=self.close) and ask.may_stop():
            self._remember()
            self.journal.close()
            self.restore.close()
            self.charts.close_down()
            super().closeEvent(event)
        else:
            event.ignore()

    def _remember(self) -> None:
        self.settings.set_bytes("window", self.saveGeometry())
        self.settings.set_bytes("columns", self.groups.tree.header().saveState())
        if self.session.document is not None:
            self.settings.set_bytes("docks", self.saveState())

    # --- events

    def paintEvent(self, event: QPaintEvent) -> None:
        """Say once that the window can be seen."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self, self.first_painted.emit)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take local files."""
        drops.taken(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what fell into the window; the other program waits for the drop to end."""
        if paths := drops.taken(event):
            QTimer.singleShot(0, self, lambda: self.document_actions.open_dropped(paths))

    def changeEvent(self, event: QEvent) -> None:
        """See Qt."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "menus"):
            self._on_theme_changed()
