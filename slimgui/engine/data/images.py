"""Pixels -> what a model takes: resized, cropped, scaled and normalised as its own training did."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from slimgui.engine.inputs import Inputs, map_tensors, tensors_in
from slimgui.engine.load.preprocessing import YOU, Preprocessing
from slimgui.errors import DataError

_ROUNDING: Final = 1e-6  # 224 / (224 / 232) is 232


@dataclass(frozen=True, slots=True)
class Picture:
    """The one image input of a model.

    Attributes:
        like: its example inputs.
        channels, height, width: of an image the model gets.
        how: the preprocessing, with a mean and std that fit.
    """

    like: Inputs
    channels: int
    height: int
    width: int
    how: Preprocessing

    def batch(self, pixels: Tensor) -> Inputs:
        """Inputs of pixels, uint8 [batch, channels, height, width]."""
        example = next(tensors_in(self.like))
        mean, std = (torch.tensor(n).view(1, -1, 1, 1) for n in (self.how.mean, self.how.std))
        scaled = ((pixels.float() * self.how.scale - mean) / std).to(example.dtype)
        inputs: Inputs = map_tensors(self.like, lambda _: scaled)
        return inputs

    def pixels(self, image: Image.Image) -> NDArray[np.uint8]:
        """The middle of the resized image: uint8 [channels, height, width]."""
        image = image.convert("L" if self.channels == 1 else "RGB")
        wide, high = self._resized(image.width, image.height)
        if image.size != (wide, high):
            image = image.resize((wide, high), Image.Resampling[self.how.interpolation.upper()])
        left, top = round((wide - self.width) / 2), round((high - self.height) / 2)
        image = image.crop((left, top, left + self.width, top + self.height))
        array = np.asarray(image, np.uint8).reshape(self.height, self.width, self.channels)
        return np.ascontiguousarray(array.transpose(2, 0, 1))

    def _resized(self, wide: int, high: int) -> tuple[int, int]:
        """Width and height before the crop: the crop fits in, and nothing is squeezed that need not be."""
        if self.how.crop is None or (wide, high) == (self.width, self.height):
            return self.width, self.height
        wanted = [int(side / self.how.crop + _ROUNDING) for side in (self.width, self.height)]
        factor = max(wanted[0] / wide, wanted[1] / high)
        return max(wanted[0], int(wide * factor)), max(wanted[1], int(high * factor))


def picture(like: Inputs, how: Preprocessing, shown: str) -> tuple[Picture, tuple[str, ...]]:
    """The image input of the model with these example inputs, and notes about it.

    Raises:
        DataError: it takes no image, or mean and std are not of its channels.
    """
    tensors = list(tensors_in(like))
    if (
        len(tensors) != 1
        or tensors[0].ndim != 4
        or tensors[0].shape[1] not in (1, 3)
        or not _real(tensors[0])
    ):
        takes = ", ".join("x".join(map(str, tensor.shape)) for tensor in tensors)
        raise DataError(
            f"{shown} holds images, but this model takes none.",
            f"It takes {takes}; an image is one input of batch x 1 or 3 channels x height x width.",
            "Give its samples as an .npz of arrays, or as a .py with a function samples().",
        )
    _, channels, height, width = tensors[0].shape
    height, width = how.size or (height, width)
    notes: tuple[str, ...] = ()
    if any(len(numbers) not in (1, channels) for numbers in (how.mean, how.std)):
        if how.origin == YOU:
            why = f"An image of this model has {channels} channels."
            raise DataError("Mean and std do not fit.", why, "Give one number for each channel, or one.")
        notes = (f"{how.origin} says mean and std for other channels; they are not used.",)
        how = replace(how, mean=(0.0,), std=(1.0,), origin="")
    return Picture(like, channels, height, width, how), notes


def _real(tensor: Tensor) -> bool:
    return tensor.is_floating_point()


def as_images(array: NDArray[Any], channels: int) -> NDArray[np.uint8] | None:
    """Pixels as [count, channels, height, width], from grey [count, h, w] and from either order of axes.

    None when they are no images. Grey pixels serve a model of colours three times.
    """
    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim == 4 and array.shape[1] not in (1, 3) and array.shape[3] in (1, 3):
        array = array.transpose(0, 3, 1, 2)
    if array.ndim != 4 or array.shape[1] not in (1, channels):
        return None
    return np.broadcast_to(array, (len(array), channels, *array.shape[2:]))
