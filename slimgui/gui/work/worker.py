"""The one door to the engine: a thread that owns the child process and carries messages both ways.

The child is a program of its own in its own session, so that Cancel and a crash cost nothing but a restart:
the whole group is killed, a fresh child starts, the window keeps its document.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import IO, Final

import msgspec
from PySide6.QtCore import QObject, QThread, Signal

from slimgui.core import framing, wire
from slimgui.gui.work.pulse import BEAT_S, Pulse, sign_of

HOST: Final = ("-m", "slimgui.engine.host")
CHUNK: Final = 1 << 16
KEPT_LINES: Final = 200
EARLY_TRIES: Final = 3  # children in a row that are killed before they are ready
NOT_ANSWERING: Final = "The engine's process did not answer any more and was ended."
_POSIX: Final = os.name == "posix"
Requests = queue.SimpleQueue[wire.Asked | None]


@dataclass(frozen=True, slots=True)
class Stopped:
    """The child ended. `ready`: it had been warm. `log`: the last lines of its stderr, and how it ended.

    `killed`: by a signal, whoever sent it. `frozen`: because it did not answer any more.
    """

    ready: bool
    log: str
    killed: bool = False
    frozen: bool = False


class Worker(QThread):
    """Runs the engine's process and restarts it when it ends.

    Signals arrive in the thread of the receiver. A child that does not answer a ping is ended. One that ends
    by itself before it was ready is not started again until somebody asks for something: a broken
    installation must not spin.

    Args:
        command: program and arguments of the child; tests give a small script.
    """

    answered = Signal(object)  # wire.Answer
    stopped = Signal(object)  # Stopped

    def __init__(self, command: Sequence[str] | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._command = tuple(command or (sys.executable, "-P", *HOST))
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._requests: Requests = queue.SimpleQueue()
        self._wanted = threading.Event()  # set: somebody waits for a child
        self._closing = False

    def submit(self, request: wire.Asked) -> None:
        """Hand `request` to the child, now or as soon as it is up."""
        with self._lock:
            self._requests.put(request)
        self._wanted.set()

    def cancel(self) -> None:
        """Kill the child with everything it started; a fresh one starts by itself."""
        with self._lock:
            _kill(self._child)

    def close(self) -> None:
        """End the child and the thread; nothing is emitted any more."""
        with self._lock:
            self._closing = True
            _kill(self._child)
        self._wanted.set()
        self.wait()

    def run(self) -> None:
        """Serve one child after the other until `close`."""
        early = 0
        while not self._closing:
            self._wanted.clear()
            stopped = self._serve()
            early = 0 if stopped.ready else early + 1
            if not self._closing:
                self.stopped.emit(stopped)
                if not stopped.ready and not (stopped.killed and early < EARLY_TRIES):
                    self._wanted.wait()

    def _serve(self) -> Stopped:
        """One child, from start to end."""
        log: deque[str] = deque(maxlen=KEPT_LINES)
        stopped = Stopped(ready=False, log="")
        lifeline: tuple[int, ...] = os.pipe() if _POSIX else ()
        try:
            child = self._start(lifeline)
            if child is not None:
                stopped = self._converse(child, log)
        except OSError as error:
            log.append(str(error))
        finally:
            for descriptor in lifeline[1:]:
                os.close(descriptor)
        return replace(stopped, log="\n".join(log))

    def _start(self, lifeline: Sequence[int]) -> subprocess.Popen[bytes] | None:
        """The child, or None when the window is closing. Closes the child's end of the lifeline here."""
        try:
            with self._lock:
                if self._closing:
                    return None
                self._child = subprocess.Popen(
                    [*self._command, *map(str, lifeline[:1])],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    bufsize=0,
                    start_new_session=_POSIX,
                    pass_fds=lifeline[:1],
                    creationflags=_quiet_flags(),
                    env=_environment(),
                )
                return self._child
        finally:
            for descriptor in lifeline[:1]:
                os.close(descriptor)

    def _converse(self, child: subprocess.Popen[bytes], log: deque[str]) -> Stopped:
        """Carry messages until the child's end of the pipe closes; then make sure that nothing is left."""
        assert child.stdin, "the child was started with pipes"
        assert child.stdout, "the child was started with pipes"
        assert child.stderr, "the child was started with pipes"
        pulse, over = Pulse(lambda: sign_of(child.pid)), threading.Event()
        threads = [
            threading.Thread(target=_drain, args=(child.stderr, log), daemon=True),
            threading.Thread(target=_feed, args=(child.stdin, self._requests), daemon=True),
            threading.Thread(target=_sweep, args=(child,), daemon=True),
            threading.Thread(target=_beat, args=(child, self._requests, pulse, over), daemon=True),
            threading.Thread(
                target=import_module, args=("numpy",), daemon=True
            ),  # in the window's it is felt
        ]
        for thread in threads:
            thread.start()
        try:
            ready = self._listen(child.stdout, log, pulse)
        finally:
            over.set()
            with self._lock:
                _kill(child)
                self._child = None
                old, self._requests = self._requests, queue.SimpleQueue()
            old.put(None)
            code = child.wait()
            for thread in threads:
                thread.join()
            for pipe in (child.stdin, child.stdout, child.stderr):
                with suppress(OSError):
                    pipe.close()
        log.append(NOT_ANSWERING if pulse.frozen else _ending(code))
        return Stopped(ready, "", code < 0, pulse.frozen)

    def _listen(self, pipe: IO[bytes], log: deque[str], pulse: Pulse) -> bool:
        ready, reader = False, framing.FrameReader()
        while data := pipe.read(CHUNK):
            pulse.heard()
            try:
                for body in reader.feed(data):
                    answer = wire.decode_answer(body)
                    ready = ready or isinstance(answer, wire.Ready)
                    if not self._closing and not isinstance(answer, wire.Pong):
                        self.answered.emit(answer)
            except (ValueError, msgspec.MsgspecError) as error:
                log.append(f"The engine sent something that is not a message: {error}")
                break
        return ready


