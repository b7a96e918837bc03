"""Lines 19 and 20: blocks of known families, and nets that are deep or wide."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from engine.patterns.registry import features, image, net
from torch import nn


def conv(i, o, k=3, **more):
    return nn.Conv2d(i, o, k, padding=k // 2, **more)


def conv_bn(i, o, k=3, **more):
    return nn.Sequential(conv(i, o, k, bias=False, **more), nn.BatchNorm2d(o), nn.ReLU())


# --- 19: blocks


def _dynamic_conv(model, keep, x):
    x, kept = F.relu(model.stem(x)), keep("attention.weight")
    a = model.attention(x.mean((2, 3)))[:, kept].softmax(1)
    y = torch.einsum("bk,koihw->boihw", a, model.weight[kept])
    y = torch.cat([F.conv2d(one[None], weight, padding=1) for one, weight in zip(x, y, strict=True)])
    return model.out(F.relu(y))


@net(19, image(), "inexact", target="weight", reference=_dynamic_conv, also=image(3, 12))
class DynamicConv(nn.Module):
    """Kernels are mixed per sample; the batch becomes conv groups."""

    def __init__(self):
        super().__init__()
        self.K, self.in_planes, self.out_planes = 3, 6, 8
        self.stem, self.attention, self.out = conv(3, 6), nn.Linear(6, 3), conv(8, 3)
        self.weight = nn.Parameter(torch.randn(3, 8, 6, 3, 3))

    def forward(self, x):
        x = F.relu(self.stem(x))
        a = self.attention(x.mean((2, 3))).softmax(1)
        b, _, h, w = x.shape
        weight = torch.mm(a, self.weight.view(self.K, -1)).view(-1, self.in_planes, 3, 3)
        y = F.conv2d(x.reshape(1, -1, h, w), weight, padding=1, groups=b)
        return self.out(F.relu(y.view(b, self.out_planes, h, w)))


@net(19, features(6, 12), target="experts:1")
class CondLinear(nn.Module):
    """A mixture of experts by einsum."""

    def __init__(self):
        super().__init__()
        self.route = nn.Linear(12, 3)
        self.experts, self.out = nn.Parameter(torch.randn(3, 10, 12)), nn.Linear(10, 4)

    def forward(self, x):
        r = torch.sigmoid(self.route(x.mean(1)))
        w = torch.einsum("be,eoi->boi", r, self.experts)
        return self.out(F.gelu(torch.einsum("bni,boi->bno", x, w)))


@net(19, image(), target="stem.weight", also=image(3, 12))
class SelectiveKernel(nn.Module):
    """A softmax over branches, per channel."""

    def __init__(self):
        super().__init__()
        self.stem = conv(3, 6)
        self.branches = nn.ModuleList([conv_bn(6, 8, 3), conv_bn(6, 8, 5)])
        self.fc, self.fcs = nn.Linear(8, 4), nn.ModuleList(nn.Linear(4, 8) for _ in range(2))
        self.out = conv(8, 3)

    def forward(self, x):
        x = self.stem(x)
        feas = torch.cat([branch(x).unsqueeze(1) for branch in self.branches], dim=1)
        z = F.relu(self.fc(feas.sum(1).mean(-1).mean(-1)))
        a = torch.cat([fc(z).unsqueeze(1) for fc in self.fcs], 1).softmax(1)
        return self.out((feas * a.unsqueeze(-1).unsqueeze(-1)).sum(1))


def _split_attention(model, keep, x):
    x = model.conv(F.relu(model.stem(x)))
    B, _, H, W = x.shape
    alive = torch.zeros(16, dtype=torch.bool)
    alive[keep("fc2.weight")] = True
    x = x.reshape(B, 2, 8, H, W)
    gap = model.fc2(F.relu(model.fc1(x.sum(1).mean((2, 3), keepdim=True)))).view(B, 2, 8)
    attn = gap.masked_fill(~alive.view(1, 2, 8), -torch.inf).softmax(1).nan_to_num()
    return model.out((x * attn[..., None, None]).sum(1))


@net(19, image(), target="conv.0.weight", reference=_split_attention)
class SplitAttention(nn.Module):
    """ResNeSt: radix 2, a grouped convolution, a softmax over the radix."""

    def __init__(self):
        super().__init__()
        self.radix = 2
        self.stem, self.conv = conv(3, 8), conv_bn(8, 16, groups=2)
        self.fc1, self.fc2, self.out = nn.Conv2d(8, 6, 1), nn.Conv2d(6, 16, 1), conv(8, 3)

    def forward(self, x):
        x = self.conv(F.relu(self.stem(x)))
        B, RC, H, W = x.shape
        x = x.reshape((B, self.radix, RC // self.radix, H, W))
        gap = self.fc2(F.relu(self.fc1(x.sum(dim=1).mean((2, 3), keepdim=True))))
        attn = gap.view(B, 1, self.radix, -1).transpose(1, 2).softmax(1).reshape(B, -1, 1, 1)
        x = x * attn.reshape((B, self.radix, RC // self.radix, 1, 1))
        return self.out(x.sum(dim=1))


@net(19, image(), target="conv1.0.weight", also=image(3, 12))
class Res2Net(nn.Module):
    """Equal parts, each fed by the one before."""

    def __init__(self):
        super().__init__()
        self.width, self.scale = 4, 3
        self.conv1, self.conv3 = conv_bn(3, 12, 1), conv(12, 6, 1)
        self.convs = nn.ModuleList(conv_bn(4, 4) for _ in range(2))
        self.out = conv(6, 3)

    def forward(self, x):
        parts = torch.split(self.conv1(x), self.width, 1)
        outs, y = [], parts[0]
        for i, layer in enumerate(self.convs):
            y = layer(parts[i] if i == 0 else y + parts[i])
            outs.append(y)
        return self.out(F.relu(self.conv3(torch.cat([*outs, parts[-1]], 1))))


@net(19, image(), target="stem.weight")
class RepVgg(nn.Module):
    """3x3, 1x1 and identity, each with a BatchNorm, summed."""

    def __init__(self):
        super().__init__()
        self.stem = conv(3, 8)
        self.a, self.b = nn.ModuleList(), nn.ModuleList()
        self.c = nn.ModuleList(nn.BatchNorm2d(8) for _ in range(2))
        for _ in range(2):
            self.a.append(nn.Sequential(conv(8, 8, bias=False), nn.BatchNorm2d(8)))
            self.b.append(nn.Sequential(conv(8, 8, 1, bias=False), nn.BatchNorm2d(8)))
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        x = self.stem(x)
        for a, b, c in zip(self.a, self.b, self.c, strict=True):
            x = F.relu(a(x) + b(x) + c(x))
        return self.fc(x.mean((2, 3)))


@net(19, features(5, 12), target="in_proj.weight", also=features(8, 12))
class StateSpace(nn.Module):
    """Mamba: one projection is split into dt, B and C; a scan over time; a gate."""

    def __init__(self):
        super().__init__()
        self.d_inner, self.dt_rank, self.d_state = 8, 2, 4
        self.in_proj = nn.Linear(12, 16, bias=False)
        self.conv1d = nn.Conv1d(8, 8, 3, groups=8, padding=2)
        self.x_proj, self.dt_proj = nn.Linear(8, 2 + 4 + 4, bias=False), nn.Linear(2, 8)
        self.A_log, self.D = nn.Parameter(torch.rand(8, 4)), nn.Parameter(torch.ones(8))
        self.out_proj, self.head = nn.Linear(8, 12, bias=False), nn.Linear(12, 4)

    def forward(self, u):
        batch, length, _ = u.shape
        x, z = self.in_proj(u).chunk(2, dim=-1)
        x = F.silu(self.conv1d(x.transpose(1, 2))[..., :length].transpose(1, 2))
        dt, B, C = torch.split(self.x_proj(x), [self.dt_rank, self.d_state, self.d_state], dim=-1)
        dt, A = F.softplus(self.dt_proj(dt)), -torch.exp(self.A_log)
        h = torch.zeros(batch, self.d_inner, self.d_state)
        ys = []
        for t in range(length):
            dA = torch.exp(dt[:, t, :, None] * A)
            h = dA * h + (dt[:, t] * x[:, t])[..., None] * B[:, t, None, :]
            ys.append((h * C[:, t, None, :]).sum(-1))
        y = torch.stack(ys, 1) + x * self.D
        return self.head(self.out_proj(y * F.silu(z)))


def _grn(model, keep, x):
    x, kept = F.gelu(model.pw1(model.stem(x).permute(0, 2, 3, 1))), keep("pw1.weight")
    gx = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
    nx = gx / (gx[..., kept].mean(-1, keepdim=True) + 1e-6)
    x = model.gamma * (x * nx) + model.beta + x
    return model.head(model.pw2(x).mean((1, 2)))


@net(19, image(), "inexact", target="pw1.weight", reference=_grn)
class GlobalResponseNorm(nn.Module):
    """ConvNeXt V2: every channel relative to the mean of all."""

    def __init__(self):
        super().__init__()
        self.stem, self.pw1, self.pw2 = conv(3, 6), nn.Linear(6, 12), nn.Linear(12, 6)
        self.gamma, self.beta = nn.Parameter(torch.zeros(1, 1, 1, 12)), nn.Parameter(torch.zeros(1, 1, 1, 12))
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        x = F.gelu(self.pw1(self.stem(x).permute(0, 2, 3, 1)))
        Gx = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
        Nx = Gx / (Gx.mean(dim=-1, keepdim=True) + 1e-6)
        x = self.gamma * (x * Nx) + self.beta + x
        return self.head(self.pw2(x).mean((1, 2)))


@net(19, image(), target="stem.weight", also=image(3, 12))
class GridAttention(nn.Module):
    """MaxViT: windows, then a grid, the same attention shape on both."""

    def __init__(self):
        super().__init__()
        self.heads, self.size = 2, 4
        self.stem, self.out = conv(3, 8), conv(8, 3)
        self.qkv = nn.ModuleList(nn.Linear(8, 24) for _ in range(2))
        self.proj = nn.ModuleList(nn.Linear(8, 8) for _ in range(2))

    def attend(self, x, i):
        *lead, n, c = x.shape
        q, k, v = self.qkv[i](x).view(*lead, n, 3, self.heads, -1).transpose(-2, -4).unbind(-3)
        y = (q @ k.mT * q.shape[-1] ** -0.5).softmax(-1) @ v
        return x + self.proj[i](y.transpose(-2, -3).reshape(*lead, n, c))

    def forward(self, x):
        x, s = self.stem(x).permute(0, 2, 3, 1), self.size
        B, H, W, C = x.shape
        w = x.view(B, H // s, s, W // s, s, C).transpose(2, 3).reshape(B, -1, s * s, C)
        x = self.attend(w, 0).view(B, H // s, W // s, s, s, C).transpose(2, 3).reshape(B, H, W, C)
        g = x.view(B, s, H // s, s, W // s, C).permute(0, 2, 4, 1, 3, 5).reshape(B, -1, s * s, C)
        g = self.attend(g, 1).view(B, H // s, W // s, s, s, C).permute(0, 3, 1, 4, 2, 5)
        return self.out(g.reshape(B, H, W, C).permute(0, 3, 1, 2))


@net(19, image(), target="primary.0.weight", also=image(3, 12))
class Ghost(nn.Module):
    """Cheap depthwise features beside the primary ones, and a cut to the wanted number."""

    def __init__(self):
        super().__init__()
        self.oup = 12
        self.primary, self.cheap = conv_bn(3, 6, 1), conv_bn(6, 6, 3, groups=6)
        self.out = conv(12, 3)

    def forward(self, x):
        a = self.primary(x)
        y = torch.cat([a, self.cheap(a)], dim=1)
        return self.out(y[:, : self.oup, :, :])


@net(19, image(), target="stem.weight", also=image(3, 12))
class DualPath(nn.Module):
    """DPN: one part of the output is added, the other appended."""

    def __init__(self):
        super().__init__()
        self.stem, self.num = conv(3, 12), 8
        self.block1, self.block2, self.out = conv_bn(12, 12), conv_bn(16, 12), conv(20, 3, 1)

    def forward(self, x):
        x = self.stem(x)
        res, dense = x[:, : self.num], x[:, self.num :]
        for block in (self.block1, self.block2):
            y = block(torch.cat([res, dense], 1))
            res, dense = res + y[:, : self.num], torch.cat([dense, y[:, self.num :]], 1)
        return self.out(torch.cat([res, dense], 1))


# --- 20: scale


@net(20, image(), target="stem.weight")
class DeepDense(nn.Module):
    """Twenty-four layers, each reading all before it."""

    def __init__(self, depth=24, growth=4):
        super().__init__()
        self.stem = conv(3, 8)
        self.norms = nn.ModuleList(nn.BatchNorm2d(8 + growth * i) for i in range(depth))
        self.layers = nn.ModuleList(conv(8 + growth * i, growth) for i in range(depth))
        self.fc = nn.Linear(8 + growth * depth, 4)

    def forward(self, x):
        x = self.stem(x)
        for norm, layer in zip(self.norms, self.layers, strict=True):
            x = torch.cat([x, layer(F.relu(norm(x)))], 1)
        return self.fc(x.mean((2, 3)))


@net(20, image(3, 16), target="stem.weight")
class HighResolution(nn.Module):
    """HRNet: three scales exchange everything, twice."""

    def __init__(self):
        super().__init__()
        self.stem, widths = conv(3, 6), (6, 8, 10)
        self.down = nn.ModuleList([nn.Conv2d(6, 8, 3, 2, 1), nn.Conv2d(8, 10, 3, 2, 1)])
        self.blocks = nn.ModuleList(nn.ModuleList(conv_bn(w, w) for w in widths) for _ in range(2))
        self.fuse = nn.ModuleList()
        for _ in range(2):
            stage = nn.ModuleList()
            for i in range(3):
                row = nn.ModuleList()
                for j in range(3):
                    if j > i:
                        row.append(
                            nn.Sequential(
                                conv(widths[j], widths[i], 1), nn.Upsample(scale_factor=2 ** (j - i))
                            )
                        )
                    elif j == i:
                        row.append(nn.Identity())
                    else:
                        steps = [
                            nn.Conv2d(widths[j], widths[j] if k < i - j - 1 else widths[i], 3, 2, 1)
                            for k in range(i - j)
                        ]
                        row.append(nn.Sequential(*steps))
                stage.append(row)
            self.fuse.append(stage)
        self.head = conv(24, 3, 1)

    def forward(self, x):
        x = F.relu(self.stem(x))
        b = F.relu(self.down[0](x))
        xs = [x, b, F.relu(self.down[1](b))]
        for blocks, stage in zip(self.blocks, self.fuse, strict=True):
            xs = [block(x) for block, x in zip(blocks, xs, strict=True)]
            xs = [F.relu(sum(f(x) for f, x in zip(row, xs, strict=True))) for row in stage]
        size = xs[0].shape[-2:]
        return self.head(torch.cat([F.interpolate(x, size=size, mode="bilinear") for x in xs], 1))


class Separable(nn.Module):
    def __init__(self, i, o, k):
        super().__init__()
        self.dw, self.pw, self.bn = conv(i, i, k, groups=i), nn.Conv2d(i, o, 1), nn.BatchNorm2d(o)

    def forward(self, x):
        return self.bn(self.pw(self.dw(F.relu(x))))


class NasCell(nn.Module):
    def __init__(self, a, b, width):
        super().__init__()
        self.left, self.right = conv_bn(a, width, 1), conv_bn(b, width, 1)
        self.ops = nn.ModuleList(Separable(width, width, k) for k in (3, 5, 3, 5))

    def forward(self, a, b):
        a, b = self.left(a), self.right(b)
        y1 = self.ops[0](b) + b
        y2 = self.ops[1](a) + self.ops[2](b)
        y3 = F.avg_pool2d(b, 3, 1, 1, count_include_pad=False) + a
        y4 = self.ops[3](y1) + F.max_pool2d(a, 3, 1, 1)
        return torch.cat([a, y1, y2, y3, y4], 1)


@net(20, image(), target="stem.0.weight")
class NasCells(nn.Module):
    """NASNet: cells read the two before them."""

    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 6)
        self.cells = nn.ModuleList([NasCell(6, 6, 4), NasCell(6, 20, 6), NasCell(20, 30, 4)])
        self.fc = nn.Linear(20, 4)

    def forward(self, x):
        a = b = self.stem(x)
        for cell in self.cells:
            a, b = b, cell(a, b)
        return self.fc(F.relu(b).mean((2, 3)))


@net(20, image(3, 6), target="stem.weight")
class LongChain(nn.Module):
    """Forty residual blocks tie one group through the whole net."""

    def __init__(self):
        super().__init__()
        self.stem, self.fc = conv(3, 8), nn.Linear(8, 4)
        self.blocks = nn.ModuleList(
            nn.Sequential(conv(8, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), conv(4, 8)) for _ in range(40)
        )

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = x + 0.2 * block(x)
        return self.fc(x.mean((2, 3)))


@net(20, features(3, 64), target="fc1.weight")
class Wide(nn.Module):
    """Thousands of channels, and a relu net of two wide layers."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(64, 2048), nn.Linear(2048, 512), nn.Linear(512, 10)

    def forward(self, x):
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm1, self.norm2, self.heads = nn.LayerNorm(dim), nn.LayerNorm(dim), heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.fc1, self.fc2 = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim)
        self.ls = nn.Parameter(1e-5 * torch.ones(dim))

    def forward(self, x):
        B, N, _C = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(B, N, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(B, N, -1)
        x = x + self.ls * self.proj(y)
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


@net(20, image(), target="blocks.0.fc1.weight")
class DeepTransformer(nn.Module):
    """A small ViT of eight blocks: every width, head and head width cut at once."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Conv2d(3, 12, 4, stride=4)
        self.pos = nn.Parameter(torch.zeros(1, 4, 12))
        self.blocks = nn.ModuleList(Block(12, 3) for _ in range(8))
        self.norm, self.head = nn.LayerNorm(12), nn.Linear(12, 5)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2) + self.pos
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(1))


class Inverted(nn.Module):
    def __init__(self, i, o, expand):
        super().__init__()
        m = i * expand
        self.expand, self.dw, self.project = conv_bn(i, m, 1), conv_bn(m, m, 3, groups=m), conv(m, o, 1)
        self.reduce, self.gate = nn.Conv2d(m, 4, 1), nn.Conv2d(4, m, 1)
        self.same = i == o

    def forward(self, x):
        y = self.dw(self.expand(x))
        y = y * torch.sigmoid(self.gate(F.silu(self.reduce(F.adaptive_avg_pool2d(y, 1)))))
        return x + self.project(y) if self.same else self.project(y)


@net(20, image(3, 6), target="stem.0.weight")
class ManyInverted(nn.Module):
    """EfficientNet: sixteen inverted residuals with squeeze and excitation."""

    def __init__(self):
        super().__init__()
        widths = (6, 6, 6, 8, 8, 8, 8, 10, 10, 10, 10, 12, 12, 12, 12, 12, 8)
        self.stem, self.fc = conv_bn(3, 6), nn.Linear(8, 4)
        self.blocks = nn.Sequential(*(Inverted(i, o, 2) for i, o in pairwise(widths)))

    def forward(self, x):
        return self.fc(self.blocks(self.stem(x)).mean((2, 3)))


@net(20, image(3, 16), target="x00.0.weight")
class NestedUnet(nn.Module):
    """U-Net++: every node reads all before it on its level."""

    def __init__(self):
        super().__init__()
        self.x00, self.x10, self.x20, self.x30 = conv_bn(3, 6), conv_bn(6, 8), conv_bn(8, 10), conv_bn(10, 12)
        self.x01, self.x11, self.x21 = conv_bn(14, 6), conv_bn(18, 8), conv_bn(22, 10)
        self.x02, self.x12, self.x03 = conv_bn(20, 6), conv_bn(26, 8), conv_bn(26, 6)
        self.up, self.pool, self.out = (
            nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.MaxPool2d(2),
            conv(6, 3, 1),
        )

    def forward(self, x):
        a0 = self.x00(x)
        b0 = self.x10(self.pool(a0))
        a1 = self.x01(torch.cat([a0, self.up(b0)], 1))
        c0 = self.x20(self.pool(b0))
        b1 = self.x11(torch.cat([b0, self.up(c0)], 1))
        a2 = self.x02(torch.cat([a0, a1, self.up(b1)], 1))
        d0 = self.x30(self.pool(c0))
        c1 = self.x21(torch.cat([c0, self.up(d0)], 1))
        b2 = self.x12(torch.cat([b0, b1, self.up(c1)], 1))
        a3 = self.x03(torch.cat([a0, a1, a2, self.up(b2)], 1))
        return [self.out(a) for a in (a1, a2, a3)]
