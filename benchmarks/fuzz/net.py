"""A list of op records -> the source of a module -> the module.

A record is a plain dict: {"op": "conv", "ins": ["v0"], "outs": ["v1"], ...arguments}. A net is python source
of its own, under a file name of its own, so that every size stands at a line of its own, as in people's code.
Records can be left out: what read their result then reads what they read.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import torch
from torch import nn

Record = dict[str, Any]
Shape = tuple[int, ...]  # without the batch: (C, H, W) an image, (N, C) tokens, (C,) a vector

INPUT: Shape = (3, 8, 8)
_number = count()


class Unfit(Exception):  # noqa: N818 - an answer
    """The op cannot be applied to these shapes."""


@dataclass(frozen=True)
class OpKind:
    """How an op is drawn and written down.

    Attributes:
        write: (net, inputs, outputs, **arguments) -> shapes of the outputs; raises Unfit.
        choices: argument -> what it may be.
        weight: how often it is drawn.
        ins: number of inputs.
        match: the dimensions in which two inputs must agree: "all", "but channels" or "".
    """

    write: Callable[..., list[Shape]]
    choices: Mapping[str, Sequence[Any]]
    weight: float
    ins: int
    match: str


OPS: dict[str, OpKind] = {}


def op(weight: float = 1.0, ins: int = 1, match: str = "", **choices: Sequence[Any]) -> Callable[..., Any]:
    """Enter the decorated function in the table of ops."""

    def enter(write: Callable[..., list[Shape]]) -> Callable[..., list[Shape]]:
        assert write.__name__ not in OPS, f"{write.__name__} is there already"
        OPS[write.__name__] = OpKind(write, choices, weight, ins, match)
        return write

    return enter


def need(condition: bool) -> None:
    """Raise Unfit unless `condition` holds."""
    if not condition:
        raise Unfit


class Net:
    """The source of a module in the making."""

    def __init__(self) -> None:
        self.setup: list[str] = []
        self.body: list[str] = []
        self.shapes: dict[str, Shape] = {"v0": INPUT}
        self.read: set[str] = set()
        self.module_of: dict[str, tuple[str, Shape, Shape]] = {}
        self.records: list[Record] = []

    def member(self, expression: str) -> str:
        """A new attribute of the module; returns how forward calls it."""
        name = f"self.m{len(self.setup)}"
        self.setup.append(f"{name} = {expression}")
        return name

    def parameter(self, *shape: int) -> str:
        """A new bare parameter."""
        return self.member(f"nn.Parameter(torch.randn({', '.join(map(str, shape))}))")

    def line(self, text: str) -> None:
        """A line of forward."""
        self.body.append(text)

    def image(self, name: str) -> Shape:
        """The shape of an image; raises Unfit for anything else."""
        return self._of_rank(name, 3)

    def tokens(self, name: str) -> Shape:
        """The shape of tokens."""
        return self._of_rank(name, 2)

    def vector(self, name: str) -> int:
        """The size of a vector."""
        return self._of_rank(name, 1)[0]

    def _of_rank(self, name: str, rank: int) -> Shape:
        need(len(self.shapes[name]) == rank)
        return self.shapes[name]

    def add(self, record: Record) -> None:
        """Write down one op; nothing is changed when it raises Unfit."""
        marks = len(self.setup), len(self.body)
        arguments = {key: value for key, value in record.items() if key not in ("op", "ins", "outs")}
        try:
            need(all(name in self.shapes for name in record["ins"]))
            shapes = OPS[record["op"]].write(self, record["ins"], record["outs"], **arguments)
        except Unfit:
            del self.setup[marks[0] :], self.body[marks[1] :]
            raise
        self.shapes.update(zip(record["outs"], shapes, strict=True))
        self.read.update(record["ins"])
        self.records.append(record)

    def unread(self) -> list[str]:
        """Values that no op reads: the outputs of the net."""
        return [name for name in self.shapes if name not in self.read and name != "v0"]

    def source(self) -> str:
        """The module as python."""
        setup = "".join(f"        {text}\n" for text in self.setup)
        body = "".join(f"        {text}\n" for text in self.body)
        return (
            "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n" + setup + "\n"
            "    def forward(self, v0):\n" + body + f"        return {', '.join(self.unread()) or 'v0'},\n"
        )

    def module(self) -> nn.Module:
        """The module itself."""
        text = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n\n" + self.source()
        path = f"/slimgui-fuzz/net_{next(_number)}.py"
        linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
        space: dict[str, Any] = {"__name__": "fuzz_net"}
        exec(compile(text, path, "exec"), space)  # noqa: S102 - our own source
        return space["Net"]()


def assemble(records: Sequence[Record], without: frozenset[int] = frozenset()) -> Net:
    """The net of `records`, some left out. Raises Unfit when the rest does not fit together."""
    net = Net()
    stands_for: dict[str, str] = {}
    for number, record in enumerate(records):
        ins = [stands_for.get(name, name) for name in record["ins"]]
        if number in without:
            stands_for.update(dict.fromkeys(record["outs"], ins[0]))
        else:
            net.add({**record, "ins": ins})
    need(bool(net.unread()))
    return net


def inputs(batch: int, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, ...]:
    """A batch of inputs of every net."""
    return (torch.randn(batch, *INPUT, generator=torch.Generator().manual_seed(batch)).to(dtype),)
