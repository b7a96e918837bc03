"""A plan is written as JSON and read again; what is no plan is refused in a sentence."""

from __future__ import annotations

import json

import pytest
from plain_groups import any_plan

from slimgui.core.plan import FORMAT, Plan
from slimgui.core.plan_set import FIRST, PlanSet
from slimgui.errors import PlanError

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


@pytest.mark.parametrize("seed", range(20))
def test_any_plan_comes_back_from_json_as_it_was(seed: int) -> None:
    plan = any_plan(seed)
    assert Plan.from_json(plan.to_json()) == plan


def test_a_plan_of_format_1_is_read() -> None:
    old = {
        "format": 1,
        "ratio": 0.25,
        "only_exact": True,
        "counts": [["a", 3]],
        "locked": ["b"],
        "round_to": 4,
    }
    assert Plan.from_json(json.dumps(old)) == Plan(
        ratio=0.25, only_exact=True, counts=(("a", 3),), locked=("b",), round_to=4
    )


def test_a_newer_format_is_refused_in_a_sentence() -> None:
    data = {**json.loads(Plan().to_json()), "format": FORMAT + 1, "colour": "red"}
    with pytest.raises(PlanError) as caught:
        Plan.from_json(json.dumps(data))
    assert caught.value.what == "This plan was written by a newer version of SlimGUI."
    assert str(FORMAT + 1) in caught.value.why
    assert caught.value.hint


NO_PLANS = [
    "",
    "[]",
    "3",
    "{",
    '{"ratio": 0.5}',
    '{"format": "x"}',
    '{"format": 0}',
    '{"format": -3}',
    "null",
]


@pytest.mark.parametrize("text", NO_PLANS)
def test_what_is_no_plan_is_refused(text: str) -> None:
    for kind in (Plan, PlanSet):
        with pytest.raises(PlanError, match="not a plan"):
            kind.from_json(text)


@pytest.mark.parametrize(
    "change",
    [
        {"counts": 3},
        {"counts": [["a"]]},
        {"ratio": 2.0},
        {"ratio": "half"},
        {"unknown": 1},
        {"locked": None},
        {"scope": "everywhere"},
        {"round_to": 0},
        {"bins": -1},
        {"min_count": 0},
        {"min_ratio": 1.5},
        {"indices": [["a", []]]},
        {"indices": [["a", [2, 1]]]},
        {"indices": [["a", [1, 1]]]},
        {"indices": [["a", [-1, 1]]]},
        {"ratios": [["a", 1.0]]},
    ],
)
def test_a_damaged_plan_is_refused(change: dict) -> None:
    data = {**json.loads(Plan().to_json()), **change}
    with pytest.raises(PlanError):
        Plan.from_json(json.dumps(data))


def test_a_plan_without_all_its_fields_is_damaged() -> None:
    data = json.loads(Plan().to_json())
    del data["ratio"]
    with pytest.raises(PlanError, match="missing or unknown: ratio"):
        Plan.from_json(json.dumps(data))


def test_channels_are_sorted_and_each_counted_once() -> None:
    assert Plan().with_indices("a", [5, 1, 1, 3]).indices == (("a", (1, 3, 5)),)


def test_a_group_has_either_a_count_or_channels() -> None:
    plan = Plan().with_count("a", 4).with_indices("a", [1]).with_count("b", 2)
    assert (plan.counts, plan.indices) == ((("b", 2),), (("a", (1,)),))
    assert plan.with_count("a", 4).indices == ()
    assert plan.without("a").without("b") == Plan()


# --- several plans in one file


THREE = PlanSet().added("half", Plan(ratio=0.5)).added("by hand", Plan().with_count("a", 3))


def test_named_plans_come_back_from_json_as_they_were() -> None:
    assert PlanSet.from_json(THREE.to_json()) == THREE
    assert THREE.names == (FIRST, "half", "by hand")


def test_one_plan_alone_is_a_set_of_one() -> None:
    found = PlanSet.from_json(Plan(ratio=0.5).to_json())
    assert (found.names, found.plan) == ((FIRST,), Plan(ratio=0.5))


