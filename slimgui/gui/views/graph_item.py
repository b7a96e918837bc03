"""Draws the whole graph in one item: a few paint calls for thousands of boxes, in three levels of detail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPalette, QPen, QPixmap
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from slimgui.gui import icons
from slimgui.gui.facts.snapshot import Snapshot
from slimgui.gui.theme import Colours, colours, mixed
from slimgui.gui.views.cells import PAD, RADIUS, Cell, Cells, merged
from slimgui.gui.views.labels import LOCK, NAMED, Labels
from slimgui.gui.views.scene import Border, Box, Picture
from slimgui.gui.views.title_item import ground

FAR: Final = 0.3  # below this scale only colours can be told apart
NEAR: Final = 0.6  # above this one small print can be read, too
_FEW: Final = 60  # boxes that are repainted one by one; more of them as a whole
Numbered = Sequence[tuple[int, Box]]


class GraphItem(QGraphicsItem):
    """All boxes and arrows of one document under one snapshot."""

    def __init__(self, picture: Picture, snapshot: Snapshot, font: QFont, palette: QPalette) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._picture = picture
        self._channels: Sequence[int] = snapshot.channels
        self._cells = Cells(picture)
        self._labels = Labels(font)
        self._colours: Colours = colours(palette)
        self._lock: QPixmap = icons.pixmap("lock", self._colours.muted, 56, 1.0)

    def set_snapshot(self, snapshot: Snapshot, layers: frozenset[int]) -> None:
        """Redraw the boxes whose channels changed, and nothing else."""
        self._channels = snapshot.channels
        boxes = {self._picture.box_of[layer] for layer in layers}
        self._cells.forget_shares(boxes)
        self._labels.forget(boxes)
        if len(boxes) > _FEW:
            self.update()
            return
        for number in boxes:
            self.update(self._picture.boxes[number].rect)

    def boundingRect(self) -> QRectF:
        """See Qt."""
        return self._picture.bounds

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw what lies in the exposed part, as finely as the scale deserves."""
        del widget
        scale = option.levelOfDetailFromTransform(painter.worldTransform())
        exposed: QRectF = option.exposedRect
        cells = self._cells.within(exposed)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, scale >= FAR)
        borders = [border for border in self._picture.borders if border.rect.intersects(exposed)]
        self._paint_borders(painter, borders)
        if scale < FAR:
            self._paint_far(painter, cells)
            return
        self._paint_arrows(painter, cells)
        self._paint_boxes(painter, cells)
        shown = [pair for cell in cells for pair in cell.boxes if pair[1].rect.intersects(exposed)]
        if scale >= NAMED:
            self._paint_names(painter, shown)
            self._paint_counts(painter, shown)
            self._paint_locks(painter, shown)
        if scale >= NEAR:
            self._paint_kinds(painter, shown)

    def warm(self) -> Iterator[None]:
        """Prepare what is seen from near, a cell at a time."""
        for cell in self._cells.parts:
            cell.warm(self._share)
            for number, box in cell.boxes:
                self._labels.name(number, box)
                self._labels.line(number, box, box.now(self._channels))
            yield

    def _paint_far(self, painter: QPainter, cells: Sequence[Cell]) -> None:
        """Thin lines; per colour the boxes pale, the share that stays solid."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self._colours.edge), 0))
        for cell in cells:
            painter.drawPath(cell.lines)
        painter.setPen(Qt.PenStyle.NoPen)
        for name, rects in merged(cell.whole for cell in cells).items():
            painter.setBrush(mixed(name, self._colours.raised, 0.28))
            painter.drawRects(rects)
        for name, rects in merged(cell.kept(self._share) for cell in cells).items():
            painter.setBrush(QColor(name))
            painter.drawRects(rects)

    def _paint_borders(self, painter: QPainter, borders: Sequence[Border]) -> None:
        """Frames of open modules."""
        painter.setPen(QPen(QColor(self._colours.border), 1))
        for border in borders:
            painter.setBrush(ground(self._colours, border.depth))
            painter.drawRoundedRect(border.rect, RADIUS, RADIUS)

    def _paint_arrows(self, painter: QPainter, cells: Sequence[Cell]) -> None:
        colour = QColor(self._colours.edge)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, 1.4))
        for cell in cells:
            painter.drawPath(cell.curves)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for cell in cells:
            painter.drawPath(cell.heads)

    def _paint_boxes(self, painter: QPainter, cells: Sequence[Cell]) -> None:
        painter.setPen(QPen(QColor(self._colours.border), 1))
        painter.setBrush(QColor(self._colours.faint))
        for cell in cells:
            painter.drawPath(cell.stacks)
        painter.setBrush(QColor(self._colours.raised))
        for cell in cells:
            painter.drawPath(cell.outlines)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._colours.border))
        for cell in cells:
            painter.drawRects(cell.tracks)
        marks = [table for cell in cells for table in (cell.stripes, cell.bars(self._share))]
        for name, rects in merged(marks).items():
            painter.setBrush(QColor(name))
            painter.drawRects(rects)

    def _paint_names(self, painter: QPainter, shown: Numbered) -> None:
        painter.setFont(self._labels.fonts[0])
        painter.setPen(QColor(self._colours.text))
        for number, box in shown:
            place = QPointF(box.rect.left() + PAD, box.rect.top() + 3)
            painter.drawStaticText(place, self._labels.name(number, box))

    def _paint_kinds(self, painter: QPainter, shown: Numbered) -> None:
        painter.setFont(self._labels.fonts[1])
        painter.setPen(QColor(self._colours.muted))
        for number, box in shown:
            kind, _, _ = self._labels.line(number, box, box.now(self._channels))
            painter.drawStaticText(QPointF(box.rect.left() + PAD, box.rect.top() + 21), kind)

    def _paint_counts(self, painter: QPainter, shown: Numbered) -> None:
        painter.setFont(self._labels.fonts[2])
        for changed, name in ((False, self._colours.muted), (True, self._colours.text)):
            painter.setPen(QColor(name))
            for number, box in shown:
                now = box.now(self._channels)
                if box.before and (now != box.before) == changed:
                    _, count, width = self._labels.line(number, box, now)
                    right, down = (PAD + LOCK, 5) if box.locked else (PAD, 21)
                    place = QPointF(box.rect.right() - right - width, box.rect.top() + down)
                    painter.drawStaticText(place, count)

    def _paint_locks(self, painter: QPainter, shown: Numbered) -> None:
        source = QRectF(self._lock.rect())
        for _, box in shown:
            if box.locked:
                place = QRectF(box.rect.right() - PAD - 14, box.rect.top() + 4, 14, 14)
                painter.drawPixmap(place, self._lock, source)

    def _share(self, box: Box) -> float:
        return box.share(self._channels)
