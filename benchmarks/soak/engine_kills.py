"""Kill or freeze the engine around every kind of message, with a model open in a window.

python -m benchmarks.soak.engine_kills [--deep] [--only Save,Rank]

The model is the example; with --deep a net of 1,800 ops, all of its layers in view.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtWidgets import QApplication

from benchmarks.window import nets_file
from benchmarks.window.program import Program, until
from slimgui import resources
from slimgui.core import wire
from slimgui.core.plan import Plan
from slimgui.core.recovery import Recovery
from slimgui.core.sampling import SampleSource
from slimgui.gui.session import Session
from slimgui.gui.work.worker import Worker

Moment = Literal["sent", "begun", "done"]
MOMENTS: Final[tuple[Moment, ...]] = ("sent", "begun", "done")  # request sent, first answer, last answer
SIGNALS: Final = {"killed": signal.SIGKILL, "frozen": signal.SIGSTOP}
LIMIT_S: Final = 3.0


@dataclass(frozen=True)
class Subject:
    """What is opened, samples for it, and how many groups are cut: to measure 200 takes minutes."""

    source: str
    samples: SampleSource
    shape: str = ""
    trusted: tuple[str, ...] = ()
    cut: int | None = None

    def open(self, session: Session) -> None:
        """Ask for it."""
        session.open(self.source, self.shape, self.trusted)


def example(folder: Path) -> Subject:
    """The model that comes with the program."""
    del folder
    samples = SampleSource(str(resources.path(resources.SAMPLES)), limit=8)
    return Subject(str(resources.path(resources.EXAMPLE)), samples)


def deep(folder: Path) -> Subject:
    """A net of many ops on tiny inputs."""
    net, data = nets_file.copied(folder), folder / "samples.npz"
    draw = np.random.default_rng(0)
    np.savez(data, images=draw.normal(size=(8, 3, 8, 8)).astype(np.float32), labels=draw.integers(4, size=8))
    trusted = (hashlib.sha256(net.read_bytes()).hexdigest(),)
    return Subject(f"{net}:half", SampleSource(str(data)), nets_file.SHAPE, trusted, cut=8)


def requests(session: Session, folder: Path, subject: Subject) -> dict[str, Callable[[], None]]:
    """What makes the session send a request of each kind, by the name of its class."""
    plans, few = folder / "plans.json", subject.samples
    plans.write_text(Plan(ratio=0.25).to_json(), encoding="utf-8")
    files, data, report = session.files, session.data, folder / "report.html"
    groups = (row.id for _ in itertools.count() for row in _rows(session))  # their places are asked for once
    return {
        "Open": lambda: subject.open(session),
        "Save": lambda: files.save(str(folder / "small.pt")),
        "Verify": files.verify,
        "Recover": lambda: data.recover(Recovery(("absorb",))),
        "Rank": lambda: _rank(session),
        "Sense": lambda: data.measure(few),
        "Meet": lambda: session.meet("macs=50%"),
        "ReadPlans": lambda: files.read_plans(str(plans)),
        "Recalibrate": lambda: data.recalibrate(few),
        "Export": lambda: files.export(str(folder / "kept.json"), "kept"),
        "Report": lambda: files.write_report(str(report)),
        "Locate": lambda: session.select(next(groups)),
        "Time": session.insight.measure,
        "Detail": lambda: session.tasks.start(wire.Detail(0, 0), "listing every op", lambda _: None),
        "Front": lambda: session.insight.search_front("macs"),
        "Evaluate": lambda: data.evaluate(few),
        "Look": lambda: session.others.look(str(resources.path(resources.EXAMPLE))),
        "Prove": lambda: session.others.prove(wire.Prove(0, str(folder / "small.pt"))),
    }


def _rank(session: Session) -> None:
    assert session.resolver, "it is opened first"
    session.resolver.scores.clear()  # what is known is not asked for
    session.edit("Rank", Plan(scope="global", ratio=0.5, importance="lamp"))


def _rows(session: Session) -> tuple[wire.GroupRow, ...]:
    assert session.document, "it is opened first"
    return session.document.groups


class Watched(Worker):
    """A worker that remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[wire.Asked] = []

    def submit(self, request: wire.Asked) -> None:
        """See Worker."""
        self.asked.append(request)
        super().submit(request)


