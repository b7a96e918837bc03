"""The modules around the boxes of a layer graph, and what is seen of the graph when some of them are open.

A closed module is one box, an open one a frame around what is in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

DEFAULT_BOXES = 60  # a fresh document shows the deepest modules of which there are no more


@dataclass(frozen=True, slots=True)
class Seen:
    """A graph with some modules open.

    Attributes:
        boxes: per box its name and its layer's index, -1 for a closed module; in order of the first layer.
        box_of: per layer the box that stands for it.
        frames: per box the open modules around it, outermost first.
        edges: pairs of boxes, each once, in order; none from a box to itself.
    """

    boxes: tuple[tuple[str, int], ...]
    box_of: tuple[int, ...]
    frames: tuple[tuple[str, ...], ...]
    edges: tuple[tuple[int, int], ...]


def modules_around(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Per layer the paths of the modules it lies in, outermost first.

    A module that holds one layer is not worth a frame, nor one that holds what the module around it holds. A
    layer that owns weights and has others inside lies within itself.

    Args:
        names: of layers, as in `Layer.name`: "a.b.conv", "a.b/add", "a.b.conv (2)" for a second call.
    """
    paths = [name.partition(" (")[0] for name in names]
    inside = {path for name in paths for path in _prefixes(name)}
    chains = [(*_prefixes(path), path) if path in inside else _prefixes(path) for path in paths]
    held = Counter(path for chain in chains for path in chain)
    return [tuple(_worthy(chain, held, len(names))) for chain in chains]


def _prefixes(path: str) -> tuple[str, ...]:
    module, called, _ = path.partition("/")
    parts = module.split(".")
    return tuple(".".join(parts[:end]) for end in range(1, len(parts) + bool(called)))


def _worthy(chain: Iterable[str], held: Counter[str], around: int) -> Iterable[str]:
    for path in chain:
        if 1 < held[path] < around:
            around = held[path]
            yield path


def seen(names: Sequence[str], edges: Iterable[tuple[int, int]], opened: Collection[str]) -> Seen:
    """What is seen of a graph when the modules in `opened` are open, as far as those around them are, too."""
    numbers: dict[tuple[str, int], int] = {}
    box_of, frames = [], []
    for layer, chain in enumerate(modules_around(names)):
        depth = next((depth for depth, path in enumerate(chain) if path not in opened), len(chain))
        box = (chain[depth], -1) if depth < len(chain) else (names[layer], layer)
        if box not in numbers:
            numbers[box] = len(numbers)
            frames.append(chain[:depth])
        box_of.append(numbers[box])
    pairs = {(box_of[source], box_of[target]) for source, target in edges}
    between = sorted(pair for pair in pairs if pair[0] != pair[1])
    return Seen(tuple(numbers), tuple(box_of), tuple(frames), tuple(between))


def every_module(names: Sequence[str]) -> frozenset[str]:
    """All modules that can be open or closed."""
    return frozenset(path for chain in modules_around(names) for path in chain)


def first_opened(names: Sequence[str], most: int = DEFAULT_BOXES) -> frozenset[str]:
    """The modules that are open at first: all down to one depth, such that at most `most` boxes are seen."""
    chains = modules_around(names)
    best: frozenset[str] = frozenset()
    for depth in range(1, 1 + max(map(len, chains), default=0)):
        opened = frozenset(path for chain in chains for path in chain[:depth])
        if len(seen(names, (), opened).boxes) > most:
            break
        best = opened
    return best
