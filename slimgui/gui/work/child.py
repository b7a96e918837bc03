"""The engine's process, from its start until nothing is left of it. Knows no message."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

CHUNK: Final = 1 << 16
KEPT_LINES: Final = 200
NICENESS: Final = 5  # the window comes first: also while torch is imported, so it is set from here
_POSIX: Final = os.name == "posix"


class Child:
    """A process in a session of its own, with two pipes for messages, and what it says on stderr.

    It ends with everything it started: when it is killed, when it ends by itself, and, by a pipe that its
    watchdog reads, when the window is gone.

    Args:
        command: program and arguments; the number of that pipe's descriptor follows them on POSIX.

    Raises:
        OSError: it cannot be started.

    Attributes:
        log: the last lines of its stderr.
        is_warm: whether it has said that it can be asked; set by who listens.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.log: deque[str] = deque(maxlen=KEPT_LINES)
        self.is_warm = False
        lifeline: tuple[int, ...] = os.pipe() if _POSIX else ()
        self._lifeline = lifeline[1:]
        try:
            self._process = _started([*command, *map(str, lifeline[:1])], lifeline[:1])
        except OSError:
            _close(self._lifeline)
            raise
        finally:
            _close(lifeline[:1])
        _calm(self._process.pid)
        self.requests, self.answers = _pipe(self._process.stdin), _pipe(self._process.stdout)
        self._errors = _pipe(self._process.stderr)
        self._threads = [
            threading.Thread(target=_drain, args=(self._errors, self.log), daemon=True),
            threading.Thread(target=_sweep, args=(self._process,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """Of the process, which leads its group."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it with everything it started."""
        _kill(self._process)

    def close(self) -> int:
        """Make sure that nothing of it is left. Returns its exit code, negative for a signal."""
        self.kill()
        code = self._process.wait()
        for thread in self._threads:
            thread.join()
        for pipe in (self.requests, self.answers, self._errors):
            with suppress(OSError):
                pipe.close()
        _close(self._lifeline)
        return code


def ending(code: int) -> str:
    """How a process ended, in a sentence."""
    if code < 0:
        with suppress(ValueError):
            return f"The engine's process was ended by {signal.Signals(-code).name}."
    return f"The engine's process ended with code {code}."


def _started(command: Sequence[str], inherited: Sequence[int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=_POSIX,
        pass_fds=inherited,
        creationflags=_quiet_flags(),
        env=_environment(),
    )


def _calm(pid: int) -> None:
    if _POSIX:  # Windows: see _quiet_flags
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, pid, NICENESS)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe, "the process was started with pipes"
    return pipe


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _drain(pipe: IO[bytes], log: deque[str]) -> None:
    rest = b""
    while data := pipe.read(CHUNK):
        *lines, rest = (rest + data).split(b"\n")
        log.extend(line.decode(errors="replace") for line in lines)
        rest = rest[-CHUNK:]
    if rest:
        log.append(rest.decode(errors="replace"))


def _sweep(process: subprocess.Popen[bytes]) -> None:
    """When it ends, end what it left behind: a forked process would hold the pipes, unseen."""
    if _POSIX:
        with suppress(OSError):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # leaves the reaping to others
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the whole group; a grandchild would keep the pipes open."""
    with suppress(OSError):
        if _POSIX:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _quiet_flags() -> int:
    """On Windows: low priority, and no console window beside ours."""
    names = ("CREATE_NO_WINDOW", "BELOW_NORMAL_PRIORITY_CLASS")
    return sum(getattr(subprocess, name, 0) for name in names)


def _environment() -> dict[str, str]:
    """The environment of the child: -P keeps the current folder out, so a clone has to be named."""
    root = str(Path(__file__).resolve().parents[3])
    paths = os.environ.get("PYTHONPATH", "")
    if Path(root).name in {"site-packages", "dist-packages"}:
        return dict(os.environ)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in (root, paths) if part)}
