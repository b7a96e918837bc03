"""The program as a process: what it imports before it can be seen, and what it says without a screen."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from fakes import FakeTransport
from PySide6.QtWidgets import QApplication

from slimgui.gui.app import FaultReporter
from slimgui.gui.diagnostics import Log
from slimgui.gui.facts.notice import Notice

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "numpy", "pyqtgraph", "networkx", "scipy", "slimgui.engine"}
SEEN = f"""
import sys
import threading
from slimgui.gui import app
from slimgui.gui.actions import document as document_actions
def painted(self):
    print(sorted({HEAVY!r} & set(sys.modules)), flush=True)
    self.close()
document_actions.DocumentActions.open_source = lambda self, source: print(source, flush=True)
build = app.build
def spied(*args):
    window = build(*args)
    window.first_painted.connect(lambda: painted(window))
    return window
app.build = spied
sys.exit(app.main(["net.pt"]))
"""


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **env},
        timeout=60,
    )


def test_nothing_heavy_is_imported_before_the_window_is_seen_and_the_argument_is_opened() -> None:
    result = run(SEEN, QT_QPA_PLATFORM="offscreen")

    assert sorted(result.stdout.split("\n")) == ["", "[]", "net.pt"]
    assert result.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only there the screen may be missing")
def test_without_a_display_it_says_so_and_ends() -> None:
    code = "import sys; from slimgui.gui.app import main; sys.exit(main([]))"
    result = run(code, QT_QPA_PLATFORM="", DISPLAY="", WAYLAND_DISPLAY="")

    assert result.returncode == 1
    assert "needs a display" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_exception_nobody_caught_becomes_a_card(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    heard: list[Notice] = []
    log = Log(tmp_path)
    reporter = FaultReporter(log)
    reporter.noticed.connect(heard.append)
    reporter.install()

    with pytest.raises(ValueError, match="odd") as caught:
        int("odd")
    sys.excepthook(ValueError, caught.value, caught.tb)
    thread = threading.Thread(target=lambda: {}["odd"])
    thread.start()
    thread.join()
    qapp.processEvents()

    assert [notice.why for notice in heard] == [
        "ValueError: invalid literal for int() with base 10: 'odd'",
        "KeyError: 'odd'",
    ]
    assert all("Traceback" in notice.details for notice in heard)
    log.close()
    assert (tmp_path / "slimgui.log").read_text().count("Traceback") == 2


def test_the_fake_has_the_interface_of_the_worker() -> None:
    for name in ("submit", "cancel", "answered", "stopped"):
        assert hasattr(FakeTransport, name)
