"""The main window: puts the views around a session and passes wishes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDropEvent,
    QPaintEvent,
)
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QVBoxLayout, QWidget

import slimgui
from slimgui import resources
from slimgui.core import wire
from slimgui.gui import architecture, consent
from slimgui.gui.data_actions import DataActions
from slimgui.gui.dialogs import Dialogs
from slimgui.gui.docks import add_dock
from slimgui.gui.losses import losses
from slimgui.gui.menus import Menus
from slimgui.gui.notice import Notice
from slimgui.gui.plan_actions import PlanActions
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings
from slimgui.gui.snapshot import Change
from slimgui.gui.theme import Theme
from slimgui.gui.views.card import Card
from slimgui.gui.views.graph_view import STEP, GraphView
from slimgui.gui.views.group_tree import GroupTree
from slimgui.gui.views.inspector import Inspector
from slimgui.gui.views.ratio import RatioControl
from slimgui.gui.views.task_strip import TaskStrip
from slimgui.gui.views.totals import Totals
from slimgui.gui.views.welcome import Welcome


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
        self._dialogs = dialogs or Dialogs()
        self._painted = False
        self._then: Callable[[], object] | None = None  # waits for a save
        self.card, self.strip = Card(self), TaskStrip(self)
        self.welcome, self.graph = Welcome(self), GraphView(self)
        self.groups = GroupTree(session.set_count, self)
        self.inspector, self.totals, self.ratio = Inspector(self), Totals(self), RatioControl(self)
        self.pages = QStackedWidget(self)
        self.setAcceptDrops(True)
        self.setWindowTitle("SlimGUI")
        self.resize(1440, 900)
        self._arrange()
        self.data_actions = DataActions(self, session, self._dialogs, settings)
        self.plan_actions = PlanActions(self, session, self._dialogs, settings, self.data_actions)
        self.menus = Menus(self, session, settings, theme)
        self._connect()
        self._restore()
        self._on_theme_changed()

    def _arrange(self) -> None:
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
        left, bottom = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.BottomDockWidgetArea
        self.docks = {
            "groups": add_dock(self, "Groups", "groups", self.groups, left),
            "details": add_dock(self, "Details", "details", self.inspector, left),
            "totals": add_dock(self, "Totals", "totals", self.totals, bottom),
        }
        self.resizeDocks([self.docks["groups"]], [620], Qt.Orientation.Horizontal)
        self.resizeDocks([self.docks["groups"], self.docks["details"]], [520, 210], Qt.Orientation.Vertical)

    def _connect(self) -> None:
        session = self.session
        session.document_changed.connect(self._on_document_changed)
        session.snapshot_changed.connect(self._on_snapshot_changed)
        session.plans_changed.connect(self._show_title)
        session.data.changed.connect(self._show_title)
        session.selection_changed.connect(self._on_selection_changed)
        session.task_changed.connect(self._on_task_changed)
        session.noticed.connect(self._on_noticed)
        session.opened.connect(self._on_opened)
        session.saved.connect(self._on_saved)
        session.undo_stack.cleanChanged.connect(self._on_clean_changed)
        self.welcome.open_clicked.connect(self.choose_file)
        self.welcome.example_clicked.connect(self.open_example)
        self.welcome.recent_clicked.connect(self.open_source)
        self.graph.group_clicked.connect(session.select)
        self.groups.group_selected.connect(session.select)
        self.groups.delegate.editing_started.connect(session.begin_gesture)
        self.groups.delegate.editing_ended.connect(session.end_gesture)
        self.ratio.gesture_started.connect(session.begin_gesture)
        self.ratio.gesture_ended.connect(session.end_gesture)
        self.ratio.ratio_changed.connect(session.set_ratio)
        self.strip.cancelled.connect(session.cancel)
        self.card.offer_taken.connect(self._on_offer_taken)
        self.theme.changed.connect(self._on_theme_changed)

    def _restore(self) -> None:
        self.restoreGeometry(self.settings.bytes("window"))
        header = self.settings.bytes("columns")
        if not header.isEmpty():
            self.groups.tree.header().restoreState(header)
        self.welcome.set_recent(self.settings.recent)

    # --- actions; the names stand in the table of actions

    def choose_file(self) -> None:
        """Ask which file to open, and open it."""
        if path := self._dialogs.open_path(self, self.settings.folder):
            self.settings.folder = str(Path(path).parent)
            self.open_source(path)

    def open_example(self) -> None:
        """Open the model that comes with the program."""
        try:
            self.open_source(str(resources.path(resources.EXAMPLE)))
        except FileNotFoundError as error:
            self._on_noticed(Notice("error", "The example is missing.", str(error), "Install SlimGUI again."))

    def open_source(self, source: str) -> None:
        """Open a file or a factory, after asking about edits that would be lost."""
        if Path(source).exists():
            source = str(Path(source).absolute())
        self._unless_unsaved(lambda: self.session.open(source, trusted=self.settings.trusted))

    def choose_target(self) -> None:
        """Ask where to save the smaller model, and save it."""
        if self.session.document is None:
            return
        name = Path(self.session.document.name.replace(":", ".")).stem + "-slim.pt"
        path = self._dialogs.save_path(self, str(Path(self.settings.folder) / name))
        if not path:
            self._then = None
            return
        self.settings.folder = str(Path(path).parent)
        self.session.save(path if Path(path).suffix else path + ".pt")

    def undo(self) -> None:
        """Take back the last change."""
        self.session.undo_stack.undo()

    def redo(self) -> None:
        """Make it again."""
        self.session.undo_stack.redo()

    def edit_selected(self) -> None:
        """Open the editor of the selected group."""
        self.docks["groups"].show()
        self.groups.edit_selected()

    def reset_group(self) -> None:
        """Let the selected group follow the whole model again."""
        self.session.reset_group(self.session.selected)

    def find_group(self) -> None:
        """Go to the search box."""
        self.docks["groups"].show()
        self.groups.search.setFocus()
        self.groups.search.selectAll()

    def fit(self) -> None:
        """Show the whole graph."""
        self.graph.fit()

    def zoom_in(self) -> None:
        """Show the graph larger."""
        self.graph.zoom(STEP)

    def zoom_out(self) -> None:
        """Show the graph smaller."""
        self.graph.zoom(1 / STEP)

    def dismiss(self) -> None:
        """Hide the message."""
        self.card.dismiss()

    def clear_recent(self) -> None:
        """Forget the recent files."""
        self.settings.clear_recent()
        self.welcome.set_recent(())

    def clear_trusted(self) -> None:
        """Ask again about every file whose code was allowed to run."""
        self.settings.clear_trusted()

    def about(self) -> None:
        """Say who we are."""
        self._dialogs.about(self, slimgui.__version__)

    # --- what the session says

    def _on_document_changed(self) -> None:
        document, snapshot, base = self.session.document, self.session.snapshot, self.session.base
        assert document, "the session said so"
        assert snapshot, "a document has a snapshot"
        assert base, "a document has a base"
        self.card.dismiss()
        self.pages.setCurrentWidget(self.graph)
        for dock in self.docks.values():
            dock.show()
        if not self.restoreState(self.settings.bytes("docks")):
            self.resizeDocks([self.docks["groups"]], [620], Qt.Orientation.Horizontal)
            self.resizeDocks(
                [self.docks["groups"], self.docks["details"]], [520, 230], Qt.Orientation.Vertical
            )
        self.groups.set_document(document, snapshot)
        self.totals.set_costs(base.cost, snapshot.cost)
        self._show_details()
        self.ratio.set_plan(snapshot.plan)
        self._show_title()
        self.setWindowModified(False)
        self.graph.set_document(document, snapshot)
        QTimer.singleShot(0, self.graph, self.graph.first_fit)  # once the docks have taken their room
        self.menus.refresh()

    def _on_snapshot_changed(self, change: Change) -> None:
        snapshot, base = self.session.snapshot, self.session.base
        assert snapshot, "the session said so"
        assert base, "a snapshot has a base"
        self.groups.set_snapshot(snapshot, change)
        self.graph.set_snapshot(snapshot, change)
        self.totals.set_costs(base.cost, snapshot.cost)
        self.ratio.set_plan(snapshot.plan)
        self._show_details()
        self.menus.refresh()

    def _show_title(self) -> None:
        document, plans = self.session.document, self.session.plans
        assert document, "plans are for an open model"
        plan = f" – {plans.current}" if len(plans.plans) > 1 else ""
        self.setWindowTitle(f"{document.name}{plan}[*] – SlimGUI")
        self._show_details()
        self.menus.refresh()

    def _on_selection_changed(self, group_id: str) -> None:
        self.graph.set_selected(group_id)
        self.groups.set_selected(group_id)
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
            self.inspector.show_group(row, snapshot, losses(self.session.data.sensed, row))

    def _on_task_changed(self) -> None:
        self.strip.set_task(self.session.task)
        self.welcome.set_busy(self.session.task.doing if self.session.task else "")
        self.menus.refresh()

    def _on_noticed(self, notice: Notice) -> None:
        if notice.kind != "success":
            self._then = None
        self.card.show_notice(notice)

    def _on_opened(self, source: str) -> None:
        self.settings.add_recent(source)
        self.welcome.set_recent(self.settings.recent)

    def _on_saved(self, path: str) -> None:
        del path
        self.menus.refresh()
        then, self._then = self._then, None
        if then is not None:
            then()

    def _on_clean_changed(self, clean: bool) -> None:
        self.setWindowModified(not clean)
        self.menus.refresh()

    def _on_offer_taken(self, notice: Notice) -> None:
        if notice.offer == "folder":
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(notice.subject).parent)))
        elif notice.offer == "accept":
            self.session.save(notice.subject, accept_unproven=True)
        elif notice.offer == "consent":
            consent.ask(self, self._dialogs, self.settings, self.session, notice)
        elif notice.offer == "architecture":
            architecture.ask(self, self._dialogs, self.session, notice)
        elif shape := self._dialogs.input_shape(self, Path(notice.subject).name):
            trusted = notice.request.trusted if isinstance(notice.request, wire.Open) else ()
            self.session.open(notice.subject, shape, trusted)

    def _on_theme_changed(self) -> None:
        with QSignalBlocker(self.theme):
            self.menus.refresh_icons()
            self.welcome.refresh_colours()
            self.welcome.set_recent(self.settings.recent)
            self.groups.refresh_colours()
            self.card.refresh_icons()
            self._show_details()

    # --- unsaved edits

    def _unless_unsaved(self, action: Callable[[], None]) -> None:
        """Do `action` now, after a save, or not at all, as the user says."""
        if self._may_lose_edits(then=action):
            action()

    def _may_lose_edits(self, then: Callable[[], object]) -> bool:
        """Ask about unsaved edits; when the user wants them saved, `then` follows the save."""
        if not self.session.modified or self.session.document is None:
            return True
        answer = self._dialogs.unsaved(self, self.session.document.name)
        if answer == "save":
            self._then = then
            self.choose_target()
        return answer == "discard"

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved edits; a save closes the window when it is done."""
        if self._may_lose_edits(then=self.close):
            self._remember()
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
        """Take one local file."""
        if _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the file that fell into the window."""
        if path := _dropped(event):
            event.acceptProposedAction()
            QTimer.singleShot(
                0, self, lambda: self.open_source(path)
            )  # the other program waits for the drop to end

    def changeEvent(self, event: QEvent) -> None:
        """See Qt."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "menus"):
            self._on_theme_changed()


def _dropped(event: QDropEvent) -> str:
    urls = event.mimeData().urls()
    return urls[0].toLocalFile() if len(urls) == 1 else ""
