"""The same beat in an empty process: what the machine alone makes of it. Runs until its input ends.

python -m benchmarks.window.control
"""

from __future__ import annotations

import itertools
import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

BEAT_S: Final = 0.005


@contextmanager
def beside() -> Iterator[list[float]]:
    """Milliseconds between the beats of such a process, while the block runs."""
    gaps: list[float] = []
    command = [sys.executable, "-m", "benchmarks.window.control"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield gaps
        finally:
            said, _ = process.communicate()
            gaps.extend(json.loads(said))


def main() -> None:
    """Beat, then print the gaps."""
    beats = [time.perf_counter()]
    while not select.select([sys.stdin], [], [], BEAT_S)[0]:
        beats.append(time.perf_counter())
    print(json.dumps([1000 * (later - earlier) for earlier, later in itertools.pairwise(beats)]))


if __name__ == "__main__":
    main()
