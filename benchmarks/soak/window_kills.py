"""Kill the window at random moments while its plan is edited; the next one restores it. How much is lost?

python -m benchmarks.soak.window_kills [--kills 100] [--seed 0]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slimgui.core.plan_set import PlanSet
from slimgui.gui.journal.writer import orphans

LIMIT_S: Final = 1.0
LONGEST_S: Final = 3.0  # of editing before a kill
PAUSE_S: Final = 0.08  # between two edits, at most
PATIENCE_S: Final = 120.0


def fingerprint(plans: PlanSet) -> str:
    """What tells plans from others."""
    return hashlib.blake2b(plans.to_json().encode(), digest_size=8).hexdigest()


def victim(folder: Path, seed: int) -> None:
    """A window that restores what is there, then edits until it is killed, and prints each edit."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from benchmarks.window import program

    app = QApplication([])
    driven, draw = program.Program(app, folder), random.Random(seed)  # noqa: S311 - no secret
    window, session = driven.window, driven.session
    window.restore.offer()
    if window.card.notice is not None:
        window.card.offer.click()
    else:
        window.document_actions.open_example()
    driven.wait_idle()
    assert session.document, driven.notices
    print("open", fingerprint(session.plans), flush=True)
    free = [row for row in session.document.groups if row.locked is None]

    def edit() -> None:
        row = draw.choice(free)
        if draw.random() < 0.2 and session.undo_stack.canUndo():
            session.undo_stack.undo()
        else:
            session.set_count(row.id, draw.randint(1, row.size))
        print(time.monotonic(), fingerprint(session.plans), flush=True)
        QTimer.singleShot(int(1000 * draw.uniform(0, PAUSE_S)), window, edit)

    edit()
    app.exec()


@dataclass(frozen=True)
class Kill:
    """One killed window. `lost`: seconds from the oldest edit that is gone to the kill, 0 when none is."""

    edits: int
    lost: float
    fault: str


def kill(folder: Path, seed: int, expected: str) -> tuple[Kill, str]:
    """Start a window, kill it while it edits; returns also what its journal holds."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    command = [
        sys.executable,
        "-m",
        "benchmarks.soak.window_kills",
        "--victim",
        str(folder),
        "--seed",
        str(seed),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout, "it has a pipe"
    opened = process.stdout.readline().split()[-1]
    time.sleep(draw.uniform(0, LONGEST_S))
    process.send_signal(signal.SIGKILL)
    moment = time.monotonic()
    said = [line.split() for line in process.stdout.read().split("\n")[:-1] if line.count(" ") == 1]
    process.wait()
    process.stdout.close()
    kept = held(folder / "journal")
    shown = [opened, *(plans for _, plans in said)]
    times = [moment, *(float(then) for then, _ in said)]
    fault = "" if not expected or opened == expected else "the plan that came back is another one"
    if kept not in shown:
        return Kill(len(said), 0.0, fault or "the journal holds a plan that never was"), kept
    gone = times[len(shown) - shown[::-1].index(kept) :]
    return Kill(len(said), moment - gone[0] if gone else 0.0, fault), kept


def held(folder: Path) -> str:
    """The plans in the newest journal that was left behind; those of nothing edited where there is none."""
    found = orphans(folder)
    for orphan in found:
        orphan.lock.unlock()
    return fingerprint(found[0].entry.plans if found else PlanSet())


def main() -> int:
    """A line for each kill; 1 when one lost more than a second, or its plan did not come back."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--victim", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.victim:
        victim(options.victim, options.seed)
        return 0
    found, expected = [], ""
    with tempfile.TemporaryDirectory() as name:
        for number in range(options.kills):
            one, expected = kill(Path(name), options.seed + number, expected)
            print(f"{number:3} {one.edits:4} edits, lost {1000 * one.lost:4.0f} ms  {one.fault}", flush=True)
            found.append(one)
    late, faults = sum(one.lost > LIMIT_S for one in found), sum(bool(one.fault) for one in found)
    most = max(one.lost for one in found)
    lost = f"{1000 * most:.0f} ms lost at most, {late} times above {LIMIT_S:.0f} s"
    print(f"{len(found)} kills: {lost}, {faults} faults")
    return min(late + faults, 1)


if __name__ == "__main__":
    sys.exit(main())
