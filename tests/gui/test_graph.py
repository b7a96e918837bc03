"""The graph view: what is drawn, and that no more is drawn than has changed."""

import pytest
from demo import demo
from fakes import FakeTransport
from PySide6.QtCore import QEvent, QObject, QRect, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from slimgui.gui.main_window import MainWindow
from slimgui.gui.views.graph_item import FAR, NEAR
from slimgui.gui.views.scene import united


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo(blocks=6))
    return window


class Painted(QObject):
    """Remembers which parts of a widget are painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.areas: list[QRect] = []
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.areas += list(event.region())
        return False


def drawn(window: MainWindow, scale: float, parts: int) -> QImage:
    """The whole graph at `scale`, painted in `parts` strips."""
    scene = window.graph.scene()
    area = scene.sceneRect().toAlignedRect()
    size = area.size() * scale
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    height = area.height() / parts
    for part in range(parts):
        strip = QRectF(area.x(), area.y() + part * height, area.width(), height)
        target = QRectF(0, part * height * scale, strip.width() * scale, height * scale)
        painter.setClipRect(target)
        scene.render(painter, target, strip, Qt.AspectRatioMode.IgnoreAspectRatio)
    painter.end()
    return image


@pytest.mark.parametrize("scale", [FAR / 2, (FAR + NEAR) / 2, 1.0], ids=["far", "middle", "near"])
def test_parts_make_the_same_picture_as_the_whole(loaded: MainWindow, scale: float) -> None:
    loaded.session.set_ratio(0.3)

    whole, parts = drawn(loaded, scale, 1), drawn(loaded, scale, 4)

    assert whole.size() == parts.size()
    differ = sum(
        whole.pixel(x, y) != parts.pixel(x, y)
        for x in range(0, whole.width(), 3)
        for y in range(0, whole.height(), 3)
    )
    assert differ <= whole.width() * whole.height() / 9 / 200  # where strips meet within a pixel


def test_an_edit_repaints_the_boxes_whose_channels_changed_and_no_others(
    loaded: MainWindow, qtbot: QtBot
) -> None:
    loaded.graph.fit()
    QTest.qWait(20)
    painted = Painted(loaded.graph.viewport())

    loaded.session.set_count("stages.1.0.conv1", 7)

    qtbot.waitUntil(lambda: bool(painted.areas))
    picture = loaded.graph.picture
    assert picture is not None
    changed = [box.rect for box in picture.boxes if box.group == "stages.1.0.conv1"]
    assert len(changed) == 2  # the convolution and its norm
    pixels = 2 / loaded.graph.transform().m11()  # areas are whole pixels
    around = united(changed).adjusted(-6, -6, 6, 6).adjusted(-pixels, -pixels, pixels, pixels)
    for area in painted.areas:
        assert around.contains(loaded.graph.mapToScene(area).boundingRect())


def test_what_is_prepared_in_idle_time_ends(loaded: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not loaded.graph.is_warming)
