"""The graph view: what is drawn, and that no more is drawn than has changed."""

import pytest
from demo import demo
from fakes import FakeTransport
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QSignalSpy
from pytestqt.qtbot import QtBot

from slimgui.gui.main_window import MainWindow
from slimgui.gui.views.graph_item import FAR, NEAR


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.open_source("/models/demo.pt")
    transport.open(demo(blocks=6))
    return window


def drawn(window: MainWindow, scale: float, parts: int) -> QImage:
    """The whole graph at `scale`, painted in `parts` strips."""
    scene = window.graph.scene()
    area = scene.sceneRect().toAlignedRect()
    size = (area.size() * scale).grownBy(window.graph.contentsMargins())
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
    loaded.grab()
    spy = QSignalSpy(loaded.graph.scene().changed)

    loaded.session.set_count("stages.1.0.conv1", 7)

    qtbot.waitUntil(lambda: spy.count() > 0)
    item = loaded.graph.picture
    assert item is not None
    changed = [box.rect for box in item.boxes if box.group == "stages.1.0.conv1"]
    areas = [area for number in range(spy.count()) for area in spy.at(number)[0]]
    assert len(changed) == 2  # the convolution and its norm
    for area in areas:
        assert any(rect.adjusted(-2, -2, 2, 2).contains(area) for rect in changed)


def test_what_is_prepared_in_idle_time_ends(loaded: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not loaded.graph.is_warming)
