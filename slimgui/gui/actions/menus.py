"""Builds menus and toolbar from the table of actions, and keeps them honest: what is grey says why."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QDockWidget, QMenu, QToolButton

from slimgui.gui import icons
from slimgui.gui.actions import reasons
from slimgui.gui.actions.table import ACTIONS, MENUS, TOOLBAR, ActionInfo, Entry
from slimgui.gui.facts import text
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings
from slimgui.gui.theme import CHOICES, Theme
from slimgui.gui.views.tool_bar import ToolBar

if TYPE_CHECKING:
    from slimgui.gui.main_window import MainWindow

_THEMES = {"system": "Like the &System", "light": "&Light", "dark": "&Dark"}


def _keys(shortcut: QKeySequence.StandardKey | str | None) -> list[QKeySequence]:
    """Every key that the system has for it, the usual one first."""
    if shortcut is None or isinstance(shortcut, str):
        return [QKeySequence(shortcut)] if shortcut else []
    plus = (
        [QKeySequence("Ctrl+=")] if shortcut == QKeySequence.StandardKey.ZoomIn else []
    )  # "+" without Shift
    return [*QKeySequence.keyBindings(shortcut), *plus]


class Menus:
    """The actions of one window, by key."""

    def __init__(self, window: MainWindow, session: Session, settings: Settings, theme: Theme) -> None:
        self._window, self._session, self._settings, self._theme = window, session, settings, theme
        self.actions = {info.key: self._action(info) for info in ACTIONS}
        self.menus: dict[str, QMenu] = {}
        self._reasons: dict[str, str] = {}  # why actions are disabled, as last shown
        for title, keys in MENUS:
            menu = window.menuBar().addMenu(title)
            menu.setToolTipsVisible(True)
            self.menus[title] = menu
            for entry in keys:
                self._add(menu, entry)
        window.menuBar().setAccessibleName("Menus")
        self._build_toolbar()
        self.refresh()

    def _action(self, info: ActionInfo) -> QAction:
        action = QAction(info.title, self._window)
        action.setObjectName(info.key)
        action.setShortcuts(_keys(info.shortcut))
        action.setCheckable(info.checked is not None)
        action.triggered.connect(attrgetter(info.handler)(self._window))
        action.triggered.connect(self.refresh)  # a change that was refused leaves the check mark as it was
        self._window.addAction(action)
        return action

    def _add(self, menu: QMenu, key: Entry) -> None:
        if isinstance(key, tuple):
            inner = menu.addMenu(key[0])
            inner.setToolTipsVisible(True)
            for entry in key[1]:
                self._add(inner, entry)
        elif not key:
            menu.addSeparator()
        elif key == "recent":
            recent = menu.addMenu("Open &Recent")
            recent.aboutToShow.connect(lambda: self._fill_recent(recent))
        elif key == "plans":
            plans = menu.addMenu("S&witch to Plan")
            plans.aboutToShow.connect(lambda: self._fill_plans(plans))
        elif key == "columns":
            columns = menu.addMenu("&Columns")
            columns.aboutToShow.connect(lambda: self._window.tree_actions.fill_columns(columns))
        elif key == "theme":
            self._add_themes(menu.addMenu("&Theme"))
        elif key == "panels":
            self._panels = menu.addMenu("&Panels")
        else:
            menu.addAction(self.actions[key])

    def add_panels(self, docks: Iterable[QDockWidget]) -> None:
        """Let these be shown and hidden."""
        for dock in docks:
            toggle = dock.toggleViewAction()
            toggle.triggered.connect(lambda shown, dock=dock: dock.raise_() if shown else None)
            self.add_panel(toggle)

    def add_panel(self, toggle: QAction) -> None:
        """One more part of the window that can be shown and hidden."""
        toggle.setText(f"&{len(self._panels.actions()) + 1} {toggle.text()}")
        self._panels.addAction(toggle)

    def _fill_recent(self, menu: QMenu) -> None:
        menu.clear()
        opens = self._window.document_actions.open_source
        for number, source in enumerate(self._settings.recent, 1):
            pinned = "  –  stays" if source in self._settings.pinned else ""
            name = Path(source).name.replace("&", "&&")
            action = menu.addAction(f"&{number % 10} {name}{pinned}")
            action.setToolTip(source)
            action.setEnabled(not (reason := reasons.idle(self._session)))
            action.setProperty("reason", reason)
            action.triggered.connect(lambda _=False, source=source: opens(source))
        menu.addSeparator()
        menu.addAction(self.actions["pin"])
        menu.addAction(self.actions["clear_recent"])

    def _fill_plans(self, menu: QMenu) -> None:
        menu.clear()
        plans = self._session.plans
        for number, name in enumerate(plans.names, 1):
            own = text.statistics(plans, name)
            shown = f"{name}  –  {own}" if own else name
            action = menu.addAction(f"&{number % 10} {shown.replace('&', '&&')}")
            action.setCheckable(True)
            action.setChecked(name == plans.current)
            action.setEnabled(self._session.document is not None)
            action.triggered.connect(lambda _=False, name=name: self._window.plan_actions.switch(name))

    def _add_themes(self, menu: QMenu) -> None:
        group, choose = QActionGroup(menu), self._window.comfort_actions.choose_theme
        for choice in CHOICES:
            action = menu.addAction(_THEMES[choice])
            action.setCheckable(True)
            action.setChecked(choice == self._theme.choice)
            action.setActionGroup(group)
            action.setData(choice)
            action.triggered.connect(lambda _=False, choice=choice: choose(choice))
        menu.aboutToShow.connect(lambda: self._check_theme(group))

    def _check_theme(self, group: QActionGroup) -> None:
        for action in group.actions():
            action.setChecked(action.data() == self._theme.choice)

    def _build_toolbar(self) -> None:
        bar = ToolBar("Tools", self._window)
        bar.setObjectName("tools")
        bar.setAccessibleName("Tools")
        bar.setMovable(False)
        bar.toggleViewAction().setVisible(False)
        for key in TOOLBAR:
            if key:
                bar.addAction(self.actions[key])
            else:
                bar.addSeparator()
        bar.addSeparator()
        bar.addWidget(self._window.ratio)
        self._window.addToolBar(bar)
        for button in bar.findChildren(QToolButton):
            if not button.accessibleName():
                button.setAccessibleName(button.text() or "More tools")

    def refresh(self) -> None:
        """Enable what can be used; disable the rest and say why; name what undo would undo."""
        stack = self._session.undo_stack
        for info in ACTIONS:
            if info.checked is not None:
                self.actions[info.key].setChecked(info.checked(self._session))
            reason = info.why_not(self._session)
            if self._reasons.get(info.key) != reason:  # most stay as they were
                self._reasons[info.key] = reason
                self._explain(self.actions[info.key], info.tip, reason)
        for key, content in (("undo", stack.undoText()), ("redo", stack.redoText())):
            title = key.capitalize()
            content = content.replace("&", "&&")
            self.actions[key].setText(f"&{title}: {content}" if content else f"&{title}")
            self.actions[key].setIconText(title)
        self.actions["open"].setIconText("Open")
        self.actions["save"].setIconText("Save")
        self.actions["verify"].setIconText("Verify")
        self.actions["fit"].setIconText("Fit")
        self._window.ratio.explain(reasons.has_free(self._session))

    def _explain(self, action: QAction, tip: str, reason: str) -> None:
        """An action is on, or off for a reason."""
        action.setEnabled(not reason)
        action.setProperty("reason", reason)  # the palette shows it
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        tip = f"{tip} ({keys})" if keys else tip
        action.setToolTip(f"{tip}\n{reason}" if reason else tip)
        action.setStatusTip("")

    def refresh_icons(self) -> None:
        """Draw the icons in the colours of the theme."""
        for info in ACTIONS:
            if info.icon:
                self.actions[info.key].setIcon(icons.icon(info.icon, self._window.palette()))
