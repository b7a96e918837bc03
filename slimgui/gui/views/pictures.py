"""The graph as it is shown -> a picture in a file: SVG, PNG, PDF."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QRectF, QSaveFile, QSize, QSizeF
from PySide6.QtGui import QColor, QImage, QImageWriter, QPageSize, QPaintDevice, QPainter, QPdfWriter
from PySide6.QtWidgets import QGraphicsScene

from slimgui.errors import SaveError

PNG_SCALE: Final = 2.0  # pixels per unit: sharp on any screen
MOST_PIXELS: Final = 80_000_000  # of a PNG: 320 MB while it is drawn
_DPI: Final = 96


def write_picture(path: str, scene: QGraphicsScene, area: QRectF, background: str) -> None:
    """Draw `area` of a scene into a file; its suffix says the format.

    Raises:
        SaveError: it cannot be written there.
    """
    draw = _FORMATS.get(path.rpartition(".")[2].lower(), _svg)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    draw(buffer, scene, area, QColor(background))
    buffer.close()
    file = QSaveFile(path)
    written = file.open(QIODevice.OpenModeFlag.WriteOnly) and file.write(buffer.data()) == buffer.size()
    if not (written and file.commit()):
        raise SaveError("The picture was not saved.", f"{file.errorString()}.", "Choose another folder.")


def png_scale(area: QRectF) -> float:
    """Pixels per unit: 2, less for a picture that would not fit into memory."""
    pixels = area.width() * area.height()
    return float(min(PNG_SCALE, (MOST_PIXELS / max(1.0, pixels)) ** 0.5))


def _svg(buffer: QBuffer, scene: QGraphicsScene, area: QRectF, background: QColor) -> None:
    from PySide6.QtSvg import QSvgGenerator  # here: nothing else needs it

    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(area.size().toSize())
    generator.setViewBox(QRectF(0, 0, area.width(), area.height()))
    generator.setResolution(_DPI)
    _paint(generator, scene, area, background, area.size())


def _png(buffer: QBuffer, scene: QGraphicsScene, area: QRectF, background: QColor) -> None:
    scale = png_scale(area)
    size = (area.size() * scale).toSize().expandedTo(QSize(1, 1))
    image = QImage(size, QImage.Format.Format_RGB32)
    _paint(image, scene, area, background, QSizeF(size))
    QImageWriter(buffer, b"png").write(image)


def _pdf(buffer: QBuffer, scene: QGraphicsScene, area: QRectF, background: QColor) -> None:
    writer = QPdfWriter(buffer)
    writer.setResolution(_DPI)
    points = area.size() * 72 / _DPI
    writer.setPageSize(QPageSize(points, QPageSize.Unit.Point, "", QPageSize.SizeMatchPolicy.ExactMatch))
    writer.setPageMargins(QMarginsF())
    _paint(writer, scene, area, background, area.size())


def _paint(
    device: QPaintDevice, scene: QGraphicsScene, area: QRectF, background: QColor, size: QSizeF
) -> None:
    painter = QPainter(device)
    target = QRectF(0, 0, size.width(), size.height())
    painter.fillRect(target, background)
    scene.render(painter, target, area)
    painter.end()


_FORMATS: Final[dict[str, Callable[[QBuffer, QGraphicsScene, QRectF, QColor], None]]] = {
    "svg": _svg,
    "png": _png,
    "pdf": _pdf,
}
