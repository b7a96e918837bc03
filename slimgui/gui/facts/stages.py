"""The layers of a model in stages: what a chart has a bar for. No Qt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

FEW: Final = 3  # bars that say something
MANY: Final = 24  # bars that can be read


def stages(layers: Sequence[str]) -> dict[str, str]:
    """The stage of every layer: the shortest part of its path by which at least FEW stages differ.

    Where that makes more than MANY, neighbours share one, as in "4-7".

    Args:
        layers: dotted paths in order of the forward pass.
    """
    deepest = max((name.count(".") + 1 for name in layers), default=1)
    for depth in range(1, deepest + 1):
        of = {name: ".".join(name.split(".")[:depth]) or "(model)" for name in layers}
        if len(set(of.values())) >= FEW:
            break
    else:
        of = {name: name or "(model)" for name in layers}
    return _merged(of)


def _merged(of: Mapping[str, str]) -> dict[str, str]:
    names = list(dict.fromkeys(of.values()))
    size = -(-len(names) // MANY)
    parts = [names[start : start + size] for start in range(0, len(names), max(1, size))]
    titles = {name: _title(part) for part in parts for name in part}
    return {layer: titles[name] for layer, name in of.items()}


def _title(part: Sequence[str]) -> str:
    return part[0] if len(part) == 1 else f"{part[0]} – {part[-1]}"


def sums(of: Mapping[str, str], amounts: Mapping[str, int]) -> dict[str, int]:
    """Per stage, in order, the sum of what its layers have."""
    result = dict.fromkeys(of.values(), 0)
    for layer, stage in of.items():
        result[stage] += amounts.get(layer, 0)
    return result


def layers_of(costs: Iterable[Mapping[str, int]]) -> list[str]:
    """The layers that cost something, each once, in the order in which the costs name them."""
    return list(dict.fromkeys(layer for amounts in costs for layer, amount in amounts.items() if amount))
