"""Curves of loss, and the scores that follow from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slimgui.core.sensitivity import (
    Point,
    Sensitivity,
    add_point,
    read_points,
    scores_from,
    start_file,
)
from slimgui.errors import PlanError, SaveError


def test_a_curve_ends_at_no_loss_and_never_falls_with_deeper_cuts() -> None:
    points = (Point("a", 4, 0.5), Point("a", 2, 0.4), Point("a", 6, None), Point("b", 1, 9.0))
    assert Sensitivity("", points).curve("a", 8) == [(2, 0.5), (4, 0.5), (8, 0.0)]


def test_scores_are_the_slopes_of_the_hull_and_keep_the_order_of_the_channels() -> None:
    # From 8 to 4 channels the loss grows by 0.1 each, from 4 to 2 by 0.8 each; the two left cost the same.
    measured = Sensitivity("", (Point("a", 4, 0.4), Point("a", 2, 2.0)))
    own = np.array([5.0, 1.0, 8.0, 2.0, 7.0, 3.0, 6.0, 4.0])
    scores = scores_from(measured, {"a": own})["a"]
    best_first = np.argsort(-own)
    assert np.allclose(scores[best_first], [0.8] * 4 + [0.1] * 4, atol=1e-6)
    assert (np.diff(scores[best_first]) < 0).all()


def test_what_the_first_channels_seem_to_cost_is_spread_over_all_where_deeper_is_free() -> None:
    # The hull of (2, 0.8), (6, 0.8), (8, 0) is one line: 0.8 / 6 per channel.
    measured = Sensitivity("", (Point("a", 6, 0.8), Point("a", 2, 0.8)))
    scores = scores_from(measured, {"a": np.arange(8.0)})["a"]
    assert np.allclose(scores, 0.8 / 6, atol=1e-6)


def test_groups_without_a_curve_count_as_the_most_sensitive() -> None:
    measured = Sensitivity("", (Point("a", 1, 3.0),))
    scores = scores_from(measured, {"a": np.ones(2), "b": np.ones(3)})
    assert np.allclose(scores["b"], 3.0, atol=1e-6)


def test_a_file_goes_on_where_it_was_and_forgets_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "curves.jsonl"
    assert start_file(path, "this") == Sensitivity("this", ())
    add_point(path, Point("a", 4, 0.5))
    add_point(path, Point("b", 2, None))
    with path.open("a") as stream:
        stream.write('{"group": "a", "cou')
    known = Sensitivity("this", (Point("a", 4, 0.5), Point("b", 2, None)))
    assert read_points(path) == known
    assert start_file(path, "this") == known
    add_point(path, Point("c", 1, 1.0))
    assert read_points(path).points[-1] == Point("c", 1, 1.0)


def test_points_of_another_measurement_are_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "curves.jsonl"
    start_file(path, "this")
    add_point(path, Point("a", 4, 0.5))
    assert start_file(path, "that") == Sensitivity("that", ())


@pytest.mark.parametrize("text", ["a letter\n", '{"format": 9, "of": ""}\n', "[]\n", '{"format": 1}\n', "\n"])
def test_other_files_are_refused_and_never_written_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "letter.txt"
    path.write_text(text)
    with pytest.raises(PlanError, match=r"letter\.txt"):
        read_points(path)
    with pytest.raises(SaveError, match=r"letter\.txt was not written"):
        start_file(path, "this")
    assert path.read_text() == text
