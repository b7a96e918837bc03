"""Accuracy right after a cut and after each step of recovery, beside Torch-Pruning; docs/benchmarks.md.

python -m benchmarks.accuracy [digits example cnn vit] [--seeds N] [--samples N] [--shares S,S] [--write]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from statistics import mean
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.accuracy import ours, peer, subjects
from benchmarks.accuracy.subjects import SUBJECTS, Subject
from benchmarks.bench import document
from slimgui import engine
from slimgui.engine.running import PlainAverage

ROWS = subjects.TRAINED / "rows"
HELD_OUT = 3000
Row = dict[str, Any]


def main() -> int:
    """Measure what is named, or everything; write the page."""
    parser = argparse.ArgumentParser(prog="make bench-accuracy ARGS=...", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=[*SUBJECTS, []], nargs="*", help="all of them when none is named")
    parser.add_argument("--seeds", type=int, default=3, help="splits of the data")
    parser.add_argument(
        "--samples", type=int, default=1000, help="unlabelled images for selection and recovery"
    )
    parser.add_argument(
        "--shares", default="", help="of the MACs that are removed, 0.5,0.85; else the subject's"
    )
    parser.add_argument(
        "--write", action="store_true", help="measure nothing: write the page from earlier rows"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in [] if options.write else options.what or SUBJECTS:
        subject = SUBJECTS[name]()
        shares = [float(share) for share in options.shares.split(",") if share] or subject.shares
        rows = []
        for row in measure(subject, options.seeds, options.samples, shares):
            rows.append(row)
            print(row, flush=True)
            ROWS.mkdir(parents=True, exist_ok=True)
            (ROWS / f"{name}.json").write_text(json.dumps(rows), encoding="utf-8")
    document.write(
        "accuracy", table([json.loads(p.read_text(encoding="utf-8")) for p in sorted(ROWS.iterdir())])
    )
    return 0


def measure(subject: Subject, seeds: int, samples: int, shares: list[float]) -> Iterator[Row]:
    """A row for every share and seed."""
    traced = engine.trace(subject.model, subject.images[:2])
    whole = engine.cost(traced).macs
    pruned = {
        share: list(_candidates(subject.model, subject, peer.WITHOUT_DATA, whole, share)) for share in shares
    }
    for seed in range(seeds):
        order = torch.randperm(len(subject.images), generator=torch.Generator().manual_seed(seed))
        seen, held = order[:samples], order[samples : samples + HELD_OUT]
        split = (
            f"{len(seen)} images of {subject.data} for selection and recovery, {len(held)} others held out"
        )
        print(f"{subject.name}, seed {seed}: {split}", flush=True)
        images, labels = subject.images[held], subject.labels[held]
        batches = subject.images[seen].split(250)
        scores = ours.by_input(subject.model, traced, batches)
        graded = peer.with_gradients(subject.model, subject.images[seen], subject.labels[seen])
        for share in shares:
            found = ours.selection(traced, scores, (1 - share) * whole)
            row: Row = {"model": subject.name, "data": subject.data, "samples": samples, "held": len(held)}
            row |= {"seed": seed, "share": share, "macs": engine.cost(traced, found).macs / whole}
            row["whole"] = accuracy(subject.model, images, labels)
            for stage, model in ours.stages(subject.model, traced, found, batches):
                row[stage] = accuracy(model, images, labels)
            others = [*pruned[share], *_candidates(graded, subject, peer.WITH_LABELS, whole, share)]
            plain = [(accuracy(other.model, images, labels), other.name) for other in others]
            again = [
                (accuracy(recalibrated(other.model, batches), images, labels), other.name) for other in others
            ]
            row["peer"], row["peer_name"] = max(plain)
            row["peer_norms"], row["peer_norms_name"] = max(again)
            yield row


def _candidates(
    model: nn.Module, subject: Subject, criteria: tuple[str, ...], whole: int, share: float
) -> Iterator[peer.Found]:
    return peer.candidates(model, subject.images[:2], criteria, round((1 - share) * whole))


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Share of the images whose largest output is their label, in percent."""
    found = torch.cat([model(part) for part in images.split(500)]).argmax(1)
    return 100 * float(found.eq(labels).float().mean())


@torch.no_grad()
def recalibrated(model: nn.Module, batches: tuple[Tensor, ...]) -> nn.Module:
    """A copy whose norms have the statistics of the batches, as SlimGUI's recalibration gives them."""
    import copy

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


def table(subjects_rows: list[list[Row]]) -> list[str]:
    """The lines of the page: means over the seeds."""
    lines = [f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    notes = []
    for rows in subjects_rows:
        for share in sorted({row["share"] for row in rows}):
            same = [row for row in rows if row["share"] == share]
            numbers = [f"{mean(row[k] for row in same):.2f}" for k in ("whole", "cut", *ours.STEPS)]
            peers = [f"{mean(r['peer'] for r in same):.2f}", same[0]["peer_name"]]
            peers += [f"{mean(r['peer_norms'] for r in same):.2f}", same[0]["peer_norms_name"]]
            removed = f"{100 * (1 - mean(row['macs'] for row in same)):.1f} %"
            lines.append(f"| {' | '.join([same[0]['model'], str(len(same)), removed, *numbers, *peers])} |")
        first = rows[0]
        notes.append(
            f"{first['model']}: {first['data']}; random splits into {first['samples']:,} images that "
            f"selection and recovery see, without labels, and {first['held']:,} others that are held out."
        )
    return [*lines, "", *notes]


if __name__ == "__main__":
    sys.exit(main())
