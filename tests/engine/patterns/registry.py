"""What a pattern is, and the list they register in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

Expect = Literal["exact", "inexact", "refused", "any"]
Inputs = Callable[[int], Any]
Keep = Callable[..., Tensor]


@dataclass(frozen=True)
class Pattern:
    """One small net of one hard kind.

    Attributes:
        name: unique; the class name.
        line: number of the line in field.md section 4.
        build: makes the net; it is called under a fixed seed and in float64.
        inputs: batch size -> the positional inputs as a tuple, or the keyword inputs as a dict.
        expect: what a correct engine can say of at least one group: "exact" or "inexact"; "refused":
            something here has to stay locked; "any": whatever it says, it has to be right.
        note: what is hard about it.
        target: a parameter, "conv.weight" or "fc.weight:1" for another dimension than 0: the group that
            answers `expect` has to cut it.
        reference: reference(zeroed model, keep, *inputs) -> outputs, for statistics over the kept channels
            only. keep(name, dim=0) holds the kept indices. Without it LayerNorm, RMSNorm and GroupNorm
            modules are judged with statistics over the kept entries of their own gain, all else by zeros.
        also: inputs of another size (tokens, pixels) that the cut model has to take too.
        tolerance: relative, in float64; more only where forward itself computes in float32.
    """

    name: str
    line: int
    build: Callable[[], nn.Module]
    inputs: Inputs
    expect: Expect
    note: str = ""
    target: str = ""
    reference: Callable[..., Any] | None = None
    tolerance: float = 1e-9
    also: Inputs | None = None


ALL: list[Pattern] = []


def add(
    line: int, name: str, build: Callable[[], nn.Module], inputs: Inputs, expect: Expect, **more: Any
) -> None:
    """Register a pattern."""
    assert all(pattern.name != name for pattern in ALL), f"two patterns are called {name}"
    ALL.append(Pattern(name, line, build, inputs, expect, **more))


def net(line: int, inputs: Inputs, expect: Expect = "exact", **more: Any) -> Callable[[type], type]:
    """Register the decorated nn.Module class; its docstring is the note."""

    def register(kind: type) -> type:
        note = " ".join((kind.__doc__ or "").split()) if "__doc__" in vars(kind) else ""
        add(line, kind.__name__, kind, inputs, expect, note=note, **more)
        return kind

    return register


def image(channels: int = 3, size: int = 8) -> Inputs:
    return lambda batch: (torch.randn(batch, channels, size, size),)


def features(count: int = 6, width: int = 16) -> Inputs:
    return lambda batch: (torch.randn(batch, count, width),)


def vector(width: int = 12) -> Inputs:
    return lambda batch: (torch.randn(batch, width),)


def signal(channels: int = 3, length: int = 16) -> Inputs:
    return lambda batch: (torch.randn(batch, channels, length),)


def tokens(count: int = 6, vocabulary: int = 20) -> Inputs:
    return lambda batch: (torch.randint(0, vocabulary, (batch, count)),)
