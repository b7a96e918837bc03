"""The layered layout: no overlap, arrows from box to box, columns for long nets, always the same picture."""

import itertools
import random

import pytest

from slimgui.core.graph import Layer, LayerGraph
from slimgui.core.sizes import Size
from slimgui.core.wire import BOX_HEIGHT, BOX_WIDTH
from slimgui.engine import layout as module
from slimgui.engine.layout import OWN_LIMIT, layout


def graph_of(count: int, edges: list[tuple[int, int]]) -> LayerGraph:
    return LayerGraph(tuple(Layer(f"layer{i}", "Conv2d", Size(8)) for i in range(count)), tuple(edges))


def residual(blocks: int) -> LayerGraph:
    """A stem and blocks of four boxes with a skip around three."""
    edges = [(0, 1)]
    for block in range(blocks):
        first = 1 + 4 * block
        edges += [(first + i, first + i + 1) for i in range(4)] + [(first, first + 4)]
    return graph_of(2 + 4 * blocks, edges)


def random_graph(count: int, seed: int) -> LayerGraph:
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
def test_boxes_never_overlap_and_arrows_end_at_their_boxes(graph: LayerGraph) -> None:
    result = layout(graph)

    assert len(result.positions) == len(graph.layers)
    assert_no_overlap(result.positions)
    for (source, target), route in zip(graph.edges, result.routes, strict=True):
        x, y = result.positions[source]
        assert route[0] == pytest.approx((x, y + BOX_HEIGHT / 2))
        x, y = result.positions[target]
        assert route[-1] == pytest.approx((x, y - BOX_HEIGHT / 2))


def test_the_same_graph_gives_the_same_picture() -> None:
    assert layout(residual(20)) == layout(residual(20))


def test_a_short_chain_is_one_straight_column() -> None:
    result = layout(graph_of(4, [(0, 1), (1, 2), (2, 3)]))

    assert len({x for x, _ in result.positions}) == 1
    assert [y for _, y in result.positions] == sorted(y for _, y in result.positions)


def test_a_net_of_two_hundred_boxes_is_folded_into_a_viewable_shape() -> None:
    xs, ys = zip(*layout(residual(50)).positions, strict=True)
    width, height = max(xs) - min(xs) + BOX_WIDTH, max(ys) - min(ys) + BOX_HEIGHT

    assert 1 <= width / height <= 3  # unfolded: 202 rows of one box, 1 : 50


def test_nothing_is_drawn_for_an_arrow_from_a_box_to_itself() -> None:
    result = layout(graph_of(3, [(0, 1), (1, 1), (1, 2)]))

    assert result.routes[1] == ()
    assert all(result.routes[i] for i in (0, 2))


def test_an_arrow_backwards_is_drawn_backwards() -> None:
    result = layout(graph_of(3, [(0, 1), (1, 2), (2, 1)]))

    assert result.routes[2] == result.routes[1][::-1]


def test_an_empty_graph_is_an_empty_picture() -> None:
    assert layout(LayerGraph()) == module.Layout((), ())


def test_the_own_layout_steps_in_when_the_library_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(count: int, edges: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(module, "_ordered_by_library", broken)
    graph = random_graph(OWN_LIMIT + 20, 3)

    assert_no_overlap(layout(graph).positions)
