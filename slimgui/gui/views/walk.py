"""From box to box by key: along the arrows, to the neighbours in a row, to both ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QPointF, Qt

from slimgui.gui.views.scene import Picture

Step = Callable[[Picture, int], int | None]


def below(picture: Picture, box: int) -> int | None:
    """The nearest of the boxes that read this one."""
    return _nearest(picture, box, (arrow.target for arrow in picture.arrows if arrow.source == box))


def above(picture: Picture, box: int) -> int | None:
    """The nearest of the boxes that this one reads."""
    return _nearest(picture, box, (arrow.source for arrow in picture.arrows if arrow.target == box))


def beside(picture: Picture, box: int, direction: int) -> int | None:
    """The next box to the right (1) or to the left (-1) at about the same height."""
    here = picture.boxes[box].rect
    others = (
        number
        for number, other in enumerate(picture.boxes)
        if direction * (other.rect.center().x() - here.center().x()) > 0
        and abs(other.rect.center().y() - here.center().y()) < 2 * here.height()
    )
    return _nearest(picture, box, others)


STEPS: dict[int, Step] = {
    Qt.Key.Key_Down: below,
    Qt.Key.Key_Up: above,
    Qt.Key.Key_Left: lambda picture, box: beside(picture, box, -1),
    Qt.Key.Key_Right: lambda picture, box: beside(picture, box, 1),
    Qt.Key.Key_Home: lambda picture, box: 0,  # noqa: ARG005 - wherever one is
    Qt.Key.Key_End: lambda picture, box: len(picture.boxes) - 1,  # noqa: ARG005
}


def _nearest(picture: Picture, box: int, others: Iterable[int]) -> int | None:
    here = picture.boxes[box].rect.center()

    def distance(other: int) -> float:
        away = picture.boxes[other].rect.center() - here
        return QPointF.dotProduct(away, away)

    return min(others, key=distance, default=None)
