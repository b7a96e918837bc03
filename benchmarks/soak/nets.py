"""Twelve kinds of forward code, weights drawn anew, every group cut by its own ratio."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slimgui import engine, example

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))

import oracle

IMAGE, TOKENS = (3, 16, 16), (10, 12)
BATCHES = 2, 5


def conv(inside: int, outside: int, kernel: int = 3, groups: int = 1, stride: int = 1) -> nn.Sequential:
    """A convolution with its norm."""
    layer = nn.Conv2d(inside, outside, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outside), nn.ReLU())


class Pooled(nn.Module):
    """A body of images, then a classifier."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.head = nn.Linear(channels, 7)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).mean((2, 3)))

    def body(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class Residual(Pooled):
    """A residual block and a short cut with a stride."""

    def __init__(self) -> None:
        super().__init__(24)
        self.stem, self.one, self.two = conv(3, 16), conv(16, 16), conv(16, 24, stride=2)
        self.short = nn.Conv2d(16, 24, 1, 2)

    def body(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.one(x)
        return self.short(x) + self.two(x)


class Depthwise(Pooled):
    """An inverted residual block."""

    def __init__(self) -> None:
        super().__init__(20)
        self.stem = conv(3, 12)
        self.wide, self.deep, self.flat = conv(12, 36, 1), conv(36, 36, groups=36), nn.Conv2d(36, 12, 1)
        self.last = conv(12, 20, 1)

    def body(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.last(x + self.flat(self.deep(self.wide(x))))


class Shuffle(Pooled):
    """A channel shuffle behind a split into halves."""

    def __init__(self) -> None:
        super().__init__(24)
        self.stem, self.branch, self.last = conv(3, 16), conv(8, 8), conv(16, 24, 1)

    def body(self, x: Tensor) -> Tensor:
        left, right = self.stem(x).chunk(2, dim=1)
        x = torch.cat([left, self.branch(right)], dim=1)
        batch, channels, height, width = x.shape
        x = x.view(batch, 2, channels // 2, height, width).transpose(1, 2).reshape(x.shape)
        return self.last(x)


class Dense(Pooled):
    """Layers that read what all before them made."""

    def __init__(self) -> None:
        super().__init__(40)
        self.layers = nn.ModuleList([conv(16 + 8 * i, 8) for i in range(3)])
        self.stem = conv(3, 16)

    def body(self, x: Tensor) -> Tensor:
        parts = [self.stem(x)]
        for layer in self.layers:
            parts.append(layer(torch.cat(parts, 1)))
        return torch.cat(parts, 1)


class Squeeze(Pooled):
    """Squeeze and excite, with a size that is a number in forward."""

    def __init__(self) -> None:
        super().__init__(20)
        self.stem, self.last = conv(3, 16), conv(16, 20)
        self.down, self.up = nn.Linear(16, 8), nn.Linear(8, 16)

    def body(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        gate = self.up(F.relu(self.down(x.mean((2, 3))))).sigmoid()
        return self.last(x * gate.view(-1, 16, 1, 1))


class UNet(nn.Module):
    """A skip connection over a change of size, and a pixel shuffle."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.deep = conv(3, 12), conv(12, 24, stride=2)
        self.up = nn.ConvTranspose2d(24, 12, 2, 2)
        self.join, self.last = conv(24, 16), nn.Conv2d(16, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        one = self.down(x)
        two = self.up(self.deep(one))
        return F.pixel_shuffle(self.last(self.join(torch.cat([one, two], 1))), 2)


class Normed(Pooled):
    """A ConvNeXt block: channels last, LayerNorm, layer scale."""

    def __init__(self) -> None:
        super().__init__(16)
        self.stem, self.deep = nn.Conv2d(3, 16, 4, 4), nn.Conv2d(16, 16, 3, 1, 1, groups=16)
        self.norm, self.wide, self.flat = nn.LayerNorm(16), nn.Linear(16, 48), nn.Linear(48, 16)
        self.scale = nn.Parameter(torch.ones(16))

    def body(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.norm(self.deep(x).permute(0, 2, 3, 1))
        return x + (self.scale * self.flat(F.gelu(self.wide(y)))).permute(0, 3, 1, 2)


class Attention(nn.Module):
    """Fused queries, keys and values, with sizes read from attributes and written as literals."""

    def __init__(self) -> None:
        super().__init__()
        self.num_heads, self.head_dim = 4, 3
        self.norm, self.qkv, self.out = nn.LayerNorm(12), nn.Linear(12, 36), nn.Linear(12, 12)
        self.wide, self.head = nn.Linear(12, 32), nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, _ = x.shape
        qkv = self.qkv(self.norm(x)).reshape(batch, tokens, 3, self.num_heads, self.head_dim)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        weights = ((q @ k.transpose(-2, -1)) * self.head_dim**-0.5).softmax(-1)
        y = x + self.out((weights @ v).transpose(1, 2).reshape(batch, tokens, 12))
        return self.head(F.gelu(self.wide(y)).mean(1))


class Encoder(nn.Module):
    """torch's own attention and encoder layer."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(12, 16)
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.one, self.two, self.head = nn.Linear(16, 40), nn.Linear(40, 16), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return self.head((x + self.two(F.relu(self.one(x)))).mean(1))


class Recurrent(nn.Module):
    """Two layers of LSTM, both ways."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Linear(12, 16)
        self.lstm = nn.LSTM(16, 12, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(24, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(F.relu(self.front(x)))[0].mean(1))


class Literal(nn.Module):
    """Every size is a number in forward."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.mid = nn.Conv2d(3, 16, 3, 2, 1), nn.Conv2d(16, 16, 3, 2, 1, groups=4)
        self.left, self.right = nn.Linear(128, 20), nn.Linear(128, 20)
        self.scale, self.head = nn.Parameter(torch.ones(1, 20)), nn.Linear(20, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.mid(F.relu(self.stem(x)))).reshape(-1, 256)
        one, two = x.split([128, 128], dim=1)
        y = self.left(one) * self.scale.expand(x.shape[0], 20) + self.right(two)
        return self.head(y)


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "example": (example.build, (1, 28, 28)),
    "residual": (Residual, IMAGE),
    "depthwise": (Depthwise, IMAGE),
    "shuffle": (Shuffle, IMAGE),
    "dense": (Dense, IMAGE),
    "squeeze": (Squeeze, IMAGE),
    "unet": (UNet, IMAGE),
    "normed": (Normed, IMAGE),
    "attention": (Attention, TOKENS),
    "encoder": (Encoder, TOKENS),
    "recurrent": (Recurrent, TOKENS),
    "literal": (Literal, IMAGE),
}


@cache
def deployed(name: str) -> engine.Deployed:
    """The model, cut; whoever takes it leaves it in eval mode."""
    build, _ = MODELS[name]
    torch.manual_seed(0)
    model = oracle.randomise(build(), seed=1).eval()
    traced = engine.trace(model, inputs(name, BATCHES[0]))
    free = {group.id: group.size for group in traced.groups if not group.locked}
    assert free, [str(group.locked) for group in traced.groups]
    sizes = {group.id: group.size for group in traced.groups}
    keep = oracle.random_keep(sizes, oracle.seeded_ratios(free, 11), 11)
    small = engine.deploy(model, traced, engine.Selection(keep))
    assert count(small.model) < 0.85 * count(model)
    small.model.eval()
    return small


def count(model: nn.Module) -> int:
    """Its parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def inputs(name: str, batch: int) -> Tensor:
    """So many rows for the model of that name."""
    return torch.randn(batch, *MODELS[name][1], generator=torch.Generator().manual_seed(batch))
