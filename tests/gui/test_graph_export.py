"""Files of the graph: pictures of what is open, data of all of it."""

import json
from pathlib import Path

import pytest
from demo import demo
from fakes import FakeDialogs, FakeTransport
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage

from slimgui.gui.main_window import MainWindow
from slimgui.gui.views.pictures import MOST_PIXELS, PNG_SCALE, png_scale


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
    window.session.set_ratio(0.5)
    return window


def export(window: MainWindow, dialogs: FakeDialogs, path: Path) -> bytes:
    dialogs.path = str(path)
    window.menus.actions["export_graph"].trigger()
    return path.read_bytes()


def test_a_png_has_two_pixels_per_unit(loaded: MainWindow, dialogs: FakeDialogs, tmp_path: Path) -> None:
    export(loaded, dialogs, tmp_path / "graph.png")

    image, bounds = QImage(str(tmp_path / "graph.png")), loaded.panels.graph.bounds
    assert abs(image.width() - 2 * bounds.width()) <= 1
    assert abs(image.height() - 2 * bounds.height()) <= 1
    colours = {image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)}
    assert len(colours) > 20  # canvas, frames, boxes, bars of several groups, letters
    assert loaded.card.what.text() == "Wrote graph.png."


def test_an_svg_and_a_pdf_hold_the_names_of_the_boxes(
    loaded: MainWindow, dialogs: FakeDialogs, tmp_path: Path
) -> None:
    svg = export(loaded, dialogs, tmp_path / "graph.svg").decode()

    assert "classifier" in svg
    assert "32 → 16" in svg
    assert svg.count("<text") >= 2 * len(loaded.panels.graph.picture.boxes)  # name and count
    assert export(loaded, dialogs, tmp_path / "graph.pdf").startswith(b"%PDF")


def test_selection_and_search_are_not_part_of_a_picture(
    loaded: MainWindow, dialogs: FakeDialogs, tmp_path: Path
) -> None:
    plain = export(loaded, dialogs, tmp_path / "plain.png")
    loaded.session.select("stem.conv")
    loaded.panels.groups.search.setText("conv1")

    assert export(loaded, dialogs, tmp_path / "lit.png") == plain


def test_data_hold_every_layer_whatever_is_open(
    loaded: MainWindow, dialogs: FakeDialogs, tmp_path: Path
) -> None:
    found = json.loads(export(loaded, dialogs, tmp_path / "graph.json"))

    assert [row["name"] for row in found["layers"]] == [layer.name for layer in demo().graph.layers]
    assert {row["id"]: row["kept"] for row in found["groups"]}["stem.conv"] == 16
    assert export(loaded, dialogs, tmp_path / "graph.dot").startswith(b'digraph "demo.pt"')


def test_what_cannot_be_written_is_told(loaded: MainWindow, dialogs: FakeDialogs, tmp_path: Path) -> None:
    for name in ("graph.png", "graph.json"):
        dialogs.path = str(tmp_path / "nowhere" / name)
        loaded.menus.actions["export_graph"].trigger()

        assert "not saved" in loaded.card.what.text()


def test_a_png_of_a_huge_graph_is_drawn_smaller() -> None:
    huge = QRectF(0, 0, 40_000, 30_000)

    assert huge.width() * huge.height() * png_scale(huge) ** 2 == pytest.approx(MOST_PIXELS)
    assert png_scale(QRectF(0, 0, 800, 600)) == PNG_SCALE
