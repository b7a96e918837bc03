"""Open every hostile and broken file in the window's own engine: nothing runs, each ends in a sentence.

python -m benchmarks.soak.opens [--only WORDS] [--seconds 20]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from benchmarks.soak.hostile import Hostile, everything
from benchmarks.soak.payloads import pickles, remove, trips
from slimgui.core import framing, wire


class Engine:
    """The engine's process as the window starts it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "slimgui.engine.host"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        self._reader, self._task = framing.FrameReader(), 0
        self._bodies: list[bytes] = []
        self._next(time.monotonic() + 120)

    def open(self, path: Path, seconds: float) -> wire.Answer | None:
        """The answer to Open; None when the process hung or died, and it is killed."""
        self._task += 1
        assert self._process.stdin, "a pipe was asked for"
        self._process.stdin.write(wire.frame(wire.Open(self._task, str(path), "1x3x16x16")))
        end = time.monotonic() + seconds
        while (answer := self._next(end)) is not None:
            if not isinstance(answer, wire.Progress):
                return answer
        self.close()
        return None

    def _next(self, end: float) -> wire.Answer | None:
        assert self._process.stdout, "a pipe was asked for"
        clock = threading.Timer(max(end - time.monotonic(), 0), self._process.kill)  # ends the read
        clock.start()
        try:
            while not self._bodies:
                data = self._process.stdout.read(1 << 16)
                if not data:
                    return None
                self._bodies += self._reader.feed(data)
        finally:
            clock.cancel()
        return wire.decode_answer(self._bodies.pop(0))

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


def fault(answer: wire.Answer | None, executed: bool, seconds: float) -> str:
    """What went wrong with one file, "" when it was refused in a sentence."""
    if executed:
        return "EXECUTED"
    if answer is None:
        return f"no answer after {seconds:.1f} s"
    if isinstance(answer, wire.Opened):
        return "opened"
    if not isinstance(answer, wire.Failed):
        return f"answered by {type(answer).__name__}"
    if answer.what.startswith(("Something went wrong", "The memory ran out")):
        return f"{answer.what} {answer.why}"
    text = f"{answer.what}{answer.why}{answer.hint}"
    whole = answer.what.endswith(".") and (answer.why or answer.hint) and "Traceback" not in text
    return "" if whole else f"no whole sentence: {text}"


def main() -> int:
    """A row for each kind, and for each file that was not refused; 1 when there was one."""
    parser = argparse.ArgumentParser(prog="make soak ARGS=...", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="files whose kind and name contain this")
    parser.add_argument("--seconds", type=float, default=20, help="for one file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        canary = Path(scratch) / "canary"
        dead = [name for name, data in pickles(canary) if not trips(data, canary)]
        if dead:
            print(f"plain pickle.load does not run: {', '.join(dead)}")
            return 1
        files = [file for file in everything(canary) if options.only in f"{file.kind} {file.name}"]
        return run(files, Path(scratch), canary, options.seconds)


def run(files: list[Hostile], scratch: Path, canary: Path, seconds: float) -> int:
    """Open them one after the other."""
    engine, totals, faults, slowest = Engine(), Counter[str](), Counter[str](), (0.0, "")
    for number, file in enumerate(files):
        folder = scratch / str(number) / "in"
        folder.mkdir(parents=True)
        path, started = file.make(folder), time.monotonic()
        answer = engine.open(path, seconds)
        took = time.monotonic() - started
        if answer is None:
            engine = Engine()
        slowest = max(slowest, (took, f"{file.kind}: {file.name}"))
        totals[file.kind] += 1
        if trouble := fault(answer, remove(canary), took):
            faults[file.kind] += 1
            print(f"{file.kind}: {file.name}: {trouble}", flush=True)
    engine.close()
    for kind, count in totals.items():
        print(f"{kind:<12} {count:>4} files, {count - faults[kind]:>4} refused in a sentence, none run"
              if not faults[kind] else f"{kind:<12} {count:>4} files, {faults[kind]} FAULTS")  # fmt: skip
    print(
        f"{totals.total()} files, {faults.total()} faults; the slowest took {slowest[0]:.1f} s: {slowest[1]}"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
