"""The layered layout: no overlap, arrows from box to box, columns for long nets, always the same picture."""

import itertools
import random

import pytest

from slimgui.core.view import BOX_HEIGHT, BOX_WIDTH
from slimgui.engine import ordering
from slimgui.engine.layout import Layout, layout
from slimgui.engine.ordering import OWN_LIMIT, Edge, Item

Net = tuple[list[Item], list[Edge]]


def graph_of(count: int, edges: list[Edge]) -> Net:
    return [Item()] * count, edges


def residual(blocks: int) -> Net:
    """A stem and blocks of four boxes with a skip around three."""
    edges = [(0, 1)]
    for block in range(blocks):
        first = 1 + 4 * block
        edges += [(first + i, first + i + 1) for i in range(4)] + [(first, first + 4)]
    return graph_of(2 + 4 * blocks, edges)


def random_graph(count: int, seed: int) -> Net:
    rng = random.Random(seed)
    edges = {
        (rng.randrange(max(0, target - 6), target), target) for target in range(1, count) for _ in range(2)
    }
    return graph_of(count, sorted(edges))


def assert_no_overlap(positions: tuple[tuple[float, float], ...]) -> None:
    ordered = sorted(positions)
    for i, (x, y) in enumerate(ordered):
        for other_x, other_y in itertools.islice(ordered, i + 1, None):
            if other_x - x >= BOX_WIDTH:
                break
            assert abs(other_y - y) >= BOX_HEIGHT


@pytest.mark.parametrize(
    "graph",
    [residual(4), residual(50), random_graph(80, 1), random_graph(400, 2), graph_of(5, []), graph_of(1, [])],
    ids=["small", "long", "random", "large", "isolated", "one"],
)
def test_boxes_never_overlap_and_arrows_end_at_their_boxes(graph: Net) -> None:
    result = layout(*graph)

    assert len(result.positions) == len(graph[0])
    assert_no_overlap(result.positions)
    for (source, target), route in zip(graph[1], result.routes, strict=True):
        x, y = result.positions[source]
        assert route[0] == pytest.approx((x, y + BOX_HEIGHT / 2))
        x, y = result.positions[target]
        assert route[-1] == pytest.approx((x, y - BOX_HEIGHT / 2))


def test_the_same_graph_gives_the_same_picture() -> None:
    assert layout(*residual(20)) == layout(*residual(20))


def test_a_short_chain_is_one_straight_column() -> None:
    result = layout(*graph_of(4, [(0, 1), (1, 2), (2, 3)]))

    assert len({x for x, _ in result.positions}) == 1
    assert [y for _, y in result.positions] == sorted(y for _, y in result.positions)


def test_a_net_of_two_hundred_boxes_is_folded_into_a_viewable_shape() -> None:
    xs, ys = zip(*layout(*residual(50)).positions, strict=True)
    width, height = max(xs) - min(xs) + BOX_WIDTH, max(ys) - min(ys) + BOX_HEIGHT

    assert 1 <= width / height <= 3  # unfolded: 202 rows of one box, 1 : 50


def test_nothing_is_drawn_for_an_arrow_from_a_box_to_itself() -> None:
    result = layout(*graph_of(3, [(0, 1), (1, 1), (1, 2)]))

    assert result.routes[1] == ()
    assert all(result.routes[i] for i in (0, 2))


def test_an_arrow_backwards_is_drawn_backwards() -> None:
    result = layout(*graph_of(3, [(0, 1), (1, 2), (2, 1)]))

    assert result.routes[2] == result.routes[1][::-1]


def test_an_empty_graph_is_an_empty_picture() -> None:
    assert layout([], []) == Layout((), (), 0.0, 0.0)


def test_the_own_layout_steps_in_when_the_library_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(items: object, edges: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(ordering, "_ordered_by_library", broken)
    graph = random_graph(OWN_LIMIT + 20, 3)

    with pytest.warns(UserWarning, match="RuntimeError"):  # the engine's log says why
        assert_no_overlap(layout(*graph).positions)


def test_a_tall_item_pushes_rows_apart_and_is_met_where_it_says() -> None:
    # box, then one of 400 x 300 that arrows enter 50 left and leave 60 right of its centre, then a box
    items, edges = [Item(), Item(400.0, 300.0, -50.0, 60.0), Item()], [(0, 1), (1, 2)]

    result = layout(items, edges)

    (_, top), (x, y), (_, bottom) = result.positions
    assert bottom - top == BOX_HEIGHT + 300 + 2 * 28  # two gaps of 28 units
    assert result.routes[0][-1] == pytest.approx((x - 50, y - 150))
    assert result.routes[1][0] == pytest.approx((x + 60, y + 150))


def test_the_first_and_the_last_stand_above_and_below_all_others() -> None:
    edges = [(1, 3), (2, 3), (3, 5), (4, 5)]

    result = layout([Item()] * 6, edges, first=True, last=True)

    heights = [y for _, y in result.positions]
    assert heights[0] < min(heights[1:])
    assert heights[-1] > max(heights[:-1])
