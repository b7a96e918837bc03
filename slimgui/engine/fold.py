"""What the removed channels told their consumers -> folded into the weights of the kept ones.

For every consumer, in the order in which they run, the change D of its weight that minimises

    sum over rows |r - x D - s|² + ridge · mean(diag G) · |D|²,    G = sum over rows of (x - x̄)(x - x̄)ᵀ

x is what the consumer reads in the smaller model, all consumers before it folded already; r is what it gave
in the whole model less what it gives now; s is a shift of its channels, where it has a bias or a norm to hold
one. Samples are streamed once per consumer: what is held is G and one matrix of the size of the weight, of
every second batch. Few samples and many inputs leave D free to fit what is chance: of ridges, each ten
times the one before, that is taken by which what is fitted to one half of the batches tells the other best.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from slimgui.engine.consumers import Consumer
from slimgui.engine.missed import missed
from slimgui.engine.pair import Pair
from slimgui.engine.products import memory
from slimgui.engine.walk import Walks

BLOCK = 8192  # inputs solved for together: a Gram matrix of half a gigabyte
MOST = 1e2  # the largest ridge: D is next to nothing
NOTHING = 1e-5  # of the output: a difference that is rounding


class Moments:
    """Sums over rows: of x, r, x xᵀ and x rᵀ, per group of the contraction."""

    def __init__(self) -> None:
        self.count = 0
        self.x = self.r = self.xx = self.xr = torch.zeros(())
        self.rr = self.yy = 0.0

    def add(self, x: Tensor, r: Tensor, y: Tensor) -> None:
        """Rows [g, m, k] that were read, [g, m, n] that were missed, and [g, m, n] that were wanted."""
        x, r, y = x.float(), r.float(), y.float()
        self.count += x.shape[1]
        self.x = self.x + x.sum(1, dtype=torch.float64)
        self.r = self.r + r.sum(1, dtype=torch.float64)
        self.xx = self.xx + (x.mT @ x).double()
        self.xr = self.xr + (x.mT @ r).double()
        self.rr += float(r.square().sum(dtype=torch.float64))
        self.yy += float(y.square().sum(dtype=torch.float64))

    def __add__(self, other: Moments) -> Moments:
        both = Moments()
        for name in vars(both):
            setattr(both, name, getattr(self, name) + getattr(other, name))
        return both

    def off(self, change: Tensor, shift: Tensor) -> float:
        """Σ |r - x D - s|², up to what does not depend on D and s."""
        told = (change * (self.xx @ change - 2 * self.xr)).sum()
        drift = 2 * (self.x[:, None] @ change)[:, 0] - 2 * self.r + self.count * shift
        return float(told + (shift * drift).sum())

    def solve(self, ridge: float, *, shifted: bool) -> tuple[Tensor, Tensor]:
        """The change D [g, k, n] of the weights, and the shift [g, n]: zeros when not `shifted`."""
        gram, cross = self.xx.clone(), self.xr
        if shifted:
            gram = gram - self.x[:, :, None] * self.x[:, None] / self.count
            cross = cross - self.x[:, :, None] * self.r[:, None] / self.count
        diagonal = gram.diagonal(dim1=1, dim2=2)
        diagonal += ridge * diagonal.mean(1, keepdim=True) + torch.finfo(torch.float64).tiny
        change = _solved(gram, cross)
        shift = (self.r - (self.x[:, None] @ change)[:, 0]) / self.count if shifted else 0 * self.r
        return change, shift


def held_out(halves: Sequence[Moments], ridge: float, *, shifted: bool) -> float:
    """The ridge, from `ridge` on, by which either half tells the other best; with one half as given."""
    if not all(half.count for half in halves):
        return ridge
    found: dict[float, float] = {}
    while not found or ridge <= MOST:
        found[ridge] = sum(
            other.off(*half.solve(ridge, shifted=shifted))
            for half, other in zip(halves, reversed(halves), strict=True)
        )
        ridge = 10 * ridge or MOST
    return min(found, key=found.__getitem__)


def _solved(gram: Tensor, cross: Tensor) -> Tensor:
    """gram⁻¹ cross; of a matrix that is not positive definite in floating point, the pseudo-inverse's."""
    factor, info = torch.linalg.cholesky_ex(gram)
    if not info.any():
        solution: Tensor = torch.cholesky_solve(cross, factor)
        return solution
    inverse: Tensor = torch.linalg.pinv(gram, hermitian=True)
    return inverse @ cross


def fold(pair: Pair, consumer: Consumer, walks: Walks, ridge: float) -> set[str]:
    """Change the weight of one consumer in `pair.small`, in place.

    Args:
        pair: the two models.
        consumer: of the smaller model.
        walks: both models on the samples.
        ridge: see above.

    Returns:
        Names of what changed; empty when nothing was missed.

    Raises:
        Unlike: the two models do not run in step here.
    """
    changed = pair.restore_statistics(consumer)
    start, size = 0, 1
    while start < size:
        block, size, found = _fit(pair, consumer, walks, ridge, start)
        changed |= found
        start = block.stop
    return changed


def _fit(
    pair: Pair, consumer: Consumer, walks: Walks, ridge: float, start: int
) -> tuple[slice, int, set[str]]:
    """Fit the block of inputs from `start`: the block, how many inputs there are, names of what changed."""
    halves, block, places = (Moments(), Moments()), slice(0, 0), torch.zeros(())
    for seen in missed(pair, consumer, walks):
        places, width = seen.places, max(1, int(BLOCK / len(seen.places) ** 0.5))
        block = slice(start, start + width)
        halves[seen.batch % 2].add(seen.x[..., block], seen.missed, seen.want)
    size = places.shape[1]
    moments, shifted = halves[0] + halves[1], consumer.shift is not None
    if moments.rr <= NOTHING**2 * moments.yy:
        return slice(start, size), size, set()
    change, shift = moments.solve(held_out(halves, ridge, shifted=shifted), shifted=shifted)
    weights = memory(pair.new[consumer.weight])
    weights[places[:, block]] += change.to(weights)
    changed = {consumer.weight}
    return block, size, changed | pair.add_shift(consumer, shift) if shifted else changed
