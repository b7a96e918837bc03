"""The YOLO models of ultralytics, built from the yaml files that lie in the package."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks import judge
from benchmarks.zoo import material

TASKS = {
    "detection": (
        "yolov3-tiny", "yolov5n", "yolov6n", "yolov8n", "yolov8n-ghost", "yolov9t", "yolov10n", "yolo11n",
        "yolo12n", "yolo26n",
    ),
    "segmentation": ("yolov8n-seg", "yolo11n-seg", "yolo26n-seg"),
    "pose": ("yolov8n-pose", "yolo11n-pose", "yolo26n-pose"),
    "rotated boxes": ("yolov8n-obb", "yolo11n-obb", "yolo26n-obb"),
    "classification": ("yolov8n-cls", "yolo11n-cls", "yolo26n-cls"),
}  # fmt: skip
CLASSES = {
    "segmentation": "SegmentationModel",
    "pose": "PoseModel",
    "rotated boxes": "OBBModel",
    "classification": "ClassificationModel",
}


def names() -> dict[str, str]:
    """Name of a yaml, with the scale -> task."""
    return {name: task for task, found in TASKS.items() for name in found}


def build(name: str) -> nn.Module:
    """The model with weights that mean nothing."""
    from ultralytics.nn import tasks

    make = getattr(tasks, CLASSES.get(names()[name], "DetectionModel"))
    with material.no_init():
        return make(f"{name}.yaml", verbose=False).eval()


def inputs(batch: int, dtype: torch.dtype) -> Any:
    """One image, not square."""
    return (material.noise(batch, dtype)(batch, 3, 64, 96).sigmoid(),)


def evaluate(name: str, seed: int) -> judge.Row:
    """The row of one model."""
    row = judge.Row(name, names()[name])
    return material.judged(material.subject(build(name), inputs, row, alive=_varies), seed, row)


def _varies(outputs: list[Tensor]) -> bool:
    """Finite and varying; boxes are counted in pixels, so that they may be large."""
    numbers = [t for t in outputs if t.is_floating_point()]
    return bool(numbers) and all(
        bool(torch.isfinite(t).all()) and t.numel() > 1 and 1e-3 < float(t.std()) < 1e4 for t in numbers
    )
