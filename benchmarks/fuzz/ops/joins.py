"""What takes two values."""
# ruff: noqa: D103 - the name of the function is the op

from __future__ import annotations

from benchmarks.fuzz.net import Net, Shape, need, op
from benchmarks.fuzz.ops.common import MOST


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
