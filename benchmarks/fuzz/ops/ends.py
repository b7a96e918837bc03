"""How a net ends."""

from __future__ import annotations

from benchmarks.fuzz.net import Net, Shape, op


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
