"""A pyqtgraph plot in the colours of the theme."""

from __future__ import annotations

from typing import Any

import pyqtgraph
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QWidget

from slimgui.gui.theme import colours

AXES = ("left", "bottom")


def plot(name: str, parent: QWidget) -> Any:
    """An empty plot that neither zooms nor asks for a menu: the charts here show everything they have."""
    widget = pyqtgraph.PlotWidget(parent, enableMenu=False)
    widget.setAccessibleName(name)
    widget.viewport().setAccessibleName(name)
    widget.setMouseEnabled(False, False)
    widget.hideButtons()
    widget.setMinimumHeight(140)
    paint(widget, parent.palette())
    return widget


def paint(widget: Any, palette: QPalette) -> None:
    """Give a plot the colours of the theme."""
    table = colours(palette)
    widget.setBackground(table.surface)
    for axis in AXES:
        widget.getAxis(axis).setPen(table.border)
        widget.getAxis(axis).setTextPen(table.muted)
