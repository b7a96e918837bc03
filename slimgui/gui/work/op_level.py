"""The open model drawn op by op, in place of layer by layer: asked of the engine when somebody wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from slimgui.core import wire
from slimgui.core.graph import LayerGraph
from slimgui.core.view import View
from slimgui.gui.work.tasks import Tasks

if TYPE_CHECKING:
    from slimgui.gui.session import Session

Drawn = tuple[LayerGraph, View]


class OpLevel(QObject):
    """Knows both graphs of the open model, once each was seen.

    Args:
        session: shows one of them.
        tasks: asks the engine.
    """

    def __init__(self, session: Session, tasks: Tasks) -> None:
        super().__init__(session)
        self._session, self._tasks = session, tasks
        self._layers: Drawn | None = None
        self._ops: Drawn | None = None
        session.document_changed.connect(self._forget)

    @property
    def is_on(self) -> bool:
        """Whether single ops are shown."""
        document = self._session.document
        return document is not None and self._ops is not None and document.graph is self._ops[0]

    def toggle(self) -> None:
        """Show ops, or layers again."""
        document = self._session.document
        if document is None:
            return
        if self.is_on and self._layers is not None:
            self._session.set_graph(*self._layers)
            return
        self._layers = document.graph, document.view
        if self._ops is not None:
            self._session.set_graph(*self._ops)
        elif not self._tasks.refuse_while_busy():
            self._tasks.start(wire.Detail(0, 0), "listing every op", self._on_detailed)

    def _on_detailed(self, answer: wire.Detailed) -> None:
        self._ops = answer.graph, answer.view
        self._session.set_graph(*self._ops)

    def _forget(self) -> None:
        self._layers = self._ops = None
