"""Both ends of a process that measures: it writes one JSON line for each step, its parent reads them.

Seconds are CPU seconds. With one thread they are the seconds of an idle machine, and others who use the
machine at the same time change them little. Memory is resident memory (Linux, proc(5)).
"""

from __future__ import annotations

import gc
import json
import os
import select
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch

LIMIT = 120.0  # seconds that one step may take
PATIENCE = 5  # times LIMIT on the clock, for steps that wait instead of computing
TICKS = os.sysconf("SC_CLK_TCK")

Result = TypeVar("Result")


class TookTooLongError(Exception):
    """The process was ended: a step of it was not done after LIMIT."""


def lines(module: str, *arguments: str) -> Iterator[dict[str, Any]]:
    """Run `module` and yield what it says.

    Raises:
        TookTooLongError: see there.
        ChildProcessError: it ended with another code than 0.
    """
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            yield from _lines(process)
        finally:
            process.kill()


def _lines(process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None, "stdout is a pipe"
    text, clock, spent = b"", time.monotonic(), 0.0
    while True:
        if select.select([process.stdout], [], [], 1.0)[0]:
            part = process.stdout.read(65536)
            if not part:
                if code := process.wait():
                    raise ChildProcessError(f"ended with {code}")
                return
            *whole, text = (text + part).split(b"\n")
            yield from (json.loads(line) for line in whole)
            clock, spent = time.monotonic(), cpu_seconds(process.pid)
        elif cpu_seconds(process.pid) - spent > LIMIT or time.monotonic() - clock > LIMIT * PATIENCE:
            raise TookTooLongError(f"not done after {LIMIT:.0f} s")


def cpu_seconds(pid: int) -> float:
    """What a process has computed so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS  # utime and stime, proc_pid_stat(5)


def child() -> Callable[..., None]:
    """Make this process a quiet one with a single thread; the result writes one line to its parent."""
    parent = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)

    def tell(**what: Any) -> None:
        parent.write(json.dumps(what) + "\n")
        parent.flush()

    return tell


def measured(step: Callable[[], Result]) -> tuple[Result, float, int]:
    """What a step gives, its seconds, and the peak of its memory beyond what was there before, in bytes."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets the highest so far
    before, start = memory("VmRSS"), time.process_time()
    result = step()
    return result, time.process_time() - start, memory("VmHWM") - before


def memory(key: str) -> int:
    """Bytes resident now (VmRSS) or at most so far (VmHWM)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(key)
