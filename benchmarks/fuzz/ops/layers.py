"""Convolutions and linear layers."""
# ruff: noqa: D103 - the name of the function is the op

from __future__ import annotations

from benchmarks.fuzz.net import Net, Shape, need, op
from benchmarks.fuzz.ops.common import CHANNELS, MOST, YES_NO, spatial


@op(weight=9, channels=CHANNELS, kernel=(3, 1), stride=(1, 1, 1, 2), bias=YES_NO, groups=(1, 1, 1, 2, 4))
def conv(net: Net, ins, outs, *, channels, kernel, stride, bias, groups) -> list[Shape]:
    c, h, w = net.image(ins[0])
    need(c % groups == 0 and channels % groups == 0 and h >= stride)
    extra = f"stride={stride}, padding={kernel // 2}, groups={groups}, bias={bias}"
    module = net.member(f"nn.Conv2d({c}, {channels}, {kernel}, {extra})")
    net.line(f"{outs[0]} = {module}({ins[0]})")
    shape = (channels, *(spatial(s, kernel, stride, kernel // 2) for s in (h, w)))
    net.module_of[outs[0]] = (module, (c, h, w), shape)
    return [shape]


@op(weight=3, multiplier=(1, 1, 2), kernel=(3, 5))
def depthwise(net: Net, ins, outs, *, multiplier, kernel) -> list[Shape]:
    c, h, w = net.image(ins[0])
    need(c * multiplier <= MOST)
    module = net.member(
        f"nn.Conv2d({c}, {c * multiplier}, {kernel}, padding={kernel // 2}, groups={c}, bias=False)"
    )
    net.line(f"{outs[0]} = {module}({ins[0]})")
    return [(c * multiplier, h, w)]


@op(weight=2, channels=CHANNELS, groups=(1, 1, 2), stride=(1, 2))
def conv_transpose(net: Net, ins, outs, *, channels, groups, stride) -> list[Shape]:
    c, h, w = net.image(ins[0])
    need(c % groups == 0 and channels % groups == 0 and h * stride <= 16)
    module = net.member(f"nn.ConvTranspose2d({c}, {channels}, {stride}, stride={stride}, groups={groups})")
    net.line(f"{outs[0]} = {module}({ins[0]})")
    return [(channels, h * stride, w * stride)]


@op(channels=CHANNELS)
def functional_conv(net: Net, ins, outs, *, channels) -> list[Shape]:
    c, h, w = net.image(ins[0])
    net.line(f"{outs[0]} = F.conv2d({ins[0]}, {net.parameter(channels, c, 1, 1)})")
    return [(channels, h, w)]


@op(groups=(2, 4))
def functional_grouped_conv(net: Net, ins, outs, *, groups) -> list[Shape]:
    c, h, w = net.image(ins[0])
    need(c % groups == 0)
    net.line(f"{outs[0]} = F.conv2d({ins[0]}, {net.parameter(c, c // groups, 1, 1)}, groups={groups})")
    return [(c, h, w)]


@op(weight=5, features=CHANNELS, bias=YES_NO)
def linear(net: Net, ins, outs, *, features, bias) -> list[Shape]:
    *before, c = net.shapes[ins[0]]
    need(len(before) < 2)
    module = net.member(f"nn.Linear({c}, {features}, bias={bias})")
    net.line(f"{outs[0]} = {module}({ins[0]})")
    net.module_of[outs[0]] = (module, (*before, c), (*before, features))
    return [(*before, features)]


@op(features=CHANNELS, form=("@", "einsum", "F.linear"))
def matrix(net: Net, ins, outs, *, features, form) -> list[Shape]:
    n, c = net.tokens(ins[0])
    x = ins[0]
    if form == "@":
        net.line(f"{outs[0]} = {x} @ {net.parameter(c, features)}")
    elif form == "einsum":
        net.line(f"{outs[0]} = torch.einsum('bnc,cd->bnd', {x}, {net.parameter(c, features)})")
    else:
        net.line(f"{outs[0]} = F.linear({x}, {net.parameter(features, c)}, {net.parameter(features)})")
    return [(n, features)]


@op(channels=CHANNELS)
def nhwc_linear(net: Net, ins, outs, *, channels) -> list[Shape]:
    c, h, w = net.image(ins[0])
    module = net.member(f"nn.Linear({c}, {channels})")
    net.line(f"{outs[0]} = {module}({ins[0]}.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)")
    return [(channels, h, w)]


@op(weight=2)
def reuse(net: Net, ins, outs, *, of: str = "") -> list[Shape]:
    """The module that made `of`, on another value."""
    need(of in net.module_of)
    module, takes, gives = net.module_of[of]
    need(net.shapes[ins[0]] == takes)
    net.line(f"{outs[0]} = {module}({ins[0]})")
    return [gives]
