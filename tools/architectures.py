# ruff: noqa: INP001 - a script, not a package
"""Make resources/architectures.xz: every model of torchvision and timm, and common ones of transformers.

Usage: python tools/architectures.py [--only WORD]. Models are built on the meta device, so that no weight
takes memory; nothing is downloaded. It takes about half an hour. What cannot be built is said and left out.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import chain, product
from pathlib import Path
from typing import Any, Final

os.environ["HF_HUB_OFFLINE"] = "1"
ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from published import PUBLISHED  # noqa: E402 - the path must be set first
from torch import Tensor, nn  # noqa: E402

from benchmarks.zoo.material import weightless  # noqa: E402
from slimgui.core import architectures  # noqa: E402
from slimgui.core.architectures import Free, Maker, Shapes, flat  # noqa: E402
from slimgui.engine.load.arguments import call  # noqa: E402

# Two numbers to build with: classes that no architecture has, tokens beyond those that have a meaning.
PROBES: Final = {"num_classes": (7, 11), "num_labels": (7, 11), "vocab_size": (300_007, 300_011)}
Make = Callable[..., object]
Build = Callable[..., nn.Module]
Row = tuple[Shapes, Maker]
Making = tuple[str, Iterator[Row]]


def whole(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """Shapes of all floating-point tensors of its state dict."""
    state = model.state_dict(keep_vars=True)
    return {
        name: tuple(value.shape)
        for name, value in state.items()
        if isinstance(value, Tensor) and value.is_floating_point()
    }


def untied(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """The same, each tensor by the first of its names only: what safetensors keeps."""
    state = model.state_dict(keep_vars=True)
    first = {id(value): name for name, value in reversed(state.items())}
    return {name: shape for name, shape in whole(model).items() if first[id(state[name])] == name}


def built(build: Build, given: Mapping[str, Any]) -> nn.Module:
    """The model with these numbers, without weights."""
    return weightless(lambda: build(**given))


def rows_of(factory: str, build: Build, arguments: tuple[str, ...], headless: bool) -> Iterator[Row]:
    """What one factory makes: by itself, without a head, and as files keep it that know of tied weights."""
    model, probes = built(build, {}), {}
    for argument in arguments:
        with suppress(Exception):  # it takes no such argument, or no such number
            probes[argument] = [built(build, {argument: number}) for number in PROBES[argument]]
    bare = built(build, {arguments[0]: 0}) if headless and arguments[0] in probes else None
    for look in (whole, untied) if untied(model) != whole(model) else (whole,):
        own, frees = look(model), []
        for argument, models in probes.items():
            probed = look(models[0])
            free = freedom(argument, probed, look(models[1]))
            if free and probed.keys() == own.keys():
                frees.append(settled(free, own, probed))
            elif free:  # made without a head, unless it is told a number of classes
                yield probed, Maker(factory, (free,))
        yield own, Maker(factory, tuple(frees))
        if bare is not None and look(bare).keys() < own.keys():
            yield look(bare), Maker(spelled(factory, {arguments[0]: 0}))


def freedom(argument: str, one: Shapes, other: Shapes) -> Free | None:
    """Which sizes follow the argument, from two models that differ in it."""
    if one.keys() != other.keys():
        return None
    low, high = PROBES[argument]
    pairs = enumerate(zip(flat(one), flat(other), strict=True))
    places = tuple((place, (b - a) // (high - low)) for place, (a, b) in pairs if a != b)
    return Free(argument, low, 0, places) if places else None


def settled(free: Free, own: Shapes, probed: Shapes) -> Free:
    """The same at the number that the factory takes by itself."""
    place, step = free.places[0]
    number = free.number + (flat(own)[place] - flat(probed)[place]) // step
    return Free(free.argument, number, number, free.places)


def spelled(factory: str, given: Mapping[str, Any]) -> str:
    """The factory with arguments, as `engine.load` takes it."""
    return (
        f"{factory}({', '.join(f'{name}={value!r}' for name, value in given.items())})" if given else factory
    )


def torchvision_rows() -> Iterator[Making]:
    """All but the quantizable ones, which as float models are the plain ones again."""
    from torchvision import models

    homes = (models, models.segmentation, models.video, models.optical_flow, models.detection)
    for name in models.list_models():
        builder = models.get_model_builder(name)
        for home in homes:
            if getattr(home, name, None) is builder:
                for given in variants(builder):
                    yield making(f"{home.__name__}:{name}", builder, given, ("num_classes",))


def variants(builder: Make) -> Iterator[dict[str, Any]]:
    """By itself; and with or without its helping head where the published weights differ in that."""
    yield {}
    if builder.__name__ in ("googlenet", "inception_v3"):
        yield {"aux_logits": False}
    if "aux_loss" in inspect.signature(builder).parameters:
        yield {"aux_loss": True}


def timm_rows() -> Iterator[Making]:
    """Every registered model."""
    import timm

    for name in timm.list_models():
        factory = getattr(timm.models, name)
        yield making(f"timm.models:{name}", factory, {}, ("num_classes",), headless=True)


def transformers_rows() -> Iterator[Making]:
    """The published sizes of common models, with every head they are published with."""
    import transformers

    for family, heads, sizes in PUBLISHED:
        for given, head in product(sizes, heads):
            cls = getattr(transformers, f"{family}{head}")
            open_to = tuple(name for name in ("num_labels", "vocab_size") if name not in given)
            yield making(f"transformers:{family}{head}", cls, given, open_to)


def making(
    name: str, function: Make, given: Mapping[str, Any], arguments: tuple[str, ...], headless: bool = False
) -> Making:
    """The factory as it is written, and its rows, built when they are asked for."""

    def build(**numbers: int) -> nn.Module:
        model = call(function, {**given, **numbers})
        assert isinstance(model, nn.Module), f"{name} makes no module"
        return model

    factory = spelled(name, given)
    return factory, rows_of(factory, build, arguments, headless)


def main() -> int:
    """Build them all, and write the index."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="factories that contain this")
    parser.add_argument("--out", type=Path, default=ROOT / "resources" / architectures.FILE)
    options = parser.parse_args()
    rows: list[Row] = []
    for factory, making in chain(torchvision_rows(), timm_rows(), transformers_rows()):
        if options.only not in factory:
            continue
        try:
            rows += making
        except Exception as error:  # noqa: BLE001 - one model must not stop the others
            print(
                f"left out: {factory}: {type(error).__name__}: {str(error).partition(chr(10))[0]}", flush=True
            )
    versions = {name: importlib.metadata.version(name) for name in ("torchvision", "timm", "transformers")}
    index = architectures.made(rows, versions)
    architectures.write(index, options.out)
    forms, size = sum(map(len, index.forms.values())), options.out.stat().st_size
    print(f"{len(rows)} rows, {len(index.forms)} sets of names, {forms} architectures, {size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
