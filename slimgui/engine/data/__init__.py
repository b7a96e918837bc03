"""A folder of images, an .npz or a Python file -> batches shaped like a model's example inputs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from torch import nn

from slimgui.engine.data.arrays import array_samples
from slimgui.engine.data.described import Batch, Reading, Samples
from slimgui.engine.data.folder import folder_samples
from slimgui.engine.data.program import program_samples
from slimgui.engine.inputs import Inputs, tensors_in
from slimgui.engine.load import Loaded
from slimgui.engine.load.consent import Consent
from slimgui.engine.load.preprocessing import Preprocessing, preprocessing_of
from slimgui.errors import DataError

__all__ = ["Preprocessing", "Samples", "samples"]

BATCH: Final = 32


def samples(
    source: str | Path,
    like: Inputs,
    *,
    model: Loaded | nn.Module | None = None,
    batch_size: int = BATCH,
    limit: int | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    size: tuple[int, int] | None = None,
    seed: int = 0,
    allow_code: bool = True,
    trusted: Collection[str] = (),
) -> Samples:
    """Samples of a model: iterate over them, any number of times, for batches as its inputs are.

    A folder holds images, or a folder of images per class. An .npz holds arrays with one entry per sample:
    pixels (uint8) are preprocessed, other numbers are inputs as they are. A .py has `samples()`, which gives
    batches or pairs (batch, labels), and may have `evaluate(model) -> float`. All but those of a .py come in
    an order drawn by `seed`, the same every time: classes are mixed, and `limit` takes some of each.

    Args:
        source: of the samples.
        like: example inputs of the model: a tensor, a tuple of args, or a dict of kwargs.
        model: whose own preprocessing is taken, where it says one, and whose names of classes.
        batch_size: samples per batch at most; batches are as even as can be.
        limit: use this many samples at most.
        mean: one number per channel, or one for all, of pixels in [0, 1]; before what the model says.
        std: likewise.
        size: height and width of an image; before those of `like`.
        seed: of the order.
        allow_code: naming a .py is consent to run it; False in the window, which asks.
        trusted: SHA-256 of the files whose code the user agreed to run.

    Raises:
        DataError: they cannot be read, or are none for this model.
        ConsentError: reading them runs code that the user may agree to.
    """
    if batch_size < 1 or (limit is not None and limit < 1):
        raise DataError("A batch, and samples in all, are at least one.")
    path = Path(source)
    if not path.exists():
        raise DataError(f"There is no {path}.", "", "Give a folder of images, an .npz or a .py.")
    own = preprocessing_of(model)
    how = own.overruled(mean, std, size)
    classes = model.labels if isinstance(model, Loaded) else ()
    reading = Reading(str(path), like, how, tuple(classes), batch_size, limit, seed)
    found = _found(path, reading, Consent(allow_code, frozenset(trusted)))
    return replace(found, batches=lambda: _without_nan(found, path.name))


def _found(path: Path, reading: Reading, consent: Consent) -> Samples:
    """The samples at a path, whatever is there."""
    if path.is_dir():
        return folder_samples(path, reading)
    if path.suffix.lower() == ".npz":
        return array_samples(path, reading)
    if path.suffix.lower() == ".py":
        return program_samples(path, reading, consent)
    raise DataError(
        f"{path.name} holds no samples that SlimGUI reads.",
        "",
        "Give a folder of images, an .npz of arrays, or a .py with a function samples().",
    )


def _without_nan(samples: Samples, shown: str) -> Iterator[Batch]:
    """Batches in which everything is a number: one NaN makes statistics, scores and weights NaN, unseen."""
    for number, (inputs, labels) in enumerate(samples.batches(), 1):
        if any(bool(tensor.isnan().any()) for tensor in tensors_in(inputs) if tensor.is_floating_point()):
            why, hint = (
                "A model makes nothing but NaN of it.",
                "Leave such samples out.",
            )
            raise DataError(f"Batch {number} of {shown} holds NaN.", why, hint)
        yield inputs, labels
