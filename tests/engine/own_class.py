"""Run in a python of its own: `own_class.py NAME FOLDER` opens FOLDER/small.pt on its class and trains it.

Prints JSON: the outputs' largest difference from those saved, the losses of 20 steps, and the class.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIZE, STEPS = 64, 20


def mobilenet() -> nn.Module:
    from torchvision.models import mobilenet_v2

    return mobilenet_v2(num_classes=10)


def vit() -> nn.Module:
    from torchvision.models import VisionTransformer

    return VisionTransformer(
        image_size=SIZE, patch_size=16, num_layers=3, num_heads=4, hidden_dim=96, mlp_dim=160, num_classes=10
    )


def yolo() -> nn.Module:
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLO_VERBOSE="false")
    from ultralytics.cfg import get_cfg
    from ultralytics.nn.tasks import DetectionModel

    model = DetectionModel("yolov8n.yaml", verbose=False)
    model.args = get_cfg()  # its loss reads the weights of its parts from there
    return model


BUILD: dict[str, Callable[[], nn.Module]] = {"mobilenet": mobilenet, "vit": vit, "yolo": yolo}


def loss_of(name: str, model: nn.Module, images: Tensor) -> Tensor:
    """Of labels for the classifiers; of a box in every image for the detector, its own loss."""
    if name != "yolo":
        return F.cross_entropy(model(images), torch.arange(8))
    boxes = torch.tensor([[0.5, 0.5, 0.4, 0.6]]).repeat(8, 1)  # centre, width and height
    batch = {"img": images, "batch_idx": torch.arange(8.0), "cls": torch.ones(8, 1), "bboxes": boxes}
    return model(batch)[0].sum()


def trained(name: str, model: nn.Module) -> list[float]:
    """The loss before each of 20 steps on one batch."""
    model.train()
    images, losses = torch.rand(8, 3, SIZE, SIZE), []
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(name, model, images)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main(name: str, folder: Path) -> None:
    from slimgui import engine

    torch.manual_seed(99)  # other weights than those saved
    own = BUILD[name]()
    loaded = engine.load(folder / "small.pt", model=own)
    saved = torch.load(folder / "outputs.pt")
    with torch.no_grad():
        outputs = loaded.model(saved["x"])
    while not isinstance(outputs, Tensor):  # of a detector the boxes
        outputs = outputs[0]
    found = {
        "error": float((outputs - saved["y"]).abs().max() / saved["y"].abs().max()),
        "losses": trained(name, loaded.model),
        "own": loaded.model is own,
        "class": f"{type(loaded.model).__module__}.{type(loaded.model).__name__}",
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
