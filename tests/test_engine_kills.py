"""The engine's process ends, or stops, in the middle of every kind of task: nothing of the document is lost.

`python -m benchmarks.soak.engine_kills` does it at every moment, both ways, and says how long it takes.
"""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from benchmarks.soak.engine_kills import SIGNALS, Rig, case
from slimgui.core import wire

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")  # said by the offscreen platform of every window
MESSAGES = [kind.__name__ for kind in wire.Request.__args__]


@pytest.fixture(scope="module")
def rig(qapp: QApplication, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(qapp, tmp_path_factory.mktemp("kills"))
    yield rig
    rig.close()


def test_every_message_is_covered_here(rig: Rig) -> None:
    assert sorted(MESSAGES) == sorted(rig.requests)


@pytest.mark.parametrize("message", MESSAGES)
def test_the_document_stays_and_a_fresh_engine_reads_the_model_unasked(rig: Rig, message: str) -> None:
    how = sorted(SIGNALS)[MESSAGES.index(message) % 2]
    found = case(rig, message, "begun", how)

    assert found.fault == ""
    assert rig.session.task is None
    assert rig.session.tasks.held
