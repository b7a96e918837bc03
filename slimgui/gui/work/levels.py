"""Which modules of the open model are shown open, and the picture of that: drawn by the engine, kept here."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from slimgui.core import wire
from slimgui.core.hierarchy import every_module, modules_around
from slimgui.core.view import View
from slimgui.gui.work.tasks import Transport
from slimgui.gui.work.worker import Stopped


class Levels(QObject):
    """The open modules of one document.

    A picture depends on the open modules alone, so each is asked for once. Asking is no task: it takes a
    moment, goes on beside whatever the engine does, and is asked again when the engine had to be restarted.

    Attributes:
        opened: paths of the modules that are open, or will be as soon as the picture comes.
    """

    changed = Signal(object)  #: View: other modules are open

    def __init__(self, transport: Transport, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.opened: frozenset[str] = frozenset()
        self._transport = transport
        self._request: wire.Arrange | None = None  # what is drawn is on its way
        self._asked = 0  # numbers below 0 are of no task
        self._names: tuple[str, ...] = ()
        self._edges: tuple[tuple[int, int], ...] = ()
        self._views: dict[frozenset[str], View] = {}
        self.first: frozenset[str] = frozenset()
        transport.answered.connect(self._on_answered)
        transport.stopped.connect(self._on_stopped)

    def set_document(self, document: wire.Document) -> None:
        """Begin with the view that came with another document."""
        self._names = tuple(layer.name for layer in document.graph.layers)
        self._edges, self._request = document.graph.edges, None
        self.opened = self.first = frozenset(document.view.opened)
        self._views = {self.opened: document.view}

    def show(self, opened: frozenset[str]) -> None:
        """Open these modules and close all others."""
        if opened == self.opened:
            return
        self.opened, self._request = opened, None
        if opened in self._views:
            self.changed.emit(self._views[opened])
            return
        self._asked -= 1
        self._request = wire.Arrange(self._asked, self._names, self._edges, tuple(sorted(opened)))
        self._transport.submit(self._request)

    def toggle(self, path: str) -> None:
        """Open a closed module, close an open one."""
        self.show(self.opened ^ {path})

    def open_within(self, path: str) -> None:
        """Open a module and all in it."""
        inside = {
            inner for inner in every_module(self._names) if inner == path or inner.startswith(f"{path}.")
        }
        self.show(self.opened | inside)

    def open_all(self) -> None:
        """Show every layer."""
        self.show(every_module(self._names))

    def close_all(self) -> None:
        """Show the outermost modules only."""
        self.show(frozenset())

    def reset(self) -> None:
        """Show what was shown at first."""
        self.show(self.first)

    def reveal(self, layer: int) -> None:
        """Open what a layer lies in."""
        self.show(self.opened | frozenset(modules_around(self._names)[layer]))

    def _on_answered(self, answer: wire.Answer) -> None:
        request = self._request
        if isinstance(answer, wire.Arranged) and request is not None and answer.task == request.task:
            self._request = None
            self._views[self.opened] = answer.view
            self.changed.emit(answer.view)

    def _on_stopped(self, stopped: Stopped) -> None:
        if self._request is not None and stopped.ready:
            self._transport.submit(self._request)
