"""Draws the whole graph in one item: thousands of boxes cost one paint call, with three levels of detail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPalette, QPen, QPixmap, QStaticText
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from slimgui.gui import icons
from slimgui.gui.snapshot import Snapshot
from slimgui.gui.theme import Colours, colours, mixed
from slimgui.gui.views.scene import Box, Picture

FAR: Final = 0.3  # below this scale only colours can be told apart
NEAR: Final = 0.44  # above this one text can be read
PAD: Final = 13.0
RADIUS: Final = 7.0


class GraphItem(QGraphicsItem):
    """All boxes and arrows of one document under one snapshot."""

    def __init__(self, picture: Picture, snapshot: Snapshot, font: QFont, palette: QPalette) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._picture = picture
        self._channels: Sequence[int] = snapshot.channels
        self._far = _FarBoxes(picture, self._share)
        self._lines = [line for arrow in picture.arrows for line in arrow.lines]
        self._fonts = (_pixels(font, 12, bold=True), _pixels(font, 10), _pixels(font, 11, bold=True))
        metrics = [QFontMetricsF(item) for item in self._fonts]
        self._heights = [metric.height() for metric in metrics]
        width = picture.boxes[0].rect.width() - 2 * PAD if picture.boxes else 0
        self._names = [self._fit(box, metrics[0], width - (18 if box.locked else 0)) for box in picture.boxes]
        self._small, self._bold = metrics[1], metrics[2]
        lines = [self._second_line(number) for number in range(len(picture.boxes))]
        self._kinds = [kind for kind, _ in lines]
        self._counts = [count for _, count in lines]
        self.set_palette(palette)

    def set_palette(self, palette: QPalette) -> None:
        """Draw in the colours of `palette`."""
        self._colours: Colours = colours(palette)
        self._lock: QPixmap = icons.pixmap("lock", self._colours.muted, 56, 1.0)
        self.update()

    def set_snapshot(self, snapshot: Snapshot, layers: frozenset[int]) -> None:
        """Redraw the boxes whose channels changed, and nothing else."""
        self._channels = snapshot.channels
        for number in layers:
            self._far.set_share(number, self._share(number))
            self._kinds[number], self._counts[number] = self._second_line(number)
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
        self._paint_arrows(painter, exposed, scale)
        if scale < FAR:
            self._paint_far(painter)
        else:
            boxes = enumerate(self._picture.boxes)
            shown = [number for number, box in boxes if box.rect.intersects(exposed)]
            self._paint_boxes(painter, shown)
            self._paint_names(painter, shown, detailed=scale >= NEAR)

    def _fit(self, box: Box, metrics: QFontMetricsF, width: float) -> QStaticText:
        name = box.layer.name or box.layer.kind
        return QStaticText(metrics.elidedText(name, Qt.TextElideMode.ElideLeft, width))

    def _second_line(self, number: int) -> tuple[QStaticText, QStaticText]:
        """Kind and channels; as much of the kind as there is room for, in whole words."""
        box, now = self._picture.boxes[number], self._channels[number]
        count = str(now) if now == box.before else f"{box.before} → {now}"
        count = count if box.before else ""
        room = box.rect.width() - 2 * PAD - self._bold.horizontalAdvance(count) - 6
        parts = box.layer.kind.split(" · ")
        while len(parts) > 1 and self._small.horizontalAdvance(" · ".join(parts)) > room:
            parts.pop()
        kind = self._small.elidedText(" · ".join(parts), Qt.TextElideMode.ElideRight, room)
        return QStaticText(kind), QStaticText(count)

    def _paint_arrows(self, painter: QPainter, exposed: QRectF, scale: float) -> None:
        pen = QPen(QColor(self._colours.edge), 1.4)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if scale < FAR:
            pen.setWidth(0)
            painter.setPen(pen)
            painter.drawLines(self._lines)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen)
        shown = [arrow for arrow in self._picture.arrows if arrow.bounds.intersects(exposed)]
        for arrow in shown:
            painter.drawPath(arrow.path)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(pen.color())
        for arrow in shown:
            painter.drawPolygon(arrow.head)

    def _paint_far(self, painter: QPainter) -> None:
        """Two calls per colour: the box pale, the share that stays solid."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        for name, whole, kept in self._far.by_colour():
            painter.setBrush(mixed(name, self._colours.raised, 0.28))
            painter.drawRects(whole)
            painter.setBrush(QColor(name))
            painter.drawRects(kept)

    def _paint_boxes(self, painter: QPainter, shown: Sequence[int]) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._colours.border), 1))
        painter.setBrush(QColor(self._colours.raised))
        for number in shown:
            painter.drawRoundedRect(self._picture.boxes[number].rect, RADIUS, RADIUS)
        painter.setPen(Qt.PenStyle.NoPen)
        for number in shown:
            box = self._picture.boxes[number]
            painter.setBrush(box.colour)
            painter.drawRoundedRect(
                QRectF(box.rect.left() + 5, box.rect.top() + 9, 3.5, box.rect.height() - 18), 1.7, 1.7
            )
            if box.before:
                self._paint_bar(painter, box, self._share(number))

    def _paint_bar(self, painter: QPainter, box: Box, share: float) -> None:
        track = QRectF(box.rect.left() + PAD, box.rect.bottom() - 8.5, box.rect.width() - 2 * PAD, 4)
        painter.setBrush(QColor(self._colours.border))
        painter.drawRoundedRect(track, 2, 2)
        track.setWidth(max(4.0, track.width() * share))
        painter.setBrush(box.colour)
        painter.drawRoundedRect(track, 2, 2)

    def _paint_names(self, painter: QPainter, shown: Sequence[int], detailed: bool) -> None:
        text, muted = QColor(self._colours.text), QColor(self._colours.muted)
        painter.setFont(self._fonts[0])
        painter.setPen(text)
        for number in shown:
            corner = self._picture.boxes[number].rect.topLeft()
            painter.drawStaticText(QPointF(corner.x() + PAD, corner.y() + 4), self._names[number])
        if not detailed:
            return
        for number in shown:
            box = self._picture.boxes[number]
            left, right, top = box.rect.left() + PAD, box.rect.right() - PAD, box.rect.top() + 20
            painter.setFont(self._fonts[1])
            painter.setPen(muted)
            painter.drawStaticText(QPointF(left, top + 1), self._kinds[number])
            painter.setFont(self._fonts[2])
            painter.setPen(text if self._channels[number] != box.before else muted)
            self._counts[number].prepare(painter.worldTransform(), self._fonts[2])
            width = self._counts[number].size().width()
            painter.drawStaticText(QPointF(right - width, top), self._counts[number])
            if box.locked:
                painter.drawPixmap(
                    QRectF(box.rect.right() - 26, box.rect.top() + 4, 14, 14),
                    self._lock,
                    QRectF(self._lock.rect()),
                )

    def _share(self, number: int) -> float:
        before = self._picture.boxes[number].before
        return self._channels[number] / before if before else 1.0


