"""Without samples: a removed channel is taken for a multiple of the kept one that is made most alike.

What makes a channel is the row of all weights that write it, with the scale of the norm behind them. Of row f
of a removed channel and rows g of the kept ones, the nearest is that of the largest cosine; the multiple is
the least-squares slope (f · g) / (g · g). Consumers get the sum: w[nearest] + slope · w[removed]. It is exact
for twins, and behind ReLU for multiples of each other. Shifts, a bias or that of a norm, have a say in which
is nearest and none in the slope: constants are for `absorb`.

Source: neuron merging (Kim et al. 2020), by labels, over all writers and readers of a group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from slimgui.core.groups import Group, Member
from slimgui.core.plan import Selection
from slimgui.engine.absorb import traced_product
from slimgui.engine.consumers import NORMS, Consumer
from slimgui.engine.pair import Pair
from slimgui.engine.products import elements
from slimgui.engine.recording import Call, Ref
from slimgui.engine.trace import Traced


def merge(pair: Pair, traced: Traced, consumers: Sequence[Consumer], selection: Selection) -> set[str]:
    """Add what removed channels gave to the weights that read kept ones, in place, in `pair.small`.

    Args:
        pair: the two models.
        traced: of the whole one.
        consumers: of the smaller model.
        selection: which channels stay.

    Returns:
        Names of what changed.
    """
    writing, changed = _Writing(pair, traced, consumers), set[str]()
    for group in traced.groups:
        kept = selection.keep[group.id]
        readers = [member for member in group.members if writing.reads(member)]
        if len(kept) < group.size and readers:
            alike = _alike(writing, group, kept)
            for member in readers:
                _add(pair, member, alike)
                changed.add(member.parameter)
    return changed


@dataclass(frozen=True, slots=True, eq=False)
class _Alike:
    """Removed channels, for each the kept one that is most alike, and the slope: int, int, float64 [r]."""

    removed: Tensor
    nearest: Tensor
    slope: Tensor


def _alike(writing: _Writing, group: Group, kept: np.ndarray) -> _Alike:
    rows, shifts = writing.rows(group)
    stays = torch.from_numpy(kept)
    removed = torch.from_numpy(np.setdiff1d(np.arange(group.size), kept))
    whole = torch.nn.functional.normalize(torch.cat((rows, shifts), 1), dim=1)
    cosine, place = (whole[removed] @ whole[stays].T).max(1)
    nearest = stays[place]
    other = rows[nearest]
    slope = (rows[removed] * other).sum(1) / other.square().sum(1).clamp(min=torch.finfo(torch.float64).tiny)
    alike = (cosine > 0) & (slope > 0)  # what points away is no twin behind a nonlinearity
    return _Alike(removed[alike], nearest[alike], slope[alike])


def _add(pair: Pair, member: Member, alike: _Alike) -> None:
    """Add `slope` times what reads the removed channels to what reads the nearest.

    Where a dimension is cut in two factors, heads and channels of a head, some of the nearest may be gone.
    """
    name, dim = member.parameter, member.dim
    indices, here = torch.from_numpy(member.indices), torch.from_numpy(pair.kept[name][dim])
    nearest, removed = (indices[units].reshape(-1) for units in (alike.nearest, alike.removed))
    stays = torch.isin(nearest, here)
    given = pair.sliced(name, but=dim).index_select(dim, removed[stays])
    slopes = alike.slope.repeat_interleave(indices.shape[1])[stays].to(given)
    form = [-1 if i == dim else 1 for i in range(given.ndim)]
    places = torch.searchsorted(here, nearest[stays])
    pair.new[name].index_add_(dim, places, given * slopes.reshape(form))


class _Writing:
    """The weights of the whole model, seen as what writes channels."""

    def __init__(self, pair: Pair, traced: Traced, consumers: Sequence[Consumer]) -> None:
        self.pair, self.traced = pair, traced
        self.consumers: dict[str, list[Consumer]] = {}
        self.scales: dict[str, Tensor] = {}  # weight -> what the norm behind it multiplies its channels by
        self.shifts: dict[str, Tensor] = {}  # shift -> its numbers, with all the norm adds
        self.gone: set[str] = set()  # what these two hold already
        for consumer in consumers:
            self.consumers.setdefault(consumer.weight, []).append(consumer)
            if consumer.shift is not None and consumer.shift.name not in consumer.statistics:
                self.shifts[consumer.shift.name] = pair.old[consumer.shift.name].detach().double()
        for consumer in consumers:
            if consumer.statistics:
                self._behind(consumer)

    def reads(self, member: Member) -> bool:
        """Whether a contraction sums over these channels."""
        return any(self._sums(consumer, member.dim) for consumer in self.consumers.get(member.parameter, ()))

    def _sums(self, consumer: Consumer, dim: int) -> bool:
        weight = self.pair.old[consumer.weight]
        places = traced_product(self.pair, self.traced, consumer).places
        along = torch.unravel_index(elements(weight, places), weight.shape)[dim]
        return bool((along != along[:, :1]).any())

    def _behind(self, consumer: Consumer) -> None:
        """The norm that reads the output of a contraction: y = scale · (x - mean) + shift."""
        call = next(call for call in self.traced.passes[0].capture.calls if self._is_norm(call, consumer))
        gain, shift = (self._name(ref) for ref in call.args[1:3])
        if not gain or not shift:
            return
        old = {name: self.pair.old[name].detach().double() for name in (gain, shift, *consumer.statistics)}
        mean, variance = (old[name] for name in consumer.statistics)
        scale = old[gain] / (variance + call.args[-1]).sqrt()
        self.scales[consumer.weight] = scale
        before = consumer.shift.name if consumer.shift is not None else ""
        bias = self.shifts.get(before, torch.zeros((), dtype=torch.float64))
        self.shifts[shift] = old[shift] + scale * (bias - mean)
        self.gone |= {gain, before, *consumer.statistics} - {""}

    def _is_norm(self, call: Call, consumer: Consumer) -> bool:
        return call.func.overloadpacket in NORMS and self._name(call.args[3]) == consumer.statistics[0]

    def _name(self, ref: object) -> str:
        return self.traced.passes[0].capture.values[ref.index].name if isinstance(ref, Ref) else ""

    def rows(self, group: Group) -> tuple[Tensor, Tensor]:
        """Per channel all numbers that make it, and its shifts: float64 [size, ...] each."""
        rows: list[Tensor] = []
        shifts: list[Tensor] = []
        for member in group.members:
            name = member.parameter
            if name in self.shifts and name not in self.gone:
                shifts.append(self._of(self.shifts[name], member))
            elif name not in self.gone and not self.reads(member):
                rows.extend(self._scaled(member))
        empty = torch.zeros(group.size, 0, dtype=torch.float64)
        return torch.cat([empty, *rows], 1), torch.cat([empty, *shifts], 1)

    def _scaled(self, member: Member) -> Iterator[Tensor]:
        tensor = self.pair.old[member.parameter].detach()
        if tensor.is_floating_point():
            scale = self.scales.get(member.parameter)
            form = [-1 if i == member.dim else 1 for i in range(tensor.ndim)]
            yield self._of(tensor.double() * (1 if scale is None else scale.reshape(form)), member)

    def _of(self, tensor: Tensor, member: Member) -> Tensor:
        """What each channel owns of a tensor: [size, ...]."""
        own = tensor.movedim(member.dim, 0)[torch.from_numpy(member.indices)]
        return own.reshape(len(own), -1)
