"""A plan becomes counts and kept channels: pure functions, numbers derived by hand."""

from __future__ import annotations

import json
import random
from types import SimpleNamespace

import numpy as np
import pytest

from slimgui.core.groups import Group, Member, Refusal
from slimgui.core.plan import FORMAT, Plan, Selection, counts, find_group, resolve
from slimgui.errors import PlanError


def group(
    name: str, size: int, *, exact: bool = True, locked: Refusal | None = None, feeds: str = ""
) -> Group:
    own = np.arange(size).reshape(size, 1)
    members = [Member(f"{name}.weight", 0, own), Member(f"{name}.bias", 0, own)]
    if feeds:
        members.append(Member(f"{feeds}.weight", 1, own))
    return Group(name, size, exact=exact, locked=locked, members=tuple(members))


REASON = Refusal("It is an output of the model.", "aten.addmm.default", "head", "net.py:12")
GROUPS = (
    group("stem", 10, feeds="layer1.conv"),
    group("layer1.conv", 16, feeds="layer1.norm"),
    group("layer1.norm", 7, exact=False, feeds="layer2.conv"),
    group("layer2.conv", 1, feeds="head"),
    group("head", 5, locked=REASON),
)


def scores(seed: int = 0, groups: tuple[Group, ...] = GROUPS) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {g.id: rng.random(g.size) for g in groups}


def same(one: Selection, other: Selection) -> bool:
    return one.keep.keys() == other.keep.keys() and all(
        np.array_equal(one.keep[name], other.keep[name]) for name in one.keep
    )


# --- counts, by hand


@pytest.mark.parametrize(
    ("size", "ratio", "round_to", "kept"),
    [
        (10, 0.0, 1, 10),
        (10, 0.5, 1, 5),
        (10, 0.55, 1, 5),  # 5.5 removed, never more than asked: 5
        (10, 0.3, 1, 7),  # 3 removed
        (100, 0.29, 1, 71),  # 28.999999999999996 in floating point; 29 are meant
        (7, 0.5, 1, 4),  # 3.5 -> 3 removed
        (16, 0.6, 1, 7),  # 9.6 -> 9 removed
        (16, 0.6, 8, 8),  # 7 kept, up to a multiple of 8
        (16, 0.4, 8, 16),  # 10 kept, up to 16
        (10, 0.5, 8, 8),  # 5 up to 8
        (10, 0.1, 8, 10),  # 9 up to 16, but there are only 10
        (1, 0.9, 1, 1),  # one stays
        (3, 0.99, 1, 1),  # 2.97 -> 2 removed
        (1000, 0.999, 1, 1),  # 999 removed
        (1000, 0.9999, 1, 1),  # 999.9 -> 999 removed
        (6, 0.5, 32, 6),
    ],
)
def test_rounding_never_removes_more_than_asked(size: int, ratio: float, round_to: int, kept: int) -> None:
    assert counts([group("a", size)], Plan(ratio=ratio, round_to=round_to)) == {"a": kept}


def test_every_group_gets_a_count_and_locked_ones_stay_whole() -> None:
    assert counts(GROUPS, Plan(ratio=0.5)) == {
        "stem": 5, "layer1.conv": 8, "layer1.norm": 4, "layer2.conv": 1, "head": 5,
    }  # fmt: skip


def test_only_exact_leaves_inexact_groups_whole() -> None:
    plan = Plan.uniform(SimpleNamespace(groups=GROUPS), ratio=0.5, only_exact=True)
    assert counts(GROUPS, plan)["layer1.norm"] == 7
    assert counts(GROUPS, plan)["stem"] == 5


def test_names_that_are_locked_by_the_user_stay_whole_by_prefix() -> None:
    found = counts(GROUPS, Plan(ratio=0.5, locked=("layer1",)))
    assert found == {
        "stem": 10,
        "layer1.conv": 16,
        "layer1.norm": 7,
        "layer2.conv": 1,
        "head": 5,
    }  # stem feeds it


def test_a_count_set_by_hand_wins_over_ratio_rounding_and_exactness() -> None:
    plan = Plan(ratio=0.5, only_exact=True, round_to=8).with_count("layer1.norm", 3)
    assert counts(GROUPS, plan)["layer1.norm"] == 3


def test_with_count_replaces_and_without_count_takes_back() -> None:
    plan = Plan(ratio=0.5).with_count("stem", 3).with_count("stem", 4)
    assert plan.counts == (("stem", 4),)
    assert counts(GROUPS, plan)["stem"] == 4
    assert plan.without_count("stem") == Plan(ratio=0.5)


def test_a_layer_names_the_group_of_its_outputs() -> None:
    merged = Group("stem", 4, members=(*group("stem", 4).members, *group("twin", 4).members))
    assert find_group([merged], "twin") is merged
    assert counts([merged], Plan().with_count("twin", 2)) == {"stem": 2}


# --- refusals


