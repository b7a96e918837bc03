"""What a user of a small screen sees: everything, and nothing cut."""

from demo import demo
from fakes import FakeTransport
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF
from pytestqt.qtbot import QtBot

from slimgui.gui.facts import text
from slimgui.gui.main_window import MainWindow
from slimgui.gui.views.tool_bar import ToolBar
from slimgui.gui.views.totals import Tile

WORDS, ICONS = Qt.ToolButtonStyle.ToolButtonTextBesideIcon, Qt.ToolButtonStyle.ToolButtonIconOnly


def test_a_small_screen_holds_the_window_with_the_ratio_in_sight(
    window: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    window.resize(800, 600)
    window.session.open("/models/demo.pt")
    transport.open(demo())
    window.session.set_ratio(0.5)
    for name in ("plan", "plans", "charts", "details"):
        window.panels.docks[name].raise_()
        qtbot.wait(1)
    assert window.size().toTuple() == (800, 600)  # Qt makes a window larger whose parts need more
    bar = window.findChild(ToolBar)
    assert bar.toolButtonStyle() == ICONS
    assert window.ratio.box.isVisible()  # and not behind the arrow at the end of the bar

    window.resize(1440, 900)
    qtbot.waitUntil(lambda: bar.toolButtonStyle() == WORDS)
    assert window.ratio.box.isVisible()


def test_totals_are_whole_in_the_narrowest_tile(qtbot: QtBot) -> None:
    tile = Tile("Activations", "", text.file_size)
    qtbot.addWidget(tile)
    tile.resize(tile.minimumSizeHint())
    tile.set_values(191.5e6, 145.8e6)
    inner = tile.width() - 2 * 8 - 1
    before = QFontMetricsF(tile.font()).horizontalAdvance("of 192 MB") + 6
    after = QFontMetricsF(tile._largest("146 MB", inner - before)).horizontalAdvance("146 MB")
    assert before + after <= inner
