"""How the seconds of `trace` grow with the depth and with the width of a residual net.

The net is on meta: its weights would need 40 TB at the far end, and a trace reads none of them.

python -m benchmarks.bench.growth     the process that measures; it is started by the benchmark
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.bench import process

DEPTHS, WIDTH = (10, 30, 100, 300, 1000, 2000), 64
WIDTHS, DEPTH = (64, 256, 1024, 4096, 8192, 16384), 20
UPPER = 4  # points that the exponent is fitted to: below them what is constant counts
REPEATS = 3


class Block(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(x + self.norm2(self.conv2(y)))


def residual_net(depth: int, width: int) -> nn.Module:
    """A stem, `depth` blocks, a classifier; on meta."""
    with torch.device("meta"):
        blocks = [Block(width) for _ in range(depth)]
        pool = (nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return nn.Sequential(nn.Conv2d(3, width, 3), *blocks, *pool, nn.Linear(width, 10)).eval()


def main() -> None:
    """Trace every net; the least seconds of a few repetitions."""
    tell = process.child()
    from slimgui import engine

    example = torch.zeros(1, 3, 8, 8)
    engine.trace(residual_net(2, 8), example)
    for kind, sizes, net in series():
        for size in sizes:
            trace = functools.partial(engine.trace, net(size), example)
            runs = [process.measured(trace) for _ in range(REPEATS)]
            tell(
                kind=kind,
                size=size,
                ops=len(runs[0][0].graph.ops),
                seconds=min(seconds for _, seconds, _ in runs),
                peak=max(peak for *_, peak in runs),
            )


def series() -> tuple[tuple[str, tuple[int, ...], Callable[[int], nn.Module]], ...]:
    """Name, sizes, and the net of a size."""
    return (
        (f"blocks, {WIDTH} channels wide", DEPTHS, lambda depth: residual_net(depth, WIDTH)),
        (f"channels, {DEPTH} blocks deep", WIDTHS, lambda width: residual_net(DEPTH, width)),
    )


@dataclass(frozen=True)
class Point:
    """One trace: seconds, bytes."""

    kind: str
    size: int
    ops: int
    seconds: float
    peak: int


def measure() -> list[Point]:
    """Every point of both series."""
    points = []
    for said in process.lines("benchmarks.bench.growth"):
        points.append(Point(**said))
        print(points[-1], flush=True)
    return points


def exponent(points: list[Point]) -> float:
    """The b in seconds = a * size^b, by least squares over the logarithms of the upper points."""
    upper = points[-UPPER:]
    slope, _ = np.polyfit(np.log([p.size for p in upper]), np.log([p.seconds for p in upper]), 1)
    return float(slope)


def table(points: list[Point]) -> list[str]:
    """Markdown."""
    made = []
    for kind in dict.fromkeys(point.kind for point in points):
        own = [point for point in points if point.kind == kind]
        fitted = f"Fitted over the last {UPPER}: seconds grow with {kind.partition(',')[0]} to the power of "
        made += [f"| {kind} | ops | trace s | peak MB |", "|---|---|---|---|"]
        made += [f"| {p.size:,} | {p.ops:,} | {p.seconds:.3f} | {p.peak / 2**20:.0f} |" for p in own]
        made += ["", f"{fitted}**{exponent(own):.2f}**.", ""]
    return made


if __name__ == "__main__":
    main()
