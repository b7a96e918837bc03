"""The whole way by keyboard alone, with the real engine: open, find, shrink, verify, save."""

from pathlib import Path

import pytest
from program import Program
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from slimgui.gui.views.palette import Palette

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class Keyboard:
    """Keys go where the focus is, as the system sends them; nothing else is touched."""

    def __init__(self, window: QWidget) -> None:
        self._window = window
        window.activateWindow()

    @property
    def _focus(self) -> QWidget:
        return QApplication.focusWidget() or self._window

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self._focus, key, modifiers)
        QTest.qWait(1)

    def type(self, text: str) -> None:
        QTest.keyClicks(self._focus, text)
        QTest.qWait(1)


@pytest.mark.timeout(300)
def test_open_find_shrink_verify_and_save_by_keyboard_alone(program: Program, tmp_path: Path) -> None:
    window, session, keys = program.window, program.window.session, Keyboard(program.window)
    keys.press(Qt.Key.Key_P, CTRL | SHIFT)
    palette = window.findChild(Palette)
    program.qtbot.waitUntil(palette.box.hasFocus)
    keys.type("open example")
    keys.press(Qt.Key.Key_Return)
    program.wait_idle()
    assert session.document, program.notices
    group = next(row for row in session.document.groups if row.locked is None and row.size >= 16)

    program.qtbot.waitUntil(window.isActiveWindow)
    keys.press(Qt.Key.Key_F, CTRL)
    keys.type(group.id)
    keys.press(Qt.Key.Key_Return)
    assert session.selected == group.id
    keys.press(Qt.Key.Key_F2)
    keys.press(Qt.Key.Key_A, CTRL)
    keys.type("50%")
    keys.press(Qt.Key.Key_Return)
    assert session.snapshot.counts[group.id] == group.size // 2

    keys.press(Qt.Key.Key_V, CTRL | SHIFT)
    program.wait_idle()
    assert "Proven" in program.notices[-1].why
    assert not (tmp_path / "small.pt").exists()
    assert window.isWindowModified()

    program.dialogs.path = str(tmp_path / "small.pt")  # the system's own dialog is typed into as everywhere
    keys.press(Qt.Key.Key_S, CTRL)
    program.wait_idle()
    assert program.notices[-1].kind == "success", program.notices[-1]
    assert (tmp_path / "small.pt").stat().st_size > 1000
    assert not window.isWindowModified()
