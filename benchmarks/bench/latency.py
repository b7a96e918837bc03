"""How near the model of latency comes to measurements, and whether "-40 % latency" gives that.

One image, one thread, CPU seconds. Every op of the model is measured at some shapes. Then, in turns in one
run, the whole model, two that are cut evenly, which give scale and overhead, and selections that nobody has
seen: each group keeps a random share between 30 and 100 % of its channels. Last, a plan for 60 % of the time;
the share in the table is measured anew, in another run than those that the search saw.

python -m benchmarks.bench.latency MODEL     the process that measures; it is started by the benchmark
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from benchmarks.bench import models, process
from slimgui import engine
from slimgui.core.cost import full_counts
from slimgui.core.latency_advice import stalled
from slimgui.core.plan import Plan
from slimgui.engine.latency import latency_model
from slimgui.engine.latency_target import EVEN, plan_for_latency
from slimgui.engine.timing import Latency, measure_latency
from slimgui.engine.trace import Traced

MODELS = (
    "mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "resnet18", "regnet_y_1_6gf", "convnext_tiny",
    "resnet50", "densenet121", "vit_b_16", "vgg16_bn",
)  # fmt: skip
SELECTIONS, SHARE = 6, 0.6
STORE = Path(__file__).resolve().parents[2] / "build" / "latency.jsonl"
SECONDS = 2.0  # of computing per measurement of a few models in turns


@dataclass(frozen=True)
class Row:
    """One model: seconds; `pairs` are (predicted, measured) for random selections, shares for the target."""

    name: str
    ops: int
    tables: int
    seconds: float
    whole: float
    pairs: list[tuple[float, float]]
    predicted: float
    left: float
    macs: float
    warning: str

    @property
    def errors(self) -> list[float]:
        """How far predictions are from measurements, as shares of these."""
        return [abs(predicted / measured - 1) for predicted, measured in self.pairs]


def main(name: str) -> None:
    """Measure one model and tell."""
    tell = process.child()
    model, image = models.load(name)

    def timed(found: Sequence[nn.Module]) -> tuple[Latency, ...]:
        tell(measured=len(found))  # a step that says nothing for long is ended
        return measure_latency(found, image, seconds=SECONDS)

    traced = engine.trace(model, image)
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:  # nothing is known beforehand
        latency = latency_model(
            traced, cache=Path(folder), told=lambda done, total: tell(done=done, total=total)
        )
    seconds, ops = time.process_time() - begun, len(latency.ops)

    even = [Plan(ratio=ratio) for ratio in EVEN]
    plans = [Plan(), *even, *(drawn(traced, seed) for seed in range(SELECTIONS))]
    selections = [engine.resolve(traced, plan, model) for plan in plans]
    small = [engine.deploy(model, traced, selection).model for selection in selections[1:]]
    seen = [(s.counts(), one.median) for s, one in zip(selections, timed([model, *small]), strict=True)]
    latency = latency.fitted(seen[: 1 + len(even)])
    pairs = [(latency.at(counts), after) for counts, after in seen[1 + len(even) :]]
    whole = seen[0][1]
    del small

    found = plan_for_latency(traced, model, latency, SHARE, time=timed)
    one, other = timed([model, found.deployed.model])
    cut, full = found.deployed.selection, full_counts(traced.groups)
    macs = engine.cost(traced, cut).macs / engine.cost(traced).macs
    left = other.median / one.median
    predicted = latency.at(cut.counts()) / latency.at(full)
    tell(
        name=name, ops=ops, tables=len(latency.tables), seconds=seconds, whole=whole, pairs=pairs,
        predicted=predicted, left=left, macs=macs, warning=stalled(macs, left),
    )  # fmt: skip


def drawn(traced: Traced, seed: int) -> Plan:
    """Every group keeps a random share of its channels, each its own."""
    source, plan = random.Random(seed), Plan()  # noqa: S311 - no secret
    for group in traced.groups:
        if not group.locked:
            plan = plan.with_count(group.id, max(1, round(group.size * source.uniform(0.3, 1.0))))
    return plan


def measure(names: Sequence[str] = MODELS, *, resume: bool = False) -> list[Row]:
    """A row for each model, printed and kept in STORE when it is known; with `resume` of those first."""
    known = {row.name: row for row in _kept()}
    rows = []
    for name in names:
        row = known[name] if resume and name in known else _measured(name)
        known[name] = row
        STORE.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(asdict(each)) + "\n" for each in known.values())
        STORE.write_text(text, encoding="utf-8")
        rows.append(row)
        print(line(row), flush=True)
    return rows


def _measured(name: str) -> Row:
    *_, said = process.lines("benchmarks.bench.latency", name)
    return _row(said)


def _kept() -> list[Row]:
    lines = STORE.read_text(encoding="utf-8").splitlines() if STORE.exists() else []
    return [_row(json.loads(text)) for text in lines]


def _row(said: dict[str, Any]) -> Row:
    return Row(**{**said, "pairs": [tuple(pair) for pair in said["pairs"]]})


HEAD = (
    "model", "ops", "distinct", "measured in s", "whole ms", "random selections: predicted / measured ms",
    "median error", "-40 %: MACs left", "time left by the model", "time left, measured",
)  # fmt: skip


def line(row: Row) -> str:
    """One row of the table."""
    cells = (
        row.name,
        str(row.ops),
        str(row.tables),
        f"{row.seconds:.0f}",
        f"{1e3 * row.whole:.1f}",
        ", ".join(f"{1e3 * predicted:.1f} / {1e3 * seen:.1f}" for predicted, seen in row.pairs),
        f"{statistics.median(row.errors):.1%}",
        f"{row.macs:.0%}",
        f"{row.predicted:.1%}",
        f"{row.left:.1%} {row.warning}".strip(),
    )
    return f"| {' | '.join(cells)} |"


def table(rows: Sequence[Row]) -> list[str]:
    """Markdown, and what it comes to."""
    errors = [statistics.median(row.errors) for row in rows]
    every = [error for row in rows for error in row.errors]
    near = sum(abs(row.left - SHARE) <= 0.05 for row in rows)
    said = (
        f"The median error of a prediction is {statistics.median(every):.1%} over {len(every)} selections, "
        f"{max(errors):.1%} for the worst model. The plan for {SHARE:.0%} of the time is within 5 points "
        f"of it on {near} of {len(rows)} models."
    )
    head = [f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|"]
    return [*head, *map(line, rows), "", said]


if __name__ == "__main__":
    main(sys.argv[1])
