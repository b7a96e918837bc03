"""The ops that random nets are made of: how each is written in a forward method."""
# ruff: noqa: D103 - the name of the function is the op

from __future__ import annotations

from benchmarks.fuzz.net import Net, Shape, Unfit, need, op

CHANNELS = (4, 6, 8, 12, 16)
ACTIVATIONS = ("relu", "gelu", "sigmoid", "tanh", "silu", "hardswish", "leaky_relu", "softplus")
YES_NO = (False, True)
MOST = 64


def spatial(size: int, kernel: int, stride: int, padding: int) -> int:
    return (size + 2 * padding - kernel) // stride + 1


# Convolutions and linear layers


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


# Normalisation and activation


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


# Bare parameters and tensors made on the spot


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


# Two values


@op(weight=6, ins=2, match="all", form=("{} + {}", "torch.add({}, {}, alpha=2)", "{} - {}", "{}.add({})"))
def add(net: Net, ins, outs, *, form) -> list[Shape]:
    need(net.shapes[ins[0]] == net.shapes[ins[1]])
    net.line(f"{outs[0]} = {form.format(*ins)}")
    return [net.shapes[ins[0]]]


@op(weight=3, ins=2, match="all", form=("{} * {}", "{} * torch.sigmoid({})", "torch.maximum({}, {})"))
def mul(net: Net, ins, outs, *, form) -> list[Shape]:
    need(net.shapes[ins[0]] == net.shapes[ins[1]])
    net.line(f"{outs[0]} = {form.format(*ins)}")
    return [net.shapes[ins[0]]]


@op(weight=4, ins=2, match="but channels")
def cat(net: Net, ins, outs) -> list[Shape]:
    one, other = (net.shapes[name] for name in ins)
    need(len(one) == len(other))
    if len(one) == 3:
        need(one[1:] == other[1:] and one[0] + other[0] <= MOST)
        net.line(f"{outs[0]} = torch.cat([{ins[0]}, {ins[1]}], dim=1)")
        return [(one[0] + other[0], *one[1:])]
    need(one[:-1] == other[:-1] and one[-1] + other[-1] <= MOST)
    net.line(f"{outs[0]} = torch.cat([{ins[0]}, {ins[1]}], dim=-1)")
    return [(*one[:-1], one[-1] + other[-1])]


@op(weight=2, ins=2, match="all")
def stack_mean(net: Net, ins, outs) -> list[Shape]:
    need(net.shapes[ins[0]] == net.shapes[ins[1]])
    net.line(f"{outs[0]} = torch.stack([{ins[0]}, {ins[1]}], dim=1).mean(1)")
    return [net.shapes[ins[0]]]


@op(weight=2, ins=2)
def gate(net: Net, ins, outs) -> list[Shape]:
    """An image times a vector of as many channels, made from another value."""
    shape, c = net.image(ins[0]), net.vector(ins[1])
    module = net.member(f"nn.Linear({c}, {shape[0]})")
    net.line(f"{outs[0]} = {ins[0]} * {module}({ins[1]}).sigmoid()[:, :, None, None]")
    return [shape]


# Taking apart and moving


@op(weight=3, parts=(2, 2, 4))
def chunk(net: Net, ins, outs, *, parts) -> list[Shape]:
    shape = net.shapes[ins[0]]
    dim = 0 if len(shape) == 3 else len(shape) - 1
    need(shape[dim] % parts == 0 and shape[dim] > parts)
    net.line(f"{', '.join(outs)} = {ins[0]}.chunk({parts}, dim={dim + 1})")
    size = shape[dim] // parts
    return [tuple(size if i == dim else s for i, s in enumerate(shape))] * parts


@op(weight=2, parts=(2,), first=(2, 3, 4), form=("split", "equal split", "slices"))
def split(net: Net, ins, outs, *, parts, first, form) -> list[Shape]:
    c, h, w = net.image(ins[0])
    need(c > first and parts == 2)
    if form == "equal split":
        need(c % 2 == 0)
        first = c // 2
        net.line(f"{outs[0]}, {outs[1]} = {ins[0]}.split({first}, dim=1)")
    elif form == "split":
        net.line(f"{outs[0]}, {outs[1]} = torch.split({ins[0]}, [{first}, {c - first}], dim=1)")
    else:
        net.line(f"{outs[0]}, {outs[1]} = {ins[0]}[:, :{first}], {ins[0]}[:, {first}:]")
    return [(first, h, w), (c - first, h, w)]


