"""Normalisation, activation, bare parameters and tensors made on the spot."""
# ruff: noqa: D103 - the name of the function is the op

from __future__ import annotations

from benchmarks.fuzz.net import Net, Shape, need, op
from benchmarks.fuzz.ops.common import YES_NO

ACTIVATIONS = ("relu", "gelu", "sigmoid", "tanh", "silu", "hardswish", "leaky_relu", "softplus")


@op(weight=6)
def batch_norm(net: Net, ins, outs) -> list[Shape]:
    shape = net.shapes[ins[0]]
    need(len(shape) != 2)
    kind = "BatchNorm2d" if len(shape) == 3 else "BatchNorm1d"
    net.line(f"{outs[0]} = {net.member(f'nn.{kind}({shape[0]})')}({ins[0]})")
    return [shape]


@op(groups=(2, 4, 1))
def group_norm(net: Net, ins, outs, *, groups) -> list[Shape]:
    c, h, w = net.image(ins[0])
    need(c % groups == 0 and c // groups * h * w > 1)
    net.line(f"{outs[0]} = {net.member(f'nn.GroupNorm({groups}, {c})')}({ins[0]})")
    return [(c, h, w)]


@op()
def instance_norm(net: Net, ins, outs) -> list[Shape]:
    c, h, w = net.image(ins[0])
    need(h * w > 1)
    net.line(f"{outs[0]} = {net.member(f'nn.InstanceNorm2d({c}, affine=True)')}({ins[0]})")
    return [(c, h, w)]


@op(weight=2, kind=("LayerNorm", "LayerNorm", "RMSNorm"))
def layer_norm(net: Net, ins, outs, *, kind) -> list[Shape]:
    shape = net.shapes[ins[0]]
    c = shape[0] if len(shape) == 3 else shape[-1]
    module = net.member(f"nn.{kind}({c})")
    if len(shape) == 3:
        net.line(f"{outs[0]} = {module}({ins[0]}.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)")
    else:
        net.line(f"{outs[0]} = {module}({ins[0]})")
    return [shape]


@op(weight=8, kind=ACTIVATIONS)
def activation(net: Net, ins, outs, *, kind) -> list[Shape]:
    net.line(f"{outs[0]} = F.{kind}({ins[0]})")
    return [net.shapes[ins[0]]]


@op(form=("relu_", "clamp", "where", "abs", "mul_", "float"))
def pointwise(net: Net, ins, outs, *, form) -> list[Shape]:
    x = ins[0]
    text = {
        "relu_": f"{x}.clone().relu_()",
        "clamp": f"{x}.clamp(-1.0, 2.0)",
        "where": f"torch.where({x} > 0, {x}, 0.1 * {x})",
        "abs": f"{x}.abs() + 0.5",
        "mul_": f"{x}.clone().mul_(0.5).add_(1.0)",
        "float": f"{x} / 3.0 - 0.25",
    }
    net.line(f"{outs[0]} = {text[form]}")
    return [net.shapes[x]]


@op(form=("tensor", "power", "math"))
def scaled_by_size(net: Net, ins, outs, *, form) -> list[Shape]:
    """A number that follows from the count of channels, as in the look-ups of RAFT."""
    shape = net.image(ins[0])
    text = {
        "tensor": f"{ins[0]} / torch.sqrt(torch.tensor({ins[0]}.shape[1]))",
        "power": f"{ins[0]} * {ins[0]}.shape[1] ** -0.5",
        "math": f"{ins[0]} / (1 + {ins[0]}.size(1))",
    }
    net.line(f"{outs[0]} = {text[form]}")
    return [shape]


@op()
def prelu(net: Net, ins, outs) -> list[Shape]:
    shape = net.image(ins[0])
    net.line(f"{outs[0]} = {net.member(f'nn.PReLU({shape[0]})')}({ins[0]})")
    return [shape]


@op(dim=("channels", "pixels"))
def softmax(net: Net, ins, outs, *, dim) -> list[Shape]:
    shape = net.image(ins[0])
    net.line(f"{outs[0]} = {ins[0]}.softmax({1 if dim == 'channels' else 3})")
    return [shape]


@op(form=("(C,1,1) *", "(1,C,1,1) +", "(1,C,H,W) +", "view"))
def image_parameter(net: Net, ins, outs, *, form) -> list[Shape]:
    c, h, w = net.image(ins[0])
    x = ins[0]
    if form == "(C,1,1) *":
        net.line(f"{outs[0]} = {x} * {net.parameter(c, 1, 1)}")
    elif form == "(1,C,1,1) +":
        net.line(f"{outs[0]} = {x} + {net.parameter(1, c, 1, 1)}")
    elif form == "(1,C,H,W) +":
        net.line(f"{outs[0]} = {x} + {net.parameter(1, c, h, w)}")
    else:
        net.line(f"{outs[0]} = {x} * {net.parameter(c)}.view(1, -1, 1, 1)")
    return [(c, h, w)]


@op(form=("scale", "position"))
def token_parameter(net: Net, ins, outs, *, form) -> list[Shape]:
    n, c = net.tokens(ins[0])
    if form == "scale":
        net.line(f"{outs[0]} = {ins[0]} * {net.parameter(c)}")
    else:
        net.line(f"{outs[0]} = {ins[0]} + {net.parameter(1, n, c)}")
    return [(n, c)]


@op(literal=YES_NO)
def class_token(net: Net, ins, outs, *, literal) -> list[Shape]:
    n, c = net.tokens(ins[0])
    token = net.parameter(1, 1, c)
    width = c if literal else -1
    net.line(f"{outs[0]} = torch.cat([{token}.expand({ins[0]}.shape[0], 1, {width}), {ins[0]}], dim=1)")
    return [(n + 1, c)]


@op()
def expanded_parameter(net: Net, ins, outs) -> list[Shape]:
    c, h, w = net.image(ins[0])
    batch = f"{ins[0]}.shape[0]"
    net.line(f"{outs[0]} = {ins[0]} + {net.parameter(c, 1, 1)}.expand({batch}, {c}, {h}, {w})")
    return [(c, h, w)]


@op(extra=(2, 4))
def zeros_beside(net: Net, ins, outs, *, extra) -> list[Shape]:
    c, h, w = net.image(ins[0])
    x = ins[0]
    net.line(
        f"{outs[0]} = torch.cat([{x}, torch.zeros({x}.shape[0], {extra}, {h}, {w}, dtype={x}.dtype)], 1)"
    )
    return [(c + extra, h, w)]


@op()
def zeros_like_sum(net: Net, ins, outs) -> list[Shape]:
    c, h, w = net.image(ins[0])
    x = ins[0]
    net.line(f"{outs[0]} = {x} + torch.ones({x}.shape[0], {c}, {h}, {w}, dtype={x}.dtype)")
    return [(c, h, w)]
