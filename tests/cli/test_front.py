"""`slimgui front` on the example."""

import json
from pathlib import Path

import pytest

from slimgui.core.targets import NAMES, WHEN

EXAMPLE = Path(__file__).parents[2] / "resources" / "example" / "fashion_cnn.pt"


def test_every_plan_costs_more_and_keeps_more_than_the_one_before(answer):
    status, found = answer("front", EXAMPLE, "--points", 5)
    points = found["points"]
    assert status == 0
    assert 2 <= len(points) <= 5
    assert points == sorted(points, key=lambda point: (point["macs"], point["importance_kept"]))
    assert points[-1]["left"] == points[-1]["importance_kept"] == 1
    assert points[0]["left"] < 0.1


def test_a_plan_of_the_front_is_cut_by_its_name(answer, tmp_path):
    plans = tmp_path / "front.json"
    _, found = answer("front", EXAMPLE, "--points", 3, "--resource", "params", "--export-plans", plans)
    names = list(json.loads(plans.read_text())["plans"])
    smallest = min(names, key=lambda name: float(name.split()[0]))
    assert "100 % of the parameters" in names
    _, cut = answer("slim", EXAMPLE, "--plan", plans, "--plan-name", smallest, "--dry-run")
    assert cut["params"]["after"] == found["points"][0]["params"]


def test_limits_are_kept(answer):
    _, found = answer("front", EXAMPLE, "--points", 3, "--min-ratio", 0.5)
    assert found["points"][0]["left"] > 0.2  # half of the channels on both sides of a product


@pytest.mark.parametrize("words", [("--ratio", 0.5), ("--target", "macs=50%"), ("--points", 1)])
def test_what_makes_no_front_is_refused(run, words):
    status, _, err = run("front", EXAMPLE, *words)
    assert status == 2
    assert words[0] in err


def test_every_target_says_when_to_use_it():
    assert WHEN.keys() == NAMES.keys()
