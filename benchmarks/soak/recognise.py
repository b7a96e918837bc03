"""Recognise bare weights of torchvision and timm: as they are, wrapped, with another head, slimmed.

python -m benchmarks.soak.recognise [--only WORD] [--seed 0]

Right: the true architecture is in the list. Wrong: the engine loaded something without asking. The models are
built without numbers, and slimmed by a random plan: traced, and every weight as narrow as the plan says.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.zoo import material, timm_models, vision
from slimgui import engine
from slimgui.core.recognise import known, recognise
from slimgui.core.resolve import resolve
from slimgui.engine.keep import kept_indices
from slimgui.engine.load.source import build
from slimgui.engine.structural import named_tensors
from slimgui.errors import SlimError, UnnamedModelError
from slimgui.files.sets import weights_in

CLASSES = 17
KINDS = ("as it is", "wrapped", "another head", "slimmed")
State = Mapping[str, Tensor]


@dataclass
class Tally:
    """What came out, and how long the list took, in milliseconds."""

    right: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    first: int = 0


def factories() -> dict[str, int]:
    """Every classification model of torchvision and one of every module of timm -> pixels of its input."""
    import timm

    found = {
        f"torchvision.models:{name}": 299 if name == "inception_v3" else 224
        for name, family in vision.names().items()
        if family == "classification"
    }
    for name in timm_models.names():
        found[f"timm.models:{name}"] = timm.get_pretrained_cfg(name).input_size[-1]
    return found


def made(factory: str) -> nn.Module:
    """The model, without numbers."""
    return material.weightless(lambda: build(factory))


def cases(factory: str, side: int, seed: int) -> Iterator[tuple[str, str, object]]:
    """Kind, the factory that belongs in the list, and what the file holds."""
    model = made(factory)
    state = model.state_dict()
    yield KINDS[0], factory, state
    yield KINDS[1], factory, wrapped(state, seed)
    other = f"{factory}(num_classes={CLASSES})"
    yield KINDS[2], other, made(other).state_dict()
    yield KINDS[3], factory, slimmed(model, side, seed)


def wrapped(state: State, seed: int) -> object:
    """As training programs save it; another way for every model."""
    ways: tuple[Any, ...] = (
        lambda: {f"module.{name}": value for name, value in state.items()},
        lambda: {"state_dict": {f"model.{name}": value for name, value in state.items()}, "epoch": 3},
        lambda: {"model": state, "model_ema": {f"module.{name}": value for name, value in state.items()}},
        lambda: {f"_orig_mod.module.{name}": value for name, value in state.items()},
        lambda: {"n_averaged": torch.tensor(3), **{f"module.{name}": state[name] for name in state}},
        lambda: {"loss.weight": torch.ones(5), **{f"net.backbone.{name}": state[name] for name in state}},
    )
    return ways[seed % len(ways)]()


def slimmed(model: nn.Module, side: int, seed: int) -> State:
    """Its weights as narrow as a random plan leaves them."""
    traced = engine.trace(model, (torch.zeros(2, 3, side, side),))
    scores = {group.id: torch.arange(group.size).double().numpy() for group in traced.groups}
    selection = resolve(traced.groups, scores, engine.sample(traced, seed))
    shapes = {name: tensor.shape for name, tensor in named_tensors(model).items()}
    kept, state = kept_indices(traced.groups, selection, shapes), model.state_dict()
    sizes = {name: {dim: len(stays) for dim, stays in dims.items()} for name, dims in kept.items()}
    return {
        name: torch.empty([sizes.get(name, {}).get(dim, size) for dim, size in enumerate(value.shape)],
                          dtype=value.dtype, device="meta")
        for name, value in state.items()
    }  # fmt: skip


def thin(content: Any) -> Any:
    """The same with one number in place of every tensor's: a small file of the right names and shapes."""
    if isinstance(content, Tensor):
        return torch.zeros((), dtype=content.dtype).expand(content.shape)
    return {key: thin(value) for key, value in content.items()} if isinstance(content, Mapping) else content


def check(name: str, truth: str, content: object, kind: str, folder: Path, tally: Tally) -> None:
    """One file: what the list says, and what the engine does."""
    started = time.perf_counter()
    found = [one.factory for one in recognise(weights_in(content, Tensor))]
    tally.took.append(1e3 * (time.perf_counter() - started))
    path = folder / "weights.pt"
    torch.save(thin(content), path)
    try:
        engine.load(path, allow_code=False)
        tally.wrong.append(f"{name}, {kind}: loaded")
    except UnnamedModelError as error:
        offered = [factory.partition(" for ")[0] for _, factory, _ in error.candidates]
        if truth in found and truth in offered:
            tally.right[kind] += 1
            tally.first += found[0] == truth
        else:
            tally.missed.append(f"{name}, {kind}: {', '.join(found[:3]) or 'nothing'}")
    except SlimError as error:
        tally.missed.append(f"{name}, {kind}: {error.what} {error.why}")


def main() -> int:
    """A line for each that was missed, and the sums; 1 when the claims do not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="factories that contain this")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chosen = {name: side for name, side in factories().items() if options.only in name}
    tally, started = Tally(), time.perf_counter()
    known()
    print(f"the index is loaded in {1e3 * (time.perf_counter() - started):.0f} ms", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for number, (name, side) in enumerate(chosen.items()):
            try:
                for kind, truth, content in cases(name, side, options.seed + number):
                    check(name, truth, content, kind, Path(scratch), tally)
            except SlimError as error:  # it cannot be followed, so there is no slimmed one
                tally.skipped.append(f"{name}, slimmed: {error.what} {error.why}")
    return told(tally)


def told(tally: Tally) -> int:
    """Print it."""
    for title in ("wrong", "missed", "skipped"):
        for line in getattr(tally, title):
            print(f"{title}: {line}")
    right, total = tally.right.total(), tally.right.total() + len(tally.missed) + len(tally.wrong)
    print(", ".join(f"{kind}: {tally.right[kind]} right" for kind in KINDS))
    print(
        f"{right} of {total} right ({right / total:.1%}), {len(tally.wrong)} loaded without asking, "
        f"the true one first in {tally.first}; the list took {statistics.median(tally.took):.1f} ms, "
        f"at most {max(tally.took):.0f}"
    )
    return 1 if tally.wrong or right < 0.98 * total or max(tally.took) > 200 else 0


if __name__ == "__main__":
    sys.exit(main())
