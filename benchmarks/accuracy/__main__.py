"""Accuracy right after a cut and after each step of recovery, beside Torch-Pruning; docs/benchmarks.md.

python -m benchmarks.accuracy [digits example cnn vit pitch] [--seeds N] [--samples N] [--write]
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.accuracy import ours, peer, subjects
from benchmarks.accuracy.subjects import SUBJECTS, Subject
from benchmarks.bench import document
from benchmarks.published.material import FOLDER
from slimgui import engine
from slimgui.engine.running import PlainAverage

STORE = subjects.ROOT / "build" / "accuracy.jsonl"
HELD_OUT = 2000
Row = dict[str, Any]


def main() -> int:
    """Measure what is named, or everything, where no row is known; write the page."""
    parser = argparse.ArgumentParser(prog="make bench-accuracy ARGS=...", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=[*SUBJECTS, []], nargs="*", help="all of them when none is named")
    parser.add_argument("--seeds", type=int, default=3, help="splits of the data")
    parser.add_argument(
        "--samples", type=int, default=1000, help="unlabelled samples for selection and recovery"
    )
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
        document.write("accuracy", table(known()))
        return 0
    built = {name: SUBJECTS[name]() for name in options.what or SUBJECTS}
    peers: Peers = {}
    for seed in range(options.seeds):
        for subject in built.values():
            shares = [float(share) for share in options.shares.split(",") if share] or subject.shares
            done = {(row["model"], row["seed"], row["share"]) for row in known()}
            missing = [share for share in shares if (subject.name, seed, share) not in done]
            for row in measure(subject, seed, options.samples, missing, peers) if missing else ():
                print(row, flush=True)
                _keep(row)
    return 0


def known() -> list[Row]:
    """All rows of earlier runs."""
    lines = STORE.read_text(encoding="utf-8").splitlines() if STORE.exists() else []
    return [json.loads(line) for line in lines]


def _keep(row: Row) -> None:
    STORE.parent.mkdir(parents=True, exist_ok=True)
    with STORE.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


Peers = dict[tuple[str, float], list[peer.Found]]


def measure(
    subject: Subject, seed: int, samples: int, shares: Sequence[float], peers: Peers
) -> Iterator[Row]:
    """A row for every share; `peers` keeps what is pruned without data for the next seed."""
    model, traced = subject.model, engine.trace(subject.model, subject.images[:2])
    whole = engine.cost(traced).macs
    order = torch.randperm(len(subject.images), generator=torch.Generator().manual_seed(seed))
    seen, held = order[:samples], order[samples : samples + HELD_OUT]
    judged = subject.part(held)
    batches = subject.images[seen].split(250)
    scores = engine.importance(model, traced, "input", batches)
    graded = peer.with_gradients(model, subject.images[seen], subject.labels[seen])
    for share in shares:
        found = ours.selection(traced, scores, (1 - share) * whole)
        row: Row = {"model": subject.name, "data": subject.data, "what": subject.what, "samples": samples}
        row |= {
            "seed": seed,
            "share": share,
            "held": len(held),
            "macs": engine.cost(traced, found).macs / whole,
        }
        row["whole"] = accuracy(model, judged)
        for stage, smaller in ours.stages(model, traced, found, batches):
            row[stage] = accuracy(smaller, judged)
        if (subject.name, share) not in peers:
            peers[subject.name, share] = list(_candidates(model, subject, peer.WITHOUT_DATA, whole, share))
        labelled = list(_candidates(graded, subject, peer.WITH_LABELS, whole, share))
        yield row | _peers(peers[subject.name, share] + labelled, judged, batches)


def _peers(others: list[peer.Found], judged: Subject, batches: Sequence[Tensor]) -> Row:
    """The best of the peer's settings, without and with statistics taken anew; none where none runs."""
    plain = [(accuracy(other.model, judged), other.name) for other in others]
    again = plain
    if list(judged.model.buffers()):  # else there are no statistics
        again = [(accuracy(recalibrated(other.model, batches), judged), other.name) for other in others]
    (best, name), (norms, norms_name) = (max(found, default=(None, "none runs")) for found in (plain, again))
    return {"peer": best, "peer_name": name, "peer_norms": norms, "peer_norms_name": norms_name}


def _candidates(
    model: nn.Module, subject: Subject, criteria: tuple[str, ...], whole: int, share: float
) -> Iterator[peer.Found]:
    return peer.candidates(model, subject.images[:2], criteria, round((1 - share) * whole))


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


HEAD = (
    "model", "splits", "MACs removed", "whole", "cut", "+ absorb", "+ recalibrate", "+ fold", "peer's best",
    "which", "+ norms", "which",
)  # fmt: skip


def table(rows: list[Row]) -> list[str]:
    """The lines of the page: means over the seeds."""
    lines = [f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    notes = []
    for model in dict.fromkeys(row["model"] for row in rows):
        own = [row for row in rows if row["model"] == model]
        shares = sorted({row["share"] for row in own})
        cells = [_cells([row for row in own if row["share"] == share]) for share in shares]
        lines += [f"| {' | '.join(line)} |" for line in cells]
        first = own[0]
        notes.append(
            f"{model}: {first['data']}; random splits into {first['samples']:,} {first['what']} that "
            f"selection and recovery see, without labels, and {first['held']:,} others that are held out."
        )
    return [*lines, "", *notes]


def _cells(same: list[Row]) -> list[str]:
    """One line: a model at a share."""
    removed = f"{100 * (1 - mean(row['macs'] for row in same)):.1f} %"
    numbers = [f"{mean(row[k] for row in same):.2f}" for k in ("whole", "cut", *ours.STEPS)]
    for key in ("peer", "peer_norms"):
        ran = [row[key] for row in same if row[key] is not None]
        numbers += [f"{mean(ran):.2f}" if ran else "-", same[0][f"{key}_name"]]
    return [same[0]["model"], str(len(same)), removed, *numbers]


if __name__ == "__main__":
    sys.exit(main())
