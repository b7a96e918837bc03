"""What is typed into the search box, in the graph: hits are outlined, and F3 goes from one to the next."""

from __future__ import annotations

from PySide6.QtCore import QObject

from slimgui.gui.session import Session
from slimgui.gui.views.graph_view import GraphView


class Finding(QObject):
    """The layers that hold every word of a search; conditions (`macs>10%`) are the tree's alone."""

    def __init__(self, session: Session, graph: GraphView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._graph = session, graph
        self.hits: list[int] = []
        self._here = -1

    def set_words(self, typed: str) -> None:
        """Outline what matches `typed`."""
        words = [word for word in typed.lower().split() if not set(word) & set(":<>=")]
        document = self._session.document
        layers = document.graph.layers if document and words else ()
        self.hits = [
            number
            for number, layer in enumerate(layers)
            if all(word in f"{layer.name} {layer.kind}".lower() for word in words)
        ]
        self._here = -1
        self._graph.set_hits(self.hits)

    def show(self, name: str) -> None:
        """Show the layer of that name; what stands for it, where it is in a closed module."""
        document = self._session.document
        layers = document.graph.layers if document else ()
        number = next((n for n, layer in enumerate(layers) if layer.name == name), None)
        if number is not None:
            self._graph.go_to_layer(number)

    def go(self, step: int) -> None:
        """Show the next hit (1) or the one before (-1), after the last one the first again."""
        if self.hits:
            first = 0 if step > 0 else -1
            self._here = (self._here + step) % len(self.hits) if self._here >= 0 else first % len(self.hits)
            layer = self.hits[self._here]
            self._graph.go_to_layer(layer)
            self._session.levels.reveal(layer)
