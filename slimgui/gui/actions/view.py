"""The handlers of the Edit and View menus: steps back and forth, and what of the model is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slimgui.gui.session import Session
from slimgui.gui.views.canvas import STEP

if TYPE_CHECKING:
    from slimgui.gui.main_window import MainWindow


class ViewActions:
    """One method per action.

    Args:
        window: whose views are meant.
        session: whose edits are meant.
    """

    def __init__(self, window: MainWindow, session: Session) -> None:
        self._window, self._session = window, session

    def undo(self) -> None:
        """Take back the last change, also that of an editor that is still open."""
        self._window.panels.groups.close_editor()
        self._session.undo_stack.undo()

    def redo(self) -> None:
        """Make it again."""
        self._window.panels.groups.close_editor()
        self._session.undo_stack.redo()

    def reset_group(self) -> None:
        """Let the selected groups follow the whole model again."""
        self._session.marks.reset()

    def edit_selected(self) -> None:
        """Open the editor of the selected group."""
        self._show_groups()
        self._window.panels.groups.edit_selected()

    def find_group(self) -> None:
        """Go to the search box."""
        self._show_groups()
        self._window.panels.groups.search.setFocus()
        self._window.panels.groups.search.selectAll()

    def _show_groups(self) -> None:
        """Also from behind another tab: who types wants to see it."""
        self._window.panels.docks["groups"].show()
        self._window.panels.docks["groups"].raise_()

    def find_next(self) -> None:
        """Show the next hit in the graph."""
        self._window.panels.finding.go(1)

    def find_previous(self) -> None:
        """Show the hit before."""
        self._window.panels.finding.go(-1)

    def zoom_selection(self) -> None:
        """Show the selected group as large as it fits."""
        self._window.panels.graph.zoom_to_selection()

    def fit(self) -> None:
        """Show the whole graph."""
        self._window.panels.graph.fit()

    def zoom_in(self) -> None:
        """Show the graph larger."""
        self._window.panels.graph.zoom(STEP)

    def zoom_out(self) -> None:
        """Show the graph smaller."""
        self._window.panels.graph.zoom(1 / STEP)

    def open_all(self) -> None:
        """Show every layer."""
        self._session.levels.open_all()

    def close_all(self) -> None:
        """Show the outermost modules only."""
        self._session.levels.close_all()

    def modules(self) -> None:
        """Show the modules that were shown at first."""
        self._session.levels.reset()

    def toggle_ops(self) -> None:
        """Show every single op, or layers again."""
        self._session.ops.toggle()

    def dismiss(self) -> None:
        """Clear the search that is typed in; else hide the message; else select nothing."""
        search, card = self._window.panels.groups.search, self._window.card
        if search.hasFocus() and search.text():
            search.clear()
        elif card.isVisible():
            card.dismiss()
        else:
            self._session.select("")
