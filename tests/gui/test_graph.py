"""The graph view: what is drawn, and that no more is drawn than has changed."""

from dataclasses import replace

import msgspec
import pytest
from demo import demo
from fakes import FakeTransport
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, QRectF, Qt, QUrl
from PySide6.QtGui import QImage, QPainter, QPainterPathStroker, QPaintEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from slimgui.core import wire
from slimgui.core.graph import LayerGraph
from slimgui.core.hierarchy import first_opened
from slimgui.core.plan import Plan
from slimgui.core.view import View
from slimgui.engine.arrange import arrange
from slimgui.gui.facts.snapshot import Resolver
from slimgui.gui.main_window import MainWindow
from slimgui.gui.theme import colours
from slimgui.gui.views.arrows import smooth
from slimgui.gui.views.graph_item import FAR, NEAR
from slimgui.gui.views.graph_view import AT_ONCE
from slimgui.gui.views.labels import Labels
from slimgui.gui.views.minimap import REST_MS
from slimgui.gui.views.scene import united
from slimgui.gui.views.title_item import TitleItem


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
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
    scene = window.panels.graph.scene()
    area = window.panels.graph.bounds.toAlignedRect()
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


def differing(one: QImage, other: QImage) -> float:
    """The share of pixels, of every ninth, in which two pictures differ."""
    assert one.size() == other.size()
    spots = [(x, y) for x in range(0, one.width(), 3) for y in range(0, one.height(), 3)]
    return sum(one.pixel(*spot) != other.pixel(*spot) for spot in spots) / len(spots)


@pytest.mark.parametrize("scale", [FAR / 2, (FAR + NEAR) / 2, 1.0], ids=["far", "middle", "near"])
def test_parts_make_the_same_picture_as_the_whole(loaded: MainWindow, scale: float) -> None:
    loaded.session.set_ratio(0.3)

    differ = differing(drawn(loaded, scale, 1), drawn(loaded, scale, 4))

    assert differ <= 1 / 200  # where strips meet within a pixel


def test_an_edit_repaints_the_boxes_whose_channels_changed_and_no_others(
    loaded: MainWindow, qtbot: QtBot
) -> None:
    loaded.panels.graph.fit()
    QTest.qWait(20)
    painted = Painted(loaded.panels.graph.viewport())

    loaded.session.set_count("stages.1.0.conv1", 7)

    qtbot.waitUntil(lambda: bool(painted.areas))
    picture = loaded.panels.graph.picture
    assert picture is not None
    changed = [box.rect for box in picture.boxes if box.group == "stages.1.0.conv1"]
    assert len(changed) == 2  # the convolution and its norm
    pixels = 2 / loaded.panels.graph.transform().m11()  # areas are whole pixels
    around = united(changed).adjusted(-6, -6, 6, 6).adjusted(-pixels, -pixels, pixels, pixels)
    for area in painted.areas:
        assert around.contains(loaded.panels.graph.mapToScene(area).boundingRect())


def test_what_is_prepared_in_idle_time_ends(loaded: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not loaded.panels.graph.is_warming)


def draw(transport: FakeTransport) -> None:
    """What the engine does with a request for another picture."""
    request = transport.requests[-1]
    assert isinstance(request, wire.Arrange)
    transport.answer(wire.Arranged, view=arrange(request.names, request.edges, request.opened))


def names(window: MainWindow) -> set[str]:
    assert window.panels.graph.picture is not None
    return {box.name for box in window.panels.graph.picture.boxes}


def place(window: MainWindow, name: str) -> QPoint:
    assert window.panels.graph.picture is not None
    rect = next(box.rect for box in window.panels.graph.picture.boxes if box.name == name)
    return window.panels.graph.mapFromScene(rect.center())


