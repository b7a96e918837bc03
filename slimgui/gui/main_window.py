"""The main window: puts the views around a session and passes wishes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QChildEvent, QEvent, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QPaintEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QMainWindow,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from slimgui.gui import drops
from slimgui.gui.actions.comfort import ComfortActions
from slimgui.gui.actions.data import DataActions
from slimgui.gui.actions.document import DocumentActions
from slimgui.gui.actions.files import FileActions
from slimgui.gui.actions.graph import GraphActions
from slimgui.gui.actions.menus import Menus
from slimgui.gui.actions.plan import PlanActions
from slimgui.gui.actions.tree import TreeActions
from slimgui.gui.actions.view import ViewActions
from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.journal.restore import Restore
from slimgui.gui.journal.writer import Journal
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings
from slimgui.gui.theme import Theme
from slimgui.gui.turns import NEXT_TURN
from slimgui.gui.views.card import Card
from slimgui.gui.views.ratio import RatioControl
from slimgui.gui.views.task_strip import TaskStrip
from slimgui.gui.views.welcome import Welcome

if TYPE_CHECKING:
    from slimgui.gui.panels import Panels


class MainWindow(QMainWindow):
    """Views around a session.

    Args:
        session: owns everything that changes.
        settings: what is remembered.
        theme: follows the user's choice.
        dialogs: asks the user; tests give their own.
    """

    first_painted = Signal()  #: it can be seen
    furnished = Signal()  #: and everything that a model needs is there

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, dialogs: Dialogs | None = None
    ) -> None:
        super().__init__()
        self.session, self.settings, self.theme = session, settings, theme
        dialogs = dialogs or Dialogs()
        self._painted = self._has_tabs = False
        self._panels: Panels | None = None
        self._task = 0  # number of the running one
        self.card, self.strip, self.ratio = Card(self), TaskStrip(self), RatioControl(self)
        self.welcome, self.pages = Welcome(self), QStackedWidget(self)
        self.setAcceptDrops(True)
        self.setWindowTitle("SlimGUI")
        self.resize(1440, 900)
        self._arrange()
        self.document_actions = DocumentActions(self, session, dialogs, settings)
        self.file_actions = FileActions(self, session, dialogs, settings)
        self.view_actions = ViewActions(self, session)
        self.data_actions = DataActions(self, session, dialogs, settings)
        self.plan_actions = PlanActions(self, session, dialogs, settings, self.data_actions)
        self.tree_actions = TreeActions(self, session, dialogs, settings)
        self.graph_actions = GraphActions(self, session, dialogs, settings)
        self.journal = Journal(session, settings.data_folder / "journal")
        self.restore = Restore(session, settings, self.journal)
        self.comfort_actions = ComfortActions(self, session, dialogs, settings)
        self.menus = Menus(self, session, settings, theme)
        self._listen()
        self._pass_on()
        self.restoreGeometry(self.settings.bytes("window"))
        self.document_actions.show_recent()
        self.welcome.set_last(self.restore.last)
        self._on_theme_changed()

    @property
    def panels(self) -> Panels:
        """What shows an open model: built after the first paint, or when it is needed before."""
        if self._panels is None:
            from slimgui.gui.panels import Panels

            self._has_tabs = True
            self._panels = Panels(self)
        return self._panels

    def _arrange(self) -> None:
        self.welcome.setMinimumSize(
            1, 1
        )  # once a model is open, its pages must not need the room of this one
        self.pages.addWidget(self.welcome)
        middle = QWidget(self)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.card)
        column.addWidget(self.pages, 1)
        column.addWidget(self.strip)
        self.setCentralWidget(middle)

    def show_source(self, source: str) -> None:
        """Come to the front, and open what a second start wants opened."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.raise_()
        self.activateWindow()
        if source:
            self.document_actions.open_source(source)

    def _listen(self) -> None:
        """Follow the session; see Panels for the rest."""
        session = self.session
        session.document_changed.connect(self._on_document_changed)
        session.closing.connect(self._remember)
        session.closed.connect(self._on_closed)
        session.snapshot_changed.connect(self._on_snapshot_changed)
        session.plans_changed.connect(self._show_title)
        session.data.changed.connect(self._show_title)
        session.task_changed.connect(self._on_task_changed)
        session.undo_stack.cleanChanged.connect(self._on_clean_changed)
        for changed in (
            session.selection_changed,
            session.marks.changed,
            session.graph_changed,
            session.insight.changed,
            session.judging.changed,
        ):
            changed.connect(self.menus.refresh)
        self.theme.changed.connect(self._follow_theme)

    def _pass_on(self) -> None:
        """Hand wishes to who fulfils them."""
        session, document = self.session, self.document_actions
        self.welcome.open_clicked.connect(document.choose_file)
        self.welcome.example_clicked.connect(document.open_example)
        self.welcome.recent_clicked.connect(document.open_source)
        self.welcome.pin_wanted.connect(document.keep_recent)
        self.welcome.forget_wanted.connect(document.forget_recent)
        self.welcome.continue_clicked.connect(self.restore.continue_last)
        self.ratio.gesture_started.connect(session.begin_gesture)
        self.ratio.gesture_ended.connect(session.end_gesture)
        self.ratio.ratio_changed.connect(session.set_ratio)
        self.strip.cancelled.connect(session.cancel)
        self.card.offer_taken.connect(document.take_offer)
        self.card.offer_refused.connect(lambda notice: self.restore.discard(notice.subject))

    def childEvent(self, event: QChildEvent) -> None:
        """Name the tabs that Qt makes for docks of one place."""
        super().childEvent(event)
        if self._has_tabs and event.type() == QEvent.Type.ChildPolished:
            child = event.child()
            if isinstance(child, QTabBar):
                child.setAccessibleName("Panels")

    # --- what the session says

    def _on_document_changed(self) -> None:
        self.card.dismiss()
        self.panels.show_document()
        self.ratio.set_plan(self.session.plans.plan)
        self._show_title()
        self.setWindowModified(False)

    def _on_closed(self) -> None:
        self.card.dismiss()
        self.setWindowTitle("SlimGUI")
        self.setWindowModified(False)
        self.pages.setCurrentWidget(self.welcome)
        self.welcome.set_last(None)
        self.welcome.open_button.setFocus(Qt.FocusReason.OtherFocusReason)
        self.ratio.set_plan(self.session.plans.plan)
        self.panels.hide_document()
        self.menus.refresh()

    def _on_snapshot_changed(self) -> None:
        self.ratio.set_plan(self.session.plans.plan)
        self.menus.refresh()

    def _show_title(self) -> None:
        document, plans = self.session.document, self.session.plans
        assert document, "plans are for an open model"
        plan = f" – {plans.current}" if len(plans.plans) > 1 else ""
        shown = f"{document.name}{plan}".replace("[*]", "[*][*]")  # Qt's way to write its mark as text
        self.setWindowTitle(f"{shown}[*] – SlimGUI")
        self.menus.refresh()

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

    def _follow_theme(self) -> None:
        """Once every part has its palette: Qt hands the new one from the outside in."""
        QTimer.singleShot(NEXT_TURN, self, self._on_theme_changed)

    def _on_theme_changed(self) -> None:
        with QSignalBlocker(self.theme):
            self.menus.refresh_icons()
            self.welcome.refresh_colours()
            self.document_actions.show_recent()
            self.card.refresh_icons()
            if self._panels is not None:
                self._panels.refresh_colours()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved edits and what the engine is at; a save closes the window when it is done."""
        ask = self.document_actions
        if ask.may_lose_edits(then=self.close) and ask.may_stop():
            self._remember()
            self.journal.close()
            self.restore.close()
            if self._panels is not None:
                self._panels.close_down()
            super().closeEvent(event)
        else:
            event.ignore()

    def _remember(self) -> None:
        self.settings.set_bytes("window", self.saveGeometry())
        if self._panels is not None:
            self._panels.remember()

    # --- events

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab passes by what lies behind another tab: for Qt it is visible."""
        passed: set[QWidget | None] = set()
        while super().focusNextPrevChild(forward):
            widget = QApplication.focusWidget()
            if widget in passed or self._panels is None or not self._panels.is_covered(widget):
                return True
            passed.add(widget)
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses the button that has the focus, as Space does: Qt does that in dialogs alone."""
        button = QApplication.focusWidget()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(button, QAbstractButton):
            button.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Say once that the window can be seen."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self, self._on_first_painted)

    def _on_first_painted(self) -> None:
        self.first_painted.emit()
        _ = self.panels  # before anybody has opened a model
        self.furnished.emit()

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
            self._follow_theme()
