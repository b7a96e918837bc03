"""Taking apart and moving."""
# ruff: noqa: D103 - the name of the function is the op

from __future__ import annotations

from benchmarks.fuzz.net import Net, Shape, need, op
from benchmarks.fuzz.ops.common import MOST


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
