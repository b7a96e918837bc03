"""Random nets of 5 to 30 ops, every group cut by a ratio of its own, judged by the zeroing oracle.

python -m benchmarks.fuzz [--count 2000] [--seed 0] [--only NUMBER] [--source]
"""

from __future__ import annotations

import argparse
import json
import pprint
import random
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import torch

from benchmarks import judge
from benchmarks.fuzz import check
from benchmarks.fuzz.net import OPS, Net, Record, Unfit, assemble

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 30  # per net
SECONDS_TO_MINIMISE = 60


def main() -> int:
    """Draw, judge and, where something fails, minimise; 1 when something failed."""
    parser = argparse.ArgumentParser(prog="make fuzz ARGS=...", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="the net of this number, with its source")
    parser.add_argument("--fail-after", type=int, default=25, help="stop after so many failures")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    numbers = range(options.count) if options.only is None else [options.only]
    totals: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    failures = []
    started = time.monotonic()
    for done, number in enumerate(numbers, 1):
        records = draw(random.Random(f"{options.seed}-{number}"))  # noqa: S311 - a seeded draw
        row = timed(records)
        totals[row.verdict] += 1
        if options.only is not None:
            print(assemble(records).source(), row, sep="\n")
        if row.verdict == "refused":
            refusals[_kind(row.detail)] += 1
        if row.verdict in judge.FAILURES:
            print(f"net {options.seed}-{number}: {row.verdict} {row.detail} [{row.where}]", flush=True)
            small = minimise(records, row)
            failures.append(small)
            print(f"{timed(small).detail}\n{_paste(small)}\n{assemble(small).source()}", flush=True)
            if len(failures) >= options.fail_after:
                break
        elif done % 100 == 0:
            print(f"{done} nets, {time.monotonic() - started:.0f} s: {_said(totals)}", flush=True)
    print(f"{done} nets, seed {options.seed}: {_said(totals)}")
    for kind, times in refusals.most_common(12):
        print(f"  refused {times:4} x {kind}")
    if failures:
        path = ROOT / "build" / "fuzz-failures.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(failures, indent=1), encoding="utf-8")
    return bool(failures)


def _said(totals: Counter[str]) -> str:
    order = ("exact", "inexact", "refused", "dull", "blind", *judge.FAILURES)
    return ", ".join(f"{totals[verdict]} {verdict}" for verdict in order)


def _kind(detail: str) -> str:
    """A refusal without what is special to the net."""
    words = [word for word in detail.split() if not any(c.isdigit() for c in word)]
    return " ".join(words)[:150]


def _paste(records: list[Record]) -> str:
    return pprint.pformat(records, width=105, sort_dicts=False, compact=True)


# Drawing


def draw(rng: random.Random) -> list[Record]:
    """The records of a random net."""
    net = Net()
    _place(net, rng, "conv", ["v0"], channels=rng.choice((6, 8, 12)), groups=1, stride=1)
    wanted = rng.randint(5, 30)
    kinds, weights = zip(*((kind, entry.weight) for kind, entry in OPS.items()), strict=True)
    for _ in range(40 * wanted):
        if len(net.records) >= wanted:
            break
        kind = rng.choices(kinds, weights)[0]
        ins = _inputs(net, rng, kind)
        if ins:
            given = {"of": rng.choice(sorted(net.module_of))} if kind == "reuse" and net.module_of else {}
            _place(net, rng, kind, ins, **given)
    for name in net.unread():
        if rng.random() < 0.95:
            _place(net, rng, "head", [name])
    return net.records


def _inputs(net: Net, rng: random.Random, kind: str) -> list[str]:
    """Values for the op to read, the newest most of the time; empty when there are none."""
    names = list(net.shapes)
    unread = [name for name in net.unread() if name in names[-6:]] or names[-1:]
    first = rng.choice(unread) if rng.random() < 0.8 else rng.choice(names)
    entry, shape = OPS[kind], net.shapes[first]
    if entry.ins == 1:
        return [first]
    if entry.match == "all":
        partners = [name for name in names if net.shapes[name] == shape]
    elif entry.match:
        rest = _rest(shape)
        partners = [n for n in names if len(net.shapes[n]) == len(shape) and _rest(net.shapes[n]) == rest]
    else:
        partners = [name for name in names if len(net.shapes[name]) == 1]
    others = [name for name in partners if name != first]
    if others and rng.random() < 0.9:
        return [first, rng.choice(others)]
    return [first, first] if partners and rng.random() < 0.1 else []


def _rest(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[1:] if len(shape) == 3 else shape[:-1]


def _place(net: Net, rng: random.Random, kind: str, ins: list[str], **given: object) -> None:
    """Add an op with drawn arguments, if it fits."""
    drawn = {name: rng.choice(values) for name, values in OPS[kind].choices.items()} | given
    first = len(net.shapes)
    outs = [f"v{first + i}" for i in range(int(drawn.get("parts", 1)))]
    try:
        net.add({"op": kind, "ins": ins, "outs": outs, **drawn})
    except Unfit:
        return


# Judging and minimising


class _Late(BaseException):
    pass


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(_number: int, _frame: FrameType | None) -> None:
        raise _Late

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def timed(records: list[Record]) -> judge.Row:
    """The row of a net that may not take longer than it should."""
    try:
        with _alarm(SECONDS):
            return check(records)
    except _Late:
        return judge.Row(verdict="TIMEOUT", detail=f"not done after {SECONDS} s")


def minimise(records: list[Record], row: judge.Row) -> list[Record]:
    """The fewest records, with the plainest arguments, that still fail in the same way."""
    until = time.monotonic() + SECONDS_TO_MINIMISE

    def still_fails(net: Net) -> bool:
        if time.monotonic() > until:
            return False
        found = timed(net.records)
        return (found.verdict, found.where.partition(" ")[0]) == (row.verdict, row.where.partition(" ")[0])

    size = max(1, len(records) // 2)
    while size:
        smaller = _without_some(records, size, still_fails)
        if len(smaller) < len(records):
            records, size = smaller, min(size, max(1, len(smaller) // 2))
        else:
            size //= 2
    return _plainer(records, still_fails)


def _without_some(records: list[Record], size: int, still_fails) -> list[Record]:
    """`records` without the first run of `size` that can go; the same list when none can."""
    for start in range(len(records) - 1, -1, -size):
        gone = frozenset(range(max(0, start - size + 1), start + 1))
        try:
            net = assemble(records, gone)
        except Unfit:
            continue
        if len(net.records) < len(records) and still_fails(net):
            return net.records
    return records


def _plainer(records: list[Record], still_fails) -> list[Record]:
    for number, record in enumerate(records):
        for name, values in OPS[record["op"]].choices.items():
            if record[name] == values[0]:
                continue
            tried = [*records[:number], {**record, name: values[0]}, *records[number + 1 :]]
            try:
                net = assemble(tried)
            except (Unfit, ValueError):  # other arguments may give another number of outputs
                continue
            if still_fails(net):
                records = net.records
                record = {**record, name: values[0]}
    return records


if __name__ == "__main__":
    sys.exit(main())
