"""Where the user was in the graph of a model is shown again when that model is opened again."""

import pytest
from demo import demo
from fakes import FakeTransport
from PySide6.QtCore import QPoint, QPointF
from pytestqt.qtbot import QtBot

from slimgui.core import wire
from slimgui.engine.arrange import arrange
from slimgui.gui.main_window import MainWindow
from slimgui.gui.settings import MOST_PLACES, Settings

ARRANGED = 60  # milliseconds: the window puts its panels where they belong


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport, qtbot: QtBot) -> MainWindow:
    show(window, transport, qtbot)
    return window


def show(window: MainWindow, transport: FakeTransport, qtbot: QtBot, name: str = "demo.pt") -> None:
    """Open a model and let its window settle."""
    window.session.undo_stack.setClean()
    window.document_actions.open_source(f"/models/{name}")
    transport.open(demo(name=name))
    qtbot.wait(ARRANGED)


def middle(window: MainWindow) -> tuple[float, float, float]:
    """Zoom, and the spot in the middle, in pixels of that zoom: scroll bars know whole pixels only."""
    graph = window.panels.graph
    spot = graph.mapToScene(graph.viewport().rect().center())
    return graph.zoomed, spot.x() * graph.zoomed, spot.y() * graph.zoomed


def test_a_model_is_shown_again_as_it_was_left(
    loaded: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    loaded.panels.graph.zoom(1.7)
    loaded.panels.graph.put(QPointF(120, 300), QPoint(10, 10))
    left = middle(loaded)
    show(loaded, transport, qtbot, "other.pt")
    assert middle(loaded) != pytest.approx(left, abs=20)  # one that nobody has moved in is fitted
    show(loaded, transport, qtbot)
    assert middle(loaded) == pytest.approx(left, abs=2)


def test_a_closed_model_and_the_next_start_come_back_too(
    loaded: MainWindow, transport: FakeTransport, qtbot: QtBot, settings: Settings
) -> None:
    loaded.panels.graph.zoom(2.5)
    left = middle(loaded)
    loaded.session.close()
    assert settings.place("/models/demo.pt")
    show(loaded, transport, qtbot)
    assert middle(loaded) == pytest.approx(left, abs=2)
    loaded.panels.graph.fit()
    loaded.close()  # what is fitted is fitted again
    assert settings.place("/models/demo.pt") == ""


def test_modules_that_were_open_are_opened_before_the_place_is_shown(
    loaded: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    loaded.session.levels.close_all()
    answer(transport)
    loaded.panels.graph.zoom(1.5)
    left, opened = middle(loaded), loaded.session.levels.opened
    show(loaded, transport, qtbot, "other.pt")
    show(loaded, transport, qtbot)
    answer(transport)
    assert loaded.session.levels.opened == opened
    assert middle(loaded) == pytest.approx(left, abs=2)
    loaded.session.levels.open_all()  # the place was of other modules
    answer(transport)
    assert loaded.panels.graph.last is None


def answer(transport: FakeTransport) -> None:
    """Draw what the last request wants."""
    request = transport.requests[-1]
    assert isinstance(request, wire.Arrange)
    view = arrange(list(request.names), request.edges, frozenset(request.opened))
    transport.answered.emit(wire.Arranged(request.task, view))


def test_a_place_that_no_longer_fits_is_forgotten(
    loaded: MainWindow, transport: FakeTransport, qtbot: QtBot, settings: Settings
) -> None:
    fitted = middle(loaded)
    for odd in (
        "{",
        '{"place": {"zoom": 1e9, "x": 0, "y": 0}, "opened": []}',
        '{"place": {"zoom": 1, "x": 0, "y": 0}, "opened": ["no.such.module"]}',
    ):
        show(loaded, transport, qtbot, "other.pt")
        settings.set_place("/models/demo.pt", odd)
        show(loaded, transport, qtbot)
        assert middle(loaded) == pytest.approx(fitted, abs=2)


def test_the_oldest_of_many_places_are_dropped(settings: Settings) -> None:
    for number in range(MOST_PLACES + 2):
        settings.set_place(f"/models/{number}.pt", "x")
    settings.set_place("/models/2.pt", "y")
    settings.set_place("/models/9.pt", "")
    assert settings.place("/models/1.pt") == ""
    assert (settings.place("/models/2.pt"), settings.place("/models/9.pt")) == ("y", "")
    settings._store.setValue("places", "[1, 2")
    assert settings.place("/models/2.pt") == ""
