"""What the removed channels gave on average -> added to the biases of their consumers.

    s[n] = sum over removed k of w[k, n] · E x[k]

which is exact for channels that are constant, dead ones among them. The mean is that of the samples; without
any, that which `expected` finds. Where a convolution pads with zeros it is the mean over all positions, those
at the border included: there no constant is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from slimgui.core.groups import Refusal
from slimgui.engine.consumers import Consumer
from slimgui.engine.expected import Expected
from slimgui.engine.inputs import Inputs
from slimgui.engine.meeting import chosen, meet
from slimgui.engine.pair import Pair
from slimgui.engine.products import Product, memory, product
from slimgui.engine.recording import Ref
from slimgui.engine.trace import Traced


def absorb(
    pair: Pair, traced: Traced, consumers: Sequence[Consumer], batches: Sequence[Inputs] | None
) -> tuple[set[str], list[Refusal]]:
    """Shift the biases of `pair.small`, in place, once for all consumers.

    Args:
        pair: the two models.
        traced: of the whole one.
        consumers: those that read a cut are looked at.
        batches: samples; None: without data.

    Returns:
        Names of what changed, and the consumers that were left alone, with the reason.
    """
    cut = [consumer for consumer in consumers if consumer.reads_cut]
    able = [consumer for consumer in cut if consumer.shift is not None]
    left = [c.refusal("Nothing is added to what it gives.") for c in cut if c.shift is None]
    changed: set[str] = set()
    if batches is None:
        found = dict(_without_data(pair, traced, able))
        left += [c.refusal("Nothing says how its inputs are distributed.") for c in able if c not in found]
    else:
        found = _from_samples(pair, able, batches)
    for consumer, (places, means) in found.items():
        weights = memory(pair.old[consumer.weight])[places].double()
        stays = pair.stays(consumer, places)
        given = (weights * ~stays * means[:, :, None]).sum(1)
        changed |= pair.add_shift(consumer, given[stays.any(1)])
    return changed, left


def _from_samples(
    pair: Pair, consumers: Sequence[Consumer], batches: Sequence[Inputs]
) -> dict[Consumer, tuple[Tensor, Tensor]]:
    """Per consumer the places of its factors [g, k, n] and the means of what they read [g, k]: one pass."""
    places: dict[Consumer, Tensor] = {}
    sums: dict[Consumer, Tensor] = {}
    counts: dict[Consumer, int] = {}

    def add(consumer: Consumer, _: int, made: Product) -> None:
        x = made.x(chosen(made.count, counts.get(consumer, 0)))
        places[consumer] = made.places
        sums[consumer] = sums.get(consumer, torch.zeros(())) + x.sum(1, dtype=torch.float64)
        counts[consumer] = counts.get(consumer, 0) + x.shape[1]

    for batch in batches:
        meet(pair.whole, consumers, batch, add)
    return {consumer: (places[consumer], sums[consumer] / counts[consumer]) for consumer in sums}


def _without_data(
    pair: Pair, traced: Traced, consumers: Sequence[Consumer]
) -> Iterator[tuple[Consumer, tuple[Tensor, Tensor]]]:
    """The same, of the consumers whose inputs' means follow from weights."""
    expected = Expected(traced, pair.old)
    for consumer in consumers:
        data, call = consumer.data, consumer.call
        mean = expected.mean(data)
        if mean is None:
            continue
        weight = pair.old[consumer.weight].detach()
        args = list(call.args)
        for i, arg in enumerate(args):
            if arg == Ref(data):
                args[i] = mean
            elif i == consumer.operand:
                traced_view = traced.passes[0].capture.values[arg.index].tensor
                start = weight.storage_offset() + traced_view.storage_offset()
                args[i] = weight.as_strided(traced_view.shape, traced_view.stride(), start)
        out = torch.empty(traced.passes[0].capture.values[call.outputs[0] or 0].shape, device="meta")
        made = product(call.func, args, call.kwargs, out, consumer.operand)
        x = made.x(chosen(made.count, 0))
        yield consumer, (made.places, x.double().mean(1))