@pytest.mark.parametrize("ratio", [-0.1, 1.0, 1.5, float("nan")])
def test_a_ratio_out_of_range_is_refused(ratio: float) -> None:
    with pytest.raises(PlanError, match="out of range"):
        Plan(ratio=ratio)


def test_an_unknown_name_offers_the_nearest_one() -> None:
    with pytest.raises(PlanError, match=r"Did you mean 'layer1\.conv'"):
        counts(GROUPS, Plan().with_count("layer1.cnv", 3))


@pytest.mark.parametrize("count", [0, -1, 11])
def test_a_count_outside_of_the_group_is_refused(count: int) -> None:
    with pytest.raises(PlanError, match="from 1 to 10"):
        counts(GROUPS, Plan().with_count("stem", count))


def test_a_locked_group_may_be_named_with_its_full_size_only() -> None:
    assert counts(GROUPS, Plan().with_count("head", 5))["head"] == 5
    with pytest.raises(PlanError, match=r"output of the model.*net\.py:12"):
        counts(GROUPS, Plan().with_count("head", 4))


# --- resolve


def test_resolve_keeps_the_highest_scores_sorted_and_the_lower_index_of_equal_ones() -> None:
    four = [group("a", 4)]
    kept = resolve(four, {"a": np.array([0.1, 0.9, 0.5, 0.9])}, Plan(ratio=0.5)).keep["a"]
    assert kept.tolist() == [1, 3]
    assert kept.dtype == np.int64
    assert resolve(four, {"a": np.ones(4)}, Plan(ratio=0.5)).keep["a"].tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(5))
def test_resolve_is_idempotent(seed: int) -> None:
    """The counts it found, written out as a plan, give the same selection again."""
    rng = random.Random(seed)
    plan = Plan(ratio=rng.uniform(0, 0.9), round_to=rng.choice([1, 2, 8]))
    first = resolve(GROUPS, scores(seed), plan)
    assert same(first, resolve(GROUPS, scores(seed), plan))
    assert same(first, resolve(GROUPS, scores(seed), Plan(counts=tuple(first.counts().items()))))


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_groups_does_not_matter(seed: int) -> None:
    shuffled = list(GROUPS)
    random.Random(seed).shuffle(shuffled)
    plan = Plan(ratio=0.4).with_count("stem", 2)
    assert same(resolve(GROUPS, scores(seed), plan), resolve(shuffled, scores(seed), plan))


@pytest.mark.parametrize("ratio", [0.0, 0.25, 0.5, 0.75, 0.95])
def test_a_smaller_ratio_keeps_all_that_a_larger_one_keeps(ratio: float) -> None:
    more = resolve(GROUPS, scores(), Plan(ratio=ratio))
    less = resolve(GROUPS, scores(), Plan(ratio=min(0.99, ratio + 0.2)))
    assert all(set(less.keep[name]) <= set(more.keep[name]) for name in more.keep)


def test_counts_of_a_selection_are_those_of_its_plan() -> None:
    plan = Plan(ratio=0.3, round_to=2)
    assert resolve(GROUPS, scores(), plan).counts() == counts(GROUPS, plan)


# --- JSON


PLANS = [
    Plan(),
    Plan(ratio=0.375, only_exact=True, round_to=8),
    Plan(ratio=0.1, counts=(("a", 3), ("layer1.conv", 48)), locked=("stem", "head.2")),
    Plan(counts=(('ä · "quoted"\n', 1),)),
]


@pytest.mark.parametrize("plan", PLANS)
def test_a_plan_comes_back_from_json_as_it_was(plan: Plan) -> None:
    text = plan.to_json()
    assert Plan.from_json(text) == plan
    assert Plan.from_json(text).to_json() == text
    assert json.loads(text)["format"] == FORMAT


def test_a_plan_comes_back_from_a_file(tmp_path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(PLANS[2].to_json(), encoding="utf-8")
    assert Plan.from_file(path) == PLANS[2]


def test_a_newer_format_is_refused_in_a_sentence() -> None:
    data = {**json.loads(Plan().to_json()), "format": FORMAT + 1, "colour": "red"}
    with pytest.raises(PlanError) as caught:
        Plan.from_json(json.dumps(data))
    assert caught.value.what == "This plan was written by a newer version of SlimGUI."
    assert str(FORMAT + 1) in caught.value.why
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "[]", "3", "{", '{"ratio": 0.5}', '{"format": "x"}', "null"])
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="not a plan"):
        Plan.from_json(text)


@pytest.mark.parametrize(
    "change",
    [{"counts": 3}, {"counts": [["a"]]}, {"ratio": 2.0}, {"ratio": "half"}, {"unknown": 1}, {"locked": None}],
)
def test_a_damaged_plan_is_refused(change: dict) -> None:
    data = {**json.loads(Plan().to_json()), **change}
    with pytest.raises(PlanError):
        Plan.from_json(json.dumps(data))


def test_a_refusal_says_where() -> None:
    assert str(REASON) == "It is an output of the model. (aten.addmm.default · head · net.py:12)"
    assert str(Refusal("No forward pass uses it.")) == "No forward pass uses it."
