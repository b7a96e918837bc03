"""The worker with a real, small child process: it must survive whatever the child does."""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from slimgui.core import wire
from slimgui.gui.work.worker import SETTLED, Stopped, Worker

HOST = str(Path(__file__).with_name("fake_host.py"))
Start = Callable[..., Worker]


@pytest.fixture
def start(qapp: QApplication) -> Iterator[Start]:
    made: list[Worker] = []

    def make(*arguments: str, settled: int = SETTLED) -> Worker:
        worker = Worker([sys.executable, HOST, *arguments], settled)
        worker.heard, worker.ends = [], []
        worker.answered.connect(worker.heard.append)
        worker.stopped.connect(worker.ends.append)
        made.append(worker)
        worker.start()
        return worker

    yield make
    for worker in made:
        worker.close()


def opened(worker: Worker) -> list[str]:
    return [answer.document.name for answer in worker.heard if isinstance(answer, wire.Opened)]


def children(pid: int) -> list[int]:
    """Processes of the session that `pid` leads."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == pid and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def test_messages_go_both_ways(start: Start, qtbot: QtBot) -> None:
    worker = start()
    worker.submit(wire.Open(1, "ok"))

    qtbot.waitUntil(lambda: opened(worker) == ["ok"])
    assert [type(answer) for answer in worker.heard] == [wire.Ready, wire.Progress, wire.Opened]


def test_a_model_that_prints_and_reads_does_not_break_the_protocol(start: Start, qtbot: QtBot) -> None:
    worker = start()
    worker.submit(wire.Open(1, "print"))
    worker.submit(wire.Open(2, "ok"))

    qtbot.waitUntil(lambda: opened(worker) == ["print", "ok"])
    assert worker.ends == []


@pytest.mark.parametrize("trouble", ["crash", "garbage", "fork", "freeze"])
def test_the_next_open_works_after_a_child_died_or_went_mad(start: Start, qtbot: QtBot, trouble: str) -> None:
    worker = start()
    worker.submit(wire.Open(1, trouble))
    qtbot.waitUntil(lambda: len(worker.ends) == 1)
    worker.submit(wire.Open(2, "ok"))

    qtbot.waitUntil(lambda: opened(worker) == ["ok"])
    assert worker.ends[0].ready


def test_a_frozen_child_is_ended_and_one_that_works_without_answering_is_not(
    start: Start, qtbot: QtBot
) -> None:
    worker = start()
    worker.submit(wire.Open(1, "busy"))
    qtbot.waitUntil(lambda: opened(worker) == ["busy"], timeout=60_000)
    assert worker.ends == []

    worker.submit(wire.Open(2, "freeze"))
    qtbot.waitUntil(lambda: worker.ends != [])
    assert worker.ends[0].frozen
    assert "did not answer" in worker.ends[0].log


def test_the_last_words_of_the_child_are_kept(start: Start, qtbot: QtBot) -> None:
    worker = start()
    worker.submit(wire.Open(1, "crash"))

    qtbot.waitUntil(lambda: worker.ends != [])
    assert "last words" in worker.ends[0].log
    assert "SIGKILL" in worker.ends[0].log


def test_cancel_ends_the_child_with_everything_it_started(start: Start, qtbot: QtBot) -> None:
    worker = start()
    worker.submit(wire.Open(1, "hang"))
    qtbot.waitUntil(lambda: any(isinstance(answer, wire.Progress) for answer in worker.heard))
    leader = worker.pid
    qtbot.waitUntil(lambda: len(children(leader)) == 3)  # host, watchdog, grandchild

    begun = time.monotonic()
    worker.cancel()
    qtbot.waitUntil(lambda: worker.ends != [])
    assert time.monotonic() - begun < 3
    qtbot.waitUntil(lambda: children(leader) == [])
    worker.submit(wire.Open(2, "ok"))
    qtbot.waitUntil(lambda: opened(worker) == ["ok"])


def test_the_child_that_stands_by_takes_over_and_another_one_stands_by(start: Start, qtbot: QtBot) -> None:
    worker = start(settled=1)
    qtbot.waitUntil(lambda: worker._spare is not None)
    spare = worker._spare.pid
    worker.submit(wire.Open(1, "crash"))
    qtbot.waitUntil(lambda: len(worker.ends) == 1)

    qtbot.waitUntil(lambda: worker.pid == spare)
    worker.submit(wire.Open(2, "ok"))
    qtbot.waitUntil(lambda: opened(worker) == ["ok"])
    qtbot.waitUntil(lambda: worker._spare is not None)
    assert worker._spare.pid != spare


def test_a_child_that_died_while_it_stood_by_does_not_take_over(start: Start, qtbot: QtBot) -> None:
    worker = start(settled=1)
    qtbot.waitUntil(lambda: worker._spare is not None)
    os.kill(worker._spare.pid, 9)
    qtbot.waitUntil(lambda: not worker._spare.is_alive)
    worker.cancel()
    qtbot.waitUntil(lambda: len(worker.ends) == 1)

    worker.submit(wire.Open(1, "ok"))
    qtbot.waitUntil(lambda: opened(worker) == ["ok"])
    assert len(worker.ends) == 1


def test_renewing_ends_the_child_that_stands_by_too(start: Start, qtbot: QtBot) -> None:
    worker = start(settled=1)
    qtbot.waitUntil(lambda: worker._spare is not None)
    old = {worker.pid, worker._spare.pid}
    worker.renew()
    qtbot.waitUntil(lambda: len(worker.ends) == 1)

    worker.submit(wire.Open(1, "ok"))
    qtbot.waitUntil(lambda: opened(worker) == ["ok"])
    assert worker.pid not in old
    assert all(children(pid) == [] for pid in old)


def test_closing_ends_the_child_that_stands_by(start: Start, qtbot: QtBot) -> None:
    worker = start(settled=1)
    qtbot.waitUntil(lambda: worker._spare is not None)
    both = [worker.pid, worker._spare.pid]

    worker.close()

    assert all(children(pid) == [] for pid in both)


def test_a_broken_installation_is_said_once_and_tried_again_on_demand(start: Start, qtbot: QtBot) -> None:
    worker = start("never")
    qtbot.waitUntil(lambda: len(worker.ends) == 1)
    qtbot.wait(300)
    assert len(worker.ends) == 1
    assert not worker.ends[0].ready
    assert "this engine is broken" in worker.ends[0].log

    worker.submit(wire.Open(1, "ok"))
    qtbot.waitUntil(lambda: len(worker.ends) == 2)


def test_a_program_that_does_not_exist_is_a_message(qapp: QApplication, qtbot: QtBot) -> None:
    worker = Worker(["/no/such/python"])
    ends: list[Stopped] = []
    worker.stopped.connect(ends.append)
    worker.start()

    qtbot.waitUntil(lambda: ends != [])
    assert "No such file" in ends[0].log
    worker.close()


def test_closing_leaves_no_process(start: Start, qtbot: QtBot) -> None:
    worker = start()
    worker.submit(wire.Open(1, "hang"))
    qtbot.waitUntil(lambda: any(isinstance(answer, wire.Progress) for answer in worker.heard))
    leader = worker.pid

    worker.close()

    assert worker.isFinished()
    qtbot.waitUntil(lambda: children(leader) == [])
    assert worker.ends == []


@pytest.mark.skipif(os.name != "posix", reason="process groups")
def test_when_the_window_is_killed_the_child_dies_too(tmp_path: Path, qtbot: QtBot) -> None:
    script = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from PySide6.QtCore import QCoreApplication
        from slimgui.core import wire
        from slimgui.gui.work.worker import Worker
        app = QCoreApplication([])
        worker = Worker([sys.executable, {HOST!r}])
        worker.answered.connect(lambda answer: print(worker.pid, flush=True))
        worker.start()
        worker.submit(wire.Open(1, "hang"))
        app.exec()
    """)
    window = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert window.stdout
    leader = [int(window.stdout.readline()) for _ in range(2)][1]  # Ready, Progress: the child hangs now
    assert children(leader)

    window.kill()
    window.wait()
    window.stdout.close()

    qtbot.waitUntil(lambda: children(leader) == [])
