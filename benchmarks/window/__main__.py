"""Five runs of each measurement of the window, printed and written to docs/benchmarks.md.

python -m benchmarks.window [paint heartbeat edits] [--runs N]
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import slimgui
from benchmarks.bench import document
from benchmarks.window import measure
from benchmarks.window.program import percentile

RUNS = 5
REST = 20.0  # a virtual machine that was busy is held back by its host for a while


def main() -> int:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser(prog="make bench-window ARGS=...", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=[*TABLES, []], nargs="*", help="all of them when none is named")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--rest", type=float, default=REST, help="seconds before each run")
    options = parser.parse_args()
    compileall.compile_dir(Path(slimgui.__file__).parent, quiet=1)  # as an installed program is
    lines: list[str] = []
    for what in options.what or TABLES:
        lines += [*TABLES[what]([_run(what, options.rest) for _ in range(options.runs)]), ""]
        print("\n".join(lines[-12:]), flush=True)
    if not options.what:
        document.write("window", lines)
    return 0


def _run(what: str, rest: float) -> dict[str, Any]:
    time.sleep(rest)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", measure.STARTED: str(time.time())}
    command = [sys.executable, "-m", "benchmarks.window.measure", what]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def paint(runs: list[dict[str, Any]]) -> list[str]:
    """First paint."""
    shown = ", ".join(f"{run['ms']:.0f}" for run in runs)
    imported = sorted({name for run in runs for name in run["imported"]})
    found = f"imported by then, of {', '.join(measure.HEAVY)}: {', '.join(imported) or 'none'}"
    return [f"First paint after the start of the process: {shown} ms; {found}; {runs[0]['mb']:.0f} MB."]


def heartbeat(runs: list[dict[str, Any]]) -> list[str]:
    """Gaps, a row for each phase: the worst run."""
    head = [
        f"Gaps of a 5 ms timer, {len(runs)} runs, `{measure.MODEL}`, its engine and the graph in view,",
        f"an edit at each frame of a screen, {REST:.0f} s of rest before each run:",
        "",
    ]
    rows = ["| phase | beats | largest gap ms, each run | p99 ms, each run |", "|---|---|---|---|"]
    for name in runs[0]["phases"]:
        largest, late, beats = zip(*(run["phases"][name] for run in runs), strict=True)
        rows.append(f"| {name} | {sum(beats):,} | {_each(largest)} | {_each(late)} |")
    memory = max(run["mb"] for run in runs)
    saved = "saved each time" if all(run["saved"] for run in runs) else "NOT saved each time"
    return [
        *head,
        *rows,
        "",
        f"The model was {saved}; the window's process takes {memory:.0f} MB at the end.",
    ]


def edits(runs: list[dict[str, Any]]) -> list[str]:
    """From the event until everything is painted."""
    first = runs[0]
    head = (
        f"{first['groups']} groups, {first['layers']:,} layers, {first['boxes']:,} boxes, {len(runs)} runs:"
    )
    rows = ["| | events | median ms | p99 ms, each run |", "|---|---|---|---|"]
    for name in ("edit", "filter", "pan and zoom"):
        every = [spent for run in runs for spent in run[name]]
        late = _each([percentile(run[name], 0.99) for run in runs])
        rows.append(f"| {name} | {len(every):,} | {statistics.median(every):.1f} | {late} |")
    return [head, "", *rows, "", f"The window's process takes {max(run['mb'] for run in runs):.0f} MB."]


def _each(numbers: Any) -> str:
    return ", ".join(f"{number:.0f}" for number in numbers)


TABLES = {"paint": paint, "heartbeat": heartbeat, "edits": edits}


if __name__ == "__main__":
    sys.exit(main())
