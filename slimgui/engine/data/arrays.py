"""An .npz of arrays with one entry per sample -> samples. No pickle in it is ever opened."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from slimgui.engine.data.described import Batch, Reading, Samples
from slimgui.engine.data.images import Picture, as_images, picture
from slimgui.engine.inputs import Inputs, map_tensors, tensors_in
from slimgui.engine.memory import available
from slimgui.errors import DataError

_LABELS: Final = ("labels", "label", "targets", "target", "y")
_MOST_ARRAYS: Final = 1000
_HINT: Final = "Write it with numpy.savez(path, images=..., labels=...)."


@dataclass(frozen=True, slots=True)
class _Header:
    """What the file says of one array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def array_samples(path: Path, reading: Reading) -> Samples:
    """The samples in an .npz: an array per input of the model, and labels where it has some.

    Raises:
        DataError: it is damaged, holds Python objects, or its arrays are no inputs of this model.
    """
    arrays = _read(path)
    labels = _labels(arrays, path.name)
    inputs = _inputs({name: array for name, array in arrays.items() if name != labels}, reading, path.name)
    count = len(inputs[0])
    for name, array in zip(_names(reading.like), inputs, strict=True):
        if len(array) != count or (labels and len(arrays[labels]) != count):
            why = f"Input {name} has {len(array)}, another array {count} entries."
            raise DataError(f"The arrays in {path.name} are of different lengths.", why, _HINT)
    if not count:
        raise DataError(f"{path.name} holds no samples.", "Its arrays are empty.", _HINT)
    order = reading.order(count)
    make, how, notes = _maker(inputs, reading, path.name)

    def batches() -> Iterator[Batch]:
        for part in reading.parts(order):
            rows = np.array(part)
            yield make(rows), torch.from_numpy(arrays[labels][rows].astype(np.int64)) if labels else None

    classes = reading.classes if labels else ()
    return Samples(reading.source, len(order), bool(labels), classes, how, notes, batches)


def _maker(inputs: list[NDArray[Any]], reading: Reading, shown: str) -> tuple[Any, Any, tuple[str, ...]]:
    """What makes a batch of rows, the preprocessing in it, and notes."""
    examples = list(tensors_in(reading.like))
    if len(inputs) == 1 and inputs[0].dtype == np.uint8 and examples[0].is_floating_point():
        fitted, notes = picture(reading.like, reading.preprocessing, shown)
        images = as_images(inputs[0], fitted.channels)
        if images is None:
            raise _wrong_shape(shown, inputs[0], examples[0])
        return lambda rows: fitted.batch(_pixels(images[rows], fitted)), fitted.how, notes
    arrays = [_fitting(array, example, shown) for array, example in zip(inputs, examples, strict=True)]

    def make(rows: NDArray[np.int64]) -> Inputs:
        given = iter(zip(arrays, examples, strict=True))

        def fill(_: Tensor) -> Tensor:
            array, example = next(given)
            return torch.from_numpy(array[rows]).to(example.dtype)

        filled: Inputs = map_tensors(reading.like, fill)
        return filled

    return make, None, reading.unused


def _pixels(images: NDArray[np.uint8], fitted: Picture) -> Tensor:
    if images.shape[2:] == (fitted.height, fitted.width):
        return torch.from_numpy(np.ascontiguousarray(images))
    made = []
    for image in images:
        drawn = Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0))
        made.append(fitted.pixels(drawn))
    return torch.from_numpy(np.stack(made))


def _fitting(array: NDArray[Any], example: Tensor, shown: str) -> NDArray[Any]:
    """`array` as the model takes it; one channel may be left out."""
    numbers = "fiub" if example.is_floating_point() else "iub"
    if example.ndim == array.ndim + 1 and example.shape[1] == 1:
        array = array[:, None]
    if array.ndim != example.ndim or array.shape[1:2] != tuple(example.shape[1:2]):
        raise _wrong_shape(shown, array, example)
    if array.dtype.kind not in numbers:
        why = f"The array has {array.dtype}, the input is {str(example.dtype).removeprefix('torch.')}."
        raise DataError(f"The numbers in {shown} are of another kind than the model's input.", why, _HINT)
    return array


