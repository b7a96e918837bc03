"""Which boxes and lines of a picture are lit when a group is selected, or a box is pointed at."""

from __future__ import annotations

from dataclasses import dataclass

from slimgui.core.coupling import Coupling, coupling
from slimgui.core.wire import Document
from slimgui.gui.views.scene import Picture


@dataclass(frozen=True, slots=True)
class Lit:
    """Numbers of boxes and of pieces of lines. `between`: boxes that only lie on the way."""

    boxes: frozenset[int] = frozenset()
    between: frozenset[int] = frozenset()
    pieces: frozenset[int] = frozenset()


class Lighting:
    """The couplings of one document, each worked out when its group is first selected."""

    def __init__(self, document: Document) -> None:
        layers = document.graph.layers
        number_of = {layer.name: number for number, layer in enumerate(layers)}
        self._edges = document.graph.edges
        self._members: dict[str, set[int]] = {row.id: set() for row in document.groups}
        self._carriers: dict[str, set[int]] = {row.id: set() for row in document.groups}
        for row in document.groups:
            for member in row.members:
                if (number := number_of.get(member.layer)) is not None:
                    self._members[row.id].add(number)
                    if member.dim == 0:
                        self._carriers[row.id].add(number)
        for number, layer in enumerate(layers):
            if layer.group in self._members:
                self._members[layer.group].add(number)
                self._carriers[layer.group].add(number)
        self._found: dict[str, Coupling] = {}

    def coupling(self, group_id: str) -> Coupling:
        """How a group hangs together; nothing for an id that there is not."""
        if group_id not in self._members:
            return Coupling()
        if group_id not in self._found:
            members, carriers = self._members[group_id], self._carriers[group_id]
            self._found[group_id] = coupling(self._edges, members, carriers)
        return self._found[group_id]

    def of_group(self, picture: Picture, group_id: str) -> Lit:
        """What is lit of a picture when this group is selected."""
        found = self.coupling(group_id)
        boxes, between = (
            frozenset(picture.box_of[layer] for layer in some) for some in (found.members, found.between)
        )
        pairs = {(picture.box_of[source], picture.box_of[target]) for source, target in found.edges}
        arrows = [arrow for arrow in picture.arrows if (arrow.source, arrow.target) in pairs]
        pieces = frozenset(piece for arrow in arrows for piece in arrow.pieces)
        return Lit(boxes, between - boxes, pieces)


def of_box(picture: Picture, number: int) -> Lit:
    """What is lit when a box is pointed at: what it reads, and what reads it."""
    arrows = [arrow for arrow in picture.arrows if number in {arrow.source, arrow.target}]
    pieces = frozenset(piece for arrow in arrows for piece in arrow.pieces)
    return Lit(frozenset({number}), frozenset(), pieces)