@op(weight=2, form=(":4", "2:", "::2", "-2:", "1::2", ":half"))
def slice_channels(net: Net, ins, outs, *, form) -> list[Shape]:
    c, h, w = net.image(ins[0])
    need(c > 4)
    text, left = {
        ":4": (":4", 4), "2:": ("2:", c - 2), "::2": ("::2", (c + 1) // 2), "-2:": ("-2:", 2),
        "1::2": ("1::2", c // 2), ":half": (f":{ins[0]}.shape[1] // 2", c // 2),
    }[form]  # fmt: skip
    net.line(f"{outs[0]} = {ins[0]}[:, {text}]")
    return [(left, h, w)]


@op(groups=(2, 4), form=("view", "literal view", "module"))
def shuffle(net: Net, ins, outs, *, groups, form) -> list[Shape]:
    c, h, w = net.image(ins[0])
    x = ins[0]
    need(c % groups == 0 and c > groups)
    if form == "module":
        net.line(f"{outs[0]} = {net.member(f'nn.ChannelShuffle({groups})')}({x})")
        return [(c, h, w)]
    per_group = f"{x}.shape[1] // {groups}" if form == "view" else c // groups
    batch = f"{x}.shape[0]"
    net.line(f"{outs[0]} = {x}.view({batch}, {groups}, {per_group}, {h}, {w}).transpose(1, 2).contiguous()")
    net.line(f"{outs[0]} = {outs[0]}.view({batch}, {-1 if form == 'view' else c}, {h}, {w})")
    return [(c, h, w)]


@op(form=("flip", "roll", "perm", "index_select"))
def reorder(net: Net, ins, outs, *, form) -> list[Shape]:
    c, h, w = net.image(ins[0])
    order = list(range(1, c, 2)) + list(range(0, c, 2))
    text = {
        "flip": f"{ins[0]}.flip(1)",
        "roll": f"{ins[0]}.roll(1, 1)",
        "perm": f"{ins[0]}[:, {order}]",
        "index_select": f"{ins[0]}.index_select(1, torch.tensor({order}))",
    }
    net.line(f"{outs[0]} = {text[form]}")
    return [(c, h, w)]


@op(form=("shuffle", "unshuffle", "slices", "unfold"))
def pixels(net: Net, ins, outs, *, form) -> list[Shape]:
    c, h, w = net.image(ins[0])
    x = ins[0]
    if form == "shuffle":
        need(c % 4 == 0 and h <= 8)
        net.line(f"{outs[0]} = F.pixel_shuffle({x}, 2)")
        return [(c // 4, h * 2, w * 2)]
    need(h % 2 == 0 and w % 2 == 0 and c * 4 <= MOST)
    if form == "unshuffle":
        net.line(f"{outs[0]} = F.pixel_unshuffle({x}, 2)")
    elif form == "slices":
        corners = ", ".join(f"{x}[:, :, {i}::2, {j}::2]" for i in (0, 1) for j in (0, 1))
        net.line(f"{outs[0]} = torch.cat([{corners}], dim=1)")
    else:
        net.line(f"{outs[0]} = F.unfold({x}, 2, stride=2).view({x}.shape[0], -1, {h // 2}, {w // 2})")
    return [(c * 4, h // 2, w // 2)]


@op(weight=2, form=("flatten", "literal view", "batch -1", "nhwc"))
def flatten(net: Net, ins, outs, *, form) -> list[Shape]:
    c, h, w = net.image(ins[0])
    total = c * h * w
    need(total <= 1024)
    text = {
        "flatten": f"torch.flatten({ins[0]}, 1)",
        "literal view": f"{ins[0]}.contiguous().view({ins[0]}.shape[0], {total})",
        "batch -1": f"{ins[0]}.reshape(-1, {total})",
        "nhwc": f"{ins[0]}.permute(0, 2, 3, 1).flatten(1)",
    }
    net.line(f"{outs[0]} = {text[form]}")
    return [(total,)]


@op(form=("channels", "space", "channels low"))
def pad(net: Net, ins, outs, *, form) -> list[Shape]:
    c, h, w = net.image(ins[0])
    if form == "space":
        net.line(f"{outs[0]} = F.pad({ins[0]}, (1, 0, 0, 1))")
        return [(c, h + 1, w + 1)]
    sides = "0, 4" if form == "channels" else "2, 2"
    net.line(f"{outs[0]} = F.pad({ins[0]}, (0, 0, 0, 0, {sides}))")
    return [(c + 4, h, w)]


@op()
def write_into(net: Net, ins, outs) -> list[Shape]:
    shape = net.image(ins[0])
    need(shape[0] > 2)
    net.line(f"{outs[0]} = {ins[0]}.clone()")
    net.line(f"{outs[0]}[:, :2] = {outs[0]}[:, :2] * 2.0 + 0.5")
    return [shape]


@op()
def loop_sum(net: Net, ins, outs) -> list[Shape]:
    """A Res2Net-like chain over equal chunks."""
    c, h, w = net.image(ins[0])
    need(c % 4 == 0 and c > 4)
    modules = [net.member(f"nn.Conv2d({c // 4}, {c // 4}, 1)") for _ in range(3)]
    x, out = ins[0], outs[0]
    net.line(f"{out} = list(torch.chunk({x}, 4, 1))")
    for i, module in enumerate(modules):
        net.line(f"{out}[{i + 1}] = {module}({out}[{i + 1}] + {out}[{i}])")
    net.line(f"{out} = torch.cat({out}, 1)")
    return [(c, h, w)]


# Pooling, reduction, resizing


@op(weight=2, form=("max_pool2d", "avg_pool2d"))
def pool(net: Net, ins, outs, *, form) -> list[Shape]:
    c, h, w = net.image(ins[0])
    need(h >= 2 and w >= 2)
    net.line(f"{outs[0]} = F.{form}({ins[0]}, 2)")
    return [(c, h // 2, w // 2)]


@op(mode=("nearest", "bilinear"))
def interpolate(net: Net, ins, outs, *, mode) -> list[Shape]:
    c, h, w = net.image(ins[0])
    need(h <= 8 and w <= 8)
    net.line(f"{outs[0]} = F.interpolate({ins[0]}, scale_factor=2, mode='{mode}')")
    return [(c, 2 * h, 2 * w)]


@op(weight=2, form=("mean", "amax", "adaptive", "adaptive max"))
def to_vector(net: Net, ins, outs, *, form) -> list[Shape]:
    c, _, _ = net.image(ins[0])
    text = {
        "mean": f"{ins[0]}.mean((2, 3))",
        "amax": f"{ins[0]}.amax(dim=(2, 3))",
        "adaptive": f"F.adaptive_avg_pool2d({ins[0]}, 1).flatten(1)",
        "adaptive max": f"F.adaptive_max_pool2d({ins[0]}, 1)[:, :, 0, 0]",
    }
    net.line(f"{outs[0]} = {text[form]}")
    return [(c,)]


@op(form=("mean", "amax", "sum", "norm"))
def over_channels(net: Net, ins, outs, *, form) -> list[Shape]:
    """An attention map of one channel, times the image (CBAM)."""
    shape = net.image(ins[0])
    text = f"{ins[0]}.norm(dim=1, keepdim=True)" if form == "norm" else f"{ins[0]}.{form}(1, keepdim=True)"
    net.line(f"{outs[0]} = {ins[0]} * torch.sigmoid({text})")
    return [shape]


@op(groups=(2, 4), form=("sum", "amax"))
def over_groups(net: Net, ins, outs, *, groups, form) -> list[Shape]:
    """Maxout, or the sum of split attention."""
    c, h, w = net.image(ins[0])
    need(c % groups == 0 and c > groups)
    shape = f"{ins[0]}.shape[0], {groups}, {c // groups}, {h}, {w}"
    net.line(f"{outs[0]} = {ins[0]}.reshape({shape}).{form}(1)")
    return [(c // groups, h, w)]


@op(weight=2, form=("conv", "linear", "literal"))
def squeeze_excite(net: Net, ins, outs, *, form) -> list[Shape]:
    c, h, w = net.image(ins[0])
    x, out, hidden = ins[0], outs[0], max(2, c // 2)
    net.line(f"{out} = F.adaptive_avg_pool2d({x}, 1)")
    if form == "conv":
        first, second = net.member(f"nn.Conv2d({c}, {hidden}, 1)"), net.member(f"nn.Conv2d({hidden}, {c}, 1)")
        net.line(f"{out} = {x} * torch.sigmoid({second}(F.relu({first}({out}))))")
        return [(c, h, w)]
    first, second = net.member(f"nn.Linear({c}, {hidden})"), net.member(f"nn.Linear({hidden}, {c})")
    net.line(f"{out} = torch.sigmoid({second}(F.relu({first}({out}.flatten(1)))))")
    shape = f"{x}.shape[0], {c}, 1, 1" if form == "literal" else f"*{out}.shape, 1, 1"
    net.line(f"{out} = {x} * {out}.view({shape})")
    return [(c, h, w)]


@op()
def glu(net: Net, ins, outs) -> list[Shape]:
    shape = net.shapes[ins[0]]
    dim = 0 if len(shape) == 3 else len(shape) - 1
    need(shape[dim] % 2 == 0 and shape[dim] > 2)
    net.line(f"{outs[0]} = F.glu({ins[0]}, dim={dim + 1})")
    return [tuple(s // 2 if i == dim else s for i, s in enumerate(shape))]


# Tokens


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


# The end


@op(weight=0, form=("pool", "flatten", "conv"))
def head(net: Net, ins, outs, *, form) -> list[Shape]:
    """What makes an output of any value."""
    shape, x = net.shapes[ins[0]], ins[0]
    if len(shape) == 3 and form == "conv":
        net.line(f"{outs[0]} = {net.member(f'nn.Conv2d({shape[0]}, 3, 1)')}({x})")
        return [(3, *shape[1:])]
    if len(shape) == 3 and form == "flatten" and shape[0] * shape[1] * shape[2] <= 1024:
        module = net.member(f"nn.Linear({shape[0] * shape[1] * shape[2]}, 5)")
        net.line(f"{outs[0]} = {module}({x}.flatten(1))")
        return [(5,)]
    c = shape[0] if len(shape) == 3 else shape[-1]
    pooled = {3: f"{x}.mean((2, 3))", 2: f"{x}.mean(1)", 1: x}[len(shape)]
    net.line(f"{outs[0]} = {net.member(f'nn.Linear({c}, 5)')}({pooled})")
    return [(5,)]
