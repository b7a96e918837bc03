"""Train the example checkpoint: Fashion-MNIST in, resources/example/*.pt and *.npz out.

    python resources/train_example.py            # about six minutes on 2 cores
    python resources/train_example.py --data DIR # the four idx files are elsewhere

The training images never leave the data set; of its 10,000 test images the first 2,000
are stored beside the checkpoint, so that accuracy before and after can be shown.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from slimgui import example

OUT = Path(__file__).parent / "example"
DEBIAN_DATA = Path("/usr/share/datasets/fashion-mnist")
SEED, EPOCHS, BATCH, PEAK_RATE, WEIGHT_DECAY = 7, 7, 128, 0.4, 5e-4
HELD_OUT = 2000


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Read one gzipped idx file of unsigned bytes; its header names the shape."""
    raw = gzip.decompress(path.read_bytes())
    dims = raw[3]
    shape = np.frombuffer(raw, ">i4", count=dims, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * dims).reshape(tuple(shape))


def read_split(folder: Path, split: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return images [n, 28, 28] and labels [n] of "train" or "t10k", or end with what to install."""
    try:
        return (
            read_idx(folder / f"{split}-images-idx3-ubyte.gz"),
            read_idx(folder / f"{split}-labels-idx1-ubyte.gz"),
        )
    except FileNotFoundError as error:
        sys.exit(
            f"Fashion-MNIST is not here: {error.filename}\n"
            "On Debian: apt-get install -y --no-install-recommends dataset-fashion-mnist\n"
            "Elsewhere: put its four *-ubyte.gz files into a folder and name it with --data."
        )


def as_input(images: npt.NDArray[np.uint8]) -> Tensor:
    """Return what the network takes: pixels / 255, float [n, 1, 28, 28]."""
    return torch.from_numpy(images.astype(np.float32) / 255).unsqueeze(1)


def augment(x: Tensor) -> Tensor:
    """Mirror half of the images and shift the batch by up to two pixels."""
    mirrored = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)
    down, right = torch.randint(0, 5, (2,)).tolist()
    padded = nn.functional.pad(mirrored, (2, 2, 2, 2))
    return padded[:, :, down : down + 28, right : right + 28].contiguous(memory_format=torch.channels_last)


def train(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """One-cycle SGD over `EPOCHS` epochs; changes `model`."""
    optimizer = torch.optim.SGD(
        model.parameters(), lr=PEAK_RATE, momentum=0.9, nesterov=True, weight_decay=WEIGHT_DECAY
    )
    steps = EPOCHS * (len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=0.25)
    for epoch in range(EPOCHS):
        started, total = time.perf_counter(), 0.0
        order = torch.randperm(len(x))[: len(x) // BATCH * BATCH]
        for batch in order.split(BATCH):
            logits = model(augment(x[batch]))
            loss = nn.functional.cross_entropy(logits, y[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        seconds = time.perf_counter() - started
        print(
            f"epoch {epoch + 1}/{EPOCHS}: loss {total * BATCH / len(order):.3f}, {seconds:.0f} s", flush=True
        )


@torch.no_grad()
def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Return the share of images [n, 1, 28, 28] whose largest logit is their label [n]."""
    hits = [model(part).argmax(1).eq(labels) for part, labels in zip(x.split(500), y.split(500), strict=True)]
    return torch.cat(hits).float().mean().item()


def main() -> None:
    """Train, measure, write the checkpoint, the held-out images and the record of this run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEBIAN_DATA, help="folder of the four idx files")
    folder = parser.parse_args().data
    torch.set_num_threads(2)
    torch.manual_seed(SEED)
    images, labels = read_split(folder, "train")
    test_images, test_labels = read_split(folder, "t10k")
    model = example.build().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    started = time.perf_counter()
    train(model, as_input(images), torch.from_numpy(labels.astype(np.int64)))
    seconds = time.perf_counter() - started
    model.eval()
    x, y = as_input(test_images), torch.from_numpy(test_labels.astype(np.int64))
    record = {
        "torch": torch.__version__,
        "seed": SEED,
        "epochs": EPOCHS,
        "seconds": round(seconds),
        "parameters": sum(p.numel() for p in model.parameters()),
        "accuracy on all 10,000 test images": round(accuracy(model, x, y), 4),
        "accuracy on heldout.npz": round(accuracy(model, x[:HELD_OUT], y[:HELD_OUT]), 4),
    }
    write(model, test_images[:HELD_OUT], test_labels[:HELD_OUT], record)
    print(json.dumps(record, indent=2))


def write(
    model: nn.Module,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.uint8],
    record: dict[str, str | int | float],
) -> None:
    """Write fashion_cnn.pt, heldout.npz and training.json into resources/example."""
    OUT.mkdir(exist_ok=True)
    checkpoint = {
        "slimgui_factory": "slimgui.example:build",
        "example_shape": [1, 1, 28, 28],
        "state_dict": {name: tensor.contiguous() for name, tensor in model.state_dict().items()},
        "classes": list(example.CLASSES),
    }
    torch.save(checkpoint, OUT / "fashion_cnn.pt")
    np.savez_compressed(OUT / "heldout.npz", images=images, labels=labels)
    (OUT / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
