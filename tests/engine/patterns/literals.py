"""Lines 4 and 5: sizes written into forward, as numbers and as attributes."""

import torch
import torch.nn.functional as F
from engine.patterns.registry import features, image, net, signal, tokens, vector
from torch import nn

# --- 4: literals


@net(4, image(), target="conv.weight", also=image(3, 12))
class SplitLiteral(nn.Module):
    """split([2, 6]): each part shrinks by another number."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.small, self.large = nn.Conv2d(2, 4, 1), nn.Conv2d(6, 4, 1)
        self.out = nn.Conv2d(4, 3, 1)

    def forward(self, x):
        a, b = torch.split(F.relu(self.conv(x)), [2, 6], dim=1)
        return self.out(self.small(a) * self.large(b))


@net(4, image(), target="conv.weight")
class ViewLiteral(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 5)

    def forward(self, x):
        B = x.shape[0]
        x = self.conv(x).view(B, 8, 64)
        return self.fc(F.relu(x).mean(-1))


@net(4, image(), target="conv.weight")
class FlattenLiteral(nn.Module):
    """The classic x.view(-1, 16 * 5 * 5)."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1, self.fc2 = nn.Linear(8 * 3 * 3, 12), nn.Linear(12, 5)

    def forward(self, x):
        x = self.pool(F.relu(self.conv(x)))
        x = x.view(-1, 8 * 3 * 3)
        return self.fc2(F.relu(self.fc1(x)))


@net(4, features(6, 16), target="proj.weight:1")
class QkvLiteral(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.proj = nn.Linear(16, 3 * 4 * 4), nn.Linear(16, 5)

    def forward(self, x):
        B, N, _ = x.shape
        q, k, v = self.qkv(x).reshape(B, N, 3, 4, 4).permute(2, 0, 3, 1, 4).unbind(0)
        attn = (q @ k.transpose(-2, -1) * 4**-0.5).softmax(dim=-1)
        return self.proj((attn @ v).transpose(1, 2).reshape(B, N, 16))


@net(4, image(), target="conv.weight", also=image(3, 12))
class SliceLiteral(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 10, 3)
        self.a, self.b = nn.Conv2d(4, 5, 1), nn.Conv2d(6, 5, 1)
        self.out = nn.Conv2d(5, 3, 1)

    def forward(self, x):
        x = F.silu(self.conv(x))
        return self.out(F.relu(self.a(x[:, :4]) + self.b(x[:, 4:])))


@net(4, image(), target="conv.weight", also=image(3, 12))
class ExpandLiteral(nn.Module):
    """A one-channel gate is expanded to a written number of channels."""

    def __init__(self):
        super().__init__()
        self.conv, self.gate, self.out = nn.Conv2d(3, 8, 1), nn.Conv2d(3, 1, 1), nn.Conv2d(8, 4, 1)

    def forward(self, x):
        B, _, H, W = x.shape
        gate = torch.sigmoid(self.gate(x)).expand(B, 8, H, W)
        return self.out(self.conv(x) * gate)


@net(4, image(), target="conv.weight", also=image(3, 12))
class ZerosLiteral(nn.Module):
    """A sum that starts from zeros(B, 8, H, W)."""

    def __init__(self):
        super().__init__()
        self.conv, self.again = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, padding=1)
        self.out = nn.Conv2d(8, 4, 1)

    def forward(self, x):
        B, _, H, W = x.shape
        state = torch.zeros(B, 8, H, W, dtype=x.dtype, device=x.device)
        for _ in range(3):
            state = torch.tanh(self.conv(x) + self.again(state))
        return self.out(state)


