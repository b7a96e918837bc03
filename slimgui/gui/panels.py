"""What shows an open model: the graph in the middle of the window, and the docks around it.

It is built once the window can be seen: half of what is imported until then is imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QDockWidget, QTabBar, QTabWidget, QWidget

from slimgui.core.view import View
from slimgui.core.wire import Document
from slimgui.gui import drops
from slimgui.gui.actions.finding import Finding
from slimgui.gui.actions.places import Places
from slimgui.gui.actions.tree import GROUP_ACTIONS
from slimgui.gui.docks import EXTRA, add_dock
from slimgui.gui.facts.losses import losses
from slimgui.gui.facts.snapshot import Change, Snapshot
from slimgui.gui.turns import NEXT_FRAME, Turns
from slimgui.gui.views.charts import Charts
from slimgui.gui.views.details import Details
from slimgui.gui.views.focus_ring import FocusRing
from slimgui.gui.views.graph_view import GraphView
from slimgui.gui.views.group_tree import GroupTree
from slimgui.gui.views.history import History
from slimgui.gui.views.inspector import Inspector
from slimgui.gui.views.past_tasks import PastTasks
from slimgui.gui.views.plan_panel import PlanPanel
from slimgui.gui.views.plan_tree import PlanTree
from slimgui.gui.views.totals import Totals

if TYPE_CHECKING:
    from slimgui.gui.main_window import MainWindow

_GRAPH: Final = 230  # pixels that the docks leave it in a small window
_WIDTHS: Final = (580, 290)  # of groups and details, where none is remembered
_TABS: Final = (  # and beside which one each is a tab
    ("plan", "details"),
    ("plans", "plan"),
    ("charts", "plans"),
    ("history", "groups"),
    ("tasks", "totals"),
)


class Panels(QObject):
    """The views of the window's session. They follow it by themselves; wishes go to it, or to the actions.

    Args:
        window: has session, settings, menus and actions already.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        session = window.session
        self._window, self._session, self._settings = window, session, window.settings
        self._is_settled = False
        self._arrival = Turns(self)
        self._next_frame = QTimer(self, singleShot=True, interval=NEXT_FRAME)
        self.graph, self.groups = GraphView(window), GroupTree(session.set_counts, window)
        self.inspector, self.totals = Inspector(window), Totals(window)
        self.details, self.plan_panel = Details(session, self.inspector, window), PlanPanel(session, window)
        self.charts, self.plan_tree = Charts(session, window), PlanTree(session, window)
        self.past_tasks = PastTasks(window)
        self.finding = Finding(session, self.graph, self)
        self.places = Places(session, self.graph, window.settings)  # follows before the graph does
        self.docks = self._docks()
        self._arrange()
        self._first_layout = window.saveState()
        self._listen()
        self._pass_on()
        window.menus.add_panels(self.docks.values())
        overview = self.graph.minimap.toggle
        overview.setChecked(self._settings.overview)
        overview.toggled.connect(self._settings.set_overview)
        window.menus.add_panel(overview)
        self.refresh_colours()

    # --- places

    def _docks(self) -> dict[str, QDockWidget]:
        area = Qt.DockWidgetArea
        left, right, bottom = area.LeftDockWidgetArea, area.RightDockWidgetArea, area.BottomDockWidgetArea
        history = History(self._session.undo_stack, self._window)
        panels: tuple[tuple[str, str, QWidget, Qt.DockWidgetArea], ...] = (
            ("groups", "Groups", self.groups, left),
            ("details", "Details", self.details, right),
            ("plan", "Plan", self.plan_panel, right),
            ("plans", "Plans", self.plan_tree, right),
            ("charts", "Charts", self.charts, right),
            ("totals", "Totals", self.totals, bottom),
            ("history", "History", history, left),
            ("tasks", "Past tasks", self.past_tasks, bottom),
        )
        return {name: add_dock(self._window, title, name, view, at) for name, title, view, at in panels}

    def _arrange(self) -> None:
        window, area = self._window, Qt.DockWidgetArea
        window.pages.addWidget(self.graph)
        self.graph.setMinimumWidth(_GRAPH)
        window.setTabPosition(
            area.LeftDockWidgetArea | area.RightDockWidgetArea | area.BottomDockWidgetArea,
            QTabWidget.TabPosition.North,
        )
        for tab, beside in _TABS:
            window.tabifyDockWidget(self.docks[beside], self.docks[tab])
        header = self._settings.bytes("columns")
        if not header.isEmpty():
            self.groups.tree.header().restoreState(header)
        drops.let_fall_through(window)
        views = (self.graph, self.groups.tree, self.inspector, self.details.table, self.plan_tree.tree)
        self.focus_ring = FocusRing((*views, self.plan_tree.table, self.past_tasks.tree), window)

    def reset(self) -> None:
        """Put every panel and every column back where it was at first."""
        self._window.restoreState(self._first_layout)
        self.groups.reset_columns()
        self.graph.minimap.toggle.setChecked(True)
        self.show_docks()
        self._is_settled = False
        self._settle()

    def show_docks(self) -> None:
        """The usual panels around a model, none without one."""
        for name, dock in self.docks.items():
            dock.setVisible(self._session.document is not None and name not in EXTRA)

    def is_covered(self, widget: QWidget | None) -> bool:
        """Whether a widget lies in a panel that another tab hides, or is a row of tabs that nothing needs.

        Qt keeps both outside of the window, and takes them for visible.
        """
        around: list[QWidget] = [each for each in self.docks.values() if widget and each.isAncestorOf(widget)]
        if isinstance(widget, QTabBar):
            around.append(widget)
        return not all(self._window.rect().intersects(part.geometry()) for part in around)

    def remember(self) -> None:
        """Keep places and widths for the next time."""
        self.places.remember()
        self._settings.set_bytes("columns", self.groups.tree.header().saveState())
        if self._session.document is not None:
            self._settings.set_bytes("docks", self._window.saveState())

    def close_down(self) -> None:
        """The window closes."""
        self.charts.close_down()

    def _settle(self) -> None:
        """Once the docks are there: give them room, where none is remembered, and the graph the rest."""
        window = self._window
        if not self._is_settled:
            sides = [self.docks["groups"], self.docks["details"]]
            window.resizeDocks(sides, _WIDTHS, Qt.Orientation.Horizontal)
            self.docks["details"].raise_()
        self.graph.first_fit()

    def _paint(self) -> None:
        """Everything is in its place."""
        window = self._window
        self.groups.setUpdatesEnabled(False)  # all at once would stop the window for twice as long
        window.setUpdatesEnabled(True)
        QCoreApplication.postEvent(window, QEvent(QEvent.Type.UpdateRequest))  # Qt may have lost its own
        self._next_frame.start()

    # --- who tells whom

    def _listen(self) -> None:
        """Follow the session."""
        session = self._session
        self._next_frame.timeout.connect(lambda: self.groups.setUpdatesEnabled(True))
        session.tasks.ended.connect(self.past_tasks.add)
        session.snapshot_changed.connect(self._on_snapshot_changed)
        session.plans_changed.connect(self.show_details)
        session.data.changed.connect(self.show_details)
        session.selection_changed.connect(self._on_selection_changed)
        session.judging.changed.connect(self._on_judged)
        session.insight.changed.connect(self._show_time)
        session.graph_changed.connect(self._on_graph_changed)
        session.levels.changed.connect(self._on_view_changed)

    def _pass_on(self) -> None:
        """Hand wishes to who fulfils them."""
        window, session = self._window, self._session
        self.graph.group_clicked.connect(session.select)
        self.graph.toggled.connect(session.levels.toggle)
        self.graph.opened_within.connect(session.levels.open_within)
        self.groups.search.textChanged.connect(self.finding.set_words)
        self.groups.group_selected.connect(session.select)
        self.groups.marked.connect(session.marks.set)
        self.groups.delegate.editing_started.connect(session.begin_gesture)
        self.groups.delegate.editing_ended.connect(session.end_gesture)
        window.tree_actions.serve(self.groups.tree)
        self.inspector.layer_clicked.connect(self.finding.show)
        self.plan_tree.chosen.connect(window.plan_actions.switch)
        self.plan_tree.tree.renamed.connect(window.plan_actions.rename_to)
        self.plan_tree.tree.delete_wanted.connect(window.plan_actions.delete_named)
        self.plan_panel.importance_chosen.connect(window.plan_actions.set_importance)
        actions = window.menus.actions
        self.plan_panel.set_actions(actions)
        self.graph.group_actions = [actions[key] for key in GROUP_ACTIONS]
        self.plan_tree.set_actions(actions)
        self.charts.set_action(actions["front_keep"])
        how = [actions[key] for key in ("data_device", "data_threads", "data_table")]
        self.totals.latency.set_actions(actions["data_latency"], how)

    # --- what the session says

    def show_document(self) -> None:
        """Another model is open: painted once, when all is in its place; others get their turns."""
        window = self._window
        window.setUpdatesEnabled(False)
        window.pages.setCurrentWidget(self.graph)
        self.graph.setFocus(Qt.FocusReason.OtherFocusReason)  # the tree would select a row
        self._arrival.start(self._show_places, self._show_model, self._show_graph, self._settle, self._paint)

    def hide_document(self) -> None:
        """No model is open any more."""
        self._arrival.start(self._paint)  # where one was just about to be shown
        self.show_docks()

    def _show_places(self) -> None:
        self.show_docks()
        self.docks["details"].raise_()
        self._is_settled = self._window.restoreState(self._settings.bytes("docks"))

    def _show_model(self) -> None:
        document, snapshot, base = self._facts()
        self.groups.set_document(document, snapshot)
        self.totals.set_costs(base.cost, snapshot.cost)
        self.show_details()

    def _show_graph(self) -> None:
        document, snapshot, _ = self._facts()
        self.places.follow()
        self.graph.set_document(document, snapshot)

    def _facts(self) -> tuple[Document, Snapshot, Snapshot]:
        """The open model, its current plan, and the plan that removes nothing."""
        session = self._session
        assert session.document, "the session said so"
        assert session.snapshot, "a document has a snapshot"
        assert session.base, "a snapshot has a base"
        return session.document, session.snapshot, session.base

    def _on_graph_changed(self) -> None:
        self._arrival.finish()
        document, snapshot, _ = self._facts()
        self.graph.set_document(document, snapshot)
        self.graph.set_selected(self._session.selected)
        self.finding.set_words(self.groups.search.text())

    def _on_snapshot_changed(self, change: Change) -> None:
        self._arrival.finish()
        _, snapshot, base = self._facts()
        self.groups.set_snapshot(snapshot, change)
        self.graph.set_snapshot(snapshot, change)
        self.totals.set_costs(base.cost, snapshot.cost)
        self._show_time()
        self.show_details()

    def _on_view_changed(self, view: View) -> None:
        self._arrival.finish()
        self.graph.set_view(view)

    def _on_judged(self) -> None:
        self._arrival.finish()
        self.groups.set_scores(self._session.judging.scores)

    def _on_selection_changed(self, group_id: str) -> None:
        self._arrival.finish()
        self.graph.set_selected(group_id)
        self.groups.set_selected(group_id)
        self._session.marks.set(self.groups.selected_ids())
        self.show_details()

    def show_details(self) -> None:
        """Say what is known of the selected group, or of the model."""
        session = self._session
        document, snapshot = session.document, session.snapshot
        if document is None or snapshot is None:
            return
        row = next((row for row in document.groups if row.id == session.selected), None)
        if row is None:
            self.inspector.show_model(document, session.plans, session.data.recovery)
        else:
            boxes = {layer.name for layer in document.graph.layers}
            self.inspector.show_group(row, snapshot, losses(session.data.sensed, row), boxes)

    def _show_time(self) -> None:
        insight = self._session.insight
        self.totals.latency.set_time(insight.measured.timed if insight.measured else None, insight.is_current)

    def refresh_colours(self) -> None:
        """Follow the theme."""
        self.groups.refresh_colours()
        self.charts.refresh_colours()
        self.show_details()
