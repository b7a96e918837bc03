"""The whole model and the smaller one on the same samples -> what a consumer misses in the smaller one.

Both run up to this consumer, so that what it reads in the smaller model is what all numbers before it make
there now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from slimgui.engine.consumers import Consumer
from slimgui.engine.pair import Pair
from slimgui.engine.products import Product
from slimgui.engine.walk import Walks, chosen


class Unlike(Exception):  # noqa: N818 - it is an answer: these two cannot be compared
    """The whole and the smaller model do something else at a consumer."""


@dataclass(frozen=True, slots=True, eq=False)
class Missed:
    """Rows of one contraction in both models, with all that is added to its channels.

    Attributes:
        x: what the smaller one read, [g, m, k].
        want: what the whole one gave for the channels of the smaller one, [g, m, n].
        missed: that less what the smaller one gave, [g, m, n].
        places: int64 [g, k, n]: where in the smaller weight's memory the factors lie.
        batch: number of the batch they are of.
    """

    x: Tensor
    want: Tensor
    missed: Tensor
    places: Tensor
    batch: int


def missed(pair: Pair, consumer: Consumer, walks: Walks) -> Iterator[Missed]:
    """The same rows in both models, batch by batch, a seeded choice where there are many.

    Raises:
        Unlike: the two models do not run in step here.
    """
    offset = _offset(pair, consumer)
    for number in range(len(walks.whole.batches)):
        whole, small = (walk.products(consumer, number) for walk in (walks.whole, walks.small))
        for call in consumer.calls:
            one, other = whole.get(call), small.get(call)
            if one is None or other is None or one.count != other.count:
                raise Unlike("The two models make other calls here.")
            yield _rows(pair, consumer, (one, other), offset, number)


def _rows(
    pair: Pair, consumer: Consumer, sides: tuple[Product, Product], offset: Tensor | None, batch: int
) -> Missed:
    one, other = sides
    rows = chosen(one.count, batch)
    have = other.y(rows)
    group, column = pair.stays(consumer, one.places).any(1).nonzero(as_tuple=True)
    if group.numel() != len(have) * have.shape[2]:
        raise Unlike("The two models read other parts of the weight here.")
    want = one.y(rows)[group, :, column].reshape(len(have), have.shape[2], -1).mT
    difference = want - have
    if offset is not None:
        difference = difference + offset.reshape(len(have), 1, -1)
    return Missed(other.x(rows), want, difference, other.places, batch)


def _offset(pair: Pair, consumer: Consumer) -> Tensor | None:
    """What the whole model adds behind the contraction, less what the smaller one adds."""
    shift = consumer.shift
    if shift is None or shift.inside:
        return None
    return shift.sign * (pair.sliced(shift.name) - pair.new[shift.name])
