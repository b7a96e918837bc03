"""The network of the example checkpoint in resources/example: a small residual CNN.

torch only, and importable by name, so that the shipped state dict can name its
factory (`slimgui.example:build`). It holds the shapes of coupling a user meets in
real CNNs, each once or twice: residual adds, a strided shortcut, squeeze-excite
gates, a depthwise convolution between an expansion and a projection.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

CLASSES = (
    "T-shirt",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


class SqueezeExcite(nn.Module):
    """Scale every channel by a gate computed from all channels' means."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.relu = nn.ReLU()
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        gates: Tensor = self.gate(self.fc2(self.relu(self.fc1(self.pool(x)))))
        return x * gates


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a gate, added to the shortcut."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.se = SqueezeExcite(channels_out, channels_out // 4)
        self.shortcut = shortcut(channels_in, channels_out, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.se(self.bn2(self.conv2(y)))
        summed: Tensor = self.relu(y + self.shortcut(x))
        return summed


class DepthwiseBlock(nn.Module):
    """Expand, filter each channel on its own, gate, project; added to the shortcut."""

    def __init__(self, channels_in: int, channels_out: int, expanded: int, stride: int = 1) -> None:
        super().__init__()
        self.expand = nn.Conv2d(channels_in, expanded, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(expanded)
        self.depthwise = nn.Conv2d(expanded, expanded, 3, stride, 1, groups=expanded, bias=False)
        self.bn2 = nn.BatchNorm2d(expanded)
        self.act = nn.Hardswish()
        self.se = SqueezeExcite(expanded, expanded // 8)
        self.project = nn.Conv2d(expanded, channels_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels_out)
        self.shortcut = shortcut(channels_in, channels_out, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.bn1(self.expand(x)))
        y = self.se(self.act(self.bn2(self.depthwise(y))))
        summed: Tensor = self.bn3(self.project(y)) + self.shortcut(x)
        return summed


class ExampleNet(nn.Module):
    """Ten classes of 28 x 28 grey images, given as pixels / 255 in [batch, 1, 28, 28]."""

    pretrained_cfg: ClassVar = {"mean": (0.0,), "std": (1.0,), "input_size": (1, 28, 28)}  # as timm has it

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 24, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(24)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.stage1 = nn.Sequential(ResidualBlock(24, 24), ResidualBlock(24, 24))
        self.stage2 = nn.Sequential(ResidualBlock(24, 48, stride=2), ResidualBlock(48, 48))
        self.stage3 = nn.Sequential(DepthwiseBlock(48, 80, 160, stride=2), DepthwiseBlock(80, 80, 240))
        self.average = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(80, len(CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.bn(self.stem(x))))
        x = self.average(self.stage3(self.stage2(self.stage1(x))))
        logits: Tensor = self.classifier(torch.flatten(x, 1))
        return logits


def shortcut(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    """Return the path that a block's result is added to: identity where the shapes allow it."""
    if stride == 1 and channels_in == channels_out:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out)
    )


def build() -> nn.Module:
    """Return the untrained network; the checkpoint's state dict fits it."""
    return ExampleNet()
