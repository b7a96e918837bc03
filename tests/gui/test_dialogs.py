"""How dialogs look: no room is kept for what is not said."""

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QDialog, QWidget
from pytestqt.qtbot import QtBot

from slimgui.core.sampling import SampleSource
from slimgui.gui.dialogs.recovery import RecoveryDialog
from slimgui.gui.dialogs.sensitivity import SensitivityDialog
from slimgui.gui.dialogs.sources import OpenWithDialog, ProveDialog
from slimgui.gui.theme import SPACE

DIALOGS: tuple[tuple[str, Callable[[QWidget], QDialog]], ...] = (
    ("recover", lambda parent: RecoveryDialog(parent, None, SampleSource(__file__))),
    ("sensitivity", lambda parent: SensitivityDialog(parent, SampleSource(__file__))),
    ("prove", lambda parent: ProveDialog(parent, __file__)),
    ("open with", lambda parent: OpenWithDialog(parent, __file__, "1x3")),
)


@pytest.mark.parametrize(("name", "make"), DIALOGS, ids=[name for name, _ in DIALOGS])
def test_there_is_no_empty_band_above_the_buttons(
    name: str, make: Callable[[QWidget], QDialog], qtbot: QtBot
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    dialog = make(window)
    dialog.show()
    assert dialog.box.y() - dialog.form.geometry().bottom() <= 3 * SPACE
    dialog.close()


def test_a_long_name_widens_no_dialog(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    short, long = (SensitivityDialog(window, SampleSource(path)) for path in ("/no", "/no" * 200))

    assert long.problem.text() == f"There is no {'/no' * 200}."
    assert long.sizeHint() == short.sizeHint()
