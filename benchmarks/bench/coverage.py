"""Whole libraries cut by both, judged by little: the forward ran, and its outputs have the same shapes.

Every unlocked group loses half of its channels; nothing is compared, for the peer has nothing to compare
with. What SlimGUI's cuts are worth is the zoo's matter (`make zoo`). Left out: detectors and optical flow,
for which the peer's examples name layers by hand, and quantizable twins.

python -m benchmarks.bench.coverage [--resume] [--seconds N]
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.bench import document, models, process
from benchmarks.bench.speed import OURS, PEER, Row, Side, line, take_turns

STORE = Path(__file__).resolve().parent.parent.parent / "build" / "coverage.jsonl"
LEFT_OUT = ("detection", "flow", "quantizable")
HEAD = ("model", "SlimGUI", "left", "Torch-Pruning", "left")


def main() -> int:
    """One row after the other; every row is kept, and the page is written anew after each."""
    parser = argparse.ArgumentParser(prog="make bench-coverage ARGS=...", description=__doc__.splitlines()[0])
    parser.add_argument("--resume", action="store_true", help="leave out what has a row")
    parser.add_argument("--seconds", type=float, default=process.LIMIT, help="that one side may take")
    options = parser.parse_args()
    os.environ |= {"HF_HUB_OFFLINE": "1"}
    process.LIMIT = options.seconds
    rows = _read() if options.resume else {}
    for name in names():
        if name in rows:
            continue
        rows[name] = Row(name)
        take_turns(rows[name], [OURS, PEER], rounds=1)
        print(line(cells(rows[name])), flush=True)
        STORE.parent.mkdir(exist_ok=True)
        STORE.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows.values()), encoding="utf-8")
        document.write("coverage", table([rows[known] for known in names() if known in rows]))
    return 0


def names() -> list[str]:
    """Every model of both libraries."""
    found = []
    for library, module in models.LIBRARIES.items():
        zoo = importlib.import_module(f"benchmarks.zoo.{module}")
        found += [f"{library}:{name}" for name, family in zoo.names().items() if family not in LEFT_OUT]
    return found


def _read() -> dict[str, Row]:
    if not STORE.exists():
        return {}
    rows = {}
    for text in STORE.read_text(encoding="utf-8").splitlines():
        known = json.loads(text)
        sides = {who: Side(**side) for who, side in known.pop("sides").items()}
        rows[known["name"]] = Row(**known, sides=sides)
    return rows


def cells(row: Row) -> list[str]:
    """The row as text."""
    return [row.name, *_side(row, OURS), *_side(row, PEER)]


def _side(row: Row, who: str) -> list[str]:
    side = row.sides[who]
    left = "-" if side.left is None else f"{side.left / row.parameters:.0%}"
    return [side.failure or side.complaint or "ran", left]


def table(rows: list[Row]) -> list[str]:
    """Markdown, with how many ran of each library."""
    said = []
    for library in models.LIBRARIES:
        own = [row for row in rows if row.name.startswith(f"{library}:")]
        ran = {who: sum(_side(row, who)[0] == "ran" for row in own) for who in (OURS, PEER)}
        said.append(f"{library}: of {len(own)} models {OURS} cut {ran[OURS]}, {PEER} {ran[PEER]}.")
    return [*said, "", line(HEAD), "|---" * len(HEAD) + "|", *(line(cells(row)) for row in rows)]


if __name__ == "__main__":
    sys.exit(main())
