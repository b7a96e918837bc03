"""What a model costs, as closed forms of the group counts: microseconds per edit.

One MAC is one multiply-add. A convolution costs (output elements) x (weight elements per output
channel), a matrix product m·k x k·n costs m·k·n; biases, norms and activations are not counted (the
convention of fvcore's flop counter, which calls the same number "flops"). MACs and activation bytes are
for the example inputs as given, batch included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slimgui.core.groups import Group
from slimgui.core.sizes import Product, total


@dataclass(frozen=True, slots=True)
class Cost:
    """Totals of one model. Units: params in elements, bytes of all parameters and buffers,
    activation_bytes of every tensor the forward pass writes, latency in femtoseconds (0: not known).
    """

    params: int
    macs: int
    bytes: int
    activation_bytes: int
    latency: int = 0


@dataclass(frozen=True, slots=True)
class CostModel:
    """Closed forms of `Cost`: one product per parameter, per buffer, per op.

    `latency` is measured, so it is empty until somebody asks; see `slimgui.core.latency_forms`.
    """

    params: tuple[Product, ...] = ()
    macs: tuple[Product, ...] = ()
    bytes: tuple[Product, ...] = ()
    activation_bytes: tuple[Product, ...] = ()
    latency: tuple[Product, ...] = ()

    def at(self, counts: Mapping[str, int]) -> Cost:
        """The cost when group g keeps counts[g] channels; counts names every group."""
        return Cost(
            total(self.params, counts),
            total(self.macs, counts),
            total(self.bytes, counts),
            total(self.activation_bytes, counts),
            total(self.latency, counts),
        )


def full_counts(groups: Sequence[Group]) -> dict[str, int]:
    """Counts of the whole model: every group keeps everything."""
    return {group.id: group.size for group in groups}


def by_group(products: Sequence[Product], counts: Mapping[str, int]) -> dict[str, int]:
    """For each group, the sum of all products it appears in (products of two groups count for both)."""
    result: dict[str, int] = {}
    for product in products:
        value = product.at(counts)
        for group_id in product.groups():
            result[group_id] = result.get(group_id, 0) + value
    return result


def by_layer(products: Sequence[Product], counts: Mapping[str, int]) -> dict[str, int]:
    """For each layer, the sum of its products."""
    result: dict[str, int] = {}
    for product in products:
        result[product.layer] = result.get(product.layer, 0) + product.at(counts)
    return result
