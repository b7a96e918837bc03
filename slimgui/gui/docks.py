"""The panels around the graph."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QLabel, QMainWindow, QWidget

from slimgui.gui.theme import SPACE, scaled

EXTRA: Final = frozenset({"history", "tasks"})  # shown when the user asks for them


def add_dock(
    window: QMainWindow, title: str, name: str, widget: QWidget, area: Qt.DockWidgetArea
) -> QDockWidget:
    """A hidden panel around `widget` that can be moved; `name` is what its place is remembered by."""
    dock = QDockWidget(title, window)
    dock.setObjectName(name)
    dock.setAccessibleName(title)
    dock.setWidget(widget)
    dock.setFeatures(
        QDockWidget.DockWidgetFeature.DockWidgetMovable | QDockWidget.DockWidgetFeature.DockWidgetClosable
    )
    heading = QLabel(title, dock) if name == "groups" else QWidget(dock)  # tabs and tiles are titles enough
    heading.setAccessibleName(title)
    heading.setFont(scaled(window.font(), 1.0, bold=True))
    heading.setContentsMargins(SPACE, SPACE, SPACE, 0)
    dock.setTitleBarWidget(heading)
    window.addDockWidget(area, dock)
    dock.hide()
    return dock