class Rig:
    """A window with the real engine, a model open, half of the channels of its groups removed."""

    def __init__(self, app: QApplication, folder: Path, make: Callable[[Path], Subject] = example) -> None:
        self.worker = Watched()
        self.heard: list[wire.Answer] = []
        self.readies = 0
        self.stops = 0
        self.worker.answered.connect(self._on_answered)
        self.worker.stopped.connect(self._on_stopped)
        self._program = Program(app, folder, self.worker)
        self.session = self._program.session
        subject = make(folder)
        self.requests = requests(self.session, folder, subject)
        self.requests["Open"]()
        self.idle()
        self.session.levels.open_all()
        self._cut = subject.cut
        self.cut()
        self.requests["Save"]()  # a report is about a save
        self.idle()

    def cut(self) -> None:
        """Remove half of the channels, whatever was done before: another model may have been opened."""
        free = [row.id for row in _rows(self.session) if row.locked is None]
        whole = free[len(free) if self._cut is None else self._cut :]
        self.session.edit("Half", Plan(ratio=0.5, whole=tuple(whole)))

    def _on_answered(self, answer: wire.Answer) -> None:
        self.heard.append(answer)
        self.readies += isinstance(answer, wire.Ready)

    def _on_stopped(self, _: object) -> None:
        self.stops += 1

    def idle(self) -> None:
        """Wait until no task is running."""
        until(lambda: self.session.task is None)

    def has_answer(self, number: int, *, final: bool) -> bool:
        """Whether a message with this number was answered, or, unless `final`, its work has begun."""
        answers = [answer for answer in self.heard if answer.task == number]
        return any(not (final and isinstance(answer, wire.Progress)) for answer in answers)

    def hit(self, how: str) -> None:
        """Kill or freeze the engine's process."""
        os.kill(self.worker.pid, SIGNALS[how])

    def close(self) -> None:
        """End the window and the engine."""
        self._program.close()


@dataclass(frozen=True)
class Case:
    """One end of an engine. `ready`, `held`: seconds until a fresh one was warm, and had read the model."""

    message: str
    moment: Moment
    how: str
    ready: float
    held: float
    fault: str

    def __str__(self) -> str:
        head = f"{self.message:<12} {self.moment:<6} {self.how:<7}"
        return f"{head} ready after {self.ready:5.2f} s, model after {self.held:5.2f} s  {self.fault}"


def case(rig: Rig, message: str, moment: Moment, how: str) -> Case:
    """Send one message, end the engine at that moment, and wait until a fresh one holds the model."""
    session, tasks = rig.session, rig.session.tasks
    until(lambda: bool(tasks.held))
    rig.cut()
    rig.heard.clear()
    rig.worker.asked.clear()
    rig.readies = rig.stops = 0
    rig.requests[message]()
    until(lambda: message in {type(request).__name__ for request in rig.worker.asked})
    number = next(asked.task for asked in rig.worker.asked if type(asked).__name__ == message)
    if moment != "sent":
        until(lambda: rig.has_answer(number, final=moment == "done"))
    document, plans = session.document, session.plans
    start = time.monotonic()
    rig.hit(how)
    until(lambda: rig.stops > 0)
    answered = rig.has_answer(number, final=True)
    fault = _fault(session, document, session.plans if answered else plans)  # it may have been done by then
    until(lambda: rig.readies > 0)
    ready = time.monotonic() - start
    until(lambda: bool(tasks.held))
    return Case(message, moment, how, ready, time.monotonic() - start, fault)


def _fault(session: Session, document: wire.Document | None, plans: object) -> str:
    """What the end of the engine did to the document, "" when that is whole and can be edited."""
    if session.document != document or session.plans != plans:
        return "the document changed"
    before = session.plans
    session.set_ratio(0.125 if before.plan.ratio != 0.125 else 0.25)
    edited = session.plans != before
    session.undo_stack.undo()
    return "" if edited and session.plans == before else "the document cannot be edited"


def cases(rig: Rig, only: list[str] | None = None) -> Iterator[Case]:
    """Every message, moment and way to end."""
    try:
        for message in only or list(rig.requests):
            for moment in MOMENTS:
                for how in SIGNALS:
                    yield case(rig, message, moment, how)
    finally:
        rig.close()


def main() -> int:
    """A line for each case; 1 when the document suffered in one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", help="kinds of messages, with commas")
    parser.add_argument("--deep", action="store_true", help="a net of 1,800 ops in place of the example")
    options = parser.parse_args()
    app, found = QApplication([]), []
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(app, Path(folder), deep if options.deep else example)
        for one in cases(rig, options.only.split(",") if options.only else None):
            print(one, flush=True)
            found.append(one)
    faults, late = [one for one in found if one.fault], [one for one in found if one.ready > LIMIT_S]
    slowest = max(one.ready for one in found)
    print(
        f"{len(found)} cases, {len(faults)} faults; a fresh engine was warm after {slowest:.2f} s at most, "
    )
    print(f"after more than {LIMIT_S:.0f} s in {len(late)} cases.")
    return min(len(faults), 1)


if __name__ == "__main__":
    sys.exit(main())
