"""Lines 7 to 9: normalisers, grouped layers, constants that survive a cut."""

import torch
import torch.nn.functional as F
from engine.patterns.registry import add, features, image, net, signal
from torch import nn

# --- 7: normalisers over the cut axis


class Mlp(nn.Module):
    """A norm in the middle of two linear layers."""

    def __init__(self, norm):
        super().__init__()
        self.up, self.norm, self.down = nn.Linear(12, 10), norm, nn.Linear(10, 4)

    def forward(self, x):
        return self.down(F.gelu(self.norm(self.up(x))))


add(7, "LayerNormMlp", lambda: Mlp(nn.LayerNorm(10)), features(6, 12), "inexact", target="up.weight")
add(7, "RmsNormMlp", lambda: Mlp(nn.RMSNorm(10)), features(6, 12), "inexact", target="up.weight")


class CustomRmsNorm(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(dim)), eps

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps))


def _custom_rms(model, keep, x):
    x, kept = model.up(x), keep("up.weight")
    x = x * torch.rsqrt(x[..., kept].pow(2).mean(-1, keepdim=True) + 1e-6) * model.norm.weight
    return model.down(F.gelu(x))


add(
    7, "CustomRmsNormMlp", lambda: Mlp(CustomRmsNorm(10)), features(6, 12), "inexact",
    target="up.weight", reference=_custom_rms, note="RMSNorm written by hand",
)  # fmt: skip


class Net(nn.Module):
    """A norm between two convolutions."""

    def __init__(self, norm):
        super().__init__()
        self.conv1, self.norm, self.conv2 = nn.Conv2d(3, 12, 3, padding=1), norm, nn.Conv2d(12, 4, 3)

    def forward(self, x):
        return self.conv2(F.relu(self.norm(self.conv1(x))))


add(7, "GroupNormOne", lambda: Net(nn.GroupNorm(1, 12)), image(), "inexact", target="conv1.weight")
add(7, "GroupNormThree", lambda: Net(nn.GroupNorm(3, 12)), image(), "inexact", target="conv1.weight")
add(7, "GroupNormEach", lambda: Net(nn.GroupNorm(12, 12)), image(), "exact", target="conv1.weight")
add(
    7,
    "InstanceNorm",
    lambda: Net(nn.InstanceNorm2d(12, affine=True)),
    image(),
    "exact",
    target="conv1.weight",
)
add(
    7, "InstanceNormTracked", lambda: Net(nn.InstanceNorm2d(12, track_running_stats=True)), image(), "exact",
    target="conv1.weight",
)  # fmt: skip
add(
    7, "LocalResponseNorm", lambda: Net(nn.LocalResponseNorm(3)), image(), "any",
    note="neighbours in the order of channels take part: zeroed neighbours are not closed-up ones",
)  # fmt: skip


class LayerNorm2d(nn.Module):
    """Channels-first LayerNorm by hand, as ConvNeXt and SAM have it."""

    def __init__(self, dim):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        u = x.mean(1, keepdim=True)
        s = (x - u).pow(2).mean(1, keepdim=True)
        x = (x - u) / torch.sqrt(s + 1e-6)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


def _layer_norm_2d(model, keep, x):
    x, kept = model.conv1(x), keep("conv1.weight")
    u = x[:, kept].mean(1, keepdim=True)
    s = (x[:, kept] - u).pow(2).mean(1, keepdim=True)
    x = (x - u) / torch.sqrt(s + 1e-6)
    x = model.norm.weight[:, None, None] * x + model.norm.bias[:, None, None]
    return model.conv2(F.relu(x))


add(
    7, "LayerNorm2dByHand", lambda: Net(LayerNorm2d(12)), image(), "inexact", target="conv1.weight",
    reference=_layer_norm_2d,
)  # fmt: skip


def _softmax_channels(model, keep, x):
    x, kept = model.conv1(x), keep("conv1.weight")
    y = torch.zeros_like(x)
    y[:, kept] = x[:, kept].softmax(1)
    return model.conv2(y)


