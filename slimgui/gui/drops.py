"""Files that are dragged into the window."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QGraphicsView, QLineEdit, QWidget


def let_fall_through(window: QWidget) -> None:
    """A file may fall anywhere: the parts that would keep it for themselves let it through."""
    views = window.findChildren(QGraphicsView)
    for part in (*views, *(view.viewport() for view in views), *window.findChildren(QLineEdit)):
        part.setAcceptDrops(False)


def taken(event: QDropEvent) -> list[str]:
    """The local files of a drag, which is then accepted, as a copy: whoever moves a file deletes it."""
    paths = [path for url in event.mimeData().urls() if (path := url.toLocalFile())]
    if paths:
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
    return paths
