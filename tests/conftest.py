"""What every test shares: no screen, no trace in the user's home, no stray warnings."""

import logging
import os
import tempfile
from pathlib import Path

# Before anything imports Qt. The settings of the person who runs the tests stay theirs.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
_HOME = tempfile.TemporaryDirectory(prefix="slimgui-tests-")
for _variable in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
    os.environ[_variable] = str(Path(_HOME.name) / _variable)

import pytest  # noqa: E402


@pytest.fixture(autouse=True)
def no_stray_log_records(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture):
    """Fail a test that logs a WARNING or worse; a test that means to is marked `logs_warnings`."""
    yield
    if request.node.get_closest_marker("logs_warnings"):
        return
    stray = [r for r in caplog.get_records("call") if r.levelno >= logging.WARNING]
    assert not stray, "logged during the test: " + "; ".join(f"{r.name}: {r.getMessage()}" for r in stray)


@pytest.fixture
def read_back_here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read saved files back in this process: a new one takes seconds, and many tests save.

    A test marked `fresh_process` leaves it at that.
    """
    if request.node.get_closest_marker("fresh_process"):
        return
    import torch

    from slimgui.engine import readback
    from slimgui.engine.formats import reader

    def run(folder: Path) -> None:
        with torch.random.fork_rng(devices=[]):
            reader.run(folder)

    monkeypatch.setattr(readback, "run_reader", run)
