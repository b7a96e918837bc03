"""A wheel that was meant to scroll edits nothing."""

import pytest
from demo import demo
from fakes import FakeTransport
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QDialog, QSlider, QWidget
from pytestqt.qtbot import QtBot

from slimgui.core.sampling import SampleSource
from slimgui.gui.dialogs.sensitivity import SensitivityDialog
from slimgui.gui.main_window import MainWindow
from slimgui.gui.views.preferences import Preferences

KINDS = (QAbstractSpinBox, QComboBox, QSlider)


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
    return window


def turn(control: QWidget, notches: int) -> None:
    middle, nothing = QPointF(control.rect().center()), QPoint()
    QApplication.sendEvent(
        control,
        QWheelEvent(
            middle, QPointF(control.mapToGlobal(middle.toPoint())), nothing, QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        ),
    )  # fmt: skip


def controls(above: QWidget) -> list[QWidget]:
    return [child for kind in KINDS for child in above.findChildren(kind)]


def value(control: QWidget) -> object:
    return control.currentIndex() if isinstance(control, QComboBox) else control.value()


def unchanged_by_wheel(above: QWidget) -> int:
    """How many controls there are; none of them changed, nor took the focus."""
    for control in controls(above):
        before, focus = value(control), QApplication.focusWidget()
        for notches in (1, -1, -1):
            turn(control, notches)
            assert (value(control), QApplication.focusWidget()) == (before, focus), control.accessibleName()
    return len(controls(above))


def test_the_wheel_changes_nothing_in_the_window_that_has_no_focus(loaded: MainWindow, qtbot: QtBot) -> None:
    for name in ("plan", "plans", "charts"):
        loaded.panels.docks[name].raise_()
    qtbot.waitUntil(lambda: loaded.panels.charts.front is not None, timeout=10_000)
    loaded.session.set_ratio(0.5)
    steps = loaded.session.undo_stack.count()
    loaded.panels.groups.tree.setFocus()

    assert unchanged_by_wheel(loaded) >= 10
    assert loaded.session.undo_stack.count() == steps


def test_the_wheel_turns_what_has_the_focus(loaded: MainWindow) -> None:
    box = loaded.ratio.box
    box.setFocus()
    turn(box, 1)

    assert box.value() == 1
    assert loaded.session.plans.plan.ratio == 0.01
    turn(loaded.ratio.slider, 1)
    assert box.value() == 1


def test_the_wheel_changes_nothing_in_dialogs(loaded: MainWindow, qtbot: QtBot) -> None:
    loaded.menus.actions["preferences"].trigger()
    dialogs: list[QDialog] = [loaded.findChild(Preferences)]
    dialogs.append(SensitivityDialog(loaded, SampleSource(__file__)))
    for dialog in dialogs:
        dialog.show()
        dialog.setFocus()
        assert unchanged_by_wheel(dialog)
        dialog.close()