def _beat(child: subprocess.Popen[bytes], requests: Requests, pulse: Pulse, over: threading.Event) -> None:
    """Ask the child again and again whether it lives; end it when it is frozen."""
    while not over.wait(BEAT_S):
        if pulse.beat():
            requests.put(wire.Ping(0))
        if pulse.frozen:
            _kill(child)
            return


def _feed(pipe: IO[bytes], requests: Requests) -> None:
    with suppress(OSError):  # the child is gone: the listener says so
        while (request := requests.get()) is not None:
            data = memoryview(wire.frame(request))
            while data:
                data = data[pipe.write(data) :]


def _drain(pipe: IO[bytes], log: deque[str]) -> None:
    rest = b""
    while data := pipe.read(CHUNK):
        *lines, rest = (rest + data).split(b"\n")
        log.extend(line.decode(errors="replace") for line in lines)
        rest = rest[-CHUNK:]
    if rest:
        log.append(rest.decode(errors="replace"))


def _sweep(child: subprocess.Popen[bytes]) -> None:
    """When the child ends, end what it left behind: a forked process would hold the pipes, unseen."""
    if _POSIX:
        with suppress(OSError):
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # leaves the reaping to the listener
        _kill(child)


def _kill(child: subprocess.Popen[bytes] | None) -> None:
    """End the whole group of `child`; a grandchild would keep the pipes open."""
    if child is None:
        return
    with suppress(OSError):
        if _POSIX:
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()


def _ending(code: int) -> str:
    if code < 0:
        with suppress(ValueError):
            return f"The engine's process was ended by {signal.Signals(-code).name}."
    return f"The engine's process ended with code {code}."


def _quiet_flags() -> int:
    """On Windows: low priority, and no console window beside ours."""
    names = ("CREATE_NO_WINDOW", "BELOW_NORMAL_PRIORITY_CLASS")
    return sum(getattr(subprocess, name, 0) for name in names)


def _environment() -> dict[str, str]:
    """The environment of the child: -P keeps the current folder out, so a clone has to be named."""
    root = str(Path(__file__).resolve().parents[2])
    paths = os.environ.get("PYTHONPATH", "")
    if Path(root).name in {"site-packages", "dist-packages"}:
        return dict(os.environ)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in (root, paths) if part)}
