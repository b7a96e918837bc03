"""The models of torchvision, built fast, with the smallest inputs they take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from benchmarks import judge
from benchmarks.zoo import detection, material

FAMILIES = ("classification", "segmentation", "video", "flow", "detection", "quantizable")
SIDES = {"inception_v3": 299, "googlenet": 224, "maxvit_t": 224}  # the first two: what their aux heads take
SIDES |= {f"quantized_{name}": SIDES[name] for name in ("googlenet", "inception_v3")}
CLIPS = {"s3d": (16, 224), "mvit_v1_b": (8, 64), "mvit_v2_s": (8, 64)}


def names() -> dict[str, str]:
    """Every name torchvision lists -> its family; 109 models, and 12 of them again in quantizable form."""
    from torchvision import models

    modules = {
        "segmentation": models.segmentation,
        "video": models.video,
        "flow": models.optical_flow,
        "detection": models.detection,
        "quantizable": models.quantization,
    }
    special = {name: family for family, module in modules.items() for name in models.list_models(module)}
    found = {name: special.get(name, "classification") for name in models.list_models()}
    return dict(sorted(found.items(), key=lambda item: FAMILIES.index(item[1])))


@contextmanager
def _small_clips(name: str) -> Iterator[None]:
    """The factories of MViT fix the size of the clip; the class does not."""
    from torchvision.models.video import mvit

    frames, pixels = CLIPS.get(name, (8, 64))
    original = mvit.MViT

    def smaller(**given: Any) -> nn.Module:
        return original(**given | {"spatial_size": (pixels, pixels), "temporal_size": frames})

    with patch.object(mvit, "MViT", smaller):
        yield


def build(name: str) -> nn.Module:
    """The model with weights that mean nothing."""
    from torchvision import models

    given: dict[str, Any] = {"weights": None}
    family = names()[name]
    if family in ("segmentation", "detection"):
        given["weights_backbone"] = None
    if family == "detection":
        given |= {"min_size": 160, "max_size": 160} if "ssd" not in name else {}
    if name.startswith("ssd"):  # random weights are never sure of a class
        given |= {"score_thresh": 0.0, "topk_candidates": 20}
    if "rcnn" in name:
        given |= {"box_score_thresh": 0.0, "rpn_post_nms_top_n_test": 50, "box_detections_per_img": 20}
    if family == "quantizable":
        given["quantize"] = False  # quantizers come with data; until then it is a float model
    if name.startswith("vit_"):
        given["image_size"] = side(name)
    if name.endswith(("googlenet", "inception_v3")):
        given["init_weights"] = False
    with material.no_init(), _small_clips(name):
        model = models.get_model(name, **given)
    if family == "detection":
        detection.install_ops()
    if family == "flow":
        _let_grids_be_double()
    return model.eval()


def _let_grids_be_double() -> None:
    """RAFT makes its grid of coordinates in float32, in which its loop of look-ups amplifies roundings."""
    from torchvision.models.optical_flow import raft

    def double_grid(*given: Any) -> Tensor:
        return make(*given).double()

    make = raft.make_coords_grid
    raft.make_coords_grid = double_grid


def side(name: str) -> int:
    """Pixels of the square input."""
    return SIDES.get(name, 56 if name == "vit_h_14" else 64)


def inputs(name: str, batch: int, dtype: torch.dtype) -> Any:
    """Arguments of a call with `batch` samples."""
    noise = material.noise(batch, dtype)
    family = names()[name]
    if family == "video":
        frames, pixels = CLIPS.get(name, (8, 64))
        return (noise(batch, 3, frames, pixels, pixels),)
    if family == "flow":
        return {
            "image1": noise(batch, 3, 128, 128),
            "image2": noise(batch, 3, 128, 128),
            "num_flow_updates": 3,
        }
    if family == "detection":
        return ([noise(3, 160, 160).sigmoid() for _ in range(batch)],)
    return (noise(batch, 3, side(name), side(name)),)


def evaluate(name: str, seed: int) -> judge.Row:
    """The row of one model; a detector that cannot be followed or cut whole is taken apart."""
    row = judge.Row(name, names()[name])
    found = subject(name, row)
    material.judged(found, seed, row)
    if found is not None and row.family == "detection" and row.verdict == "refused":
        whole = row.detail
        row = judge.Row(name, row.family, precision=row.precision)
        parts = list(detection.apart(found.model, _image(found.model)))
        judge.judge(replace(found, parts=parts), seed, row)
        row.detail = "; ".join(filter(None, (row.detail, f"apart, for whole: {whole}")))
    return row


def subject(name: str, row: judge.Row) -> judge.Subject | None:
    """The model, alive, with what it is to be run with; None when it stays dull."""
    free = row.family == "detection"
    heavy = name in ("s3d", "inception_v3", "quantized_inception_v3", "maxvit_t")
    return material.subject(
        build(name),
        lambda batch, dtype: inputs(name, batch, dtype),
        row,
        batches=(2, 1) if heavy or free else (2, 3),
        scales=material.SCALES[1:] if name.startswith("ssd") else material.SCALES,  # 1.0 is too much
        free=free,
        alive=_some if free else judge.is_lively,
    )


def _some(outputs: list[Tensor]) -> bool:
    """There are detections, they are finite and vary."""
    numbers = [t for t in outputs if t.is_floating_point()]
    return all(t.numel() > 1 and bool(torch.isfinite(t).all()) and float(t.std()) > 1e-3 for t in numbers)


def _image(model: nn.Module) -> Tensor:
    """What the backbone of a detector takes."""
    side = 320 if type(model).__name__ == "SSD" else 160
    return torch.zeros(2, 3, side, side, dtype=next(model.parameters()).dtype)
