"""The titles of open modules: above all lines, those that are lit as well, so that none crosses a word."""

from __future__ import annotations

from functools import cache
from typing import Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPalette
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from slimgui.gui.theme import Colours, colours, mixed
from slimgui.gui.views.labels import NAMED, Titles
from slimgui.gui.views.scene import Border, Picture

_AROUND: Final = 2.0  # of its ground beside a title


class TitleItem(QGraphicsItem):
    """Every title on a piece of the ground of its frame.

    Args:
        picture: whose frames have titles.
        font: of the window.
        palette: of the window.
    """

    def __init__(self, picture: Picture, font: QFont, palette: QPalette) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self._borders, self._bounds = picture.borders, picture.bounds
        self._titles, self._colours = Titles(font), colours(palette)

    def boundingRect(self) -> QRectF:
        """See Qt."""
        return self._bounds

    def place(self, border: Border) -> QRectF:
        """Where the title of a frame is written."""
        return QRectF(self._titles.corner(border), self._titles.title(border).size())

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the titles in the exposed part, from where they can be read."""
        del widget
        if option.levelOfDetailFromTransform(painter.worldTransform()) < NAMED:
            return
        painter.setFont(self._titles.font)
        painter.setPen(QColor(self._colours.muted))
        for border in self._borders:
            if border.rect.intersects(option.exposedRect):
                back = self.place(border).adjusted(-_AROUND, 0, _AROUND, 0)
                painter.fillRect(back, ground(self._colours, border.depth))
                painter.drawStaticText(self._titles.corner(border), self._titles.title(border))


@cache
def ground(table: Colours, depth: int) -> QColor:
    """Of a frame: the deeper, the more it stands out from the canvas."""
    return mixed(table.faint, table.canvas, min(1.0, 0.35 + 0.3 * depth))
