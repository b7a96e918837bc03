"""Save twelve kinds of models in every format and open them elsewhere; kill saves at random moments.

python -m benchmarks.soak.saves [--kills 100] [--seed 0]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.soak import nets, opened
from slimgui import engine
from slimgui.engine import readback
from slimgui.engine.formats import reader
from slimgui.engine.load.checkpoint import read

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-4  # float32, against the largest output; ONNX computes in another order
KINDS = [kind for kinds in opened.FORMATS.values() for kind in kinds]
SHARD_BYTES = 600_000  # a third of the model that is killed: several files


def round_trips(names: Iterable[str], folder: Path) -> Iterator[tuple[str, str, float]]:
    """Net, format, and the largest difference of what the file computes elsewhere, over the largest output.

    Elsewhere: in a fresh process, from which what the format does without is kept away (`opened.py`).
    """
    names = list(names)
    for name in names:
        np.save(folder / f"{name}.x.npy", nets.inputs(name, nets.BATCHES[1]).numpy())
        for kind in KINDS:
            engine.save(nets.deployed(name), folder / f"{name}.{kind}", format=kind)
    for mode in opened.FORMATS:
        command = [sys.executable, "-W", "ignore", opened.__file__, mode, str(folder)]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    for name in names:
        with torch.no_grad():
            want = nets.deployed(name).model(nets.inputs(name, nets.BATCHES[1])).numpy()
        for kind in KINDS:
            have = np.load(folder / f"{name}.{kind}.y.npy")
            error = np.abs(have - want).max() if have.shape == want.shape else np.inf
            yield name, kind, float(error / np.abs(want).max())


def filled(value: float) -> engine.Deployed:
    """A net of 1.8 MB, every weight of it `value`."""
    model = nn.Sequential(
        nn.Conv2d(3, 160, 3), nn.ReLU(), nn.Conv2d(160, 320, 3), nn.ReLU(), nn.Conv2d(320, 4, 3)
    )
    inputs = torch.zeros(1, 3, 8, 8)
    traced = engine.trace(model, inputs)
    deployed = engine.deploy(model, traced, engine.resolve(traced, engine.Plan(ratio=0.1), model))
    with torch.no_grad():
        for parameter in deployed.model.parameters():
            parameter.fill_(value)
    return deployed


def kills(kind: str, count: int, seed: int, folder: Path) -> Iterator[str]:
    """What a killed save left at its target: "old" or "new", or what is wrong with it.

    What it left beside the target has to be gone after the next save there.
    The save reads back in its own process, so that most of its time is spent on the files.
    """
    readback.run_reader = reader.run
    old, new = filled(1.0), filled(2.0)
    target = folder / f"killed.{kind}"
    whole = engine.save(old, target, shard_bytes=SHARD_BYTES).path
    moments = random.Random(seed)  # noqa: S311 - no secret
    started = time.monotonic()
    os.waitpid(_saving(new, folder / f"timed.{kind}"), 0)
    took = time.monotonic() - started
    for _ in range(count):
        child = _saving(new, target)
        time.sleep(moments.uniform(0, 1.5 * took))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = _found(whole)
        engine.save(old, target, shard_bytes=SHARD_BYTES)
        left = [file.name for file in folder.glob(".*")]
        yield f"{found}, and beside it {', '.join(left)}" if left else found


def _saving(deployed: engine.Deployed, target: Path) -> int:
    """The process that has begun to save."""
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)  # the threads of torch did not come along; waiting for them would never end
        engine.save(deployed, target, shard_bytes=SHARD_BYTES)
        os._exit(0)
    return child


def _found(target: Path) -> str:
    try:
        state = _state(target)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return f"{type(error).__name__}: {error}"
    values = {float(value) for tensor in state.values() for value in tensor.unique()}
    return {(1.0,): "old", (2.0,): "new"}.get(tuple(values), f"a mixture of {sorted(values)}")


def _state(target: Path) -> dict[str, Tensor]:
    if target.suffix == ".pt2":
        return dict(torch.export.load(target).state_dict)
    found = read(target)
    assert isinstance(found, dict), "SlimGUI's own files are"
    return dict(found["state_dict"])


def main() -> int:
    """A line for each net and format, and for each kind of file that saves were killed at; 1 for a fault."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100, help="in all")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    faults = 0
    with tempfile.TemporaryDirectory() as name:
        for net, kind, error in round_trips(nets.MODELS, Path(name)):
            verdict = "equal" if error < TOLERANCE else "DIFFERS"
            faults += verdict != "equal"
            print(f"{net:<12} {kind:<12} {verdict}  {error:.1e}")
    killed = ("pt", "safetensors", "pt2")
    for place, kind in enumerate(killed):
        with tempfile.TemporaryDirectory() as name:
            count = len(range(place, options.kills, len(killed)))
            found = Counter(kills(kind, count, options.seed, Path(name)))
        faults += count - found["old"] - found["new"]
        print(f"killed {kind:<12} {dict(found)}")
    print(f"{faults} faults")
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main())