class _FarBoxes:
    """Rectangles of all boxes by colour, for a picture from far away; one box is changed at a time."""

    def __init__(self, picture: Picture, share: Callable[[int], float]) -> None:
        self._whole: dict[str, list[QRectF]] = {}
        self._kept: dict[str, list[QRectF]] = {}
        self._places: list[tuple[str, int]] = []
        for number, box in enumerate(picture.boxes):
            name = box.colour.name()
            whole, kept = self._whole.setdefault(name, []), self._kept.setdefault(name, [])
            self._places.append((name, len(whole)))
            whole.append(box.rect)
            kept.append(_part(box.rect, share(number)))

    def set_share(self, number: int, share: float) -> None:
        """Let a box show that `share` of its channels stays."""
        name, place = self._places[number]
        self._kept[name][place] = _part(self._whole[name][place], share)

    def by_colour(self) -> Iterator[tuple[str, list[QRectF], list[QRectF]]]:
        """Colour, boxes, and the parts of them that stay."""
        return ((name, whole, self._kept[name]) for name, whole in self._whole.items())


def _part(rect: QRectF, share: float) -> QRectF:
    return QRectF(rect.left(), rect.top(), rect.width() * share, rect.height())


class LitItem(QGraphicsItem):
    """Lies over the graph and lights a few boxes and the arrows between them."""

    def __init__(self, picture: Picture, width: float) -> None:
        super().__init__()
        self._picture, self._width = picture, width
        self._boxes: frozenset[int] = frozenset()
        self._colour = QColor()
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def light(self, boxes: frozenset[int], colour: QColor) -> None:
        """Light these boxes; none clears."""
        if boxes != self._boxes or colour != self._colour:
            self._boxes, self._colour = boxes, colour
            self.update()

    def boundingRect(self) -> QRectF:
        """See Qt."""
        return self._picture.bounds

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Outlines that stay visible from far away."""
        del option, widget
        if not self._boxes:
            return
        scale = max(painter.worldTransform().m11(), 0.05)
        halo = QColor(self._colour)
        halo.setAlpha(60)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._colour, max(self._width, self._width / scale * 0.8)))
        for arrow in self._picture.arrows:
            if arrow.source in self._boxes and arrow.target in self._boxes:
                painter.drawPath(arrow.path)
        for pen in (
            QPen(halo, max(9.0, 6 / scale)),
            QPen(self._colour, max(self._width, self._width / scale)),
        ):
            painter.setPen(pen)
            for number in self._boxes:
                painter.drawRoundedRect(self._picture.boxes[number].rect, RADIUS, RADIUS)


def _pixels(font: QFont, size: int, bold: bool = False) -> QFont:
    copy = QFont(font)
    copy.setPixelSize(size)
    copy.setBold(bold)
    return copy
