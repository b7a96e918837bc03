"""Icons as line drawings in the colours of the theme."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer

from slimgui.gui.theme import colours

_SIZE: Final = 20
_PATHS: Final = {
    "open": "M3 6.5h6l2 2.5h10v10H3zM3 6.5V5h6",
    "file": "M6 3h8l4 4v14H6zM14 3v4h4",
    "save": "M5 4h11l3 3v13H5zM8 4v5h7V4M8 20v-6h8v6",
    "verify": "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM8.5 12l2.5 2.5 4.5-5",
    "undo": "M8 5 4 9l4 4M4 9h9a6 6 0 0 1 0 12h-3",
    "redo": "M16 5l4 4-4 4M20 9h-9a6 6 0 0 0 0 12h3",
    "fit": "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
    "reset": "M5 12a7 7 0 1 0 2.3-5.2M5 4v4h4",
    "lock": "M6 11h12v9H6zM6 14h12M6 17h12M8 11V8a4 4 0 0 1 8 0v3",
    "close": "M6 6l12 12M18 6L6 18",
    "error": "M12 8v5M12 16.5v.2M12 3.5 21.5 20h-19z",
    "success": "M4.5 12.5l5 5 10-11",
    "note": "M12 11v6M12 7.3v.2M12 3a9 9 0 1 0 .01 0z",
    "search": "M10.5 4a6.5 6.5 0 1 0 .01 0zM15.5 15.5 20 20",
    "approximate": "M4 10c2.5-4 5.5-4 8-1.5s5.5 2.5 8-1.5M4 17c2.5-4 5.5-4 8-1.5s5.5 2.5 8-1.5",
    "pencil": "M4.5 19.5l1-4.5L16 4.5l3.5 3.5L9 18.5zM13.5 7l3.5 3.5",
    "example": "M12 3v10M8 9l4 4 4-4M4 15v5h16v-5",
}


def pixmap(name: str, colour: str, size: int = _SIZE, ratio: float = 2.0) -> QPixmap:
    """The drawing `name` in one colour, `size` logical pixels wide."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" '
        f'stroke="{colour}" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">'
        f'<path d="{_PATHS[name]}"/></svg>'
    )
    picture = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(picture.rect()))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def icon(name: str, palette: QPalette) -> QIcon:
    """The drawing `name` in the colours of `palette`, pale when disabled."""
    table = colours(palette)
    result = QIcon(pixmap(name, table.text))
    result.addPixmap(pixmap(name, table.edge), QIcon.Mode.Disabled)
    return result
