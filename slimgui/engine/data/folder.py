"""A folder of images, or of one folder of images per class -> samples."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from slimgui.engine.data.described import Batch, Reading, Samples
from slimgui.engine.data.images import Picture, picture
from slimgui.errors import DataError

# Pillow opens more, some through other programs (PostScript); a file is what these formats say or nothing.
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
_SUFFIXES: Final = frozenset(
    (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
)
_DEEP: Final = frozenset(("I", "F", "I;16", "I;16L", "I;16B", "I;16N"))  # more than 8 bits per pixel


@dataclass(frozen=True, slots=True)
class _Found:
    """Image files, each with the number of its class or None, the names of the classes, and notes."""

    files: tuple[tuple[Path, int | None], ...]
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def folder_samples(folder: Path, reading: Reading) -> Samples:
    """The images in a folder; labelled when they lie in one folder per class.

    Raises:
        DataError: there are none, or the model takes no images.
    """
    found = _labelled(folder, reading.classes)
    fitted, notes = picture(reading.like, reading.preprocessing, reading.source)
    order = reading.order(len(found.files))

    def batches() -> Iterator[Batch]:
        for part in reading.parts(order):
            chosen = [found.files[number] for number in part]
            pixels = torch.from_numpy(np.stack([_read(path, fitted) for path, _ in chosen]))
            labels = [label for _, label in chosen if label is not None]
            yield fitted.batch(pixels), torch.tensor(labels) if labels else None

    labelled = bool(found.classes)
    notes = (*found.notes, *notes)
    return Samples(reading.source, len(order), labelled, found.classes, fitted.how, notes, batches)


def _labelled(folder: Path, names: tuple[str, ...]) -> _Found:
    try:
        here = _images(folder)
        inside = {each.name: images for each in sorted(folder.iterdir()) if (images := _below(each))}
    except OSError as error:
        why = f"{error.strerror or error}."
        raise DataError(f"{folder.name} cannot be read.", why, "Check its permissions.") from None
    if here and inside:
        why = f"Some lie in the folder itself, others in {len(inside)} folders below, which would be classes."
        raise DataError(f"{folder.name} holds images in two ways.", why, "Move one kind elsewhere.")
    if here:
        return _Found(tuple((path, None) for path in here))
    if not inside:
        hint = f"Give a folder of images ({' '.join(sorted(_SUFFIXES))}), or of one such folder per class."
        raise DataError(f"{folder.name} holds no images.", "", hint)
    classes, notes = _classes(tuple(inside), names)
    files = [(path, classes.index(name)) for name, images in inside.items() for path in images]
    return _Found(tuple(files), classes, notes)


def _images(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.suffix.lower() in _SUFFIXES and each.is_file())


def _below(each: Path) -> list[Path]:
    return _images(each) if each.is_dir() and not each.name.startswith(".") else []


def _classes(found: tuple[str, ...], names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The classes in the order of the model's outputs, and notes about it.

    By the names the model says; 0, 1, 2, ... as numbers; else in the order of the alphabet, in which
    training on such a folder numbers them.
    """
    if names and set(found) <= set(names):
        return names, ()
    notes = (
        ("Its folders are not named like the model's classes: the alphabet numbers them.",) if names else ()
    )
    if all(name.isdecimal() for name in found) and sorted(map(int, found)) == list(range(len(found))):
        return tuple(sorted(found, key=int)), notes
    return found, notes


def _read(path: Path, fitted: Picture) -> NDArray[np.uint8]:
    hint = "Remove it from the folder, or save it again as PNG or JPEG."
    shown = f"{path.parent.name}/{path.name}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters is told as an error
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                if image.mode in _DEEP:
                    why = "Its pixels have more than 8 bits; the models' means are of 8."
                    raise DataError(f"{shown} was not read.", why, hint)
                return fitted.pixels(image)
    except UnidentifiedImageError:
        raise DataError(f"{shown} is no image.", "", hint) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        raise DataError(f"{shown} was not read.", "Its image is absurdly large.", hint) from None
    except (OSError, ValueError, SyntaxError, EOFError, OverflowError) as error:
        why = f"{str(error).partition(chr(10))[0][:200].rstrip('.')}."
        raise DataError(f"{shown} is damaged or cut off.", why, hint) from None
