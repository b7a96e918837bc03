"""Lines 16 and 17: reductions over channels, and what models return."""

from collections import namedtuple
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from engine.patterns.registry import features, image, net, tokens
from torch import Tensor, nn


def conv(i, o, k=3):
    return nn.Conv2d(i, o, k, padding=k // 2)


# --- 16: reductions over channels


def _cbam(model, keep, x):
    x, kept = F.relu(model.conv(x)), keep("conv.weight")
    s = torch.cat([x[:, kept].mean(1, keepdim=True), x[:, kept].amax(1, keepdim=True)], 1)
    return model.out(x * torch.sigmoid(model.spatial(s)))


@net(16, image(), "inexact", target="conv.weight", reference=_cbam, also=image(3, 12))
class SpatialAttention(nn.Module):
    """CBAM: mean and maximum over channels gate every place."""

    def __init__(self):
        super().__init__()
        self.conv, self.spatial, self.out = conv(3, 8), conv(2, 1), conv(8, 3, 1)

    def forward(self, x):
        x = F.relu(self.conv(x))
        avg = torch.mean(x, dim=1, keepdim=True)
        largest, _ = torch.max(x, dim=1, keepdim=True)
        return self.out(x * torch.sigmoid(self.spatial(torch.cat([avg, largest], dim=1))))


@net(16, image(), target="conv.weight")
class ChannelAttention(nn.Module):
    """CBAM's other half: one small network on two pooled vectors."""

    def __init__(self):
        super().__init__()
        self.conv, self.out = conv(3, 8), conv(8, 3, 1)
        self.mlp = nn.Sequential(nn.Conv2d(8, 4, 1, bias=False), nn.ReLU(), nn.Conv2d(4, 8, 1, bias=False))

    def forward(self, x):
        x = F.relu(self.conv(x))
        a, m = self.mlp(F.adaptive_avg_pool2d(x, 1)), self.mlp(F.adaptive_max_pool2d(x, 1))
        return self.out(x * torch.sigmoid(a + m))


def _xca(model, keep, x):
    B, N, _ = x.shape
    h = model.num_heads
    q, k, v = (f(x).reshape(B, N, h, -1).permute(0, 2, 3, 1) for f in (model.q, model.k, model.v))
    q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
    alive = torch.zeros(model.k.out_features, dtype=torch.bool)
    alive[keep("k.weight")] = True
    scores = q @ k.transpose(-2, -1) * model.temperature
    scores = scores.masked_fill(~alive.view(1, h, 1, -1), -torch.inf)
    y = scores.softmax(-1).nan_to_num() @ v
    return model.o(y.permute(0, 3, 1, 2).reshape(B, N, -1))


@net(16, features(6, 12), "inexact", target="k.weight", reference=_xca)
class CrossCovariance(nn.Module):
    """XCA: channels attend to channels, so the softmax runs over them; whole heads go exactly."""

    def __init__(self):
        super().__init__()
        self.num_heads = 3
        self.q, self.k, self.v, self.o = (nn.Linear(12, 24) for _ in range(4))
        self.o = nn.Linear(24, 4)
        self.temperature = nn.Parameter(torch.ones(3, 1, 1))

    def forward(self, x):
        B, N, _ = x.shape
        q, k, v = (
            f(x).reshape(B, N, self.num_heads, -1).permute(0, 2, 3, 1) for f in (self.q, self.k, self.v)
        )
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        attn = (q @ k.transpose(-2, -1) * self.temperature).softmax(-1)
        return self.o((attn @ v).permute(0, 3, 1, 2).reshape(B, N, -1))


@net(16, image(), "any")
class CovariancePooling(nn.Module):
    """C x C products, flattened: a channel owns a row and a column of the linear layer's inputs."""

    def __init__(self):
        super().__init__()
        self.stem, self.conv, self.fc = conv(3, 8), conv(8, 6), nn.Linear(36, 4)

    def forward(self, x):
        x = self.conv(F.relu(self.stem(x))).flatten(2)
        return self.fc((x @ x.transpose(1, 2) / x.shape[-1]).flatten(1))


@net(16, image(), target="conv.weight", also=image(3, 12))
class GramScores(nn.Module):
    """Places are compared by a product over channels: zeros add nothing."""

    def __init__(self):
        super().__init__()
        self.conv, self.value, self.out = conv(3, 8), conv(3, 6), conv(6, 3, 1)

    def forward(self, x):
        f = self.conv(x).flatten(2)
        attn = torch.bmm(f.transpose(1, 2), f).softmax(-1)
        y = torch.bmm(self.value(x).flatten(2), attn.transpose(1, 2))
        return self.out(y.view(x.shape[0], -1, *x.shape[2:]))


def _maxout(model, keep, x):
    x = model.conv(x)
    alive = torch.zeros(12, dtype=torch.bool)
    alive[keep("conv.weight")] = True
    pairs = x.unflatten(1, (6, 2)).masked_fill(~alive.view(1, 6, 2, 1, 1), -torch.inf)
    return model.out(pairs.amax(2).masked_fill(~alive.view(6, 2).any(1).view(1, 6, 1, 1), 0.0))


@net(16, image(), target="conv.weight", reference=_maxout, also=image(3, 12))
class Maxout(nn.Module):
    """The larger of two neighbours: pairs go together."""

    def __init__(self):
        super().__init__()
        self.conv, self.out = conv(3, 12), conv(6, 3)

    def forward(self, x):
        x = self.conv(x)
        B, C, H, W = x.shape
        return self.out(x.view(B, C // 2, 2, H, W).max(dim=2).values)


@net(16, features(6, 12), target="fc.weight")
class MaxFeatureMap(nn.Module):
    """LightCNN: the larger of two halves."""

    def __init__(self):
        super().__init__()
        self.fc, self.out = nn.Linear(12, 16), nn.Linear(8, 4)

    def forward(self, x):
        a, b = torch.split(self.fc(x), 8, -1)
        return self.out(torch.max(a, b))


def _logsumexp(model, keep, x):
    x = model.conv(x)[:, keep("conv.weight")]
    return model.out(torch.cat([torch.logsumexp(x, 1, keepdim=True), x.std(1, keepdim=True)], 1))


@net(16, image(), "inexact", target="conv.weight", reference=_logsumexp)
class LogSumExp(nn.Module):
    """Two statistics of all channels are all that is read on."""

    def __init__(self):
        super().__init__()
        self.conv, self.out = conv(3, 8), conv(2, 3)

    def forward(self, x):
        x = self.conv(x)
        return self.out(torch.cat([torch.logsumexp(x, 1, keepdim=True), torch.std(x, 1, keepdim=True)], 1))


@net(16, image(), target="conv.weight")
class EnergySum(nn.Module):
    """Sums, squares and the cosine between two maps: exact, for zeros add nothing."""

    def __init__(self):
        super().__init__()
        self.conv, self.other, self.out = conv(3, 8), conv(3, 8), conv(3, 3)

    def forward(self, x):
        a, b = self.conv(x), self.other(x)
        cosine = F.cosine_similarity(a, b, dim=1).unsqueeze(1)
        energy = a.square().sum(1, keepdim=True)
        return self.out(torch.cat([cosine, energy.sqrt(), torch.einsum("bchw,bchw->bhw", a, b)[:, None]], 1))


@net(16, image(), "any", also=image(3, 12))
class EfficientChannelAttention(nn.Module):
    """ECA: a convolution slides over channels in their order."""

    def __init__(self):
        super().__init__()
        self.stem, self.conv, self.out = conv(3, 8), conv(8, 6), conv(6, 3)
        self.eca = nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def forward(self, x):
        x = self.conv(F.relu(self.stem(x)))
        y = x.mean((2, 3)).unsqueeze(1)
        return self.out(x * torch.sigmoid(self.eca(y)).transpose(1, 2).unsqueeze(-1))


# --- 17: outputs


@net(17, lambda b: (torch.randn(b, 3, 8, 8),), target="c1.weight")
class DetectionHead(nn.Module):
    """Two scales, boxes and classes side by side, flattened and joined: only the inside can go."""

    def __init__(self):
        super().__init__()
        self.nc, self.reg_max = 3, 4
        self.c1, self.c2 = conv(3, 8), nn.Conv2d(8, 10, 3, 2, 1)
        self.box = nn.ModuleList(nn.Sequential(conv(c, 6), nn.SiLU(), nn.Conv2d(6, 16, 1)) for c in (8, 10))
        self.cls = nn.ModuleList(nn.Sequential(conv(c, 6), nn.SiLU(), nn.Conv2d(6, 3, 1)) for c in (8, 10))
        self.register_buffer("proj", torch.arange(4.0))

    def forward(self, x):
        a = F.silu(self.c1(x))
        levels = [a, F.silu(self.c2(a))]
        found = [torch.cat((b(f), c(f)), 1) for b, c, f in zip(self.box, self.cls, levels, strict=True)]
        flat = torch.cat([f.view(f.shape[0], self.nc + 4 * self.reg_max, -1) for f in found], 2)
        box, cls = flat.split((16, self.nc), 1)
        b, _, n = box.shape
        box = box.view(b, 4, self.reg_max, n).softmax(2).mul(self.proj.view(1, 1, -1, 1)).sum(2)
        return torch.cat((box, cls.sigmoid()), 1), found


@net(17, image(), target="conv.weight")
class DictOutput(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.out, self.aux = conv(3, 8), conv(8, 3), nn.Linear(8, 2)

    def forward(self, x):
        x = F.relu(self.conv(x))
        return {"out": self.out(x), "aux": {"logits": self.aux(x.mean((2, 3)))}, "note": "none", "loss": None}


@dataclass
class ModelOutput:
    logits: Tensor
    hidden_states: tuple
    loss: Tensor | None = None


@net(17, tokens(), target="fc1.weight")
class DataclassOutput(nn.Module):
    """What is returned beside the logits is locked too; the rest is not."""

    def __init__(self):
        super().__init__()
        self.embed, self.fc1, self.fc2 = nn.Embedding(20, 8), nn.Linear(8, 12), nn.Linear(12, 8)
        self.head = nn.Linear(8, 5)

    def forward(self, ids):
        x = self.embed(ids)
        y = x + self.fc2(F.gelu(self.fc1(x)))
        return ModelOutput(self.head(y), (x, y))


@net(17, image(), target="conv1.weight")
class NormedEmbedding(nn.Module):
    """A vector of length one leaves: its width stays."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.fc = conv(3, 8), conv(8, 10), nn.Linear(10, 6)

    def forward(self, x):
        x = self.conv2(F.relu(self.conv1(x)))
        return F.normalize(self.fc(F.relu(x).amax((2, 3))), p=2, dim=1)


@net(17, image(), target="inner.weight")
class FeatureMaps(nn.Module):
    """A backbone returns features of several scales in a list of tuples."""

    def __init__(self):
        super().__init__()
        self.stem, self.inner, self.last = conv(3, 6), conv(6, 10), conv(10, 7)

    def forward(self, x):
        a = F.relu(self.stem(x))
        b = F.relu(self.inner(F.max_pool2d(a, 2)))
        return [("c1", a), ("c3", self.last(b))], 3


Pair = namedtuple("Pair", ["mean", "log_var"])  # noqa: PYI024  (users have them)


@net(17, image(), target="conv.weight")
class Variational(nn.Module):
    """A named tuple of two halves of one layer, and a reconstruction."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 3, 2, 1), nn.Linear(8 * 16, 10)
        self.back, self.up = nn.Linear(5, 8 * 16), nn.ConvTranspose2d(8, 3, 2, 2)

    def forward(self, x):
        h = F.relu(self.conv(x))
        mean, log_var = self.fc(h.flatten(1)).chunk(2, 1)
        z = mean + torch.randn_like(mean) * (0.5 * log_var).exp() if self.training else mean
        return self.up(F.relu(self.back(z)).view(-1, *h.shape[1:])), Pair(mean, log_var)


@net(
    17, lambda b: {"pixels": torch.randn(b, 3, 8, 8), "ids": torch.randint(0, 20, (b, 6))}, target="a.weight"
)
class KeywordInputs(nn.Module):
    """Several inputs by keyword; similarities between everything in the batch leave."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 8, 4, 4), nn.Embedding(20, 10)
        self.pa, self.pb = nn.Linear(8, 6), nn.Linear(10, 6)
        self.logit_scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, pixels=None, ids=None, mask=None):
        a, b = self.pa(F.relu(self.a(pixels)).mean((2, 3))), self.pb(torch.tanh(self.b(ids)).mean(1))
        a, b = F.normalize(a, dim=-1), F.normalize(b, dim=-1)
        return self.logit_scale.exp() * a @ b.t()
