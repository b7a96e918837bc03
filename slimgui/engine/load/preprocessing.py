"""What a model, or a file beside its weights, says about the images it was trained on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from torch import nn

from slimgui.engine.load import Loaded
from slimgui.engine.load.source import Source, parse
from slimgui.engine.load.vision import import_torchvision
from slimgui.errors import DataError, LoadError

# Pillow's filters, each at its number.
YOU: Final = "you"
FILTERS: Final = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
_BESIDE: Final = "preprocessor_config.json"  # of transformers
_ATTRIBUTES: Final = ("pretrained_cfg", "default_cfg")  # of timm
_VISION: Final = "torchvision.models"
_LARGEST: Final = 2**20


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How an image becomes an input: the shorter side is resized, the middle cut out, numbers normalised.

    Attributes:
        mean, std: one number per channel, or one for all; of pixels times `scale`.
        size: height and width of what the model gets; None for those of the example inputs.
        crop: share of the resized image's shorter side that the crop takes; None: the whole image is
            squeezed to `size`, whatever its shape.
        interpolation: name of Pillow's filter.
        scale: pixels from 0 to 255 are multiplied by it.
        origin: who says so; "" when nobody does and these are the usual numbers.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    size: tuple[int, int] | None = None
    crop: float | None = 1.0
    interpolation: str = "bilinear"
    scale: float = 1 / 255
    origin: str = ""

    def __post_init__(self) -> None:
        sizes = self.size or (1, 1)
        share = 1.0 if self.crop is None else self.crop
        if not (0 < share <= 1 and self.scale > 0 and min(sizes) > 0 and min(self.std, default=0.0) > 0):
            raise DataError(
                "This preprocessing cannot be done.",
                f"Its std is {self.std}, its size {sizes}, its crop {share:g}.",
                "Every std and size is above zero, a crop at most 1.",
            )
        if not self.mean or self.interpolation not in FILTERS:
            raise DataError("This preprocessing cannot be done.", "It has no mean, or no known filter.")

    def overruled(
        self,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        size: tuple[int, int] | None = None,
    ) -> Preprocessing:
        """The same with what the user says in place of what the model says."""
        said = replace(
            self,
            mean=self.mean if mean is None else tuple(map(float, mean)),
            std=self.std if std is None else tuple(map(float, std)),
            size=None if size is None else (int(size[0]), int(size[1])),
        )
        return said if mean is None and std is None else replace(said, origin=YOU)

    def describe(self) -> str:
        """In a sentence, with who says so."""
        numbers = f"mean {_numbers(self.mean)}, std {_numbers(self.std)}"
        if self.origin:
            return f"Pixels are normalised with {numbers}, as {self.origin} said."
        return (
            f"Pixels are divided by 255, {numbers}: nothing says how this model was trained; "
            "give mean and std if it was with others."
        )


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:g}" for value in values)


def preprocessing_of(model: Loaded | nn.Module | None) -> Preprocessing:
    """The preprocessing that a model says, or that stands beside its weights; else the usual one.

    Args:
        model: or what was loaded, which also says from where.
    """
    module = model.model if isinstance(model, Loaded) else model
    found = _of_module(module)
    if found is None and isinstance(model, Loaded):
        source = _source(model)
        found = _of_folder(source.path) or _of_factory(source.factory)
    return found or Preprocessing()


def _source(loaded: Loaded) -> Source:
    try:
        parsed = parse(loaded.source)
    except LoadError:  # gone since
        return Source(None, "")
    original = loaded.provenance.original if loaded.provenance else ""
    return Source(parsed.path, parsed.factory or original)


def _of_module(module: nn.Module | None) -> Preprocessing | None:
    for name in _ATTRIBUTES:
        config = getattr(module, name, None)
        if isinstance(config, Mapping) and "mean" in config and "std" in config:
            crop = None if config.get("crop_mode") == "squash" else config.get("crop_pct", 1.0)
            return _made(config["mean"], config["std"], crop, config.get("interpolation"), "the model")
    return None


def _of_folder(path: Path | None) -> Preprocessing | None:
    """What a preprocessor_config.json beside the weights says."""
    if path is None:
        return None
    file = (path if path.is_dir() else path.parent) / _BESIDE
    try:
        config = json.loads(file.read_bytes()[:_LARGEST])
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(config, dict):
        return None
    normal = config.get("do_normalize", True)
    mean = config.get("image_mean", [0.0]) if normal else [0.0]
    std = config.get("image_std", [1.0]) if normal else [1.0]
    scale = config.get("rescale_factor", 1 / 255) if config.get("do_rescale", True) else 1.0
    kind = config.get("resample")
    named = FILTERS[kind] if isinstance(kind, int) and 0 <= kind < len(FILTERS) else None
    return _made(mean, std, _share(config), named, _BESIDE, scale)


def _share(config: Mapping[str, Any]) -> Any:
    """The share of the shorter side that the crop takes; None where the whole image is squeezed."""
    if "crop_pct" in config:
        return config["crop_pct"]
    size, crop = config.get("size"), config.get("crop_size")
    shortest = size.get("shortest_edge") if isinstance(size, dict) else size
    side = crop.get("height") if isinstance(crop, dict) else crop
    if config.get("do_center_crop") and isinstance(shortest, int) and isinstance(side, int):
        return side / max(side, shortest)
    return 1.0 if isinstance(size, dict) and "shortest_edge" in size else None


def _of_factory(factory: str) -> Preprocessing | None:
    """What the published weights of a torchvision builder were trained with."""
    home, _, name = factory.partition(":")
    if not f"{home}.".startswith(f"{_VISION}."):
        return None
    try:
        weights = import_torchvision().models.get_model_weights(name)
        how = vars(weights.DEFAULT.transforms())
    except (LoadError, ValueError, AttributeError):  # not one of its builders, or one without weights
        return None
    if "mean" not in how or len(how.get("crop_size", ())) != 1:
        return None
    crop = how["crop_size"][0] / how["resize_size"][0]
    return _made(how["mean"], how["std"], crop, how["interpolation"].value, f"{name}'s published weights")


def _made(
    mean: Any, std: Any, crop: Any, kind: Any, origin: str, scale: Any = 1 / 255
) -> Preprocessing | None:
    """What was found, when it makes sense: a file may say anything."""
    try:
        return Preprocessing(
            mean=tuple(float(number) for number in mean),
            std=tuple(float(number) for number in std),
            crop=None if crop is None else float(crop),
            interpolation=str(kind) if kind in FILTERS else "bilinear",
            scale=float(scale),
            origin=origin,
        )
    except (TypeError, ValueError, DataError):
        return None
