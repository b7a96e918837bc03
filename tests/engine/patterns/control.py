"""Line 18: what python and autograd do around the tensors."""

import torch
import torch.nn.functional as F
from engine.patterns.registry import features, image, net, signal
from torch import nn
from torch.utils.checkpoint import checkpoint


def conv(i, o, k=3):
    return nn.Conv2d(i, o, k, padding=k // 2)


@net(18, image(), target="backbone.0.weight")
class FrozenBackbone(nn.Module):
    """The backbone runs under no_grad, its parameters are frozen."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(conv(3, 8), nn.BatchNorm2d(8), nn.ReLU(), conv(8, 10))
        self.backbone.requires_grad_(False)
        self.head = nn.Linear(10, 4)

    def forward(self, x):
        with torch.no_grad():
            x = self.backbone(x)
        return self.head(F.relu(x).mean((2, 3)))


@net(18, image(), target="a.weight")
class Detached(nn.Module):
    """A branch is cut off from autograd, .data of another is read."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.out = conv(3, 8), conv(8, 8), conv(8, 3)

    def forward(self, x):
        x = F.relu(self.a(x))
        return self.out(self.b(x.detach()) * torch.sigmoid(x) + self.b(x).data)


@net(18, image(), target="conv.weight")
class ItemBranch(nn.Module):
    """Python decides by a number read from the input."""

    def __init__(self):
        super().__init__()
        self.conv, self.bright, self.dark = conv(3, 8), conv(8, 3), conv(8, 3)

    def forward(self, x):
        y = F.relu(self.conv(x))
        if x.abs().mean().item() > 100 or bool(torch.isnan(x).any()):
            return self.dark(y)
        return self.bright(y) * max(1.0, float(x.shape[0]) ** 0)


@net(18, image(), "any")
class ItemOfActivation(nn.Module):
    """Python decides by a number that depends on weights."""

    def __init__(self):
        super().__init__()
        self.conv, self.out = conv(3, 8), conv(8, 3)

    def forward(self, x):
        y = F.relu(self.conv(x))
        scale = 2.0 if self.out.weight.abs().sum().item() > 0 else 0.5
        return self.out(y) * scale


@net(18, image(), target="stem.weight", also=image(3, 12))
class Checkpointed(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.out = conv(3, 8), conv(8, 3)
        self.block = nn.Sequential(conv(8, 6), nn.BatchNorm2d(6), nn.ReLU(), conv(6, 8))

    def forward(self, x):
        x = self.stem(x)
        return self.out(x + checkpoint(self.block, x, use_reentrant=False))


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return grad * (s * (1 + x * (1 - s)))


@net(18, image(), target="a.weight")
class CustomFunction(nn.Module):
    """An autograd.Function of the user's own."""

    def __init__(self):
        super().__init__()
        self.a, self.b = conv(3, 8), conv(8, 3)

    def forward(self, x):
        return self.b(Swish.apply(self.a(x)))


def _boxes(batch):
    index = torch.arange(float(batch))[:, None]
    return torch.cat([index, torch.tensor([[0.5, 1.0, 5.0, 6.5]]).expand(batch, 4)], 1)


def roi_align(x, boxes, size):
    """Bilinear samples inside every box, in plain torch."""
    index, corners = boxes[:, 0].long(), boxes[:, 1:]
    steps = (torch.arange(size) + 0.5) / size
    xs = corners[:, 0:1] + steps * (corners[:, 2:3] - corners[:, 0:1])
    ys = corners[:, 1:2] + steps * (corners[:, 3:4] - corners[:, 1:2])
    places = torch.stack([xs[:, None, :].expand(-1, size, -1), ys[:, :, None].expand(-1, -1, size)], -1)
    grid = places / torch.tensor([x.shape[-1], x.shape[-2]]) * 2 - 1
    return F.grid_sample(x[index], grid, align_corners=False)


@net(18, lambda b: (torch.randn(b, 3, 8, 8), _boxes(b)), target="conv.weight")
class RoiAligned(nn.Module):
    """Boxes are cut out of the feature map, the batch is gathered by box."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc1, self.fc2 = conv(3, 8), nn.Linear(8 * 4, 10), nn.Linear(10, 4)

    def forward(self, x, boxes):
        x = roi_align(F.relu(self.conv(x)), boxes, 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


@net(18, image(), target="stem.weight", also=image(3, 12))
class Deformable(nn.Module):
    """Offsets computed by one convolution move the samples of another."""

    def __init__(self):
        super().__init__()
        self.stem, self.offset = conv(3, 8), conv(8, 18)
        self.weight, self.out = nn.Parameter(torch.randn(6, 8, 3, 3)), conv(6, 3, 1)

    def deform(self, x, offset):
        b, c, h, w = x.shape
        base = torch.stack(torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij"))
        taps = torch.stack(torch.meshgrid(torch.arange(-1, 2), torch.arange(-1, 2), indexing="ij")).reshape(
            2, 9
        )
        places = base[None, :, None] + taps[None, :, :, None, None] + offset.view(b, 2, 9, h, w)
        grid = places.flip(1) / (torch.tensor([w, h]).view(1, 2, 1, 1, 1) - 1) * 2 - 1
        grid = grid.reshape(b, 2, 9 * h, w).permute(0, 2, 3, 1)
        columns = F.grid_sample(x, grid, align_corners=True).view(b, c * 9, h * w)
        return (self.weight.flatten(1) @ columns).view(b, -1, h, w)

    def forward(self, x):
        x = F.relu(self.stem(x))
        return self.out(F.relu(self.deform(x, torch.tanh(self.offset(x)))))


@net(18, image(), target="stem.weight")
class GlobalFilter(nn.Module):
    """GFNet: a complex filter per channel in the frequencies of space."""

    def __init__(self):
        super().__init__()
        self.stem, self.out = conv(3, 6), conv(6, 3)
        self.complex_weight = nn.Parameter(torch.randn(8, 5, 6, 2) * 0.1)

    def forward(self, x):
        x = self.stem(x).permute(0, 2, 3, 1)
        y = torch.fft.rfft2(x, dim=(1, 2), norm="ortho")
        y = y * torch.view_as_complex(self.complex_weight)
        y = torch.fft.irfft2(y, s=(8, 8), dim=(1, 2), norm="ortho")
        return self.out((x + y).permute(0, 3, 1, 2))


@net(18, signal(), target="a.weight")
class ComplexSpectrum(nn.Module):
    """FFT along time, real and imaginary part side by side as channels."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.out = nn.Conv1d(3, 6, 3), nn.Conv1d(12, 12, 1), nn.Conv1d(6, 3, 1)

    def forward(self, x):
        x = self.a(x)
        y = torch.fft.rfft(x, dim=-1)
        y = F.relu(self.b(torch.cat([y.real, y.imag], 1)))
        re, im = y.chunk(2, 1)
        return self.out(torch.fft.irfft(torch.complex(re, im), n=x.shape[-1], dim=-1))


@net(18, features(6, 12), target="fc.weight:1")
class ComplexParameter(nn.Module):
    """Complex weights in an S4-like state space, real output."""

    def __init__(self):
        super().__init__()
        self.up, self.fc = nn.Linear(12, 8), nn.Linear(8, 4)
        self.w = nn.Parameter(torch.complex(torch.randn(8, 8), torch.randn(8, 8)))
        self.decay = nn.Parameter(torch.complex(torch.rand(8), torch.rand(8)))

    def forward(self, x):
        x = self.up(x).to(self.w.dtype)
        state = torch.einsum("bnc,dc->bnd", x, self.w) * self.decay
        return self.fc(state.real + state.abs())


@net(18, features(6, 8), "any")
class FourierMixing(nn.Module):
    """FNet: a Fourier transform over the channels themselves."""

    def __init__(self):
        super().__init__()
        self.up, self.fc1, self.fc2, self.head = (nn.Linear(8, 8) for _ in range(4))

    def forward(self, x):
        x = self.up(x)
        x = x + torch.fft.fft(torch.fft.fft(x, dim=-1), dim=-2).real
        return self.head(self.fc2(F.gelu(self.fc1(x))))


@net(18, image(), target="conv.weight", also=image(3, 12))
class SampledGrid(nn.Module):
    """A spatial transformer: theta from one branch, grid_sample on the other."""

    def __init__(self):
        super().__init__()
        self.loc, self.theta = nn.Conv2d(3, 6, 3, 2), nn.Linear(6, 6)
        self.conv, self.out = conv(3, 8), conv(8, 3)

    def forward(self, x):
        theta = self.theta(F.relu(self.loc(x)).mean((2, 3))).view(-1, 2, 3)
        y = self.conv(x)
        grid = F.affine_grid(theta, y.size(), align_corners=False)
        return self.out(F.grid_sample(y, grid, align_corners=False, padding_mode="border"))


@net(18, lambda b: (torch.randn(b, 6, 12), torch.rand(b, 6) > 0.4), target="up.weight")
class MaskedTokens(nn.Module):
    """Tokens under a mask are replaced by a learnt one."""

    def __init__(self):
        super().__init__()
        self.up, self.head = nn.Linear(12, 16), nn.Linear(16, 5)
        self.token = nn.Parameter(torch.randn(16))

    def forward(self, x, mask):
        x = self.up(x)
        x[mask] = self.token
        return self.head(x)


@net(18, features(6, 12), target="up.weight")
class SortedTokens(nn.Module):
    """Tokens are taken in an order that the model computes; their channels stay what they are."""

    def __init__(self):
        super().__init__()
        self.score, self.up = nn.Linear(12, 1), nn.Linear(12, 16)
        self.experts = nn.Parameter(torch.randn(3, 16, 5))

    def forward(self, x):
        rows = self.up(x).flatten(0, 1)
        order = self.score(x).flatten().argsort()
        return torch.einsum("nc,nck->nk", rows[order], self.experts[order % 3])


@net(18, features(6, 12), target="q.weight")
class KeptBias(nn.Module):
    """A bias looked up in a table is kept from call to call: its heads stay, for nobody cuts what is kept."""

    def __init__(self):
        super().__init__()
        self.q, self.v, self.head = nn.Linear(12, 20), nn.Linear(12, 20), nn.Linear(20, 5)
        self.table, self.kept = nn.Parameter(torch.randn(4, 11)), {}
        self.register_buffer("places", torch.arange(6)[:, None] - torch.arange(6) + 5)

    def forward(self, x):
        B, N, _ = x.shape
        if self.training or x.device not in self.kept:
            self.kept[x.device] = self.table[:, self.places]
        q, v = (f(x).view(B, N, 4, 5).transpose(1, 2) for f in (self.q, self.v))
        attention = (q @ q.transpose(-2, -1) + self.kept[x.device]).softmax(-1)
        return self.head((attention @ v).transpose(1, 2).reshape(B, N, 20))
