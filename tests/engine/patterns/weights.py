"""Lines 10 to 12: parameters outside of layers, shared ones, computed ones."""

import torch
import torch.nn.functional as F
from engine.patterns.registry import features, image, net, tokens, vector
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

# --- 10: bare parameters and buffers


@net(10, image(), target="stem.weight")
class LayerScale(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.conv = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, padding=1)
        self.gamma = nn.Parameter(1e-6 * torch.ones(8, 1, 1))
        self.out = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        x = self.stem(x)
        return self.out(x + self.gamma * F.gelu(self.conv(x)))


@net(10, image(), target="embed.weight")
class PositionAndClass(nn.Module):
    """A class token and position embeddings, expanded over the batch."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Conv2d(3, 12, 4, stride=4)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, 12))
        self.pos_embed = nn.Parameter(torch.zeros(1, 5, 12))
        self.fc1, self.fc2, self.head = nn.Linear(12, 16), nn.Linear(16, 12), nn.Linear(12, 4)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls_token.expand(x.shape[0], -1, -1), x), dim=1) + self.pos_embed
        x = x + self.fc2(F.gelu(self.fc1(x)))
        return self.head(x[:, 0])


@net(10, image(), target="conv.weight")
class ChannelParameters(nn.Module):
    """(C, 1, 1), (1, C, H, W) and a single number."""

    def __init__(self):
        super().__init__()
        self.conv, self.out = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 3, 1)
        self.scale = nn.Parameter(torch.ones(8, 1, 1))
        self.position = nn.Parameter(torch.zeros(1, 8, 8, 8))
        self.slope = nn.Parameter(torch.tensor(0.1))

    def forward(self, x):
        x = self.conv(x) * self.scale + self.position
        return self.out(torch.where(x > 0, x, self.slope * x))


@net(10, features(6, 12), target="w1:2")
class EinsumOperands(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1, self.w2 = nn.Parameter(torch.randn(12, 2, 8)), nn.Parameter(torch.randn(2, 8, 4))

    def forward(self, x):
        x = F.gelu(torch.einsum("bnc,chd->bnhd", x, self.w1))
        return torch.einsum("bnhd,hde->bne", x, self.w2)


@net(10, features(6, 12), target="W1:1")
class MatmulParameter(nn.Module):
    def __init__(self):
        super().__init__()
        self.W1, self.b1 = nn.Parameter(torch.randn(12, 10)), nn.Parameter(torch.zeros(10))
        self.W2 = nn.Parameter(torch.randn(10, 5))

    def forward(self, x):
        return torch.tanh(x @ self.W1 + self.b1) @ self.W2


@net(10, image(), target="w1")
class FunctionalConv(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1, self.b1 = nn.Parameter(torch.randn(8, 3, 3, 3)), nn.Parameter(torch.randn(8))
        self.w2 = nn.Parameter(torch.randn(8, 1, 3, 3))
        self.w3 = nn.Parameter(torch.randn(4, 8, 1, 1))

    def forward(self, x):
        x = F.relu(F.conv2d(x, self.w1, self.b1, padding=1))
        x = F.relu(F.conv2d(x, self.w2, padding=1, groups=x.shape[1]))
        return F.conv2d(x, self.w3)


@net(10, image(), target="conv.weight")
class BufferScale(nn.Module):
    """Mean and spread of the channels lie in buffers (as in frozen batch norm)."""

    def __init__(self):
        super().__init__()
        self.conv, self.out = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 3, 1)
        self.register_buffer("mean", torch.rand(1, 8, 1, 1))
        self.register_buffer("std", torch.rand(8) + 0.5)

    def forward(self, x):
        x = (self.conv(x) - self.mean) / self.std.reshape(1, -1, 1, 1)
        return self.out(F.relu(x))


@net(10, image(), target="w")
class FunctionalBatchNorm(nn.Module):
    """A frozen batch norm by F.batch_norm, an F.linear and an F.prelu with parameters of their own."""

    def __init__(self):
        super().__init__()
        self.w, self.a = nn.Parameter(torch.randn(8, 3, 3, 3)), nn.Parameter(torch.zeros(8))
        self.gain, self.shift = nn.Parameter(torch.ones(8)), nn.Parameter(torch.zeros(8))
        self.register_buffer("running_mean", torch.zeros(8))
        self.register_buffer("running_var", torch.ones(8))
        self.fc = nn.Parameter(torch.randn(4, 8))

    def forward(self, x):
        x = F.conv2d(x, self.w)
        x = F.batch_norm(x, self.running_mean, self.running_var, self.gain, self.shift)
        return F.linear(F.prelu(x, self.a).mean((2, 3)), self.fc)


@net(10, features(5, 12), target="tables.0")
class ParameterList(nn.Module):
    def __init__(self):
        super().__init__()
        self.tables = nn.ParameterList([torch.randn(8, 12), torch.randn(8, 8), torch.randn(4, 8)])
        self.scales = nn.ParameterDict({"first": torch.randn(8), "second": torch.randn(8)})

    def forward(self, x):
        x = torch.relu(F.linear(x, self.tables[0]) * self.scales["first"])
        x = x + torch.relu(F.linear(x, self.tables[1]) * self.scales["second"])
        return F.linear(x, self.tables[2])


# --- 11: shared weights


@net(11, tokens(), target="embed.weight:1")
class TiedHead(nn.Module):
    """Embedding and output layer are one tensor."""

    def __init__(self):
        super().__init__()
        self.embed, self.fc = nn.Embedding(20, 12), nn.Linear(12, 12)
        self.head = nn.Linear(12, 20, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids):
        x = self.embed(ids)
        return self.head(x + F.gelu(self.fc(x)))


@net(11, lambda b: (torch.randn(b, 3, 8, 8), torch.randn(b, 3, 4, 4)), target="a.weight")
class SharedHeadOwnNorms(nn.Module):
    """One convolution on every level of a pyramid, a BatchNorm per level."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 8, 1), nn.Conv2d(3, 8, 1)
        self.conv = nn.Conv2d(8, 10, 3, padding=1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(10) for _ in range(2))
        self.head = nn.Conv2d(10, 4, 1)

    def forward(self, x, y):
        levels = [self.a(x), self.b(y)]
        return [self.head(F.relu(n(self.conv(f)))) for n, f in zip(self.norms, levels, strict=True)]


