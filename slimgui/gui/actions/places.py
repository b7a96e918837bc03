"""Where the user was in the graph of a model: kept, and shown again when the model is opened again."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from PySide6.QtCore import QObject

from slimgui.core.hierarchy import every_module
from slimgui.core.view import View
from slimgui.core.wire import Document
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings
from slimgui.gui.views.canvas import MAX_SCALE, MIN_SCALE, Place
from slimgui.gui.views.graph_view import GraphView


@dataclass(frozen=True, slots=True)
class Kept:
    """What was seen, and which modules were open in it."""

    place: Place
    opened: tuple[str, ...]


class Places(QObject):
    """Remembers by the source of a model; what no longer fits it is forgotten, and the graph is fitted.

    Args:
        session: opens and closes models.
        graph: shows them.
        settings: hold the places.
    """

    def __init__(self, session: Session, graph: GraphView, settings: Settings) -> None:
        super().__init__(session)
        self._session, self._graph, self._settings = session, graph, settings
        self._source = ""  # of the model that the graph shows
        self._shows_ops = False  # single ops have another picture, which is not kept
        self._wanted: Kept | None = None  # as soon as these modules are open
        session.graph_changed.connect(self._on_graph_changed)
        session.levels.changed.connect(self._on_view_changed)
        session.closed.connect(self._on_closed)

    def remember(self) -> None:
        """Keep where the user is; nothing, where nobody has moved."""
        if self._source and not self._shows_ops:
            place = self._graph.place
            kept = msgspec.json.encode(Kept(place, self._graph.opened)).decode() if place else ""
            self._settings.set_place(self._source, kept)

    def follow(self) -> None:
        """Another model is open, and the graph is about to show it."""
        self.remember()  # the graph still shows the model of before
        document = self._session.document
        assert document, "the session said so"
        self._source, self._shows_ops, self._graph.last = document.source, False, None
        self._wanted = self._kept_of(document)
        self._on_view_changed(document.view)
        if self._wanted is not None:
            self._session.levels.show(frozenset(self._wanted.opened))

    def _kept_of(self, document: Document) -> Kept | None:
        """What was kept of a model, where it still has these modules."""
        try:
            kept = msgspec.json.decode(self._settings.place(document.source), type=Kept)
        except msgspec.DecodeError:
            return None
        known = every_module([layer.name for layer in document.graph.layers])
        fits = known.issuperset(kept.opened) and MIN_SCALE <= kept.place.zoom <= MAX_SCALE
        return kept if fits else None

    def _on_view_changed(self, view: View) -> None:
        """The graph is about to draw this."""
        wanted = self._wanted
        if wanted is not None and frozenset(view.opened) == frozenset(wanted.opened):
            self._graph.last, self._wanted = wanted.place, None
        else:
            self._graph.last = None

    def _on_graph_changed(self) -> None:
        self._shows_ops, self._graph.last = self._session.ops.is_on, None

    def _on_closed(self) -> None:
        self._source, self._wanted = "", None
