"""Accuracy right after a cut and after each step of recovery, beside Torch-Pruning; docs/benchmarks.md.

python -m benchmarks.accuracy [digits example cnn vit pitch] [--seeds N] [--shares 0.5,0.85] [--write]
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.accuracy import ours, peer, subjects
from benchmarks.accuracy.page import Row, page
from benchmarks.accuracy.subjects import SUBJECTS, Subject
from benchmarks.bench import document
from benchmarks.published.material import FOLDER
from slimgui import engine
from slimgui.engine.running import PlainAverage

STORE = subjects.ROOT / "build" / "accuracy.jsonl"
BEST = 4  # settings of the peer by either figure: these are judged on all held-out data
FIRST = 400  # held-out samples that tell which those are


def main() -> int:
    """Measure what is named, or everything, where no row is known; write the page."""
    parser = argparse.ArgumentParser(prog="make bench-accuracy ARGS=...", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=[*SUBJECTS, []], nargs="*", help="all of them when none is named")
    parser.add_argument("--seeds", type=int, default=3, help="splits of the data")
    parser.add_argument(
        "--shares", default="", help="of the MACs that are removed, 0.5,0.85; else the subject's"
    )
    parser.add_argument("--write", action="store_true", help="write the page, from all rows that are known")
    parser.add_argument(
        "--packages", type=Path, default=subjects.ROOT / "build" / "published", help="the published nets"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    os.environ[FOLDER] = str(options.packages.resolve())
    sys.path.append(os.environ[FOLDER])
    if options.write:
        document.write("accuracy", page(known()))
        return 0
    built = {name: SUBJECTS[name]() for name in options.what or SUBJECTS}
    for seed in range(options.seeds):
        for subject in built.values():
            shares = [float(share) for share in options.shares.split(",") if share] or subject.shares
            done = {(row["model"], row["seed"], row["share"]) for row in known()}
            missing = [share for share in shares if (subject.name, seed, share) not in done]
            for row in measure(subject, seed, missing) if missing else ():
                print(row, flush=True)
                _keep(row)
    return 0


def known() -> list[Row]:
    """All rows of earlier runs; of equal ones, which two programs at once may make, the first."""
    lines = STORE.read_text(encoding="utf-8").splitlines() if STORE.exists() else []
    rows: dict[tuple[str, int, float], Row] = {}
    for row in map(json.loads, lines):
        rows.setdefault((row["model"], row["seed"], row["share"]), row)
    return list(rows.values())


def _keep(row: Row) -> None:
    STORE.parent.mkdir(parents=True, exist_ok=True)
    with STORE.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def measure(subject: Subject, seed: int, shares: Sequence[float]) -> Iterator[Row]:
    """A row for every share."""
    model, traced = subject.model, engine.trace(subject.model, subject.images[:2])
    whole = engine.cost(traced).macs
    order = torch.randperm(len(subject.images), generator=torch.Generator().manual_seed(seed))
    seen, held = order[: subject.samples], order[subject.samples :][: subject.held]
    judged, batches = subject.part(held), subject.images[seen].split(125)
    for share in shares:
        began = time.process_time()
        found = ours.selection(model, traced, share, batches)
        macs = engine.cost(traced, found).macs
        row: Row = {"model": subject.name, "seed": seed, "share": share, "macs": macs / whole}
        row |= {"data": subject.data, "what": subject.what, "samples": len(seen), "held": len(held)}
        row["whole"] = accuracy(model, judged)
        for stage, smaller in ours.stages(model, traced, found, batches):
            row[stage] = accuracy(smaller, judged)
        row["seconds"] = round(time.process_time() - began)
        left = peer.left_whole(model, traced, found)
        task = peer.Task(subject, subject.images[seen], subject.labels[seen], macs, whole, left)
        others = list(peer.candidates(task, _worth_trying(subject.name, share)))
        row["peers"] = _peers(others, judged, batches)
        row["peer_seconds"] = round(time.process_time() - began) - row["seconds"]
        yield row | {"commit": _commit()}


def _worth_trying(model: str, share: float) -> set[str]:
    """The peer's settings that were the best on other splits; none: all have to be tried."""
    rows = [row for row in known() if (row["model"], row["share"]) == (model, share)]
    return {name for row in rows for name in row["peers"]}


def _peers(
    others: Sequence[peer.Found], judged: Subject, batches: Sequence[Tensor]
) -> dict[str, tuple[float, float]]:
    """Both figures of the best settings; where there are many, a part of the data tells which those are."""
    if len(others) > 2 * BEST:
        part = judged.part(torch.arange(FIRST))
        first = {other.name: _judged(other.model, part, batches[:2]) for other in others}
        best = {name for i in (0, 1) for name in sorted(first, key=lambda n: -first[n][i])[:BEST]}
        others = [other for other in others if other.name in best]
    return {other.name: _judged(other.model, judged, batches) for other in others}


def _judged(other: nn.Module, judged: Subject, batches: Sequence[Tensor]) -> tuple[float, float]:
    """Accuracy as it is, and with statistics taken anew where there are any."""
    plain = accuracy(other, judged)
    return plain, accuracy(recalibrated(other, batches), judged) if list(other.buffers()) else plain


def _commit() -> str:
    """Of this tree, by its subject: its number changes when it is put upon others."""
    command = ["git", "log", "-1", "--format=%s"]
    told = subprocess.run(command, cwd=subjects.ROOT, capture_output=True, text=True, check=False)
    return told.stdout.strip()


@torch.no_grad()
def accuracy(model: nn.Module, judged: Subject) -> float:
    """Share of the samples whose largest output is their label, in percent."""
    found = torch.cat([model(part) for part in judged.images.split(500)]).argmax(1)
    return 100 * float(((found - judged.labels).abs() <= judged.tolerance).float().mean())


@torch.no_grad()
def recalibrated(model: nn.Module, batches: Sequence[Tensor]) -> nn.Module:
    """A copy whose norms have the statistics of the batches, as SlimGUI's recalibration gives them."""
    model = copy.deepcopy(model)
    average = PlainAverage(model.buffers())
    for batch in batches:
        with average:
            model(batch)
    return model


if __name__ == "__main__":
    sys.exit(main())
