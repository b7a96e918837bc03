"""The twelve architectures of segmentation-models-pytorch, each over the smallest encoder it takes."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks import judge
from benchmarks.zoo import material

ENCODERS = {"dpt": "tu-vit_tiny_patch16_224", "segformer": "mit_b0"}
GIVEN: dict[str, dict[str, Any]] = {
    "dpt": {"dynamic_img_size": True},
    "pspnet": {"encoder_depth": 5},  # a third of the encoder by default; the rest is built and never used
}
SIDES = {"pan": 128}
CLASSES = 3


def names() -> dict[str, str]:
    """Every architecture; one family."""
    import segmentation_models_pytorch as smp

    return dict.fromkeys(sorted(smp.MODEL_ARCHITECTURES_MAPPING), "architectures")


def evaluate(name: str, seed: int) -> judge.Row:
    """The row of one model."""
    import segmentation_models_pytorch as smp

    row = judge.Row(name, names()[name])
    with material.no_init():
        model = smp.create_model(
            name,
            encoder_name=ENCODERS.get(name, "resnet18"),
            encoder_weights=None,
            classes=CLASSES,
            **GIVEN.get(name, {}),
        )
    side = SIDES.get(name, 64)

    def inputs(batch: int, dtype: torch.dtype) -> Any:
        return (material.noise(batch, dtype)(batch, 3, side, side),)

    return material.judged(material.subject(model.eval(), inputs, row), seed, row)
