"""The options that name samples -> the samples."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slimgui.engine.data import Samples
    from slimgui.engine.load import Loaded


def add_options(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """What the samples are, and how images among them become inputs."""
    parser.add_argument(
        "--samples",
        metavar="SOURCE",
        required=required,
        help="your data: a folder of images (or one per class), an .npz, or a .py with samples()",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="use this many samples at most")
    for option, text in (("--mean", "subtracted from"), ("--std", "divided by")):
        text = f"{text} each channel of an image in [0, 1]: 0.485,0.456,0.406; default: what the model says"
        parser.add_argument(option, type=_numbers, metavar="LIST", help=text)
    parser.add_argument(
        "--size", type=_size, metavar="HxW", help="of an image; default: that of the model's input"
    )


def samples_of(arguments: argparse.Namespace, loaded: Loaded) -> Samples:
    """The samples that the options name.

    Raises:
        DataError: they cannot be read, or are none for this model.
        ConsentError: reading them runs code that the user may agree to.
    """
    from slimgui import engine

    assert loaded.example_inputs is not None, "the model was opened with inputs"
    return engine.samples(
        arguments.samples,
        loaded.example_inputs,
        model=loaded,
        limit=arguments.limit,
        mean=arguments.mean,
        std=arguments.std,
        size=arguments.size,
        trusted=arguments.trust_code,
    )


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers, as 0.5,0.5,0.5") from None


def _size(text: str) -> tuple[int, int]:
    try:
        height, width = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no size, as 224x224") from None
    return height, width
