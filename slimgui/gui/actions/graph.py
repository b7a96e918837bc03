"""The handlers that work with the graph: levels, places, and files of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from slimgui.core.graph_files import as_dot, as_json
from slimgui.core.text_files import write_text
from slimgui.errors import SaveError
from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.facts import notice
from slimgui.gui.facts.notice import Notice
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings
from slimgui.gui.theme import colours

if TYPE_CHECKING:
    from slimgui.gui.main_window import MainWindow

KINDS: Final = (
    "SVG picture (*.svg);;PNG picture (*.png);;PDF document (*.pdf);;"
    "Graph as JSON (*.json);;Graph for Graphviz (*.dot)"
)
_TEXTS: Final = {".json": as_json, ".dot": as_dot}


class GraphActions:
    """One method per action.

    Args:
        window: whose graph is meant.
        session: whose document is meant.
        dialogs: asks the user.
        settings: remembers the folder.
    """

    def __init__(self, window: MainWindow, session: Session, dialogs: Dialogs, settings: Settings) -> None:
        self._window, self._session, self._dialogs, self._settings = window, session, dialogs, settings

    def export(self) -> None:
        """Write the graph to a file: a picture of what is open, or all layers as data."""
        assert self._session.document, "a graph is of an open model"
        name = Path(self._session.document.name.replace(":", ".")).stem + "-graph.svg"
        suggestion = str(Path(self._settings.folder) / name)
        path = self._dialogs.save_path(self._window, suggestion, "Export the graph", KINDS)
        if not path:
            return
        path = path if Path(path).suffix else path + ".svg"
        self._settings.folder = str(Path(path).parent)
        try:
            self._session.noticed.emit(self._write(path))
        except SaveError as error:
            self._session.noticed.emit(Notice("error", error.what, error.why, error.hint))

    def _write(self, path: str) -> Notice:
        document, snapshot = self._session.document, self._session.snapshot
        assert document, "a graph is of an open model"
        assert snapshot, "a document has a snapshot"
        if write := _TEXTS.get(Path(path).suffix.lower()):
            write_text(path, write(document.name, document.graph, document.groups, snapshot.counts))
            return notice.written(path)
        from slimgui.gui.views.pictures import PNG_SCALE, png_scale, write_picture

        graph = self._window.panels.graph
        write_picture(path, graph.plain_scene(), graph.bounds, colours(graph.palette()).canvas)
        scale = png_scale(graph.bounds) if path.lower().endswith(".png") else PNG_SCALE
        if scale == PNG_SCALE:
            return notice.written(path)
        why = f"At twice its size it would have too many pixels: it is drawn at {scale:.2g} times its size."
        return Notice("note", f"Wrote {Path(path).name}.", why, "SVG and PDF are sharp at any size.")