def _wrong_shape(shown: str, array: NDArray[Any], example: Tensor) -> DataError:
    have, want = ("x".join(map(str, shape)) for shape in (array.shape, example.shape))
    return DataError(
        f"The samples in {shown} are no inputs of this model.",
        f"The array is {have}, an input {want}, the first number being that of the samples.",
        "Check that it belongs to this model.",
    )


def _names(like: Inputs) -> tuple[str, ...]:
    """What to call each tensor of the example inputs: its name in a call by names, else its number."""
    count = sum(1 for _ in tensors_in(like))
    if isinstance(like, dict) and len(like) == count:
        return tuple(like)
    return tuple(map(str, range(count)))


def _labels(arrays: Mapping[str, NDArray[Any]], shown: str) -> str:
    """The name of the array of labels, "" when there is none."""
    found = [name for name in _LABELS if name in arrays]
    if not found:
        return ""
    array = arrays[found[0]]
    if array.ndim != 1 or array.dtype.kind not in "iub":
        why = f"It is {array.dtype} of shape {'x'.join(map(str, array.shape))}."
        raise DataError(f"{found[0]!r} in {shown} holds no labels.", why, "Give one whole number per sample.")
    return found[0]


def _inputs(arrays: Mapping[str, NDArray[Any]], reading: Reading, shown: str) -> list[NDArray[Any]]:
    """An array per input: by name where the model is called by names, else as many as there are, in order."""
    names = _names(reading.like)
    if set(names) <= set(arrays):
        chosen = [arrays[name] for name in names]
    elif len(arrays) == len(names):
        chosen = list(arrays.values())
    else:
        held = ", ".join(list(arrays)[:6]) or "none"
        wanted = "1 array of inputs" if len(names) == 1 else f"{len(names)} arrays, in order or by name"
        raise DataError(
            f"It is not clear which arrays in {shown} are inputs.", f"Beside labels it has: {held}.",
            f"Leave {wanted}; labels are called 'labels'.",
        )  # fmt: skip
    if any(array.ndim == 0 for array in chosen):
        raise DataError(f"An array in {shown} is a single number.", "", _HINT)
    return chosen


def _read(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays, after their headers have been checked."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
            headers = {entry.filename: _header(archive, entry, path.name) for entry in entries[:_MOST_ARRAYS]}
        _check_room(sum(header.bytes for header in headers.values()), path.name)
        with np.load(path, allow_pickle=False) as loaded:
            return {name.removesuffix(".npy"): loaded[name] for name in headers}
    except (
        zipfile.BadZipFile,
        zlib.error,
        ValueError,
        KeyError,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ):
        why = "It is no .npz, or a part of it is missing."
        raise DataError(f"{path.name} is damaged.", why, _HINT) from None
    except OSError as error:
        raise DataError(f"{path.name} cannot be read.", f"{error.strerror or error}.", "") from None
    except MemoryError:
        raise DataError(f"{path.name} does not fit in memory.", "", "Give a part of it.") from None


def _header(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, shown: str) -> _Header:
    with archive.open(entry) as stream:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream)
    name = entry.filename.removesuffix(".npy")
    if dtype.hasobject:
        why = "Reading them would run what the file says."
        hint = "Save numbers: numpy.savez with arrays of a number type."
        raise DataError(f"{name!r} in {shown} holds Python objects.", why, hint)
    if dtype.kind not in "fiub":
        hint = "Leave it out, or save numbers."
        raise DataError(f"{name!r} in {shown} holds {dtype}, which are no numbers.", "", hint)
    return _Header(shape, dtype)


def _check_room(size: int, shown: str) -> None:
    room = available(torch.device("cpu"))
    if room is not None and size > room // 2:
        why = f"It takes {size / 1e6:,.0f} MB, and {room / 1e6:,.0f} MB of memory are free."
        raise DataError(f"{shown} does not fit in memory.", why, "Give a part of it, or a folder of images.")
