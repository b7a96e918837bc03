"""Where everything of a graph is drawn, some modules open: boxes, frames, arrows; y grows downwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BOX_WIDTH: Final = 172.0
BOX_HEIGHT: Final = 46.0
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Spot:
    """A box: its name, its layer's index (-1 for a closed module), and where its centre is."""

    name: str
    layer: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Frame:
    """An open module: its path, its left upper corner, its size, and the frames around it."""

    path: str
    x: float
    y: float
    width: float
    height: float
    depth: int


@dataclass(frozen=True, slots=True)
class View:
    """A whole picture.

    Attributes:
        opened: paths of the modules that were asked to be open, sorted.
        boxes: in order of the forward pass.
        box_of: per layer of the graph, the box that stands for it.
        frames: outer ones before inner ones.
        edges: pairs of boxes.
        pieces: points of lines; arrows that pass the border of a frame at the same place share pieces.
        passes: per edge the pieces that its arrow is made of, from end to end; () for one that is not drawn.
    """

    opened: tuple[str, ...] = ()
    boxes: tuple[Spot, ...] = ()
    box_of: tuple[int, ...] = ()
    frames: tuple[Frame, ...] = ()
    edges: tuple[tuple[int, int], ...] = ()
    pieces: tuple[tuple[Point, ...], ...] = ()
    passes: tuple[tuple[int, ...], ...] = ()