@net(11, image(), target="stem.weight")
class ConvTwice(nn.Module):
    """One convolution applied twice ties its outputs to its inputs."""

    def __init__(self):
        super().__init__()
        self.stem, self.conv, self.out = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 3, 1)

    def forward(self, x):
        return self.out(self.conv(F.relu(self.conv(F.relu(self.stem(x))))))


@net(11, lambda b: (torch.randn(b, 3, 8, 8), torch.randn(b, 3, 8, 8)), target="encoder.0.weight")
class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 10, 3))
        self.head = nn.Linear(20, 2)

    def forward(self, x, y):
        x, y = (self.encoder(t).mean((2, 3)) for t in (x, y))
        return self.head(torch.cat([(x - y).abs(), x * y], 1))


@net(11, vector(), target="w1")
class TiedAutoencoder(nn.Module):
    """The decoder uses the transposed weights of the encoder."""

    def __init__(self):
        super().__init__()
        self.w1, self.w2 = nn.Parameter(torch.randn(10, 12)), nn.Parameter(torch.randn(6, 10))
        self.b = nn.Parameter(torch.zeros(10))

    def forward(self, x):
        z = F.linear(torch.relu(F.linear(x, self.w1, self.b)), self.w2)
        return torch.relu(z @ self.w2) @ self.w1


@net(11, image(), target="a.weight")
class OneModuleTwoNames(nn.Module):
    """The same block under two names, and a bias that two layers share."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3)
        self.b = self.a
        self.c = nn.Conv2d(3, 8, 3)
        self.c.bias = self.a.bias
        self.out = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        return self.out(F.relu(self.a(x)) + F.relu(self.b(x.flip(-1))) * self.c(x))


@net(11, tokens(), target="fc1.weight")
class SharedBlock(nn.Module):
    """ALBERT: one block runs several times."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 10)
        self.fc1, self.fc2 = nn.Linear(10, 14), nn.Linear(14, 10)
        self.head = nn.Linear(10, 4)

    def forward(self, ids):
        x = self.embed(ids)
        for _ in range(3):
            x = x + self.fc2(F.gelu(self.fc1(x)))
        return self.head(x)


# --- 12: computed weights and hooks


@net(12, image(), target="conv1.parametrizations.weight.original1")
class WeightNormed(nn.Module):
    """The norm of the part that is kept shrinks: the gain has to absorb it."""

    def __init__(self):
        super().__init__()
        self.conv1 = parametrizations.weight_norm(nn.Conv2d(3, 8, 3))
        self.conv2 = parametrizations.weight_norm(nn.Conv2d(8, 6, 3))
        self.out = nn.Conv2d(6, 3, 1)

    def forward(self, x):
        return self.out(F.relu(self.conv2(F.relu(self.conv1(x)))))


