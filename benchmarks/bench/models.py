"""The models that are timed or counted, with weights that mean nothing, and what they take."""

from __future__ import annotations

import importlib
import os
from typing import Any

import torch
from torch import nn

from benchmarks.zoo import material
from slimgui.engine.inputs import Inputs

TIMED = (
    "resnet18", "resnet50", "resnet152", "densenet121", "densenet201", "mobilenet_v2", "mobilenet_v3_large",
    "efficientnet_b0", "efficientnet_v2_s", "regnet_y_1_6gf", "regnet_y_16gf", "convnext_tiny",
    "convnext_large", "inception_v3", "googlenet", "vgg16_bn", "vit_b_16", "vit_l_16", "deeplabv3_resnet50",
    "swin_t",
)  # fmt: skip
# The auxiliary heads run in training only; the peer's own example leaves them out as well.
OPTIONS: dict[str, dict[str, Any]] = {
    "inception_v3": {"aux_logits": False, "init_weights": False},
    "googlenet": {"aux_logits": False, "init_weights": False},
    "deeplabv3_resnet50": {"weights_backbone": None},
}
PIXELS = {"inception_v3": 299}
LIBRARIES = {"torchvision": "vision", "timm": "timm_models"}  # of the zoo, which builds their models


def load(name: str) -> tuple[nn.Module, Inputs]:
    """A model in eval mode and the arguments of a call.

    Args:
        name: a model of torchvision, on images of the size that it was made for; or, for the small images of
            the zoo, "torchvision:..." or "timm:...".
    """
    library, _, model = name.rpartition(":")
    return from_zoo(library, model) if library else timed(model)


def timed(name: str) -> tuple[nn.Module, Inputs]:
    """A model of torchvision and one image."""
    from torchvision import models

    with material.no_init():
        model = models.get_model(name, weights=None, **OPTIONS.get(name, {}))
    side = PIXELS.get(name, 224)
    image = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(1))
    return drawn(model), image


def from_zoo(library: str, name: str) -> tuple[nn.Module, Inputs]:
    """A model as the zoo builds it."""
    os.environ["TIMM_FUSED_ATTN"] = "0"  # as in the peer's example: its graph cannot follow the fused kernel
    zoo = importlib.import_module(f"benchmarks.zoo.{LIBRARIES[library]}")
    model = zoo.build(name)
    if library == "torchvision":
        return drawn(model), zoo.inputs(name, 1, torch.float32)
    side = zoo.side(name)
    return drawn(model), torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(1))


def drawn(model: nn.Module) -> nn.Module:
    """The model, its parameters drawn: numbers that nobody wrote may be no numbers."""
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.02, generator=draw)
    return model.eval()
