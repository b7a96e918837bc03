"""Pooling, reduction, resizing."""
# ruff: noqa: D103 - the name of the function is the op

from __future__ import annotations

from benchmarks.fuzz.net import Net, Shape, need, op


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
