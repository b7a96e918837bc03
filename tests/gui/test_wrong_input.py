"""What people type by mistake: told in a sentence, never a traceback, never another number than was meant."""

import pytest
from demo import demo
from fakes import FakeDialogs, FakeTransport

from slimgui.core.sampling import SampleSource
from slimgui.gui.app import absolute
from slimgui.gui.dialogs.samples import SampleForm
from slimgui.gui.dialogs.sources import ProveDialog
from slimgui.gui.main_window import MainWindow

LONG = "/" + 300 * "x" + ".pt"  # no system has files with such a name


@pytest.fixture
def loaded(window: MainWindow, transport: FakeTransport) -> MainWindow:
    window.session.open("/models/demo.pt")
    transport.open(demo())
    return window


def test_a_name_that_no_file_can_have_is_told_by_who_reads_or_writes_it(
    loaded: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    loaded.document_actions.open_source(LONG)
    assert transport.requests[-1].source == LONG
    transport.fail("There is no such file.")
    assert loaded.card.what.text() == "There is no such file."
    loaded.session.set_ratio(0.5)
    dialogs.path = LONG
    loaded.menus.actions["save"].trigger()
    assert transport.requests[-1].path == LONG
    assert absolute(LONG) == LONG


def test_a_name_that_no_file_can_have_is_wrong_in_the_dialogs(loaded: MainWindow) -> None:
    form = SampleForm(loaded, SampleSource(LONG))
    assert form.problem() == f"There is no {LONG}."
    proof = ProveDialog(loaded, "/models/demo.pt")
    proof.small.line.setText(LONG)
    assert proof.problem.text() == f"There is no {LONG}."