@net(7, image(), "inexact", target="conv1.weight", reference=_softmax_channels)
class SoftmaxOverChannels(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 1)

    def forward(self, x):
        return self.conv2(torch.softmax(self.conv1(x), dim=1))


@net(7, image(), target="conv1.weight")
class NormalizeOverChannels(nn.Module):
    """Length over channels: zeros add nothing, so this one is exact."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 1)

    def forward(self, x):
        x = self.conv1(x)
        return self.conv2(F.normalize(x, dim=1) + x / (x.pow(2).sum(1, keepdim=True).sqrt() + 1))


@net(7, image(8), "inexact", target="conv.weight")
class GroupNormUnet(nn.Module):
    """GroupNorm over a concat: groups straddle the seam."""

    def __init__(self):
        super().__init__()
        self.skip, self.conv = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 8, 3, padding=1)
        self.norm, self.out = nn.GroupNorm(2, 12), nn.Conv2d(12, 3, 1)

    def forward(self, x):
        return self.out(F.silu(self.norm(torch.cat([self.skip(x), self.conv(x)], 1))))


# --- 8: grouped and depthwise convolutions


class Chain(nn.Module):
    """Convolution, the layer in question, convolution."""

    def __init__(self, first, middle, last):
        super().__init__()
        self.first, self.middle, self.last = first, middle, last

    def forward(self, x):
        return self.last(F.relu(self.middle(F.relu(self.first(x)))))


def chain(name, build, inputs, note, expect="exact", target="first.weight"):
    add(8, name, build, inputs, expect, note=note, target=target)


C1, C2, C3 = nn.Conv1d, nn.Conv2d, nn.Conv3d
chain(
    "GroupedConv", lambda: Chain(C2(3, 12, 1), C2(12, 8, 3, groups=4), C2(8, 3, 1)), image(),
    "equal cuts in every conv group, or whole conv groups",
)  # fmt: skip
chain(
    "GroupedConvBn",
    lambda: Chain(C2(3, 16, 1), nn.Sequential(C2(16, 16, 3, groups=2), nn.BatchNorm2d(16)), C2(16, 3, 1)),
    image(), "ResNeXt",
)  # fmt: skip
chain(
    "Depthwise", lambda: Chain(C2(3, 10, 1), C2(10, 10, 3, groups=10), C2(10, 3, 1)), image(),
    "groups follows the number of channels",
)  # fmt: skip
chain(
    "DepthwiseMultiplier", lambda: Chain(C2(3, 6, 1), C2(6, 18, 3, groups=6), C2(18, 3, 1)), image(),
    "three outputs per input channel",
)  # fmt: skip
chain(
    "OneChannelConv", lambda: Chain(C2(1, 8, 3), C2(8, 1, 1), C2(1, 6, 3)), image(1),
    "one channel in or out, groups=1: no depthwise convolution",
)  # fmt: skip
chain(
    "GroupedTransposed",
    lambda: Chain(C2(3, 12, 1), nn.ConvTranspose2d(12, 8, 2, stride=2, groups=2), C2(8, 3, 1)),
    image(), "dimension 1 of the weight holds outputs per conv group",
)  # fmt: skip
chain(
    "Transposed", lambda: Chain(C2(3, 8, 1), nn.ConvTranspose2d(8, 6, 3, stride=2), C2(6, 3, 1)), image(), "",
)  # fmt: skip
chain(
    "DepthwiseTransposed",
    lambda: Chain(C2(3, 8, 1), nn.ConvTranspose2d(8, 8, 2, stride=2, groups=8), C2(8, 3, 1)), image(), "",
)  # fmt: skip
chain(
    "Grouped1d", lambda: Chain(C1(3, 12, 1), C1(12, 12, 3, groups=3), C1(12, 3, 1)), signal(), "1d",
)  # fmt: skip
chain(
    "Depthwise3d", lambda: Chain(C3(2, 6, 1), C3(6, 6, 2, groups=6), C3(6, 3, 1)),
    lambda b: (torch.randn(b, 2, 4, 4, 4),), "three dimensions",
)  # fmt: skip
chain(
    "GroupNormGroupedConv",
    lambda: Chain(C2(3, 12, 1), nn.Sequential(nn.GroupNorm(4, 12), C2(12, 12, 3, groups=2)), C2(12, 3, 1)),
    image(), "norm groups and conv groups of different sizes", "inexact",
)  # fmt: skip


@net(8, image(), target="a.weight")
class GroupedAfterConcat(nn.Module):
    """The conv groups do not end where the branches end."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 8, 1)
        self.conv, self.out = nn.Conv2d(12, 6, 3, groups=2), nn.Conv2d(6, 3, 1)

    def forward(self, x):
        return self.out(F.relu(self.conv(torch.cat([self.a(x), self.b(x)], 1))))