@net(12, vector(), target="fc1.weight_v")
class WeightNormHook(nn.Module):
    """The old weight_norm: a hook recomputes a plain attribute."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.utils.weight_norm(nn.Linear(12, 10))
        self.fc2 = nn.utils.weight_norm(nn.Linear(10, 8))
        self.out = nn.Linear(8, 4)

    def forward(self, x):
        return self.out(torch.tanh(self.fc2(torch.tanh(self.fc1(x)))))


@net(12, image(), target="conv1.parametrizations.weight.original")
class SpectralNormed(nn.Module):
    """The weight is divided by its largest singular value, which a cut must not change."""

    def __init__(self):
        super().__init__()
        self.conv1 = parametrizations.spectral_norm(nn.Conv2d(3, 8, 3))
        self.conv2 = parametrizations.spectral_norm(nn.Conv2d(8, 6, 3))
        self.out = nn.Conv2d(6, 3, 1)

    def forward(self, x):
        return self.out(F.leaky_relu(self.conv2(F.leaky_relu(self.conv1(x), 0.1)), 0.1))


@net(12, image(), target="conv1.weight_orig")
class SpectralNormHook(nn.Module):
    """The old spectral_norm."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.utils.spectral_norm(nn.Conv2d(3, 8, 3))
        self.conv2 = nn.utils.spectral_norm(nn.Conv2d(8, 6, 3))
        self.out = nn.Conv2d(6, 3, 1)

    def forward(self, x):
        return self.out(F.relu(self.conv2(F.relu(self.conv1(x)))))


class Softplus(nn.Module):
    def forward(self, w):
        return F.softplus(w)


@net(12, vector(), target="fc1.parametrizations.weight.original")
class PositiveWeights(nn.Module):
    """A parametrization of one's own: softplus(0) is not zero, the effective weight counts."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(12, 10), nn.Linear(10, 4)
        for layer in (self.fc1, self.fc2):
            parametrize.register_parametrization(layer, "weight", Softplus())

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x)))


@net(12, image(), target="conv1.weight")
class ForwardHooks(nn.Module):
    """Hooks change what goes in and what comes out."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.out = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 6, 3), nn.Conv2d(6, 3, 1)
        self.conv1.gain = nn.Parameter(torch.ones(8))
        self.conv1.register_forward_hook(lambda m, args, y: y * m.gain[:, None, None])
        self.conv2.register_forward_pre_hook(lambda m, args: (F.relu(args[0]),))

    def forward(self, x):
        return self.out(self.conv2(self.conv1(x)))


@net(12, image(), "refused")
class HookHoldsModel(nn.Module):
    """The hook closes over the model: every copy would go on reading the original's parameter."""

    def __init__(self):
        super().__init__()
        self.conv, self.out = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 3, 1)
        self.gain = nn.Parameter(torch.ones(8))
        self.conv.register_forward_hook(lambda m, args, y: y * self.gain[:, None, None])

    def forward(self, x):
        return self.out(F.relu(self.conv(x)))


@net(12, image(), target="conv1.weight_orig")
class PrunedByMask(nn.Module):
    """torch.nn.utils.prune: a mask in a buffer, the weight computed by a hook."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 3, 3)
        prune.random_unstructured(self.conv1, "weight", amount=0.3)

    def forward(self, x):
        return self.conv2(F.relu(self.conv1(x)))


class StdConv2d(nn.Conv2d):
    """Weight standardisation: statistics of every filter, computed in forward."""

    def forward(self, x):
        w = self.weight
        mean = w.mean(dim=(1, 2, 3), keepdim=True)
        std = w.var(dim=(1, 2, 3), keepdim=True, unbiased=False).add(1e-5).sqrt()
        return F.conv2d(x, (w - mean) / std, self.bias, self.stride, self.padding, self.dilation, self.groups)


def _standardised(model, keep, x):
    def conv(layer, x, kept):
        w = layer.weight
        part = w[:, kept]
        mean = part.mean((1, 2, 3), keepdim=True)
        std = part.var((1, 2, 3), keepdim=True, unbiased=False).add(1e-5).sqrt()
        return F.conv2d(x[:, kept], (part - mean) / std, layer.bias)

    x = F.relu(conv(model.conv1, x, torch.arange(3)))
    x = F.relu(conv(model.conv2, x, keep("conv1.weight")))
    return model.out(x)


@net(12, image(), "inexact", target="conv1.weight", reference=_standardised)
class WeightStandardised(nn.Module):
    """Cutting inputs of a standardised convolution changes its statistics."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = StdConv2d(3, 8, 3), StdConv2d(8, 6, 3)
        self.out = nn.Conv2d(6, 3, 1)

    def forward(self, x):
        return self.out(F.relu(self.conv2(F.relu(self.conv1(x)))))
