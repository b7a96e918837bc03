"""What a model takes as input: the user's shapes, the file's, or a cheap guess."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from slimgui.core.words import to_shapes
from slimgui.engine.structural import copy_module, on_meta
from slimgui.errors import InputShapeError, MissingInputsError


@dataclass(frozen=True, slots=True)
class Whole:
    """An input of whole numbers from 0 to `below` - 1, such as places in a table of words."""

    sizes: tuple[int, ...]
    below: int


Shape = tuple[int, ...] | Whole
Shapes = tuple[Shape, ...]

_SEED: Final = 0
_LARGEST: Final = 2**28
_GREY_SIDES: Final = (28, 32, 64, 224, 128, 48, 96)
_COLOUR_SIDES: Final = (224, 32, 64, 28, 96, 128, 299, 256, 384, 512, 48, 16, 8)
_LENGTHS: Final = (1024, 16000, 128, 256, 4096)
_CLIPS: Final = ((16, 112, 112), (8, 32, 32), (16, 16, 16))


def parse_shapes(text: str) -> Shapes:
    """Shapes as the user writes them: "1x3x224x224", "1x3x8x8,1x16" for two inputs, "1x16:30522" for words.

    A number behind a colon makes an input of whole numbers below it; all others are real numbers.

    Raises:
        InputShapeError: it is written in another way, or a size is zero or absurd.
    """
    shapes = to_shapes(text)
    if shapes is None:
        hint = "Write sizes with x between them: 1x3x224x224; several inputs with commas."
        hint += " Whole numbers below 30522, for words, are written 1x16:30522."
        raise InputShapeError(f"{text!r} is not an input shape.", "", hint)
    return tuple(map(_parse_shape, shapes))


def _parse_shape(shape: str) -> Shape:
    """One of the shapes that `to_shapes` finds."""
    written, _, below = shape.partition(":")
    sizes = tuple(map(int, written.split("x")))
    elements = math.prod(sizes)
    if not 0 < elements <= _LARGEST or below == "0":
        what = f"An input of shape {shape} cannot be made."
        hint = "Write smaller numbers." if elements > _LARGEST else "Every number must be at least 1."
        raise InputShapeError(what, f"It would have {elements:,} elements.", hint)
    return Whole(sizes, int(below)) if below else sizes


def show(shape: Shape) -> str:
    """A shape as the user writes it."""
    if isinstance(shape, Whole):
        return f"{show(shape.sizes)}:{shape.below}"
    return "x".join(map(str, shape))


def shape_of(tensor: Tensor) -> Shape | None:
    """What makes an input like `tensor`; None where sizes do not say enough."""
    sizes = tuple(tensor.shape)
    if tensor.is_floating_point():
        return sizes
    if tensor.dtype == torch.int64 and tensor.numel() and int(tensor.min()) >= 0:
        return Whole(sizes, int(tensor.max()) + 1)
    return None


def example_inputs(shapes: Shapes, dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
    """Random inputs of these shapes: normal, of type `dtype`, or whole numbers, all equally likely.

    They are always the same, and the global random state is left alone.
    """
    generator = torch.Generator().manual_seed(_SEED)
    return tuple(
        torch.randint(shape.below, shape.sizes, generator=generator)
        if isinstance(shape, Whole)
        else torch.randn(shape, generator=generator).to(dtype)
        for shape in shapes
    )


def model_dtype(model: nn.Module) -> torch.dtype:
    """The number type of the model's first weight; inputs must have the same."""
    for tensor in model.parameters():
        if tensor.is_floating_point():
            return tensor.dtype
    return torch.float32


def guess_shapes(model: nn.Module) -> Shapes:
    """The first common input shape that the model accepts, tried on a copy without numbers.

    Raises:
        MissingInputsError: none of them works.
    """
    skeleton = copy_module(model, on_meta).eval()
    problem: Exception | None = None
    for shape in _candidates(model):
        if (problem := _problem(skeleton, shape)) is None:
            return (shape,)
    raise MissingInputsError(
        "What this model takes as input is not known.",
        "The file does not say it, and the common shapes do not fit.",
        "Give the shape with --input, for example --input 1x3x224x224, or 1x16:30522 for numbers of words.",
    ) from problem  # of the last one: maybe no shape can help


def _problem(skeleton: nn.Module, shape: Shape) -> Exception | None:
    """What the model raises for an input of this shape."""
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (given,) = example_inputs((shape,), model_dtype(skeleton))
            skeleton(given.to("meta"))
    except Exception as error:  # noqa: BLE001 - a wrong guess fails in whatever way the model's code likes
        return error
    return None


def _candidates(model: nn.Module) -> Iterator[Shape]:
    """Shapes for the first layer that fixes the channels of the input, one sample each."""
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            yield Whole((1, 16), module.num_embeddings)
            return
        if isinstance(module, _ConvNd):
            yield from _for_conv(module.in_channels, len(module.kernel_size))
            return
        if isinstance(module, nn.Linear):
            yield (1, module.in_features)
            yield (1, 16, module.in_features)
            return
        if isinstance(module, nn.RNNBase):
            yield (1, 16, module.input_size)
            return
    yield from ((1, 3, 224, 224), (1, 1, 28, 28), (1, 3, 32, 32))


def _for_conv(channels: int, dims: int) -> Iterator[tuple[int, ...]]:
    if dims == 1:
        yield from ((1, channels, length) for length in _LENGTHS)
    elif dims == 2:
        sides = _GREY_SIDES if channels == 1 else _COLOUR_SIDES
        yield from ((1, channels, side, side) for side in sides)
    else:
        yield from ((1, channels, *clip) for clip in _CLIPS)
