"""Modules around layers, and what is seen of a graph when some are open."""

import pytest

from slimgui.core.hierarchy import every_module, first_opened, modules_around, seen

# two blocks of two convolutions, an addition in each, a wrapper around a single layer
NAMES = ["input", "a.0.conv", "a.0.out", "a.0/add", "a.1.conv", "a.1.out", "a.1/add", "head.fc", "output"]
EDGES = [(0, 1), (1, 2), (2, 3), (0, 3), (3, 4), (4, 5), (5, 6), (3, 6), (6, 7), (7, 8)]


def names_of(opened: set[str]) -> list[str]:
    return [name for name, _ in seen(NAMES, EDGES, opened).boxes]


def test_a_layer_lies_in_every_module_that_holds_others_too() -> None:
    around = dict(zip(NAMES, modules_around(NAMES), strict=True))

    assert around["a.0.conv"] == around["a.0/add"] == ("a", "a.0")
    assert around["head.fc"] == around["input"] == ()  # a frame around one box says nothing


def test_a_module_that_holds_what_its_parent_holds_is_no_frame_of_its_own() -> None:
    assert modules_around(["x", "net.body.a", "net.body.b"])[1:] == [("net",), ("net",)]


def test_a_layer_with_layers_inside_lies_within_itself_and_so_do_its_further_calls() -> None:
    assert modules_around(["x", "mha", "mha.out", "mha.out (2)"])[1:] == [("mha",)] * 3


def test_closed_modules_are_one_box_each() -> None:
    found = seen(NAMES, EDGES, {"a"})

    assert [name for name, _ in found.boxes] == ["input", "a.0", "a.1", "head.fc", "output"]
    assert found.edges == ((0, 1), (1, 2), (2, 3), (3, 4))  # what stays inside of a module is not seen
    assert found.box_of == (0, 1, 1, 1, 2, 2, 2, 3, 4)
    assert found.frames == ((), ("a",), ("a",), (), ())


def test_an_open_module_in_a_closed_one_is_not_seen() -> None:
    assert names_of({"a.0"}) == ["input", "a", "head.fc", "output"]


def test_all_modules_open_show_every_layer() -> None:
    assert names_of(set(every_module(NAMES))) == NAMES
    assert every_module(NAMES) == {"a", "a.0", "a.1"}


@pytest.mark.parametrize(("most", "opened"), [(4, set()), (5, {"a"}), (8, {"a"}), (9, {"a", "a.0", "a.1"})])
def test_a_fresh_document_shows_the_deepest_level_of_which_there_is_little_enough(
    most: int, opened: set[str]
) -> None:
    assert first_opened(NAMES, most) == opened
