"""A graph with some modules open -> a picture: frames within frames, each laid out by itself.

Arrows enter a frame through one place at its top and leave through one at its bottom, so that what is inside
is placed without a look at what is outside, and equal modules are placed once. The picture depends on names,
edges and open modules alone: no edit moves a box.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from slimgui.core.hierarchy import Seen, seen
from slimgui.core.view import Frame, Point, Spot, View
from slimgui.engine.layout import UNFOLDED, Layout, layout
from slimgui.engine.ordering import Edge, Item

PAD = 14.0  # inside of a frame
TITLE = 26.0  # room for its name
TALL = 2 * UNFOLDED  # what is in a frame is folded when it is taller than this
_PORT = Item(0.0, 0.0)
_IN, _OUT = "<in", ">out"  # no module has such a path
Key = int | str  # a box by its number, a frame by its path, or one of the two places at a frame's border
Link = tuple[Key, Key]


@dataclass(slots=True)
class _Room:
    """What is in one frame ("" is the whole picture): boxes and frames, and the arrows between them.

    Once it is placed, `centres` and `routes` say where these lie, from the corner at `x`, `y`.
    """

    keys: dict[Key, int] = field(default_factory=dict)  # and their order
    links: dict[Link, None] = field(default_factory=dict)
    centres: dict[Key, Point] = field(default_factory=dict)
    routes: dict[Link, tuple[Point, ...]] = field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0
    x: float = 0.0
    y: float = 0.0

    def add(self, key: Key) -> None:
        """Put something in, after what is there."""
        self.keys[key] = len(self.keys)


Step = tuple[str, Link, bool]  # a link of the room with this path, and whether it is passed backwards


def arrange(names: Sequence[str], edges: Sequence[Edge], opened: Collection[str]) -> View:
    """Draw a graph.

    Args:
        names: of its layers, in order of the forward pass.
        edges: pairs of indices of layers.
        opened: paths of modules that are drawn with what is in them.
    """
    found = seen(names, edges, opened)
    rooms = _rooms(found)
    steps = [_steps(found, rooms, *edge) for edge in found.edges]
    for path in reversed(rooms):  # a frame is found after the one around it
        _place(rooms, path)
    frames = _frames(rooms, "", 0)
    pieces: dict[Step, int] = {}
    passes = tuple(tuple(pieces.setdefault(step, len(pieces)) for step in way) for way in steps)
    return View(
        tuple(sorted(opened)),
        tuple(_spot(found, rooms, number) for number in range(len(found.boxes))),
        found.box_of,
        frames,
        found.edges,
        tuple(_piece(rooms, step) for step in pieces),
        passes,
    )


def _rooms(found: Seen) -> dict[str, _Room]:
    """Boxes and frames by the frame they are in."""
    rooms = {"": _Room()}
    for number, around in enumerate(found.frames):
        for outer, inner in zip(("", *around), around, strict=False):
            if inner not in rooms:
                rooms[inner] = _Room()
                rooms[outer].add(inner)
        rooms[around[-1] if around else ""].add(number)
    return rooms


def _steps(found: Seen, rooms: dict[str, _Room], source: int, target: int) -> tuple[Step, ...]:
    """The way of an arrow through frames; asks their rooms for the links that it needs."""
    out, into = (("", *found.frames[box]) for box in (source, target))
    leaving: list[Key] = [*out, source]
    entering: list[Key] = [*into, target]
    shared = sum(1 for one, other in zip(out, into, strict=False) if one == other)
    here, room = (leaving[shared], entering[shared]), out[shared - 1]
    back = rooms[room].keys[here[0]] > rooms[room].keys[here[1]]
    steps: list[Step] = [(room, here[::-1] if back else here, back)]
    for path, inner in zip(out[shared:], leaving[shared + 1 :], strict=True):
        steps.insert(0, (path, (_IN, inner) if back else (inner, _OUT), back))
    for path, inner in zip(into[shared:], entering[shared + 1 :], strict=True):
        steps.append((path, (inner, _OUT) if back else (_IN, inner), back))
    for path, link, _ in steps:
        rooms[path].links[link] = None
    return tuple(steps)


@lru_cache(maxsize=4096)
def _laid_out(
    items: tuple[Item, ...], edges: tuple[Edge, ...], first: bool, last: bool, tall: float
) -> Layout:
    return layout(items, edges, first=first, last=last, unfolded=tall)


def _place(rooms: dict[str, _Room], path: str) -> None:
    """Lay one room out; the frames in it are laid out already."""
    room = rooms[path]
    used = {key for link in room.links for key in link}
    first, last = _IN in used, _OUT in used
    order = [*([_IN] if first else []), *room.keys, *([_OUT] if last else [])]
    number_of = {key: number for number, key in enumerate(order)}
    edges = tuple((number_of[source], number_of[target]) for source, target in room.links)
    items = tuple(_item(rooms, key) for key in order)
    placed = _laid_out(items, edges, first, last, TALL if path else UNFOLDED)
    room.centres = dict(zip(order, placed.positions, strict=True))
    room.routes = dict(zip(room.links, placed.routes, strict=True))
    room.width, room.height = placed.width, placed.height


def _item(rooms: dict[str, _Room], key: Key) -> Item:
    if isinstance(key, int):
        return Item()
    if key in {_IN, _OUT}:
        return _PORT
    room = rooms[key]
    middle = room.width / 2
    inlet, outlet = (room.centres.get(port, (middle, 0.0))[0] - middle for port in (_IN, _OUT))
    return Item(room.width + 2 * PAD, room.height + TITLE + PAD, inlet, outlet)


def _frames(rooms: dict[str, _Room], path: str, depth: int) -> tuple[Frame, ...]:
    """The frames in a room, outer ones before inner ones; moves their rooms to their places."""
    room, found = rooms[path], []
    for key in room.keys:
        if isinstance(key, int):
            continue
        item, (x, y) = _item(rooms, key), room.centres[key]
        left, top = round(room.x + x - item.width / 2, 1), round(room.y + y - item.height / 2, 1)
        rooms[key].x, rooms[key].y = left + PAD, top + TITLE
        found += [Frame(key, left, top, item.width, item.height, depth), *_frames(rooms, key, depth + 1)]
    return tuple(found)


def _spot(found: Seen, rooms: dict[str, _Room], number: int) -> Spot:
    room = rooms[found.frames[number][-1] if found.frames[number] else ""]
    x, y = room.centres[number]
    return Spot(*found.boxes[number], round(room.x + x, 1), round(room.y + y, 1))


def _piece(rooms: dict[str, _Room], step: Step) -> tuple[Point, ...]:
    """The points of one link; one that leaves its room goes on to the border of the frame."""
    path, link, back = step
    room = rooms[path]
    route = list(room.routes[link])
    if link[0] == _IN:
        route[0] = (route[0][0], -TITLE)
    if link[1] == _OUT:
        route[-1] = (route[-1][0], room.height + PAD)
    points = [(round(room.x + x, 1), round(room.y + y, 1)) for x, y in route]
    return tuple(points[::-1] if back else points)