@net(4, image(), target="conv.weight", also=image(3, 12))
class NarrowLiteral(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.a, self.out = nn.Conv2d(3, 9, 1), nn.Conv2d(3, 6, 3), nn.Conv2d(6, 3, 1)
        self.b = nn.Conv2d(6, 6, 3)

    def forward(self, x):
        x = self.conv(x)
        return self.out(F.relu(self.a(x.narrow(1, 0, 3))) + self.b(torch.narrow(x, 1, 3, 6)))


@net(4, image(), target="conv.weight")
class SplitSizeLiteral(nn.Module):
    """split(4): the size of a part is written down, not their number."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 1)
        self.a, self.b, self.c = (nn.Conv2d(4, 5, 1) for _ in range(3))
        self.out = nn.Conv2d(5, 3, 1)

    def forward(self, x):
        a, b, c = self.conv(x).split(4, 1)
        return self.out(F.relu(self.a(a) + self.b(b) - self.c(c)))


@net(4, vector(), target="fc1.weight")
class UnflattenLiteral(nn.Module):
    """A generator: a vector becomes an image by nn.Unflatten."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(12, 8 * 4 * 4)
        self.shape = nn.Unflatten(1, (8, 4, 4))
        self.up = nn.ConvTranspose2d(8, 6, 2, stride=2)
        self.out = nn.Conv2d(6, 3, 3)

    def forward(self, z):
        x = F.relu(self.shape(self.fc1(z)))
        return self.out(F.relu(self.up(x)))


def _layer_norm_literal(model, keep, x):
    kept = keep("up.weight")
    x = model.up(x)
    mean = x[..., kept].mean(-1, keepdim=True)
    var = x[..., kept].var(-1, unbiased=False, keepdim=True)
    return model.down(F.gelu((x - mean) * (var + 1e-5).rsqrt()))


@net(4, features(6, 12), "inexact", target="up.weight", reference=_layer_norm_literal)
class LayerNormLiteral(nn.Module):
    """F.layer_norm over a written size, without a gain."""

    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(12, 10), nn.Linear(10, 4)

    def forward(self, x):
        return self.down(F.gelu(F.layer_norm(self.up(x), (10,))))


@net(4, signal(), target="conv.weight")
class RepeatLiteral(nn.Module):
    """Mean and spread side by side, both repeated to the length of the signal."""

    def __init__(self):
        super().__init__()
        self.conv, self.out = nn.Conv1d(3, 8, 3, padding=1), nn.Conv1d(24, 4, 1)

    def forward(self, x):
        x = F.relu(self.conv(x))
        stat = torch.cat([x.mean(2), x.std(2)], 1).view(-1, 16, 1).repeat(1, 1, 16)
        return self.out(torch.cat([x, stat], dim=1))


# --- 5: attributes


class Attention(nn.Module):
    def __init__(self, dim, num_heads, head_dim):
        super().__init__()
        self.num_heads, self.head_dim = num_heads, head_dim
        self.scale = head_dim**-0.5
        inner = num_heads * head_dim
        self.q, self.k, self.v = (nn.Linear(dim, inner) for _ in range(3))
        self.out = nn.Linear(inner, dim)

    def split_heads(self, x):
        return x.view(*x.shape[:-1], self.num_heads, self.head_dim).transpose(-2, -3)

    def forward(self, x):
        q, k, v = (self.split_heads(f(x)) for f in (self.q, self.k, self.v))
        attn = torch.softmax(q @ k.transpose(-1, -2) * self.scale, -1)
        x = (attn @ v).transpose(-2, -3)
        return self.out(x.flatten(-2))


@net(5, features(6, 12), target="attn.v.weight", also=features(9, 12))
class HeadAttributes(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn, self.head = Attention(12, 4, 4), nn.Linear(12, 5)

    def forward(self, x):
        return self.head(self.attn(x))


@net(5, image(), target="cv1.weight", also=image(3, 12))
class C2f(nn.Module):
    """YOLO: cv1 split by self.c, every block's output kept for one concat."""

    def __init__(self):
        super().__init__()
        self.c = 6
        self.cv1 = nn.Conv2d(3, 2 * self.c, 1)
        self.m = nn.ModuleList(nn.Conv2d(self.c, self.c, 3, padding=1) for _ in range(2))
        self.cv2 = nn.Conv2d((2 + 2) * self.c, 8, 1)
        self.out = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        y = list(self.cv1(x).split((self.c, self.c), 1))
        y.extend(y[-1] + F.silu(m(y[-1])) for m in self.m)
        return self.out(F.silu(self.cv2(torch.cat(y, 1))))


@net(5, image(), target="cv1.weight", also=image(3, 12))
class C2fChunk(nn.Module):
    """The same by chunk(2, 1)."""

    def __init__(self):
        super().__init__()
        self.cv1 = nn.Conv2d(3, 12, 1)
        self.m = nn.ModuleList(nn.Conv2d(6, 6, 3, padding=1) for _ in range(2))
        self.cv2 = nn.Conv2d(24, 8, 1)
        self.out = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        y = list(self.cv1(x).chunk(2, 1))
        for m in self.m:
            y.append(m(F.silu(y[-1])))
        return self.out(F.silu(self.cv2(torch.cat(y, 1))))


@net(5, image(12), target="v.weight", also=image(12, 12))
class WindowAttention(nn.Module):
    """Windows of tokens, heads inside: dim, window_size and num_heads are read by forward."""

    def __init__(self):
        super().__init__()
        self.dim, self.window_size, self.num_heads = 12, 4, 3
        self.q, self.k, self.v = (nn.Linear(12, 12) for _ in range(3))
        self.proj = nn.Linear(12, 5)

    def forward(self, x):
        B, C, H, W = x.shape
        w = self.window_size
        x = x.view(B, C, H // w, w, W // w, w).permute(0, 2, 4, 3, 5, 1).reshape(-1, w * w, C)
        shape = (x.shape[0], w * w, self.num_heads, self.dim // self.num_heads)
        q, k, v = (f(x).reshape(shape).transpose(1, 2) for f in (self.q, self.k, self.v))
        attn = (q @ k.mT * (self.dim // self.num_heads) ** -0.5).softmax(-1)
        x = (attn @ v).transpose(1, 2).reshape(-1, w * w, self.dim)
        return self.proj(x).view(B, H // w, W // w, w, w, 5).permute(0, 5, 1, 3, 2, 4).reshape(B, 5, H, W)


@net(5, image(), target="conv.weight")
class RememberedShape(nn.Module):
    """forward stores a shape and a later layer restores it."""

    def __init__(self):
        super().__init__()
        self.conv, self.mix, self.out = nn.Conv2d(3, 8, 1), nn.Linear(64, 64), nn.Conv2d(8, 3, 1)
        self.shape = None

    def forward(self, x):
        x = self.conv(x)
        self.shape = x.shape
        x = self.mix(x.flatten(2))
        return self.out(F.relu(x.view(self.shape)))


@net(5, features(5, 12), target="cell.weight_hh:1")
class HiddenDimState(nn.Module):
    """A recurrent loop that starts from zeros(B, self.hidden_dim)."""

    def __init__(self):
        super().__init__()
        self.hidden_dim = 8
        self.cell = nn.GRUCell(12, self.hidden_dim)
        self.head = nn.Linear(self.hidden_dim, 4)

    def forward(self, x):
        h = torch.zeros(x.size(0), self.hidden_dim, device=x.device)
        for t in range(x.size(1)):
            h = self.cell(x[:, t], h)
        return self.head(h)


@net(5, tokens(), target="embed.weight:1")
class DimAttribute(nn.Module):
    """The embedding is scaled by sqrt(self.d_model), which must keep its old value."""

    def __init__(self):
        super().__init__()
        self.d_model = 12
        self.embed, self.fc = nn.Embedding(20, 12), nn.Linear(12, 8)
        self.head = nn.Linear(8, 5)

    def forward(self, ids):
        x = self.embed(ids) * self.d_model**0.5
        return self.head(F.relu(self.fc(x.view(-1, 6, self.d_model))))


@net(5, image(), target="conv.weight", also=image(3, 12))
class SqueezeExciteView(nn.Module):
    def __init__(self):
        super().__init__()
        self.channels = 8
        self.conv = nn.Conv2d(3, 8, 3)
        self.fc1, self.fc2, self.out = nn.Linear(8, 4), nn.Linear(4, 8), nn.Conv2d(8, 3, 1)

    def forward(self, x):
        x = self.conv(x)
        s = x.mean((2, 3)).view(-1, self.channels)
        s = torch.sigmoid(self.fc2(F.relu(self.fc1(s))))
        return self.out(x * s.view(-1, self.channels, 1, 1))


@net(5, image(), target="conv.weight", also=image(3, 12))
class SizesInAList(nn.Module):
    """Sizes lie in a list and in a dict."""

    def __init__(self):
        super().__init__()
        self.parts = [4, 8]
        self.config = {"width": 12, "out": 3}
        self.conv = nn.Conv2d(3, 12, 1)
        self.a, self.b = nn.Conv2d(4, 6, 1), nn.Conv2d(8, 6, 1)
        self.out = nn.Conv2d(6, 3, 1)

    def forward(self, x):
        x = self.conv(x)
        x = x.reshape(x.shape[0], self.config["width"], *x.shape[2:])
        a, b = x.split(self.parts, dim=1)
        return self.out(F.relu(self.a(a)) - self.b(b))


@net(5, image(), target="conv.weight", also=image(3, 12))
class DimPerGroup(nn.Module):
    """Two attributes that must change together: 12 = 3 x 4."""

    def __init__(self):
        super().__init__()
        self.groups, self.width = 3, 4
        self.conv, self.out = nn.Conv2d(3, 12, 1), nn.Conv2d(12, 3, 1)
        self.gate = nn.Parameter(torch.rand(3, 1, 1, 1))

    def forward(self, x):
        B, _, H, W = x.shape
        x = self.conv(x).view(B, self.groups, self.width, H, W)
        x = F.relu(x * self.gate).sum(1, keepdim=True) + x
        return self.out(x.view(B, self.groups * self.width, H, W))


@net(5, features(14, 12), target="qk.weight")
class SameNumberTwice(nn.Module):
    """The width of a head and the length of a block are the same number; only one of them is cut."""

    def __init__(self):
        super().__init__()
        self.width, self.block = 7, 7
        self.qk, self.head = nn.Linear(12, 21), nn.Linear(21, 4)

    def forward(self, x):
        B, N, _ = x.shape
        torch._assert(N % self.block == 0, "whole blocks")
        x = self.qk(x).view(B, N // self.block, self.block, -1, self.width)
        return self.head(x.softmax(2).reshape(B, N, -1))


class Frequencies(nn.Module):
    """It compares the buffer with what it was made from, in a method of its own."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.register_buffer("periods", torch.rand(width // 2) + 1)

    def angles(self, count):
        assert self.periods.numel() == self.width // 2
        return torch.arange(count)[:, None] / self.periods


@net(5, features(6, 12), target="q.weight", also=features(9, 12))
class CheckedBuffer(nn.Module):
    """Only an assertion says that an attribute is stale."""

    def __init__(self):
        super().__init__()
        self.rope, self.q, self.head = Frequencies(14), nn.Linear(12, 14), nn.Linear(14, 5)

    def forward(self, x):
        angles = self.rope.angles(x.shape[1])
        one, other = self.q(x).chunk(2, -1)
        return self.head(torch.cat((one * angles.cos(), other * angles.sin()), -1))
