"""One run of one measurement, in a process of its own: prints one JSON line.

python -m benchmarks.window.measure paint|heartbeat|edits
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.window import nets_file

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
STARTED = "SLIMGUI_BENCH_STARTED"  # time.time() of the parent, just before this process was started
HEAVY = ("torch", "numpy", "pyqtgraph", "networkx", "scipy")
MODEL = "torchvision.models:swin_v2_b"  # 2,806 ops
EDITS = 200


def paint() -> dict[str, Any]:
    """From the start of the process to the first paint, as main.py starts; and what is imported by then."""
    gc.disable()
    from PySide6.QtCore import QCoreApplication

    from slimgui.gui import app

    found: dict[str, Any] = {}
    build = app.build

    def watched(*arguments: Any) -> Any:
        window = build(*arguments)
        window.first_painted.connect(seen)
        window.furnished.connect(QCoreApplication.quit)
        return window

    def seen() -> None:
        found["ms"] = 1000 * (time.time() - float(os.environ[STARTED]))
        found["imported"] = [name for name in HEAVY if name in sys.modules]
        found["mb"] = _memory()

    app.build = watched
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_DATA_HOME"] = folder
        app.main(["--new-window"])
    return found


def heartbeat() -> dict[str, Any]:
    """Gaps of a 5 ms timer while a large model is opened, edited and saved."""
    from PySide6.QtWidgets import QApplication

    from benchmarks.window import program

    app = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        driven = program.Program(app, Path(folder))
        program.until(driven.window.isVisible)
        found: dict[str, list[program.Gap]] = {}
        with program.heartbeat() as found["open, trace, layout"]:
            driven.open(MODEL)
        with program.heartbeat() as found[f"{EDITS} edits"]:
            program.at_each_frame(_edits(driven))
        with program.heartbeat() as found["save"]:
            driven.session.files.save(str(Path(folder) / "small.pt"))
            driven.wait_idle()
        saved = (Path(folder) / "small.pt").exists()
        memory = _memory()
        driven.close()
    gaps = {name: [gap.long for gap in phase] for name, phase in found.items()}
    every = [gap for phase in found.values() for gap in phase]
    gaps["all"] = [gap.long for gap in every]
    gaps["all, less what the host took away"] = [gap.long - gap.taken for gap in every]
    phases = {name: [max(each), program.percentile(each, 0.99), len(each)] for name, each in gaps.items()}
    return {"phases": phases, "saved": saved, "mb": memory}


def _edits(driven: Any) -> Iterator[None]:
    """Sets the count of a random group, time and again."""
    session, draw = driven.session, random.Random(0)  # noqa: S311 - edits, no secret
    free = [row for row in session.document.groups if row.locked is None and row.size > 1]
    for _ in range(EDITS):
        row = draw.choice(free)
        session.set_count(row.id, draw.randint(max(1, row.size // 3), row.size))
        yield


def _edit(driven: Any, after: Callable[[], None]) -> list[float]:
    """Edit; milliseconds of each edit until everything is painted."""
    edits, spent = _edits(driven), []
    for _ in range(EDITS):
        start = time.perf_counter()
        next(edits)
        after()
        spent.append(1000 * (time.perf_counter() - start))
    return spent


def edits() -> dict[str, Any]:
    """Edits, key strokes of the filter, pan and zoom on 400 groups and 2,000 layers."""
    from PySide6.QtWidgets import QApplication

    from benchmarks.window import program

    app = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        driven = program.Program(app, Path(folder))
        net = nets_file.copied(Path(folder))
        driven.open(str(net), nets_file.SHAPE, (hashlib.sha256(net.read_bytes()).hexdigest(),))
        document = driven.session.document
        assert document is not None, "it was opened"
        driven.session.levels.open_all()
        program.until(lambda: len(driven.window.panels.graph.picture.boxes) == len(document.graph.layers))
        driven.window.panels.graph.fit()
        driven.window.panels.groups.tree.expandAll()
        program.painted()
        result: dict[str, Any] = {
            "groups": sum(row.locked is None for row in document.groups),
            "layers": len({layer for row in document.groups for layer in row.layers}),
            "boxes": len(document.graph.layers),
            "edit": _edit(driven, program.painted),
            "filter": _type(driven, program.painted),
            "pan and zoom": _move(driven, program.painted),
            "mb": _memory(),
        }
        driven.close()
    return result


def _type(driven: Any, after: Callable[[], None]) -> list[float]:
    """Every key stroke of a few searches."""
    search, spent = driven.window.panels.groups.search, []
    for words in ("12 reduce", "expand", "whole", "39"):
        for typed in [words[: n + 1] for n in range(len(words))] + [""]:
            start = time.perf_counter()
            search.setText(typed)
            after()
            spent.append(1000 * (time.perf_counter() - start))
    return spent


def _move(driven: Any, after: Callable[[], None]) -> list[float]:
    """Pan to and fro, and zoom, at every level of detail: boxes are in sight all the time."""
    graph, spent = driven.window.panels.graph, []
    graph.fit()
    for step in range(120):
        start = time.perf_counter()
        if step % 4 == 0:
            graph.zoom(1.2 if step < 60 else 1 / 1.2)
        bar = graph.verticalScrollBar() if step % 2 else graph.horizontalScrollBar()
        bar.setValue(bar.value() + (40 if step % 16 < 8 else -40))
        after()
        spent.append(1000 * (time.perf_counter() - start))
    return spent


def _memory() -> float:
    """Megabytes resident now."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:"))


if __name__ == "__main__":
    print(json.dumps({"paint": paint, "heartbeat": heartbeat, "edits": edits}[sys.argv[1]]()))
