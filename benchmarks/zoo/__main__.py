"""Every model of a library, cut and judged: one process each, one row each.

python -m benchmarks.zoo LIBRARY [--only NAME,NAME] [--family NAME] [--resume] [--failed]
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import resource
import select
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from dataclasses import asdict
from functools import cache
from pathlib import Path
from types import ModuleType

import torch

from benchmarks import judge
from benchmarks.judge import Row

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS, GIGABYTES = 180, 16
SEED = 7
HEAD = (
    ("model", 34), ("verdict", 8), ("groups", 13), ("share exact+inexact", 14), ("left", 5), ("trace s", 6),
    ("deploy s", 6), ("error", 8), ("control", 8), ("proof", 8), ("in", 3), ("detail", 60),
)  # fmt: skip

# Library, by the name of its distribution -> the module here with its names() and evaluate(name, seed).
LIBRARIES = {
    "torchvision": "vision",
    "timm": "timm_models",
    "transformers": "transformers_models",
    "ultralytics": "yolo",
    "segmentation-models-pytorch": "segmentation",
}
# Nothing is fetched, and nobody's settings are touched.
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "YOLO_OFFLINE": "true",
    "YOLO_AUTOINSTALL": "false",
    "YOLO_VERBOSE": "false",
    "YOLO_CONFIG_DIR": str(ROOT / "build" / "ultralytics"),
}

HEADING = """# {library}

Written by `make zoo ARGS={library}`; what it does is said in [benchmarks](../benchmarks/README.md).
Groups: exact + inexact / locked. Share: parameter elements with a dimension in an exact group, + those in
inexact ones only. Left: parameters after all of them are cut. Error, control: the largest difference to the
zeroed original, relative to the spread of the output, and the same with one kept index shifted. Proof: the
same for the cut of exact and inexact groups together, to the original with statistics over kept channels.

torch {torch}, {library} {version}, Python {python}, {machine}, one thread; commit {commits}.

{totals}.
"""


def main() -> int:
    """One row after the other; 1 when one is WRONG or a CRASH."""
    parser = argparse.ArgumentParser(prog="make zoo ARGS=...", description=__doc__.splitlines()[0])
    parser.add_argument("library", choices=list(LIBRARIES))
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--family", default="", help="one family of the library")
    parser.add_argument("--resume", action="store_true", help="leave out what has a row")
    parser.add_argument("--failed", action="store_true", help="only what is not exact or inexact yet")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="per model")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)  # and children may be forked: no pool of threads exists yet
    os.environ |= QUIET

    names = _library(options.library).names()
    store = ROOT / "build" / f"zoo-{options.library}.jsonl"
    rows = _read(store)
    wanted = _wanted(names, rows, options)
    print(_line([title for title, _ in HEAD]), flush=True)
    for name in wanted:
        rows[name] = _in_child(options.library, name, options.seconds)
        rows[name].commit = _commit()
        print(_line(_cells(rows[name])), flush=True)
        store.parent.mkdir(exist_ok=True)
        store.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows.values()), encoding="utf-8")
        _document(options.library, rows, names)
    if not wanted:
        print("Every model has its row.")
        return 0
    print(_totals([rows[name] for name in wanted]))
    return any(rows[name].verdict in ("WRONG", "CRASH") for name in wanted)


def _library(name: str) -> ModuleType:
    return importlib.import_module(f"benchmarks.zoo.{LIBRARIES[name]}")


@cache
def _commit() -> str:
    """The commit at hand, with a + when the tree differs from it."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--", "slimgui", "benchmarks")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def _wanted(names: dict[str, str], rows: dict[str, Row], options: argparse.Namespace) -> list[str]:
    only = set(filter(None, options.only.split(",")))
    if unknown := only - set(names):
        raise SystemExit(f"no such model: {', '.join(sorted(unknown))}")
    chosen = [name for name in names if not only or name in only]
    chosen = [name for name in chosen if options.family in ("", names[name])]
    if options.resume:
        chosen = [name for name in chosen if name not in rows]
    if options.failed:
        chosen = [n for n in chosen if n not in rows or rows[n].verdict not in ("exact", "inexact")]
    return chosen


