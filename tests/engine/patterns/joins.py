"""Lines 14 and 15: concats and residuals."""

import torch
import torch.nn.functional as F
from engine.patterns.registry import features, image, net, signal
from torch import nn


def conv(i, o, k=3):
    return nn.Conv2d(i, o, k, padding=k // 2)


# --- 14: concat


@net(14, image(), target="conv1.weight")
class ConcatWithInput(nn.Module):
    """Some channels of the concat are the model's input."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.out = conv(3, 8), conv(11, 6), conv(9, 3, 1)

    def forward(self, x):
        y = self.conv2(torch.cat([x, F.relu(self.conv1(x))], dim=1))
        return self.out(torch.cat((F.relu(y), x), 1))


@net(14, image(), target="conv1.weight")
class ConcatTwice(nn.Module):
    """The same tensor stands twice in one concat."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.out = conv(3, 8), conv(16, 6), conv(6, 3, 1)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        return self.out(F.relu(self.conv2(torch.cat([x, x], 1))))


@net(14, image(), target="stem.weight", also=image(3, 12))
class DenseBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv(3, 6)
        self.norms = nn.ModuleList(nn.BatchNorm2d(6 + 4 * i) for i in range(3))
        self.layers = nn.ModuleList(conv(6 + 4 * i, 4) for i in range(3))
        self.out = conv(18, 3, 1)

    def forward(self, x):
        found = [self.stem(x)]
        for norm, layer in zip(self.norms, self.layers, strict=True):
            found.append(layer(F.relu(norm(torch.cat(found, 1)))))
        return self.out(torch.cat(found, 1))


def _concat_tokens(model, keep, x):
    extra = model.extra[:, keep("extra", 1)].expand(len(x), -1, -1)
    return model.head(F.gelu(torch.cat([extra, model.fc(x), model.other(x)], dim=1))).mean(1)


@net(14, features(6, 12), target="fc.weight", reference=_concat_tokens)
class ConcatTokens(nn.Module):
    """Along tokens: the parts have to agree in channels."""

    def __init__(self):
        super().__init__()
        self.fc, self.other = nn.Linear(12, 10), nn.Linear(12, 10)
        self.extra = nn.Parameter(torch.zeros(1, 2, 10))
        self.head = nn.Linear(10, 4)

    def forward(self, x):
        x = torch.cat([self.extra.expand(len(x), -1, -1), self.fc(x), self.other(x)], dim=1)
        return self.head(F.gelu(x)).mean(1)


@net(14, lambda b: (torch.randn(b, 3, 8, 8), torch.randn(b, 3, 8, 8)), target="conv1.weight")
class ConcatBatch(nn.Module):
    """Two images go through as one batch and are taken apart again."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.out = conv(3, 8), conv(8, 6), nn.Linear(12, 3)

    def forward(self, x, y):
        both = self.conv2(F.relu(self.conv1(torch.cat([x, y], dim=0))))
        a, b = torch.chunk(both, 2, dim=0)
        return self.out(torch.cat([a, b], 1).mean((2, 3)))


@net(14, image(), target="a.weight")
class ConcatSpace(nn.Module):
    """Halves of the image go two ways and are put together again."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.out = conv(3, 8), conv(3, 8), conv(8, 3)

    def forward(self, x):
        left, right = x.split(x.shape[-1] // 2, dim=-1)
        return self.out(torch.cat([F.relu(self.a(left)), F.relu(self.b(right))], dim=3))


@net(14, image(), target="down1.weight", also=image(3, 12))
class SmallUnet(nn.Module):
    """Skips across scales."""

    def __init__(self):
        super().__init__()
        self.down1, self.down2, self.mid = conv(3, 6), conv(6, 10), conv(10, 12)
        self.up2, self.up1 = nn.ConvTranspose2d(12, 8, 2, stride=2), nn.ConvTranspose2d(8, 6, 2, stride=2)
        self.fuse2, self.fuse1, self.out = conv(18, 8), conv(12, 6), conv(6, 2, 1)

    def forward(self, x):
        a = F.relu(self.down1(x))
        b = F.relu(self.down2(F.max_pool2d(a, 2)))
        m = F.relu(self.mid(F.avg_pool2d(b, 2)))
        m = F.relu(self.fuse2(torch.cat([self.up2(m), b], 1)))
        return self.out(F.relu(self.fuse1(torch.cat([self.up1(m), a], 1))))


@net(14, image(), target="a.weight", also=image(3, 12))
class Stacked(nn.Module):
    """torch.stack adds a dimension that a weighted sum removes."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.out = conv(3, 8), conv(3, 8, 1), conv(3, 8, 5), conv(8, 3, 1)
        self.weights = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        parts = torch.stack([self.a(x), self.b(x), self.c(x)], dim=0)
        return self.out((parts * self.weights.softmax(0).view(3, 1, 1, 1, 1)).sum(0))


@net(14, image(), target="b1.0.weight")
class Inception(nn.Module):
    """Branches of different widths, one of them pooled."""

    def __init__(self):
        super().__init__()
        self.stem = conv(3, 6)
        self.b1, self.b2 = nn.Sequential(conv(6, 5, 1)), nn.Sequential(conv(6, 4, 1), nn.ReLU(), conv(4, 7))
        self.b3 = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(6, 3, 1))
        self.fc = nn.Linear(15, 4)

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = F.relu(torch.cat([branch(x) for branch in (self.b1, self.b2, self.b3)], 1))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


# --- 15: residuals


@net(15, image(), target="conv2.weight", also=image(3, 12))
class PaddedShortcut(nn.Module):
    """ResNet for CIFAR: the shortcut is strided and padded with zero channels."""

    def __init__(self):
        super().__init__()
        self.stem = conv(3, 6)
        self.conv1, self.conv2 = nn.Conv2d(6, 8, 3, 2, 1), conv(8, 12)
        self.out = nn.Linear(12, 4)

    def forward(self, x):
        x = F.relu(self.stem(x))
        y = self.conv2(F.relu(self.conv1(x)))
        y = y + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 3, 3), "constant", 0)
        return self.out(F.relu(y).mean((2, 3)))


@net(15, image(8), target="conv1.weight")
class IdentityToInput(nn.Module):
    """Added to the input: only the inside can go."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.out = conv(8, 10), conv(10, 8), conv(8, 3)

    def forward(self, x):
        return self.out(x + self.conv2(F.relu(self.conv1(x))))


@net(15, image(), target="a.weight")
class WeightedFusion(nn.Module):
    """BiFPN: learned weights, normalised by their sum."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = conv(3, 8), nn.Conv2d(3, 8, 3, 2, 1), conv(8, 3)
        self.w = nn.Parameter(torch.ones(2))

    def forward(self, x):
        w = F.relu(self.w) + 0.1
        y = w[0] * self.a(x) + w[1] * F.interpolate(self.b(x), scale_factor=2, mode="nearest")
        return self.c(F.silu(y / (w.sum() + 1e-4)))


@net(15, image(), target="stem.weight", also=image(3, 12))
class InPlace(nn.Module):
    """+=, mul_, relu_, add_ and clamp_ on data that is read elsewhere too."""

    def __init__(self):
        super().__init__()
        self.stem, self.conv1, self.conv2, self.out = conv(3, 8), conv(8, 8), conv(8, 8), conv(8, 3)

    def forward(self, x):
        x = self.stem(x)
        y = self.conv1(x).relu_()
        y += x
        y.mul_(0.5).add_(1.0)
        z = self.conv2(y).clamp_(-1, 2)
        z -= y
        return self.out(z)


@net(15, image(), target="a.weight", also=image(3, 12))
class WhereAndMaximum(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.out = conv(3, 8), conv(3, 8), conv(8, 3)

    def forward(self, x):
        a, b = self.a(x), self.b(x)
        y = torch.where(a > b, a, 0.1 * b)
        y = y + torch.maximum(a, b) + torch.lerp(a, b, 0.3)
        return self.out(y.masked_fill(y < -1, 0.0).clamp(max=3))


@net(15, image(), target="a.weight", also=image(3, 12))
class WrittenIntoSlices(nn.Module):
    """A buffer made by new_zeros is filled slice by slice."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.out = conv(3, 5), conv(3, 7), conv(12, 3)

    def forward(self, x):
        y = x.new_zeros(x.shape[0], 12, x.shape[2], x.shape[3])
        y[:, :5] = self.a(x)
        y[:, 5:] = F.relu(self.b(x))
        return self.out(y)


@net(15, image(), target="stem.weight", also=image(3, 12))
class PartlyOverwritten(nn.Module):
    """FasterNet: a part of the channels is replaced in a clone."""

    def __init__(self):
        super().__init__()
        self.stem, self.partial, self.out = conv(3, 8), conv(4, 4), conv(8, 3, 1)

    def forward(self, x):
        x = self.stem(x).clone()
        x[:, :4, :, :] = self.partial(x[:, :4, :, :])
        return self.out(F.relu(x))


@net(15, image(), target="conv1.weight")
class SpatialWrites(nn.Module):
    """Rows of a result are written in place, and rolled."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.out = conv(3, 8), conv(8, 8), conv(8, 3)

    def forward(self, x):
        x = self.conv1(x)
        y = torch.empty_like(x)
        y[:, :, :4] = self.conv2(x)[:, :, 4:]
        y[:, :, 4:].copy_(x[:, :, :4])
        return self.out(torch.roll(F.relu(y), (1, 2), (2, 3)))


@net(15, signal(), target="stem.weight")
class GatedResidual(nn.Module):
    """WaveNet: tanh times sigmoid of two halves, residual and skip sums."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv1d(3, 8, 1)
        self.dilated = nn.ModuleList(nn.Conv1d(8, 12, 3, padding=d, dilation=d) for d in (1, 2))
        self.res = nn.ModuleList(nn.Conv1d(6, 8, 1) for _ in range(2))
        self.skip = nn.ModuleList(nn.Conv1d(6, 10, 1) for _ in range(2))
        self.out = nn.Conv1d(10, 3, 1)

    def forward(self, x):
        x, total = self.stem(x), 0
        for dilated, res, skip in zip(self.dilated, self.res, self.skip, strict=True):
            a, b = dilated(x).chunk(2, 1)
            y = torch.tanh(a) * torch.sigmoid(b)
            x, total = x + res(y), total + skip(y)
        return self.out(F.relu(total))


@net(15, image(), target="stem.weight")
class StochasticDepth(nn.Module):
    """drop_path: a branch is scaled by random numbers in training, untouched in eval."""

    def __init__(self):
        super().__init__()
        self.stem, self.conv, self.out = conv(3, 8), conv(8, 8), conv(8, 3)

    def forward(self, x):
        x = self.stem(x)
        y = F.dropout(F.relu(self.conv(x)), 0.2, self.training)
        if self.training:
            y = y * (torch.rand(len(x), 1, 1, 1) > 0.3)
        return self.out(torch.addcmul(x, y, y, value=0.5))


@net(15, features(6, 12), target="fc1.weight")
class GatedLinearUnit(nn.Module):
    """F.glu: one half of the channels gates the other."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(12, 20), nn.Linear(10, 4)

    def forward(self, x):
        return self.fc2(F.glu(self.fc1(x), dim=-1))
