"""Ops on tokens."""
# ruff: noqa: D103 - the name of the function is the op

from __future__ import annotations

from benchmarks.fuzz.net import Net, Shape, Unfit, need, op
from benchmarks.fuzz.ops.common import CHANNELS, YES_NO


@op(weight=4, form=("flatten", "literal view", "permute"))
def to_tokens(net: Net, ins, outs, *, form) -> list[Shape]:
    c, h, w = net.image(ins[0])
    need(h * w <= 64)
    x = ins[0]
    text = {
        "flatten": f"{x}.flatten(2).transpose(1, 2)",
        "literal view": f"{x}.reshape({x}.shape[0], {c}, {h * w}).transpose(1, 2)",
        "permute": f"{x}.permute(0, 2, 3, 1).reshape({x}.shape[0], -1, {c})",
    }
    net.line(f"{outs[0]} = {text[form]}")
    return [(h * w, c)]


@op(weight=4, form=("literal", "-1"))
def from_tokens(net: Net, ins, outs, *, form) -> list[Shape]:
    n, c = net.tokens(ins[0])
    side = {1: 1, 4: 2, 16: 4, 64: 8}.get(n)
    if side is None:
        raise Unfit
    channels = c if form == "literal" else -1
    net.line(f"{outs[0]} = {ins[0]}.transpose(1, 2).reshape({ins[0]}.shape[0], {channels}, {side}, {side})")
    return [(c, side, side)]


@op(weight=2, form=("mean", "first", "amax"))
def pool_tokens(net: Net, ins, outs, *, form) -> list[Shape]:
    _, c = net.tokens(ins[0])
    text = f"{ins[0]}[:, 0]" if form == "first" else f"{ins[0]}.{form}(1)"
    net.line(f"{outs[0]} = {text}")
    return [(c,)]


@op(features=CHANNELS)
def mix_tokens(net: Net, ins, outs, *, features) -> list[Shape]:
    n, c = net.tokens(ins[0])
    module = net.member(f"nn.Linear({n}, {features})")
    net.line(f"{outs[0]} = {module}({ins[0]}.transpose(1, 2)).transpose(1, 2)")
    return [(features, c)]


@op(weight=5, heads=(1, 2, 4), form=("fused", "fused literal", "separate", "sdpa", "module", "chunk"))
def attention(net: Net, ins, outs, *, heads, form) -> list[Shape]:
    n, c = net.tokens(ins[0])
    need(c % heads == 0 and n <= 64)
    x, out, head = ins[0], outs[0], c // heads
    if form == "module":
        module = net.member(f"nn.MultiheadAttention({c}, {heads}, batch_first=True)")
        net.line(f"{out} = {module}({x}, {x}, {x}, need_weights=False)[0]")
        return [(n, c)]
    _queries(net, x, out, (n, c, heads), form)
    if form == "sdpa":
        net.line(f"{out} = F.scaled_dot_product_attention(q, k, v)")
    else:
        net.line(f"{out} = ((q @ k.transpose(-2, -1)) * {head**-0.5!r}).softmax(-1) @ v")
    width = c if "literal" in form or form == "separate" else -1
    net.line(f"{out} = {out}.transpose(1, 2).reshape({x}.shape[0], {n}, {width})")
    net.line(f"{out} = {net.member(f'nn.Linear({c}, {c})')}({out})")
    return [(n, c)]


def _queries(net: Net, x: str, out: str, sizes: tuple[int, int, int], form: str) -> None:
    """Lines that make q, k and v [B, heads, N, head_dim]."""
    n, c, heads = sizes
    head = c // heads
    if form == "separate":
        for name in "qkv":
            module = net.member(f"nn.Linear({c}, {c})")
            net.line(f"{name} = {module}({x}).view({x}.shape[0], {n}, {heads}, {head}).transpose(1, 2)")
        return
    fused = net.member(f"nn.Linear({c}, {3 * c})")
    if form == "chunk":
        net.line(f"q, k, v = {fused}({x}).chunk(3, dim=-1)")
        for name in "qkv":
            net.line(f"{name} = {name}.unflatten(-1, ({heads}, -1)).transpose(1, 2)")
        return
    last = head if form == "fused literal" else f"{x}.shape[2] // {heads}"
    net.line(f"{out} = {fused}({x}).reshape({x}.shape[0], {n}, 3, {heads}, {last}).permute(2, 0, 3, 1, 4)")
    net.line(f"q, k, v = {out}[0], {out}[1], {out}[2]")


@op(hidden=(4, 8, 12), kind=("GRU", "LSTM"), two_ways=YES_NO)
def recurrent(net: Net, ins, outs, *, hidden, kind, two_ways) -> list[Shape]:
    n, c = net.tokens(ins[0])
    module = net.member(f"nn.{kind}({c}, {hidden}, batch_first=True, bidirectional={two_ways})")
    net.line(f"{outs[0]} = {module}({ins[0]})[0]")
    return [(n, hidden * (1 + two_ways))]


@op(channels=CHANNELS)
def conv1d(net: Net, ins, outs, *, channels) -> list[Shape]:
    n, c = net.tokens(ins[0])
    module = net.member(f"nn.Conv1d({c}, {channels}, 3, padding=1)")
    net.line(f"{outs[0]} = {module}({ins[0]}.transpose(1, 2)).transpose(1, 2)")
    return [(n, channels)]