def _read(store: Path) -> dict[str, Row]:
    if not store.exists():
        return {}
    found = [Row(**json.loads(line)) for line in store.read_text(encoding="utf-8").splitlines()]
    return {row.name: row for row in found}


def _in_child(library: str, name: str, seconds: int) -> Row:
    """The row, made in a process of its own that may not take longer or more memory than it should."""
    family = _library(library).names()[name]
    reading, writing = os.pipe()
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(library, name, writing)
    os.close(writing)
    answer, late = _answer(reading, started + seconds)
    if late:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if late:
        return Row(name, family, "TIMEOUT", detail=f"not done after {seconds} s")
    if not answer:
        code = os.waitstatus_to_exitcode(status)
        return Row(name, family, "CRASH", detail=f"the process ended with {code}")
    return Row(**json.loads(answer))


def _answer(reading: int, until: float) -> tuple[bytes, bool]:
    """What the child wrote, and whether it is late."""
    parts: list[bytes] = []
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while (left := until - time.monotonic()) > 0:
            if not select.select([pipe], [], [], left)[0]:
                break
            if not (part := pipe.read(65536)):
                return b"".join(parts), False
            parts.append(part)
    return b"", True


def _child(library: str, name: str, writing: int) -> None:
    row = Row(name, _library(library).names()[name])
    try:
        resource.setrlimit(resource.RLIMIT_AS, (GIGABYTES * 2**30,) * 2)
        torch.manual_seed(0)
        row = _library(library).evaluate(name, SEED)
    except BaseException as error:  # noqa: BLE001 - whatever ends this process is a row
        row.verdict, row.detail, row.where = "CRASH", judge.one_line(error), judge.where(error)
    os.write(writing, json.dumps(asdict(row)).encode())
    os._exit(0)


def _cells(row: Row) -> list[str]:
    def number(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    groups = f"{row.exact_groups}+{row.inexact_groups}/{row.locked_groups}"
    shares = f"{number(row.exact_share, '.0%')}+{number(row.inexact_share, '.0%')}"
    detail = row.detail + (f" [{row.where}]" if row.where else "")
    return [
        row.name, row.verdict, groups, shares, number(row.params_left, ".0%"),
        number(row.trace_seconds, ".1f"), number(row.deploy_seconds, ".1f"), number(row.error, ".0e"),
        number(row.control, ".0e"), number(row.proof, ".0e"), row.precision, detail,
    ]  # fmt: skip


def _line(cells: list[str]) -> str:
    return " ".join(cell.ljust(width) for cell, (_, width) in zip(cells, HEAD, strict=True)).rstrip()


def _totals(rows: list[Row]) -> str:
    counts = Counter(row.verdict for row in rows)
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    exact, inexact = (sum(shares) / len(rows) for shares in zip(*map(_share, rows), strict=True))
    shares = f"{exact + inexact:.1%} ({exact:.1%} exact, {inexact:.1%} inexact)"
    return f"{len(rows)} models: {said}; mean share {shares}"


def _share(row: Row) -> tuple[float, float]:
    """Of what was cut and proven; nothing of a model that was not."""
    if row.verdict not in ("exact", "inexact"):
        return 0.0, 0.0
    return row.exact_share or 0.0, row.inexact_share or 0.0


def _document(library: str, rows: dict[str, Row], names: dict[str, str]) -> None:
    """The table of all rows known so far, in the order of the library's families."""
    known = [rows[name] for name in names if name in rows]
    commits = Counter(row.commit or "not noted" for row in known)
    lines = [HEADING.format(
        library=library, torch=torch.__version__, version=importlib.metadata.version(library),
        python=platform.python_version(), machine=platform.machine(), totals=_totals(known),
        commits=", ".join(f"{commit} ({count} rows)" for commit, count in commits.most_common()),
    )]  # fmt: skip
    for family in dict.fromkeys(names.values()):
        known = [rows[name] for name in names if names[name] == family and name in rows]
        if not known:
            continue
        lines += [f"## {family}", "", f"{_totals(known)}.", ""]
        lines += ["| " + " | ".join(title for title, _ in HEAD) + " |", "|---" * len(HEAD) + "|"]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in _cells(row)) + " |" for row in known]
        lines += [""]
    path = ROOT / "docs" / f"zoo-{library}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