def test_every_change_is_a_new_value_and_keeps_the_others() -> None:
    changed = THREE.switched("half").with_plan(Plan(ratio=0.1)).renamed("a tenth")
    assert changed.names == (FIRST, "a tenth", "by hand")
    assert changed.plan == Plan(ratio=0.1)
    assert dict(changed.plans)["by hand"] == dict(THREE.plans)["by hand"]
    assert THREE.switched("half").plan == Plan(ratio=0.5)


def test_removing_a_plan_shows_its_neighbour() -> None:
    assert THREE.removed().current == "half"
    assert THREE.removed("half").current == THREE.current
    assert THREE.removed("half").names == tuple(name for name in THREE.names if name != "half")
    assert THREE.switched(FIRST).removed().current == "half"
    with pytest.raises(PlanError, match="at least one"):
        PlanSet().removed()


def test_names_are_free_given_once_and_known() -> None:
    assert THREE.free_name() == "Plan 2"
    for refused in (
        lambda: THREE.added("half", Plan()),
        lambda: THREE.renamed("half"),
        lambda: THREE.renamed(""),
    ):
        with pytest.raises(PlanError, match="name"):
            refused()
    with pytest.raises(PlanError, match="Choose one of: Plan 1, half, by hand"):
        THREE.switched("quarter")


@pytest.mark.parametrize(
    "change",
    [{"plans": {}}, {"plans": 3}, {"plans": {"a": 3}}, {"plans": {"a": {"ratio": 2}}}, {"current": "none"}],
)
def test_damaged_plans_are_refused(change: dict) -> None:
    with pytest.raises(PlanError):
        PlanSet.from_json(json.dumps({**json.loads(THREE.to_json()), **change}))


TREE = (
    PlanSet().branched("wide").with_plan(Plan(ratio=0.2)).branched("deep").switched(FIRST).branched("other")
)


def test_a_branch_starts_as_the_plan_it_hangs_below() -> None:
    assert TREE.parents == (("wide", FIRST), ("deep", "wide"), ("other", FIRST))
    assert dict(TREE.plans)["deep"] == Plan(ratio=0.2)
    assert PlanSet.from_json(TREE.to_json()) == TREE


def test_a_renamed_plan_keeps_its_place_and_those_of_a_removed_one_move_up() -> None:
    renamed = TREE.switched("wide").renamed("broad")
    assert renamed.parents == (("broad", FIRST), ("deep", "broad"), ("other", FIRST))
    removed = renamed.removed()
    assert removed.parents == (("deep", FIRST), ("other", FIRST))
    assert removed.switched(FIRST).removed().parents == ()


def test_plans_that_are_taken_over_keep_their_tree_under_their_new_names() -> None:
    both = TREE.merged(TREE, "file")
    assert both.names[4:] == (f"{FIRST} 1", "wide 1", "deep 1", "other 1")
    assert dict(both.parents) | {"deep 1": "wide 1", "other 1": f"{FIRST} 1"} == dict(both.parents)


@pytest.mark.parametrize(
    "parents", [{"deep": "nowhere"}, {"deep": "wide", "wide": "deep"}, {"deep": "deep"}, {"nowhere": "deep"}]
)
def test_a_tree_that_is_none_is_refused(parents: dict[str, str]) -> None:
    content = {**json.loads(TREE.to_json()), "parents": parents}
    with pytest.raises(PlanError):
        PlanSet.from_json(json.dumps(content))


def test_plans_are_named_by_the_shares_they_leave_and_no_name_stands_twice() -> None:
    deep, near, half = (Plan(ratio=ratio) for ratio in (0.9, 0.5000001, 0.5))
    named = PlanSet.by_shares("MACs", [(0.1234567, deep), (0.4999999, near), (0.5, half)])
    assert named.names == ("12.35 % of the MACs", "50 % of the MACs", "50 % of the MACs 1")
    assert (named.plan, dict(named.plans)["50 % of the MACs 1"]) == (deep, half)


def test_plans_below_the_current_one_leave_it_current_and_come_once() -> None:
    front = PlanSet.by_shares("MACs", [(0.1, Plan(ratio=0.9)), (0.5, Plan(ratio=0.5))])
    made = TREE.with_below(front)
    new = made.names[len(TREE.names) :]
    assert made.current == TREE.current
    assert made.parents == (*TREE.parents, *((name, TREE.current) for name in new))
    assert new == ("10 % of the MACs", "50 % of the MACs")
    assert made.with_below(front) == made
    assert PlanSet.from_json(made.to_json()) == made