def test_a_double_click_opens_and_closes_a_module_where_it_is(
    loaded: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    loaded.menus.actions["graph_close"].trigger()
    draw(transport)
    assert names(loaded) == {"input", "stem", "stages", "down", "pool", "classifier", "output"}
    corner = loaded.panels.graph.mapFromScene(
        next(b.rect for b in loaded.panels.graph.picture.boxes if b.name == "stages").topLeft()
    )

    qtbot.mouseDClick(loaded.panels.graph.viewport(), Qt.MouseButton.LeftButton, pos=place(loaded, "stages"))
    draw(transport)

    assert {"stages.0", "stages.1", "stages.2"} <= names(loaded)
    border = loaded.panels.graph.picture.borders[0]
    assert border.path == "stages"
    assert (loaded.panels.graph.mapFromScene(border.rect.topLeft()) - corner).manhattanLength() <= 2
    inside = loaded.panels.graph.mapFromScene(border.rect.topLeft() + QPointF(5, 5))
    qtbot.mouseDClick(loaded.panels.graph.viewport(), Qt.MouseButton.LeftButton, pos=inside)
    assert "stages" in names(loaded)  # this picture was drawn before


def test_a_closed_module_shows_what_it_puts_out_and_how_much_of_it_stays(
    loaded: MainWindow, transport: FakeTransport
) -> None:
    loaded.session.levels.show(frozenset({"stages", "stages.1"}))
    draw(transport)
    loaded.session.set_count("stages.1.0.conv1", 16)
    number, box = next(
        (n, b) for n, b in enumerate(loaded.panels.graph.picture.boxes) if b.name == "stages.1.0"
    )

    # conv1 and its norm keep 16 of 64 channels, conv2, its norm and the sum all 64: 224 of 320
    assert box.share(loaded.session.snapshot.channels) == 224 / 320
    assert loaded.panels.graph.describe(number).startswith(
        "stages.1.0 (Sequential · 5 layers)\n64 of 64 channels stay"
    )
    assert "70%" in loaded.panels.graph.describe(number)
    assert loaded.panels.graph.lit("stages.1.0.conv1").boxes == {number}


def test_a_picture_is_asked_for_again_when_the_engine_was_restarted(
    loaded: MainWindow, transport: FakeTransport
) -> None:
    loaded.menus.actions["graph_close"].trigger()
    lost = transport.requests[-1]

    transport.stop()

    assert transport.requests.count(lost) == 2
    draw(transport)
    assert "stages" in names(loaded)


def test_pictures_come_while_the_engine_is_busy_and_late_ones_are_not_shown(
    loaded: MainWindow, transport: FakeTransport
) -> None:
    loaded.session.set_ratio(0.5)
    loaded.session.files.save("/tmp/no-such-folder/small.pt")
    loaded.menus.actions["graph_close"].trigger()
    late = transport.requests[-1]
    loaded.session.levels.show(frozenset({"stages"}))
    draw(transport)
    transport.answered.emit(wire.Arranged(late.task, arrange(late.names, late.edges, late.opened)))

    assert "stages.0" in names(loaded)
    assert loaded.session.task is not None


def test_the_menu_of_a_box_says_what_opens_and_closes(loaded: MainWindow, transport: FakeTransport) -> None:
    loaded.session.levels.show(frozenset({"stages"}))
    draw(transport)

    menu = loaded.panels.graph.menu_at(place(loaded, "stages.2"))

    texts = [action.text() for action in menu.actions()]
    assert texts[:3] == ["&Open stages.2", "Open &All in It", "&Close stages"]
    assert "Set &Count of Group" in texts  # of the group that the box puts out, which is selected
    assert loaded.session.selected == "down.1.conv"
    menu.actions()[1].trigger()
    draw(transport)
    assert {"stages.2.0.conv1", "stages.2.1/add", "stages.1"} <= names(loaded)


def test_a_selected_group_lights_the_way_that_couples_it_and_dims_the_rest(
    loaded: MainWindow,
) -> None:
    boxes = loaded.panels.graph.picture.boxes
    number = next(n for n, box in enumerate(boxes) if box.name == "stages.0.0.norm1")
    loaded.panels.graph.fit()
    before = colour_at(loaded, boxes[number].rect.topLeft() + QPointF(90, 28))
    away = colour_at(loaded, boxes[0].rect.topLeft() + QPointF(90, 28))

    loaded.session.select("stages.0.0.conv1")

    # conv1 writes these channels, its norm passes them on, conv2 reads them
    lit = loaded.panels.graph.lit("stages.0.0.conv1")
    names_lit = [boxes[n].name for n in sorted(lit.boxes)]
    assert names_lit == [f"stages.0.0.{part}" for part in ("conv1", "norm1", "conv2")]
    arrows = {(a.source, a.target) for a in loaded.panels.graph.picture.arrows if set(a.pieces) <= lit.pieces}
    assert arrows == {(number - 1, number), (number, number + 1)}
    assert colour_at(loaded, boxes[number].rect.topLeft() + QPointF(90, 28)) == before
    assert colour_at(loaded, boxes[0].rect.topLeft() + QPointF(90, 28)) != away


@pytest.mark.parametrize("few", [2, 1000], ids=["many", "few"])
@pytest.mark.parametrize("scale", [FAR / 2, 1.0], ids=["far", "near"])
def test_search_hits_are_outlined_alike_in_parts_and_as_a_whole(
    loaded: MainWindow, scale: float, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slimgui.gui.views.lit_item._FEW", few)
    plain = drawn(loaded, scale, 1)

    loaded.panels.groups.search.setText("conv")  # more than 2 boxes, fewer than 1000

    whole = drawn(loaded, scale, 1)
    assert len(loaded.panels.finding.hits) > 2
    in_parts = differing(whole, drawn(loaded, scale, 4))
    assert in_parts <= 1 / 200  # where strips meet within a pixel
    assert differing(whole, plain) > 2 * max(in_parts, 1 / 200)


def colour_at(window: MainWindow, spot: QPointF) -> str:
    image = window.panels.graph.viewport().grab().toImage()
    return image.pixelColor(window.panels.graph.mapFromScene(spot)).name()


def test_a_locked_box_says_why_in_place_of_its_kind(loaded: MainWindow) -> None:
    number, box = next(
        (n, b) for n, b in enumerate(loaded.panels.graph.picture.boxes) if b.name == "classifier"
    )
    labels = Labels(loaded.font())

    kind, _, _ = labels.line(number, box, 10)

    assert kind.text().startswith("These channels are")


def press(window: MainWindow, *keys: Qt.Key) -> None:
    for key in keys:
        QTest.keyClick(window.panels.graph, key)


def name_here(window: MainWindow) -> str:
    assert window.panels.graph.here is not None
    return str(window.panels.graph.picture.boxes[window.panels.graph.here].name)


def test_keys_walk_along_the_arrows_and_select(loaded: MainWindow) -> None:
    press(loaded, Qt.Key.Key_Home, Qt.Key.Key_Down)
    assert name_here(loaded) == "stem.conv"
    press(loaded, Qt.Key.Key_Down, Qt.Key.Key_Down)
    assert name_here(loaded) == "stages.0.0.conv1"  # the sum of the block is further away
    press(loaded, Qt.Key.Key_Return)
    assert loaded.session.selected == "stages.0.0.conv1"
    press(loaded, Qt.Key.Key_Up)
    assert name_here(loaded) == "stem.norm"
    press(loaded, Qt.Key.Key_End)
    assert name_here(loaded) == "output"
    assert loaded.panels.graph.visible_area().contains(loaded.panels.graph.picture.boxes[-1].rect)


def test_space_opens_and_closes_and_the_place_is_kept(loaded: MainWindow, transport: FakeTransport) -> None:
    loaded.session.levels.show(frozenset({"stages"}))
    draw(transport)
    press(loaded, Qt.Key.Key_Home, *[Qt.Key.Key_Down] * 2)
    assert name_here(loaded) == "stages.0"

    press(loaded, Qt.Key.Key_Space)
    draw(transport)
    assert "stages.0.0" in names(loaded)
    assert name_here(loaded) == "stages.0.0"
    press(loaded, Qt.Key.Key_Plus)
    draw(transport)
    assert name_here(loaded) == "stages.0.0.conv1"
    press(loaded, Qt.Key.Key_Minus, Qt.Key.Key_Minus)
    assert name_here(loaded) == "stages.0"


def test_what_is_searched_for_is_outlined_and_f3_goes_from_one_to_the_next(
    loaded: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    loaded.menus.actions["graph_close"].trigger()
    draw(transport)
    loaded.panels.groups.search.setText("conv1 batchnorm")  # no layer is both
    assert loaded.panels.finding.hits == []
    loaded.panels.groups.search.setText("stages conv1 macs>0%")

    layers = loaded.session.document.graph.layers
    assert [layers[hit].name for hit in loaded.panels.finding.hits] == [
        f"stages.{stage}.{block}.conv1" for stage in range(3) for block in range(2)
    ]
    loaded.menus.actions["find_next"].trigger()
    draw(transport)
    assert name_here(loaded) == "stages.0.0.conv1"
    loaded.menus.actions["find_previous"].trigger()
    draw(transport)
    assert name_here(loaded) == "stages.2.1.conv1"
    assert loaded.panels.graph.visible_area().contains(
        loaded.panels.graph.picture.boxes[loaded.panels.graph.here].rect
    )


def test_the_overview_shows_where_one_is_and_moves_there(loaded: MainWindow, qtbot: QtBot) -> None:
    loaded.panels.graph.fit()
    overview = loaded.panels.graph.minimap
    qtbot.wait(2 * REST_MS)
    assert not overview.isVisible()  # everything is seen
    loaded.panels.graph.zoom(8)
    qtbot.waitUntil(overview.isVisible)

    corner = overview.rect().bottomRight() - QPoint(8, 8)
    qtbot.mouseClick(overview, Qt.MouseButton.LeftButton, pos=corner)

    assert loaded.panels.graph.visible_area().contains(
        loaded.panels.graph.picture.bounds.bottomRight() - QPointF(40, 40)
    )
    assert loaded.grab().size() == loaded.size() * loaded.devicePixelRatioF()


def covered(window: MainWindow) -> QRectF:
    """What lies below the overview."""
    graph = window.panels.graph
    return graph.mapToScene(graph.minimap.geometry()).boundingRect()


def test_the_overview_steps_aside_for_the_box_that_keys_move_from(loaded: MainWindow, qtbot: QtBot) -> None:
    graph = loaded.panels.graph
    graph.zoom(1.2 / graph.zoomed)
    qtbot.waitUntil(graph.minimap.isVisible)
    for number, box in enumerate(graph.picture.boxes[:4]):
        graph.go_to(number)
        graph.put(box.rect.center(), graph.minimap.geometry().center())
        assert covered(loaded).intersects(box.rect)
        qtbot.waitUntil(lambda rect=box.rect: not covered(loaded).intersects(rect))


def test_the_overview_stays_where_it_is_while_nothing_lies_below_it(loaded: MainWindow, qtbot: QtBot) -> None:
    graph = loaded.panels.graph
    graph.zoom(3 / graph.zoomed)
    qtbot.waitUntil(graph.minimap.isVisible)
    graph.put(graph.bounds.topLeft() - QPointF(500, 500), QPoint())  # far from every box
    qtbot.wait(2 * REST_MS)
    before = graph.minimap.pos()
    graph.put(graph.bounds.topLeft() - QPointF(400, 500), QPoint())
    qtbot.wait(2 * REST_MS)

    assert graph.minimap.pos() == before


def test_a_graph_that_is_narrow_has_no_overview(loaded: MainWindow, qtbot: QtBot) -> None:
    graph = loaded.panels.graph
    qtbot.waitUntil(graph.minimap.isVisible)
    loaded.resize(700, 500)
    qtbot.waitUntil(lambda: not graph.minimap.isVisible())
    QTest.qWait(REST_MS + 100)
    assert not graph.minimap.isVisible()


def test_the_overview_can_be_switched_off_for_good(loaded: MainWindow, qtbot: QtBot) -> None:
    graph, toggle = loaded.panels.graph, loaded.panels.graph.minimap.toggle
    graph.zoom(8)
    qtbot.waitUntil(graph.minimap.isVisible)
    toggle.trigger()
    assert not graph.minimap.isVisible()
    graph.zoom(1.1)
    qtbot.wait(2 * REST_MS)
    assert not graph.minimap.isVisible()
    assert not loaded.settings.overview
    loaded.menus.actions["reset_layout"].trigger()
    assert loaded.settings.overview
    qtbot.waitUntil(graph.minimap.isVisible)


def test_a_selection_can_be_zoomed_to(loaded: MainWindow) -> None:
    loaded.session.select("stages.1.0.conv1")
    loaded.menus.actions["zoom_selection"].trigger()

    boxes = [
        loaded.panels.graph.picture.boxes[number].rect
        for number in loaded.panels.graph.lit("stages.1.0.conv1").boxes
    ]
    assert loaded.panels.graph.visible_area().contains(united(boxes))
    assert loaded.panels.graph.zoomed == 1  # three boxes would fit at more than their size


def with_ops(document: wire.Document) -> tuple[LayerGraph, View]:
    """Every layer followed by a view of what it puts out."""
    layers, edges = [], []
    for number, layer in enumerate(document.graph.layers):
        layers += [layer, replace(layer, name=f"{layer.name}/view", kind="view")]
        edges += [(2 * number, 2 * number + 1)]
    edges += [(2 * source + 1, 2 * target) for source, target in document.graph.edges]
    found = [layer.name for layer in layers]
    return LayerGraph(tuple(layers), tuple(edges)), arrange(found, edges, first_opened(found))


def test_single_ops_are_asked_for_once_and_leave_plan_and_selection_as_they_are(
    loaded: MainWindow, transport: FakeTransport
) -> None:
    loaded.session.select("stages.1.0.conv1")
    loaded.session.set_count("stages.1.0.conv1", 16)
    cost = loaded.session.snapshot.cost
    ops = loaded.menus.actions["graph_ops"]

    ops.trigger()
    graph, view = with_ops(loaded.session.document)
    transport.answer(wire.Detailed, graph=graph, view=view)

    assert ops.isChecked()
    assert (
        len(loaded.panels.graph.picture.box_of) == len(graph.layers) == len(loaded.session.snapshot.channels)
    )
    assert loaded.session.snapshot.cost == cost
    assert loaded.panels.graph.lit("stages.1.0.conv1").boxes
    loaded.session.undo_stack.undo()
    assert loaded.session.snapshot.counts["stages.1.0.conv1"] == 64
    ops.trigger()
    assert not ops.isChecked()
    assert len(loaded.session.document.graph.layers) == len(graph.layers) / 2
    asked = len(transport.requests)
    ops.trigger()
    assert ops.isChecked()
    assert len(transport.requests) == asked


def test_a_fresh_graph_can_be_read_and_begins_at_the_input(loaded: MainWindow, qtbot: QtBot) -> None:
    graph = loaded.panels.graph
    graph.resize(300, 200)  # far too small for all of it
    graph.first_fit()

    names, kinds, counts = Labels(loaded.font()).fonts
    assert names.pixelSize() * graph.zoomed >= 10
    assert min(kinds.pixelSize(), counts.pixelSize()) * graph.zoomed >= 9
    assert graph.visible_area().contains(graph.picture.boxes[0].rect)
    graph.fit()
    assert graph.visible_area().contains(graph.picture.bounds)


def test_a_layer_that_is_named_in_the_details_is_shown_in_the_graph(loaded: MainWindow) -> None:
    loaded.session.select("stages.1.0.conv1")
    row = loaded.session.row("stages.1.0.conv1")
    layers = [layer.name for layer in loaded.session.document.graph.layers]
    number = next(number for number, layer in enumerate(row.layers) if layer in layers)

    loaded.panels.inspector.anchorClicked.emit(QUrl(f"#{number}"))

    assert loaded.panels.graph.here == loaded.panels.graph.picture.box_of[layers.index(row.layers[number])]


def test_long_lists_of_layers_are_folded_until_somebody_asks(loaded: MainWindow) -> None:
    row = loaded.session.document.groups[0]
    many = msgspec.structs.replace(row, layers=tuple(f"layer{number}" for number in range(20)))
    loaded.panels.inspector.show_group(many, loaded.session.snapshot, (), ())
    assert "layer7, 12 more" in loaded.panels.inspector.toPlainText()

    loaded.panels.inspector.anchorClicked.emit(QUrl("#more"))
    assert "layer19" in loaded.panels.inspector.toPlainText()


def test_no_lit_line_crosses_the_title_of_a_frame(window: MainWindow, transport: FakeTransport) -> None:
    document = demo()
    kinds = tuple((frame.path, "Sequential " * 9) for frame in document.view.frames)  # as wide as the frame
    window.document_actions.open_source("/models/demo.pt")
    transport.open(msgspec.structs.replace(document, graph=replace(document.graph, modules=kinds)))
    graph = window.panels.graph
    [titles] = [item for item in graph.scene().items() if isinstance(item, TitleItem)]
    table = colours(graph.palette())
    crossed = 0
    for row in window.session.document.groups:
        lines = QPainterPathStroker().createStroke(
            smooth(graph.picture.pieces[number] for number in graph.lit(row.id).pieces)
        )
        places = [
            place for border in graph.picture.borders if lines.intersects(place := titles.place(border))
        ]
        window.session.select(row.id)
        for place in places:
            inner = QRectF(place.toAlignedRect().adjusted(1, 1, -1, -1))  # whole pixels
            image = QImage(inner.size().toSize(), QImage.Format.Format_RGB32)
            painter = QPainter(image)
            graph.scene().render(painter, QRectF(image.rect()), inner)
            painter.end()
            shown = {
                image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())
            }
            assert table.accent not in shown
            crossed += 1
    assert crossed  # else nothing was tried


def test_many_boxes_are_made_in_turns_and_another_model_takes_their_place(
    window: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo(blocks=30))  # 13 layers each, but the last one
    graph, layers = window.panels.graph, len(window.session.document.graph.layers)
    before = graph.picture
    assert layers > AT_ONCE
    window.menus.actions["graph_layers"].trigger()
    draw(transport)
    assert graph.picture is before
    window.session.set_count("stem.conv", 8)  # meanwhile
    qtbot.waitUntil(lambda: len(graph.picture.boxes) == layers)
    [stem] = [number for number, box in enumerate(graph.picture.boxes) if box.name == "stem.conv"]
    assert "8 of 32 channels stay" in graph.describe(stem)

    window.menus.actions["graph_close"].trigger()
    draw(transport)
    window.menus.actions["graph_layers"].trigger()  # that picture is known
    graph.set_document(demo(), Resolver(demo()).snapshot(Plan()))
    qtbot.waitUntil(lambda: not graph.is_warming)
    assert len(graph.picture.box_of) == len(demo().graph.layers)
