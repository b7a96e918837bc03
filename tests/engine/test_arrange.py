"""Pictures of graphs with open modules: nothing overlaps, frames hold what is theirs, arrows arrive."""

import itertools
import random

import pytest

from slimgui.core.hierarchy import every_module
from slimgui.core.view import BOX_HEIGHT, BOX_WIDTH, Frame, Point, Spot, View
from slimgui.engine.arrange import arrange

Area = tuple[float, float, float, float]


def net(stages: int, blocks: int) -> tuple[list[str], list[tuple[int, int]]]:
    """Stages of residual blocks: two convolutions and an addition; a last layer reads every stage."""
    names, edges, ends = ["input"], [], []
    for stage, block in itertools.product(range(stages), range(blocks)):
        here = len(names)
        names += [f"stage{stage}.{block}.{part}" for part in ("one", "two")] + [f"stage{stage}.{block}/add"]
        edges += [(here - 1, here), (here, here + 1), (here + 1, here + 2), (here - 1, here + 2)]
        ends += [here + 2] if block == blocks - 1 else []
    names.append("head")
    return names, [*edges, *((end, len(names) - 1) for end in ends)]


def of_box(box: Spot) -> Area:
    left, top = box.x - BOX_WIDTH / 2, box.y - BOX_HEIGHT / 2
    return left, top, left + BOX_WIDTH, top + BOX_HEIGHT


def of_frame(frame: Frame) -> Area:
    return frame.x, frame.y, frame.x + frame.width, frame.y + frame.height


def apart(one: Area, other: Area) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def holds(outer: Area, inner: Area) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and outer[2] >= inner[2] and outer[3] >= inner[3]


def assert_sound(view: View) -> None:
    boxes, frames = [of_box(box) for box in view.boxes], [of_frame(frame) for frame in view.frames]
    assert all(apart(one, other) for one, other in itertools.combinations(boxes, 2))
    for frame, area in zip(view.frames, frames, strict=True):
        for box, box_area in zip(view.boxes, boxes, strict=True):
            inside = box.name.startswith((f"{frame.path}.", f"{frame.path}/"))
            assert holds(area, box_area) if inside else apart(area, box_area)
    for (source, target), way in zip(view.edges, view.passes, strict=True):
        assert_joined(view, view.boxes[source], view.boxes[target], way)


def assert_joined(view: View, source: Spot, target: Spot, way: tuple[int, ...]) -> None:
    """Pieces follow each other, from the lower edge of one box to the upper edge of the other."""
    pieces = [view.pieces[number] for number in way]
    assert near(pieces[0][0], (source.x, source.y + BOX_HEIGHT / 2))
    assert near(pieces[-1][-1], (target.x, target.y - BOX_HEIGHT / 2))
    for before, after in itertools.pairwise(pieces):
        assert near(before[-1], after[0])


def near(one: Point, other: Point) -> bool:
    return one == pytest.approx(other, abs=0.3)


@pytest.mark.parametrize("seed", range(6))
def test_pictures_are_sound_whatever_is_open(seed: int) -> None:
    names, edges = net(stages=3, blocks=4)
    modules = sorted(every_module(names))
    opened = random.Random(seed).sample(modules, k=len(modules) * seed // 5)

    assert_sound(arrange(names, edges, opened))


def test_a_long_stage_is_folded_in_its_frame() -> None:
    names, edges = net(stages=1, blocks=40)

    view = arrange(names, edges, every_module(names))

    assert_sound(view)
    whole = next(frame for frame in view.frames if frame.path == "stage0")
    assert whole.width > whole.height / 4  # in one column: 40 blocks of 250 units, 1 : 40


def test_the_same_modules_give_the_same_picture_and_equal_ones_look_alike() -> None:
    names, edges = net(stages=2, blocks=2)
    opened = every_module(names)

    view = arrange(names, edges, opened)

    assert view == arrange(names, list(edges), sorted(opened))
    sizes = {(frame.width, frame.height) for frame in view.frames if "." in frame.path}
    assert len(sizes) == 1


def test_an_arrow_back_into_a_shared_module_leaves_through_the_top() -> None:
    # a.one -> b -> a.two -> b again: a module that is called twice reads what came after it
    names, edges = ["a.one", "a.two", "b"], [(0, 2), (2, 1)]

    view = arrange(names, edges, ["a"])

    frame = of_frame(view.frames[0])
    there, back = ([view.pieces[number] for number in way] for way in view.passes)
    assert there[0][-1][1] == pytest.approx(frame[3])  # out at the bottom
    assert back[-1][0][1] == pytest.approx(frame[3])  # and in where the other came out
    assert len(there) == len(back) == 2


def test_nothing_is_an_empty_picture() -> None:
    assert arrange([], [], []) == View()
