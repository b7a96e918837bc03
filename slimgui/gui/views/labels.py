"""What is written in the boxes, laid out when it is first drawn: a large picture is mostly never read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QStaticText

from slimgui.gui.views.cells import PAD
from slimgui.gui.views.scene import Border, Box

NAMED: Final = 0.4  # above this scale names can be read
LOCK: Final = 18.0  # room of the lock beside the name
_GAP: Final = 6.0


class Labels:
    """Names, kinds and counts of boxes.

    Attributes:
        fonts: of names, kinds and counts.
    """

    def __init__(self, font: QFont) -> None:
        self.fonts = (_pixels(font, 13, bold=True), _pixels(font, 11), _pixels(font, 11, bold=True))
        self._metrics = [QFontMetricsF(item) for item in self.fonts]
        self._names: dict[int, QStaticText] = {}
        self._lines: dict[int, tuple[QStaticText, QStaticText, float]] = {}

    def name(self, number: int, box: Box) -> QStaticText:
        """What box `number` is called, as much as there is room for; its end says most."""
        if number not in self._names:
            beside = LOCK + self._width(str(box.before)) + _GAP if box.locked else 0
            room = box.rect.width() - 2 * PAD - beside
            elided = self._metrics[0].elidedText(box.title or box.kind, Qt.TextElideMode.ElideLeft, room)
            self._names[number] = _plain(elided)
        return self._names[number]

    def line(self, number: int, box: Box, now: int) -> tuple[QStaticText, QStaticText, float]:
        """Kind (or why it is locked), channels before and after, and the width of the latter.

        A lock and its count stand beside the name, so that the reason has a line of its own.
        """
        if number not in self._lines:
            count = str(now) if now == box.before else f"{box.before} → {now}"
            count = count if box.before else ""
            width = self._width(count)
            room = box.rect.width() - 2 * PAD - (0 if box.locked else width + _GAP)
            kind = self._kind(_reason(box) or box.kind, room)
            self._lines[number] = _plain(kind), _plain(count), width
        return self._lines[number]

    def forget(self, numbers: Iterable[int]) -> None:
        """These boxes have other channels now."""
        for number in numbers:
            self._lines.pop(number, None)

    def _width(self, count: str) -> float:
        return self._metrics[2].horizontalAdvance(count)

    def _kind(self, kind: str, room: float) -> str:
        """As much of `kind` as there is room for, in whole words."""
        parts = kind.split(" · ")
        while len(parts) > 1 and self._metrics[1].horizontalAdvance(" · ".join(parts)) > room:
            parts.pop()
        return self._metrics[1].elidedText(" · ".join(parts), Qt.TextElideMode.ElideRight, room)


class Titles:
    """What open modules are called; `font`: of it."""

    def __init__(self, font: QFont) -> None:
        self.font = _pixels(font, 11, bold=True)
        self._metrics = QFontMetricsF(self.font)
        self._known: dict[str, QStaticText] = {}

    def title(self, border: Border) -> QStaticText:
        """As much of name and kind as there is room for."""
        if border.path not in self._known:
            words = " · ".join(filter(None, (border.title, border.kind)))
            room = border.rect.width() - 2 * PAD
            elided = self._metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
            self._known[border.path] = _plain(elided)
        return self._known[border.path]

    def corner(self, border: Border) -> QPointF:
        """Where it begins."""
        return QPointF(border.rect.left() + PAD, border.rect.top() + 5)


def _reason(box: Box) -> str:
    """Why a box is locked, which says more than what it is: without its path, and as short as can be."""
    words = box.locked.partition(" (")[0].removeprefix("It is ").rstrip(".")
    return words[:1].upper() + words[1:]


def _plain(text: str) -> QStaticText:
    static = QStaticText(text)
    static.setTextFormat(Qt.TextFormat.PlainText)
    return static


def _pixels(font: QFont, size: int, bold: bool = False) -> QFont:
    copy = QFont(font)
    copy.setPixelSize(size)
    copy.setBold(bold)
    return copy
