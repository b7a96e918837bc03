"""What can be done with rows and columns of the tree: copying, exporting, choosing columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QModelIndex, QPoint
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QTreeView

from slimgui.core.text_files import write_text
from slimgui.errors import SaveError
from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.facts import notice, rows_text, text
from slimgui.gui.facts.notice import Notice
from slimgui.gui.models.columns import HEADERS, Column
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings

if TYPE_CHECKING:
    from slimgui.gui.main_window import MainWindow
    from slimgui.gui.views.group_tree import GroupTree

GROUP_ACTIONS: Final = ("edit_count", "reset_group", "plan_lock", "zoom_selection")
CONTEXT: Final = (*GROUP_ACTIONS, "", "copy_rows", "export_rows")


class TreeActions:
    """One method per action on the tree.

    Args:
        window: its tree and its actions are meant.
        session: is told what happened.
        dialogs: ask for a file.
        settings: remember the last folder.
    """

    def __init__(self, window: MainWindow, session: Session, dialogs: Dialogs, settings: Settings) -> None:
        self._window, self._session, self._dialogs, self._settings = window, session, dialogs, settings

    def serve(self, tree: QTreeView) -> None:
        """Show menus where the tree is asked for them."""
        tree.customContextMenuRequested.connect(self._on_menu_requested)
        tree.header().customContextMenuRequested.connect(self._on_columns_requested)

    @property
    def _groups(self) -> GroupTree:
        return self._window.panels.groups

    def copy_rows(self) -> None:
        """Put the selected rows on the clipboard, all rows when none is selected."""
        rows = self._groups.selected_rows() or self._shown()
        QGuiApplication.clipboard().setText(rows_text.as_tsv(rows_text.table(rows, self._columns())))
        what = f"{text.plural(len(rows), 'row')} on the clipboard."
        self._session.noticed.emit(Notice("note", what, "", "Paste into a spreadsheet."))

    def export_rows(self) -> None:
        """Write the groups that are shown, in their order, to a file."""
        assert self._session.document, "rows are of an open model"
        name = Path(self._session.document.name.replace(":", ".")).stem + "-groups.csv"
        suggestion = str(Path(self._settings.folder) / name)
        kinds = "Comma-separated values (*.csv)"
        path = self._dialogs.save_path(self._window, suggestion, "Export the groups", kinds)
        if not path:
            return
        path = path if Path(path).suffix else path + ".csv"
        self._settings.folder = str(Path(path).parent)
        self._write(path, rows_text.table(self._shown(), self._columns()))

    def export_importance(self) -> None:
        """Write how important every channel is, and whether it stays, to a file."""
        document, judging = self._session.document, self._session.judging
        assert document and judging.scores, "the action is grey before that"
        name = Path(document.name.replace(":", ".")).stem + "-importance.csv"
        suggestion, kinds = str(Path(self._settings.folder) / name), "Comma-separated values (*.csv)"
        path = self._dialogs.save_path(self._window, suggestion, "Export the importance", kinds)
        if not path:
            return
        path = path if Path(path).suffix else path + ".csv"
        self._settings.folder = str(Path(path).parent)
        head = ("group", "channel", self._session.plans.plan.importance, "stays")
        self._write(path, [head, *rows_text.channels(document.groups, judging.scores, judging.kept)])

    def _write(self, path: str, lines: Sequence[Sequence[str]]) -> None:
        try:
            write_text(path, rows_text.as_csv(lines))
        except SaveError as error:
            self._session.tell(error)
        else:
            self._session.noticed.emit(notice.written(path))

    def expand(self) -> None:
        """Show the layers of every group."""
        self._groups.tree.expandAll()

    def collapse(self) -> None:
        """Hide the layers of every group."""
        self._groups.tree.collapseAll()

    def fill_columns(self, menu: QMenu) -> None:
        """Fill a menu with the columns that can be hidden."""
        menu.clear()
        header = self._groups.tree.header()
        for column in list(Column)[1:]:  # the name of the group always stays
            action = menu.addAction(HEADERS[column][0])
            action.setToolTip(HEADERS[column][1])
            action.setCheckable(True)
            action.setChecked(not header.isSectionHidden(column))
            action.toggled.connect(lambda on, column=column: header.setSectionHidden(column, not on))
        menu.addSeparator()
        menu.addAction("&Reset Columns").triggered.connect(self._groups.reset_columns)

    def _columns(self) -> list[Column]:
        header = self._groups.tree.header()
        places = map(header.logicalIndex, range(header.count()))
        return [Column(place) for place in places if not header.isSectionHidden(place)]

    def _shown(self) -> list[QModelIndex]:
        return [self._groups.model.index(row, 0) for row in self._groups.shown_rows()]

    def row_menu(self) -> QMenu:
        """What can be done with the selected rows; it deletes itself once it is closed."""
        menu = self._menu()
        for key in CONTEXT:
            if key:
                menu.addAction(self._window.menus.actions[key])
            else:
                menu.addSeparator()
        return menu

    def _menu(self) -> QMenu:
        menu = QMenu(self._window)
        menu.setToolTipsVisible(True)
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def _on_menu_requested(self, point: QPoint) -> None:
        self.row_menu().popup(self._groups.tree.viewport().mapToGlobal(point))

    def _on_columns_requested(self, point: QPoint) -> None:
        menu = self._menu()
        self.fill_columns(menu)
        menu.popup(self._groups.tree.header().mapToGlobal(point))
