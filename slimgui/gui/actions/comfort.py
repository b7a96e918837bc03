"""The handlers of what makes the window comfortable: palette, keys, preferences, panes, diagnostics."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from slimgui.core.caches import FOLDER
from slimgui.core.plan import Plan
from slimgui.gui.actions.listing import Command, commands
from slimgui.gui.diagnostics import LOG, diagnostics, versions
from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.facts.notice import Notice
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings
from slimgui.gui.theme import Choice

if TYPE_CHECKING:
    from slimgui.gui.main_window import MainWindow


class ComfortActions:
    """One method per action.

    Args:
        window: whose menus, panels and panes are meant.
        session: starts plans as the preferences say.
        dialogs: ask the user.
        settings: hold the preferences.
    """

    def __init__(self, window: MainWindow, session: Session, dialogs: Dialogs, settings: Settings) -> None:
        self._window, self._session, self._dialogs, self._settings = window, session, dialogs, settings
        self._set_cache()
        self._start_plans()

    def commands(self) -> list[Command]:
        """Everything in the menus."""
        return commands(self._window.menus.menus.values())

    def palette(self) -> None:
        """Find a command by its name."""
        from slimgui.gui.views.palette import Palette

        Palette(self._window, self.commands()).open_over(self._window)

    def shortcuts(self) -> None:
        """List the keys."""
        from slimgui.gui.views.shortcuts import Shortcuts

        self._show(Shortcuts, lambda: Shortcuts(self._window, self.commands()))

    def preferences(self) -> None:
        """Show the preferences."""
        from slimgui.gui.views.preferences import Preferences

        self._show(Preferences, lambda: Preferences(self._window, self._settings, self))

    def allowed_code(self) -> None:
        """List the files whose code may run without being asked about."""
        from slimgui.gui.views.allowed import AllowedCode

        self._show(AllowedCode, lambda: AllowedCode(self._window, self._settings))

    def _show(self, kind: type[QDialog], make: Callable[[], QDialog]) -> None:
        """Show a window that stays open beside ours; the one that is open comes to the front."""
        known = [found for found in self._window.findChildren(kind) if found.isVisible()]
        dialog = known[0] if known else make()
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    def about(self) -> None:
        """Say who we are, and which versions run."""
        self._dialogs.about(self._window, versions(self._session.tasks.torch))

    def copy_diagnostics(self) -> None:
        """Put what a report of a fault needs on the clipboard."""
        task = self._session.task
        log = self._settings.data_folder / LOG
        found = diagnostics(self._session.tasks.torch, log, task.doing if task else "")
        QGuiApplication.clipboard().setText(found)
        hint = "They name versions, the system and the log, and nothing of your model."
        self._session.noticed.emit(Notice("note", "The diagnostics are on the clipboard.", "", hint, found))

    # --- preferences

    def choose_theme(self, choice: Choice) -> None:
        """Draw everything in another theme."""
        self._settings.theme = choice
        self._window.theme.choose(choice)
        self._window.menus.refresh()

    def apply(self) -> None:
        """Let changed preferences count."""
        self._start_plans()
        self._window.document_actions.show_recent()

    def use_cache(self) -> None:
        """Keep what can be made again in the chosen folder; an idle engine starts anew to know it."""
        self._set_cache()
        self._session.tasks.renew()

    def ask_folder(self, parent: QWidget, title: str) -> str:
        """Which folder."""
        return self._dialogs.folder_path(parent, self._settings.folder, title)

    def reset_layout(self) -> None:
        """Put the panels back where they were at first."""
        self._settings.forget_layout()
        self._window.panels.reset()

    def _set_cache(self) -> None:
        if self._settings.cache:
            os.environ[FOLDER] = self._settings.cache  # the engine's process inherits it
        else:
            os.environ.pop(FOLDER, None)

    def _start_plans(self) -> None:
        self._session.first_plan = Plan(
            importance=self._settings.importance, round_to=self._settings.round_to
        )

    # --- panes

    def next_pane(self) -> None:
        """Go to the next part of the window that takes keys."""
        self._go(1)

    def previous_pane(self) -> None:
        """Go to the one before."""
        self._go(-1)

    def _go(self, by: int) -> None:
        panes = [(pane, target) for pane in self._panes() if (target := _first_control(pane)) is not None]
        if not panes:
            return
        focus = QApplication.focusWidget()
        here = [
            n for n, (pane, _) in enumerate(panes) if pane is focus or (focus and pane.isAncestorOf(focus))
        ]
        start = here[0] if here else -1 if by > 0 else 0
        panes[(start + by) % len(panes)][1].setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _panes(self) -> list[QWidget]:
        """The visible parts, from left to right and down."""
        window = self._window
        middle = window.pages.currentWidget()
        parts = [
            window.card,
            window.ratio,
            *(dock.widget() for dock in window.panels.docks.values()),
            middle,
            window.strip,
        ]
        seen = [part for part in parts if part is not None and part.isVisible()]
        return [part for part in seen if not window.panels.is_covered(part)]


def _first_control(pane: QWidget) -> QWidget | None:
    """What takes keys in a pane: itself, or the first such thing in it."""
    tab = Qt.FocusPolicy.TabFocus
    for widget in (pane, *pane.findChildren(QWidget)):
        if widget.focusPolicy() & tab and widget.isVisible() and widget.isEnabled():
            return widget
    return None
