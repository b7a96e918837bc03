"""What torchvision's detectors need where its compiled ops do not load, and how they are taken apart.

torchvision's own python fallback for roi_align is wrong for boxes that leave the image and compiles itself
for a minute; nms has no fallback. Nothing is replaced where the real ops load.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.judge import Part

_library: list[torch.library.Library] = []  # the ops live as long as it does


def install_ops() -> None:
    """Give torchvision eager CPU versions of nms and roi_align."""
    import torchvision.ops
    from torchvision.extension import _has_ops

    if _has_ops() or _library:
        return
    library = torch.library.Library("torchvision", "IMPL")
    library.impl("nms", nms, "CPU")
    _library.append(library)
    torchvision.ops.boxes._assert_has_ops = lambda: None
    torchvision.ops.roi_align.__globals__["_roi_align"] = roi_align


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Indices of the boxes that stay, best first."""
    from torchvision.ops.boxes import box_iou

    order = scores.argsort(descending=True, stable=True)
    over = box_iou(boxes[order], boxes[order]) > iou_threshold
    alive = torch.ones(len(order), dtype=torch.bool)
    for i in range(len(order)):
        if alive[i]:
            alive[i + 1 :] &= ~over[i, i + 1 :]
    return order[alive]


def roi_align(
    source: Tensor, rois: Tensor, scale: float, height: int, width: int, ratio: int, aligned: bool
) -> Tensor:
    """The bilinear samples of every bin, averaged: first along y, then along x."""
    assert ratio > 0, "torchvision's detectors use a fixed number of samples"
    offset = 0.5 if aligned else 0.0
    boxes = rois[:, 1:] * scale - offset
    weights = []
    for start, end, bins, size in (
        (boxes[:, 1], boxes[:, 3], height, source.shape[2]),
        (boxes[:, 0], boxes[:, 2], width, source.shape[3]),
    ):
        extent = end - start if aligned else (end - start).clamp(min=1.0)
        weights.append(_samples(start, extent, bins, size, ratio))
    picked = source[rois[:, 0].long()]
    return torch.einsum("kph,kqw,kchw->kcpq", weights[0], weights[1], picked)


def _samples(start: Tensor, extent: Tensor, bins: int, size: int, ratio: int) -> Tensor:
    """[rois, bins, size]: how much every pixel of one direction counts for every bin."""
    steps = (torch.arange(bins * ratio, dtype=start.dtype) + 0.5) / ratio
    at = start[:, None] + steps * (extent / bins)[:, None]
    inside = (at >= -1) & (at <= size)
    at = at.clamp(0, size - 1)
    low = at.floor().long().clamp(max=size - 1)
    high = (low + 1).clamp(max=size - 1)
    part = at - low
    pixels = torch.arange(size)
    at_low, at_high = low[..., None] == pixels, high[..., None] == pixels
    weight = (at_low * (1 - part)[..., None] + at_high * part[..., None]) * inside[..., None]
    return weight.reshape(len(start), bins, ratio, size).mean(2)


class OneStage(nn.Module):
    """Backbone and head of a one-stage detector, without anchors and boxes."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.backbone, self.head = model.backbone, model.head

    def forward(self, x: Tensor) -> Any:
        return self.head(list(self.backbone(x).values()))


class Proposer(nn.Module):
    """Backbone and proposal head; the features are an output, for the heads on regions read them."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.backbone, self.rpn_head = model.backbone, model.rpn.head

    def forward(self, x: Tensor) -> Any:
        features = list(self.backbone(x).values())
        return features, self.rpn_head(features)


def apart(model: nn.Module, image: Tensor) -> Iterator[Part]:
    """Backbone and heads of a detector, each with inputs of its own."""
    if hasattr(model, "head"):
        yield Part(OneStage(model), image, {"backbone": "backbone", "head": "head"})
        return
    yield Part(Proposer(model), image, {"backbone": "backbone", "rpn_head": "rpn.head"})
    rois = model.roi_heads
    for kind, side in (("box", 7), ("mask", 14), ("keypoint", 14)):
        head, predictor = (getattr(rois, f"{kind}_{end}", None) for end in ("head", "predictor"))
        if head is not None:
            places = {"0": f"roi_heads.{kind}_head", "1": f"roi_heads.{kind}_predictor"}
            regions = image.new_zeros(5, model.backbone.out_channels, side, side)
            yield Part(nn.Sequential(head, predictor), regions, places)
