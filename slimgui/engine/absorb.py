"""What the removed channels gave on average -> added to the biases of their consumers.

With samples, consumer after consumer in the order in which they run, the scale a and the shift s of every
output channel that minimise

    sum over rows |r - a c - s|² + ridge · (mean over channels of sum over rows |c - c̄|²) · a²

c is what its weight gives now, all consumers before it changed already; r is what it misses. The scale is
needed: with the mean restored and what varies shrunken, outputs of all samples become the same.
Without samples

    s[n] = sum over k of (w[k, n] - v[k, n]) · E x[k]

w is the weight of the whole model, v the smaller one's, 0 for channels that went; E x is what `expected`
finds. Both are exact for channels that are constant, dead ones among them. Where a convolution pads with
zeros the mean is one over all positions, those at the border included: there no constant is exact.
"""

from __future__ import annotations

import torch
from torch import Tensor

from slimgui.engine.consumers import Consumer
from slimgui.engine.expected import Expected
from slimgui.engine.missed import missed
from slimgui.engine.pair import Pair
from slimgui.engine.products import Product, memory, product
from slimgui.engine.recording import Ref
from slimgui.engine.trace import Traced
from slimgui.engine.walk import Walks, chosen


def absorb(pair: Pair, consumer: Consumer, walks: Walks, ridge: float) -> set[str]:
    """Scale and shift the outputs of one consumer in `pair.small`, in place.

    Args:
        pair: the two models.
        consumer: of the smaller model.
        walks: both models on the samples.
        ridge: see above.

    Returns:
        Names of what changed.

    Raises:
        Unlike: the two models do not run in step here.
    """
    weights, places = memory(pair.new[consumer.weight]), torch.zeros(())
    changed = {consumer.weight} | pair.restore_statistics(consumer)
    count, c, r, cc, cr = 0, *[torch.zeros(()) for _ in range(4)]
    for seen in missed(pair, consumer, walks):
        places = seen.places
        given, lost = (seen.x @ weights[places]).double(), seen.missed.double()
        count, c, r = count + given.shape[1], c + given.sum(1), r + lost.sum(1)
        cc, cr = cc + given.square().sum(1), cr + (given * lost).sum(1)
    if consumer.shift is not None:
        cc, cr = cc - c.square() / count, cr - c * r / count
    scale = cr / (cc + ridge * cc.mean() + torch.finfo(torch.float64).tiny)
    weights[places] *= (1 + scale[:, None]).to(weights)
    return changed if consumer.shift is None else changed | pair.add_shift(consumer, (r - scale * c) / count)


def absorb_expected(pair: Pair, traced: Traced, consumer: Consumer, expected: Expected) -> set[str]:
    """The same without samples; nothing changes where no weight says how the inputs are distributed.

    Args:
        pair: the two models.
        traced: of the whole one.
        consumer: of the smaller model; it has a shift.
        expected: means of the whole model's values.
    """
    mean = expected.mean(consumer.data)
    if mean is None:
        return set()
    made = traced_product(pair, traced, consumer, mean)
    places, means = made.places, made.x(chosen(made.count, 0)).double().mean(1)
    lost = memory(pair.old[consumer.weight] - pair.spread(consumer.weight))[places].double()
    given = (lost * means[:, :, None]).sum(1)
    return pair.add_shift(consumer, given[pair.stays(consumer, places).any(1)])


def traced_product(pair: Pair, traced: Traced, consumer: Consumer, data: Tensor | None = None) -> Product:
    """The traced call of a consumer in the whole model, on `data`, of the traced shape; on meta without."""
    call, values = consumer.call, traced.passes[0].capture.values
    weight, args = pair.old[consumer.weight].detach(), list(call.args)
    for i, arg in enumerate(args):
        if arg == Ref(consumer.data):
            args[i] = torch.empty(values[consumer.data].shape, device="meta") if data is None else data
        elif i == consumer.operand:
            view = values[arg.index].tensor
            start = weight.storage_offset() + view.storage_offset()
            args[i] = weight.as_strided(view.shape, view.stride(), start)
    out = torch.empty(values[call.outputs[0] or 0].shape, device="meta")
    return product(call.func, args, call.kwargs, out, consumer.operand)