# --- 9: constants that survive


@net(9, image(), target="conv1.weight")
class BiasAfterRelu(nn.Module):
    """A zeroed BatchNorm would leave nothing; its bias, ReLU and the padding of the next convolution."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 4, 3, padding=1)

    def forward(self, x):
        return self.conv2(F.relu(self.bn(self.conv1(x))))


@net(9, image(), target="conv1.weight")
class SigmoidHalf(nn.Module):
    """sigmoid(0) = 0.5 enters the next convolution, whose columns go too."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 3)

    def forward(self, x):
        return self.conv2(torch.sigmoid(self.conv1(x)))


@net(9, image(), target="conv1.weight")
class ExpAndCos(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.out = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 6, 1), nn.Conv2d(6, 3, 1)

    def forward(self, x):
        x = self.conv2(torch.exp(-self.conv1(x).square()))
        return self.out(torch.cos(x) + 1)


@net(9, image(), target="conv1.weight")
class PadWithOne(nn.Module):
    """Channels are zeroed, but the border is one."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 3)

    def forward(self, x):
        return self.conv2(F.pad(F.relu(self.conv1(x)), (1, 1, 1, 1), value=1.0))


def _linear_attention(model, keep, x):
    kept = keep("q.weight")
    q, k = (F.elu(model.q(x)) + 1)[..., kept], (F.elu(model.k(x)) + 1)[..., kept]
    z = 1 / torch.einsum("bnd,bd->bn", q, k.sum(1))
    return model.head(model.o(torch.einsum("bnd,bde,bn->bne", q, k.mT @ model.v(x), z)))


@net(9, features(6, 12), target="v.weight", reference=_linear_attention)
class LinearAttention(nn.Module):
    """elu(x) + 1 is one where x is zero, and q meets k in a sum: cutting q and k would not be exact."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(12, 8) for _ in range(3))
        self.o, self.head = nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, x):
        q, k = F.elu(self.q(x)) + 1, F.elu(self.k(x)) + 1
        kv = torch.einsum("bnd,bne->bde", k, self.v(x))
        z = 1 / torch.einsum("bnd,bd->bn", q, k.sum(1))
        return self.head(self.o(torch.einsum("bnd,bde,bn->bne", q, kv, z)))


def _sigmoid_mean(model, keep, x):
    gate = torch.sigmoid(model.conv1(x))[:, keep("conv1.weight")]
    return model.conv2(model.other(x) * gate.sum(1, keepdim=True))


@net(9, image(), "inexact", target="conv1.weight", reference=_sigmoid_mean)
class SumOfSigmoids(nn.Module):
    """0.5 per removed channel stays in the sum of the zeroed original, so this is not exact."""

    def __init__(self):
        super().__init__()
        self.conv1, self.other = nn.Conv2d(3, 8, 3), nn.Conv2d(3, 6, 3)
        self.conv2 = nn.Conv2d(6, 4, 1)

    def forward(self, x):
        return self.conv2(self.other(x) * torch.sigmoid(self.conv1(x)).sum(1, keepdim=True))


@net(9, image(), target="conv1.weight")
class ShiftedTwice(nn.Module):
    """One is added and a learned border is kept; hard-sigmoid and softplus are not zero at zero."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.out = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        x = F.hardsigmoid(self.conv1(x)) + 1.0
        return self.out(F.softplus(self.conv2(x)))
