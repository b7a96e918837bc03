"""The two steps of a row, each in a process of its own, which prints one JSON object.

python -m benchmarks.published.steps slim TASK NET OUT     open, trace, cut, prove, save, recover
python -m benchmarks.published.steps use TASK FOLDER       the task by all whole, cut, recovered
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.published import tasks
from benchmarks.published.material import packages
from benchmarks.published.models import ROWS, Net
from benchmarks.published.unlabelled import SAMPLES
from slimgui import engine
from slimgui.engine.load import Loaded, with_inputs


def opened(net: Net, model: nn.Module | None = None) -> Loaded:
    """The published checkpoint, opened as a user does who trusts it where that is needed."""
    file = packages() / net.file
    trusted = [hashlib.sha256(file.read_bytes()).hexdigest()] if net.trust else []
    return engine.load(str(file), model or net.factory, trusted=trusted)


def slim(net: Net, out: Path) -> dict[str, Any]:
    """Open, trace, cut, prove and save; where there are samples, recover and save beside it."""
    started = time.perf_counter()
    loaded = with_inputs(opened(net), net.shape)
    traced = engine.trace(loaded.model, loaded.example_inputs)
    samples = SAMPLES[net.samples]() if net.samples else None
    plan = engine.plan_for(traced, loaded.model, importance=net.importance, samples=samples, **net.wanted)
    selection = engine.resolve(traced, plan, loaded.model)
    deployed = engine.deploy(loaded.model, traced, selection)
    proof = engine.verify(loaded.model, deployed, loaded.example_inputs)
    deployed = replace(deployed, source=loaded.source, proof=proof)
    engine.save(deployed, out)
    seconds = time.perf_counter() - started
    if samples:
        recovered = engine.recover(loaded.model, traced, deployed, samples, net.steps)
        engine.save(recovered, recovered_beside(out))
    before, after = engine.cost(traced), engine.cost(traced, selection)
    return {
        "free": sum(not group.locked for group in traced.groups),
        "locked": sum(bool(group.locked) for group in traced.groups),
        "params": before.params,
        "params_left": after.params / before.params,
        "macs_left": after.macs / before.macs,
        "passed": proof.passed,
        "max_error": proof.max_error,
        "note": proof.note,
        "corrected": len(deployed.corrections),
        "seconds": seconds,
        "recovery_seconds": time.perf_counter() - started - seconds,
        "steps": [(step.method, *(step.distance or ())) for step in recovered.recovery] if samples else [],
    }


def recovered_beside(out: Path) -> Path:
    """Where the recovered model is saved, beside the one that was only cut."""
    return out.with_name(f"{out.stem}.recovered.pt")


def use(task: str, nets: tuple[Net, ...], folder: Path) -> dict[str, Any]:
    """What comes out of the task before and after."""
    whole = {net.name: opened(net).model for net in nets}
    cut = {net.name: _saved(net, folder / f"{net.name}.pt") for net in nets}
    better = {
        net.name: _saved(net, recovered_beside(folder / f"{net.name}.pt")) for net in nets if net.samples
    }
    run = getattr(tasks, task)
    with torch.no_grad():
        before, after = run(whole), run(cut)
        recovered = run(cut | better) if better else None
    return {
        "before": before.text,
        "after": after.text,
        "done": after.done,
        "recovered": recovered and recovered.text,
        "recovered_done": recovered and recovered.done,
    }


def _saved(net: Net, file: Path) -> nn.Module:
    return engine.load(file, model=opened(net).model).model


def main() -> None:
    """Do one step."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    step, task, *rest = sys.argv[1:]
    nets = {net.name: net for net in next(row for row in ROWS if row.task == task).nets}
    with contextlib.redirect_stdout(sys.stderr):  # packages print
        found = (
            slim(nets[rest[0]], Path(rest[1]))
            if step == "slim"
            else use(task, tuple(nets.values()), Path(rest[0]))
        )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
