"""Line 6: attention."""

import torch
import torch.nn.functional as F
from engine.patterns.registry import add, features, net
from torch import nn


@net(6, features(6, 16), target="proj.weight:1", also=features(9, 16))
class FusedQkv(nn.Module):
    """One linear layer for q, k and v; sizes from num_heads and the input."""

    def __init__(self):
        super().__init__()
        self.num_heads, self.scale = 4, 4**-0.5
        self.qkv, self.proj = nn.Linear(16, 48), nn.Linear(16, 16)
        self.head = nn.Linear(16, 5)

    def forward(self, x):
        B, N, C = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, C // self.num_heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        attn = (q * self.scale) @ k.transpose(-2, -1)
        x = (attn.softmax(dim=-1) @ v).transpose(1, 2).reshape(B, N, C)
        return self.head(self.proj(x))


@net(6, features(6, 12), target="v.weight", also=features(9, 12))
class SeparateQkv(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = nn.Linear(12, 16), nn.Linear(12, 16), nn.Linear(12, 16)
        self.o = nn.Linear(16, 5)
        self.h = 4

    def forward(self, x):
        B, N, _ = x.shape
        q, k, v = (f(x).view(B, N, self.h, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        attn = torch.matmul(q, k.transpose(2, 3)) / (q.size(-1) ** 0.5)
        return self.o(torch.matmul(attn.softmax(-1), v).transpose(1, 2).contiguous().view(B, N, -1))


@net(6, features(6, 12), target="attn.in_proj_weight", also=features(9, 12))
class MultiheadAttention(nn.Module):
    """nn.MultiheadAttention with in_proj_weight."""

    def __init__(self):
        super().__init__()
        self.up, self.head = nn.Linear(12, 16), nn.Linear(16, 4)
        self.attn = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x):
        x = self.up(x)
        return self.head(x + self.attn(x, x, x, need_weights=False)[0])


@net(6, lambda b: (torch.randn(b, 5, 12), torch.randn(b, 7, 10)), target="attn.v_proj_weight")
class MultiheadKdim(nn.Module):
    """Keys and values of another width: torch's own code insists on a square query projection."""

    def __init__(self):
        super().__init__()
        self.attn = nn.MultiheadAttention(12, 3, kdim=10, vdim=10, batch_first=True)
        self.head = nn.Linear(12, 4)

    def forward(self, x, memory):
        return self.head(self.attn(x, memory, memory)[0])


class GroupedQuery(nn.Module):
    """Several query heads share a key head (Llama)."""

    def __init__(self, heads=4, kv_heads=2, dim=4, *, expand=False):
        super().__init__()
        self.heads, self.kv_heads, self.dim, self.expand = heads, kv_heads, dim, expand
        self.q_proj = nn.Linear(12, heads * dim, bias=False)
        self.k_proj = nn.Linear(12, kv_heads * dim, bias=False)
        self.v_proj = nn.Linear(12, kv_heads * dim, bias=False)
        self.o_proj = nn.Linear(heads * dim, 12, bias=False)
        self.head = nn.Linear(12, 4)

    def repeat(self, x):
        n = self.heads // self.kv_heads
        if not self.expand:
            return x.repeat_interleave(n, dim=1)
        b, h, t, d = x.shape
        return x[:, :, None, :, :].expand(b, h, n, t, d).reshape(b, h * n, t, d)

    def forward(self, x):
        B, T, _ = x.shape
        q = self.q_proj(x).view(B, T, self.heads, self.dim).transpose(1, 2)
        k = self.repeat(self.k_proj(x).view(B, T, self.kv_heads, self.dim).transpose(1, 2))
        v = self.repeat(self.v_proj(x).view(B, T, self.kv_heads, self.dim).transpose(1, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.head(self.o_proj(y.transpose(1, 2).reshape(B, T, -1)))


add(6, "GqaInterleave", GroupedQuery, features(6, 12), "exact", target="v_proj.weight")
add(6, "GqaExpand", lambda: GroupedQuery(expand=True), features(6, 12), "exact", target="v_proj.weight")
add(6, "Mqa", lambda: GroupedQuery(4, 1), features(6, 12), "exact", target="v_proj.weight")


class Rotary(nn.Module):
    """Pairs of channels are rotated together; the table has the head's width."""

    def __init__(self, interleaved=False):
        super().__init__()
        self.h, self.interleaved = 3, interleaved
        self.qkv, self.o = nn.Linear(12, 3 * 3 * 8, bias=False), nn.Linear(24, 5)
        angle = torch.outer(torch.arange(16.0), 100 ** (-torch.arange(0, 8, 2.0) / 8))
        table = angle.repeat_interleave(2, 1) if interleaved else torch.cat((angle, angle), -1)
        self.register_buffer("cos", table.cos())
        self.register_buffer("sin", table.sin())

    def rotate_half(self, x):
        if self.interleaved:
            return torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)
        a, b = x.chunk(2, dim=-1)
        return torch.cat((-b, a), dim=-1)

    def rope(self, x):
        n = x.shape[-2]
        return x * self.cos[:n] + self.rotate_half(x) * self.sin[:n]

    def forward(self, x):
        B, T, _ = x.shape
        q, k, v = self.qkv(x).chunk(3, -1)
        q, k, v = (t.view(B, T, self.h, -1).transpose(1, 2) for t in (q, k, v))
        q, k = self.rope(q), self.rope(k)
        attn = (q @ k.mT / 8**0.5).softmax(-1)
        return self.o((attn @ v).transpose(1, 2).flatten(2))


LONGER = features(9, 12)
add(6, "RotaryHalves", Rotary, features(6, 12), "exact", target="qkv.weight", also=LONGER)
add(
    6, "RotaryInterleaved", lambda: Rotary(True), features(6, 12), "exact", target="qkv.weight", also=LONGER,
)  # fmt: skip


@net(6, features(5, 12), target="v.weight")
class RelativePositionTable(nn.Module):
    """A table (positions, heads), looked up and added to the scores."""

    def __init__(self):
        super().__init__()
        self.h = 4
        self.q, self.k, self.v = (nn.Linear(12, 16) for _ in range(3))
        self.o = nn.Linear(16, 5)
        self.table = nn.Parameter(torch.zeros(9, 4))
        p = torch.arange(5)
        self.register_buffer("index", p[:, None] - p[None] + 4)

    def forward(self, x):
        B, N, _ = x.shape
        q, k, v = (f(x).reshape(B, N, self.h, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        bias = self.table[self.index.view(-1)].view(N, N, -1).permute(2, 0, 1).contiguous()
        attn = (q @ k.transpose(-2, -1) * 0.5 + bias.unsqueeze(0)).softmax(-1)
        return self.o((attn @ v).transpose(1, 2).reshape(B, N, -1))


@net(6, features(6, 12), "inexact", target="q_norm.weight", also=features(9, 12))
class QkNorm(nn.Module):
    """Norms over the width of a head: heads go exactly, the width inexactly."""

    def __init__(self):
        super().__init__()
        self.h = 3
        self.q, self.k, self.v = (nn.Linear(12, 24) for _ in range(3))
        self.q_norm, self.k_norm = nn.LayerNorm(8), nn.RMSNorm(8)
        self.o = nn.Linear(24, 5)

    def forward(self, x):
        B, N, _ = x.shape
        q, k, v = (f(x).reshape(B, N, self.h, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        x = F.scaled_dot_product_attention(self.q_norm(q), self.k_norm(k), v)
        return self.o(x.transpose(1, 2).reshape(B, N, -1))


@net(6, features(6, 12), target="v.weight", also=features(9, 12))
class SdpaScale(nn.Module):
    """The implicit scale of scaled_dot_product_attention must stay the old one."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (
            nn.Linear(12, 8),
            nn.Linear(12, 8),
            nn.Linear(12, 10),
            nn.Linear(10, 4),
        )

    def forward(self, x):
        return self.o(F.scaled_dot_product_attention(self.q(x), self.k(x), self.v(x)))


@net(6, features(6, 12), target="v.weight", also=features(9, 12))
class Sinks(nn.Module):
    """A learned extra score per head takes part in the softmax."""

    def __init__(self):
        super().__init__()
        self.h, self.d = 4, 4
        self.q, self.k, self.v = (nn.Linear(12, 16) for _ in range(3))
        self.o = nn.Linear(16, 5)
        self.sinks = nn.Parameter(torch.zeros(4))

    def forward(self, x):
        B, N, _ = x.shape
        q, k, v = (f(x).view(B, N, -1, self.d).transpose(1, 2) for f in (self.q, self.k, self.v))
        scores = q @ k.mT * self.d**-0.5
        sinks = self.sinks.reshape(1, -1, 1, 1).expand(B, -1, N, -1)
        probs = torch.cat([scores, sinks], -1).softmax(-1)[..., :-1]
        return self.o((probs @ v).transpose(1, 2).reshape(B, N, -1))


@net(6, features(6, 12), target="v.weight", also=features(9, 12))
class CosineAttention(nn.Module):
    """Swin v2: q and k of length one (zeros do not count), a learned scale per head."""

    def __init__(self):
        super().__init__()
        self.num_heads = 3
        self.q, self.k, self.v = (nn.Linear(12, 24) for _ in range(3))
        self.logit_scale = nn.Parameter(torch.zeros(3, 1, 1))
        self.o = nn.Linear(24, 5)

    def forward(self, x):
        B, N, _ = x.shape
        q, k, v = (f(x).view(B, N, self.num_heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        attn = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
        attn = (attn * torch.clamp(self.logit_scale, max=4.6).exp()).softmax(-1)
        return self.o((attn @ v).transpose(1, 2).flatten(2))


@net(6, features(6, 12), target="v.weight", also=features(9, 12))
class Alibi(nn.Module):
    """Slopes per head lie in a buffer."""

    def __init__(self):
        super().__init__()
        self.h = 4
        self.q, self.k, self.v = (nn.Linear(12, 16) for _ in range(3))
        self.o = nn.Linear(16, 5)
        self.register_buffer("slopes", 2.0 ** -torch.arange(1.0, 5.0))

    def forward(self, x):
        _B, N, _ = x.shape
        q, k, v = (f(x).unflatten(-1, (self.h, -1)).transpose(1, 2) for f in (self.q, self.k, self.v))
        distance = torch.arange(N)[None] - torch.arange(N)[:, None]
        scores = q @ k.mT / 2 + self.slopes[:, None, None] * distance
        return self.o((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


@net(6, lambda b: (torch.randn(b, 5, 12), torch.randn(b, 7, 10)), target="kv.weight")
class CrossAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads = 2
        self.q, self.kv, self.o = nn.Linear(12, 16), nn.Linear(10, 32), nn.Linear(16, 5)

    def forward(self, x, context):
        q = torch.stack(self.q(x).chunk(self.heads, -1), 1)
        k, v = self.kv(context).chunk(2, dim=-1)
        k, v = (torch.stack(t.chunk(self.heads, -1), 1) for t in (k, v))
        attn = torch.einsum("bhid,bhjd->bhij", q, k).mul(8**-0.5).softmax(-1)
        x = torch.einsum("bhij,bhjd->bhid", attn, v)
        return self.o(torch.cat(x.unbind(1), -1))


@net(6, features(6, 12), target="layer.linear1.weight", also=features(9, 12))
class EncoderLayer(nn.Module):
    """torch's own transformer layer, pre-norm."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(12, 16)
        self.layer = nn.TransformerEncoderLayer(16, 4, 24, batch_first=True, norm_first=True)
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        return self.head(self.layer(self.embed(x)))


@net(6, features(6, 12), target="v.weight", also=features(9, 12))
class TalkingHeads(nn.Module):
    """Linear layers mix the heads before and after the softmax."""

    def __init__(self):
        super().__init__()
        self.h = 4
        self.q, self.k, self.v = (nn.Linear(12, 16) for _ in range(3))
        self.pre, self.post, self.o = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(16, 5)

    def forward(self, x):
        B, N, _ = x.shape
        q, k, v = (f(x).reshape(B, N, self.h, 4).permute(0, 2, 1, 3) for f in (self.q, self.k, self.v))
        attn = self.pre((q @ k.mT * 0.5).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        attn = self.post(attn.softmax(-1).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.o((attn @ v).transpose(1, 2).reshape(B, N, 16))


@net(6, features(6, 12), target="q.weight", also=features(9, 12))
class SdpaScaleOfAttribute(nn.Module):
    """The scale is given, and follows from an attribute that also gives the sizes."""

    def __init__(self):
        super().__init__()
        self.head_dim = 5
        self.q, self.k, self.v = nn.Linear(12, 15), nn.Linear(12, 15), nn.Linear(12, 15)
        self.o = nn.Linear(15, 7)

    def forward(self, x):
        B, N, _ = x.shape
        q, k, v = (f(x).view(B, N, -1, self.head_dim).transpose(1, 2) for f in (self.q, self.k, self.v))
        out = F.scaled_dot_product_attention(q, k, v, scale=self.head_dim**-0.5)
        return self.o(out.transpose(1, 2).reshape(B, N, -1))


@net(6, features(6, 12), target="qk.weight", also=features(9, 12))
class RotaryAllOfIt(nn.Module):
    """A part is rotated, and here the part is everything: the rest is empty."""

    def __init__(self):
        super().__init__()
        self.qk, self.head = nn.Linear(12, 20), nn.Linear(20, 5)
        self.register_buffer("angles", torch.randn(1, 1, 10))

    def forward(self, x):
        B, N, _ = x.shape
        q = self.qk(x).view(B, N, 2, 10)
        width = self.angles.shape[-1]
        turned, passed = q[..., :width], q[..., width:]
        return self.head(torch.cat((turned * self.angles.cos(), passed), -1).reshape(B, N, -1))


@net(6, features(6, 12), target="proj.weight:1", also=features(9, 12))
class KeysTimesValues(nn.Module):
    """Keys times values first: a matrix per head with the width of a head on both sides."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = nn.Linear(12, 20), nn.Linear(12, 20), nn.Linear(12, 20)
        self.proj = nn.Linear(20, 5)

    def forward(self, x):
        B, N, _ = x.shape
        q, k, v = (f(x).reshape(B, N, 4, 5).transpose(1, 2) for f in (self.q, self.k, self.v))
        x = q @ (k.softmax(2).transpose(-1, -2) @ v)
        return self.proj(x.transpose(1, 2).reshape(B, N, 20))


@net(6, features(6, 12), target="up.weight")
class MixedByPointConv(nn.Module):
    """A convolution of one point mixes levels; it does not slide over the features behind them."""

    def __init__(self):
        super().__init__()
        self.up, self.mix, self.head = nn.Linear(12, 16), nn.Conv1d(3, 1, 1), nn.Linear(16, 5)

    def forward(self, x):
        levels = torch.stack([self.up(x[:, i]) for i in range(3)], dim=1)
        return self.head(self.mix(levels).squeeze(1))


@net(6, features(6, 12), target="up.weight", also=features(9, 12))
class MultiHeadFunction(nn.Module):
    """torch's function is called with the width and the number of heads of a module of one's own."""

    def __init__(self):
        super().__init__()
        self.width, self.heads = 20, 4
        self.up, self.head = nn.Linear(12, 20), nn.Linear(20, 5)
        self.q, self.k, self.v, self.o = (nn.Linear(20, 20) for _ in range(4))

    def forward(self, x):
        x = self.up(x).transpose(0, 1)
        bias = torch.cat((self.q.bias, self.k.bias, self.v.bias))
        out, _ = F.multi_head_attention_forward(
            x, x, x, self.width, self.heads, torch.empty([0]), bias, None, None, False, 0.0,
            self.o.weight, self.o.bias, False, use_separate_proj_weight=True,
            q_proj_weight=self.q.weight, k_proj_weight=self.k.weight, v_proj_weight=self.v.weight,
        )  # fmt: skip
        return self.head(out.transpose(0, 1))


@net(6, features(6, 12), target="qkv.weight", also=features(9, 12))
class NoBiasOfKeys(nn.Module):
    """The middle third of a copied bias is zeroed in place."""

    def __init__(self):
        super().__init__()
        self.qkv, self.o = nn.Linear(12, 60), nn.Linear(20, 5)

    def forward(self, x):
        B, N, _ = x.shape
        bias = self.qkv.bias.clone()
        third = bias.numel() // 3
        bias[third : 2 * third].zero_()
        qkv = F.linear(x, self.qkv.weight, bias).reshape(B, N, 3, 4, 5).permute(2, 0, 3, 1, 4)
        q, k, v = F.normalize(qkv[0], dim=-1), F.normalize(qkv[1], dim=-1), qkv[2]
        return self.o(((q @ k.transpose(-2, -1)).softmax(-1) @ v).transpose(1, 2).reshape(B, N, 20))


@net(6, features(6, 12), target="qkv.weight", also=features(9, 12))
class KeysByList(nn.Module):
    """The key and value of all queries are picked by a list, whose numbers meta tensors do not keep."""

    def __init__(self):
        super().__init__()
        self.qkv, self.o = nn.Linear(12, 42), nn.Linear(30, 5)

    def forward(self, x):
        B, N, _ = x.shape
        qkv = self.qkv(x).view(B, N, 7, 6)
        q, k, v = (part.transpose(1, 2) for part in (qkv[..., :-2, :], qkv[..., [-2], :], qkv[..., [-1], :]))
        x = (q @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.o(x.transpose(1, 2).reshape(B, N, 30))
