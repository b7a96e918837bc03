"""What the whole job costs in seconds and bytes, beside a peer; written to docs/benchmarks.md.

python -m benchmarks.bench [speed growth memory latency] [--only NAME,NAME] [--resume]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from benchmarks.bench import document, growth, latency, memory, models, speed


def main() -> int:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=[*SECTIONS, []], nargs="*", help="all of them when none is named")
    parser.add_argument(
        "--only", default="", help="models of the speed table, or of latency's; prints, writes no page"
    )
    parser.add_argument("--resume", action="store_true", help="of latency: keep rows that earlier runs made")
    options = parser.parse_args()
    if options.only:
        _only(options.what, options.only.split(","))
        return 0
    if options.resume:
        document.write("latency", latency.table(latency.measure(resume=True)))
        return 0
    for what in options.what or SECTIONS:
        document.write(what, SECTIONS[what]())
    return 0


def _only(what: list[str], names: list[str]) -> None:
    """Some models of one table."""
    known = latency.MODELS if what == ["latency"] else models.TIMED
    if unknown := set(names) - set(known):
        raise SystemExit(f"no such model: {', '.join(sorted(unknown))}")
    names = sorted(names, key=known.index)
    if known is latency.MODELS:
        latency.measure(names)
    else:
        print_speed(names)


def print_speed(names: list[str] | tuple[str, ...] = models.TIMED) -> list[str]:
    """The comparison, a row for each model."""
    rows = []
    print(speed.line(speed.HEAD), flush=True)
    for name in names:
        rows.append(speed.measure(name))
        print(speed.line(speed.cells(rows[-1])), flush=True)
    print(speed.summary(rows))
    return speed.table(rows)


SECTIONS: dict[str, Callable[[], list[str]]] = {
    "speed": print_speed,
    "growth": lambda: growth.table(growth.measure()),
    "memory": lambda: [line for result in memory.measure() for line in memory.table(result)],
    "latency": lambda: latency.table(latency.measure()),
}


if __name__ == "__main__":
    sys.exit(main())
