"""A plan becomes counts and kept channels: pure functions, numbers derived by hand."""

from __future__ import annotations

import random
from types import SimpleNamespace

import numpy as np
import pytest
from plain_groups import GROUPS, REASON, any_plan, group, same, scores

from slimgui.core.groups import Group, Refusal
from slimgui.core.names import Names
from slimgui.core.plan import Plan
from slimgui.core.resolve import counts, locked_by, needs_scores, resolve, with_ids, write_out
from slimgui.errors import PlanError

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


def test_with_count_replaces_and_without_takes_back() -> None:
    plan = Plan(ratio=0.5).with_count("stem", 3).with_count("stem", 4)
    assert plan.counts == (("stem", 4),)
    assert counts(GROUPS, plan)["stem"] == 4
    assert plan.without("stem") == Plan(ratio=0.5)


def test_a_layer_names_the_group_of_its_outputs() -> None:
    merged = Group("stem", 4, members=(*group("stem", 4).members, *group("twin", 4).members))
    assert Names([merged]).find("twin") is merged
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


@pytest.mark.parametrize("seed", range(30))
def test_resolve_is_idempotent(seed: int) -> None:
    """What it chose, written out as a plan, gives the same selection again, whatever the scores are."""
    plan = any_plan(seed)
    first = resolve(GROUPS, scores(seed), plan)
    assert same(first, resolve(GROUPS, scores(seed), plan))
    assert same(first, resolve(GROUPS, scores(seed + 100), write_out(GROUPS, first)))
    assert (
        same(first, resolve(GROUPS, scores(seed), Plan(counts=tuple(first.counts().items())))) or plan.indices
    )


@pytest.mark.parametrize("seed", range(30))
def test_the_order_of_groups_does_not_matter(seed: int) -> None:
    shuffled = list(GROUPS)
    random.Random(seed).shuffle(shuffled)
    plan = any_plan(seed)
    assert same(resolve(GROUPS, scores(seed), plan), resolve(shuffled, scores(seed), plan))
    assert same(resolve(GROUPS, tied(), plan), resolve(shuffled, tied(), plan))


def tied() -> dict[str, np.ndarray]:
    return {g.id: np.ones(g.size) for g in GROUPS}


@pytest.mark.parametrize("seed", range(30))
def test_no_plan_empties_a_group_or_cuts_a_locked_one(seed: int) -> None:
    plan = any_plan(seed)
    found = counts(GROUPS, plan, scores(seed))
    assert all(1 <= found[g.id] <= g.size for g in GROUPS)
    assert found["head"] == 5
    assert all(found[name] == size for name, size in SIZES.items() if name in locked_by(GROUPS, plan))


SIZES = {g.id: g.size for g in GROUPS}


@pytest.mark.parametrize("ratio", [0.0, 0.25, 0.5, 0.75, 0.95])
def test_a_smaller_ratio_keeps_all_that_a_larger_one_keeps(ratio: float) -> None:
    more = resolve(GROUPS, scores(), Plan(ratio=ratio))
    less = resolve(GROUPS, scores(), Plan(ratio=min(0.99, ratio + 0.2)))
    assert all(set(less.keep[name]) <= set(more.keep[name]) for name in more.keep)


def test_counts_of_a_selection_are_those_of_its_plan() -> None:
    plan = Plan(ratio=0.3, round_to=2)
    assert resolve(GROUPS, scores(), plan).counts() == counts(GROUPS, plan)


def test_a_refusal_says_where() -> None:
    assert str(REASON) == "It is an output of the model. (aten.addmm.default · head · net.py:12)"
    assert str(Refusal("No forward pass uses it.")) == "No forward pass uses it."


# --- limits


@pytest.mark.parametrize(
    ("size", "plan", "kept"),
    [
        (16, Plan(ratio=0.9, min_count=5), 5),  # 14 of 16 removed would leave 2
        (16, Plan(ratio=0.5, min_count=5), 8),  # the limit is not met
        (3, Plan(ratio=0.9, min_count=5), 3),  # never more than there are
        (10, Plan(ratio=0.9, min_ratio=0.25), 3),  # 2.5 up
        (10, Plan(ratio=0.9, min_ratio=0.3), 3),  # 3 exactly, not 4
        (10, Plan(ratio=0.9, min_ratio=1.0), 10),
        (16, Plan(ratio=0.5, bins=4), 8),  # steps of 4: 4 8 12 16
        (16, Plan(ratio=0.4, bins=4), 12),  # 6 removed leave 10: up to 12
        (10, Plan(ratio=0.5, bins=4), 5),  # steps of 2.5, up: 3 5 8 10
        (10, Plan(ratio=0.4, bins=4), 8),  # 6: up to 8
        (10, Plan(ratio=0.9, bins=1), 10),  # one step: whole
        (3, Plan(ratio=0.5, bins=8), 2),  # more steps than channels: any count
        (30, Plan(ratio=0.5, bins=3, round_to=8), 24),  # 15 up to 20, up to 24
        (32, Plan(ratio=0.9, round_to=8, min_count=9), 16),  # 9 up to 16
    ],
)
def test_counts_that_follow_from_ratios_respect_the_limits(size: int, plan: Plan, kept: int) -> None:
    assert counts([group("a", size)], plan) == {"a": kept}


def test_limits_do_not_bind_what_was_written_down() -> None:
    plan = Plan(ratio=0.5, bins=2, round_to=8, min_count=8, min_ratio=0.9)
    assert counts(GROUPS, plan.with_count("stem", 3))["stem"] == 3
    assert counts(GROUPS, plan.with_indices("stem", [2, 9]))["stem"] == 2


# --- one group at a time


def test_the_longest_path_gives_the_ratio() -> None:
    plan = Plan(ratio=0.5).with_ratio("layer1", 0.25).with_ratio("layer1.conv", 0.75)
    # stem 10 - 5; layer1.conv 16 - 12; layer1.norm 7 - 1 (1.75 never rounds up); layer2.conv 1
    found = {"stem": 5, "layer1.conv": 4, "layer1.norm": 6, "layer2.conv": 1, "head": 5}
    assert counts(GROUPS, plan) == found


def test_a_path_ends_at_a_dot() -> None:
    assert counts([group("layer1.conv", 4), group("layer10.conv", 4)], Plan().with_ratio("layer1", 0.5)) == {
        "layer1.conv": 2, "layer10.conv": 4,
    }  # fmt: skip


def test_channels_written_down_are_the_ones_that_stay() -> None:
    kept = resolve(GROUPS, scores(), Plan(ratio=0.5).with_indices("layer1.conv", [3, 15, 0])).keep
    assert kept["layer1.conv"].tolist() == [0, 3, 15]
    assert len(kept["stem"]) == 5


def test_a_lock_keeps_a_group_whole_whatever_is_written_down() -> None:
    plan = Plan(locked=("stem",)).with_count("stem", 3)
    assert counts(GROUPS, plan)["stem"] == 10
    assert resolve(GROUPS, scores(), Plan(locked=("layer1",)).with_indices("stem", [1])).keep[
        "stem"
    ].tolist() == [*range(10)]


def test_a_group_left_whole_binds_no_other_group() -> None:
    found = counts(
        GROUPS, Plan(ratio=0.5, whole=("layer1.conv",))
    )  # a lock would hold the stem, which feeds it
    assert (found["stem"], found["layer1.conv"]) == (5, 16)


def test_layers_in_a_plan_become_ids() -> None:
    merged = [Group("stem", 4, members=(*group("stem", 4).members, *group("twin", 4).members))]
    plan = Plan(ratio=0.5, whole=("twin",), locked=("twin",)).with_count("twin", 2)
    assert with_ids(merged, plan) == Plan(ratio=0.5, whole=("stem",), locked=("twin",), counts=(("stem", 2),))
    with pytest.raises(PlanError, match="Did you mean 'twin'"):
        with_ids(merged, Plan(locked=("twn",)))


def test_heads_and_their_width_are_groups_of_their_own() -> None:
    both = [
        Group("attn:heads", 4, "heads", members=group("attn", 4).members),
        Group("attn:head_dim", 8, "head_dim", members=group("attn", 8).members),
    ]
    plan = Plan().with_count("attn:heads", 3).with_count("attn:head_dim", 5)
    assert counts(both, plan) == {"attn:heads": 3, "attn:head_dim": 5}
    assert counts(both, Plan().with_ratio("attn", 0.5)) == {"attn:heads": 2, "attn:head_dim": 4}
    for order in (both, both[::-1]):
        with pytest.raises(PlanError, match=r"may mean several groups.*\n.*'attn:head_dim', 'attn:heads'"):
            counts(order, Plan().with_count("attn", 3))


# --- global


def test_one_threshold_removes_the_least_important_of_all_groups() -> None:
    two = [group("a", 4), group("b", 4)]
    # means 2.5 and 25: normalised a 0.4 0.8 1.2 1.6, b 0.04 0.04 1.96 1.96
    found = {"a": np.array([1.0, 2, 3, 4]), "b": np.array([1.0, 1, 49, 49])}
    plan = Plan(ratio=0.5, scope="global")  # 4 of 8: b0 b1 a0 a1
    assert counts(two, plan, found) == {"a": 2, "b": 2}
    assert resolve(two, found, plan).keep["b"].tolist() == [2, 3]
    assert counts(two, Plan(ratio=0.26, scope="global"), found) == {"a": 4, "b": 2}  # 2 of 8: b0 b1


def test_a_group_of_large_weights_is_not_spared_for_that() -> None:
    two = [group("a", 4), group("b", 4)]
    ones = {"a": np.array([1.0, 2, 3, 4]), "b": 1000 * np.array([1.0, 2, 3, 4])}
    assert counts(two, Plan(ratio=0.5, scope="global"), ones) == {"a": 2, "b": 2}


def test_a_global_plan_never_empties_a_group_and_takes_the_rest_elsewhere() -> None:
    two = [group("a", 4), group("b", 4)]
    # normalised: a 0 0 0 4, b 1 1 1 1; 4 of 8 go: three of a, then one of b, not the last of a
    found = {"a": np.array([0.0, 0, 0, 8]), "b": np.ones(4)}
    assert counts(two, Plan(ratio=0.5, scope="global"), found) == {"a": 1, "b": 3}
    assert counts(two, Plan(ratio=0.5, scope="global", min_count=3), found) == {"a": 3, "b": 3}  # 2 can go
    assert counts(two, Plan(ratio=0.99, scope="global"), found) == {"a": 1, "b": 1}
    assert counts(two, Plan(ratio=0.5, scope="global", round_to=4), found) == {"a": 4, "b": 4}
    dead = {"a": np.zeros(4), "b": np.ones(4)}
    assert counts(two, Plan(ratio=0.25, scope="global"), dead) == {"a": 2, "b": 4}


def test_groups_with_words_of_their_own_stay_out_of_the_global_share() -> None:
    three = [group("a", 4), group("b", 4), group("c", 4)]
    found = {name: np.array([1.0, 2, 3, 4]) for name in "abc"}
    plan = Plan(ratio=0.5, scope="global").with_count("b", 1).with_ratio("c", 0.25)
    assert counts(three, plan, found) == {"a": 2, "b": 1, "c": 3}


def test_a_global_plan_asks_for_scores_and_a_local_one_does_not() -> None:
    assert needs_scores(Plan(ratio=0.5, scope="global"))
    assert not needs_scores(Plan(ratio=0.5))
    assert not needs_scores(Plan(scope="global"))
    with pytest.raises(PlanError, match="which channels matter"):
        counts(GROUPS, Plan(ratio=0.5, scope="global"))


def test_scores_that_are_no_numbers_count_as_nothing() -> None:
    four = [group("a", 4)]
    odd = {"a": np.array([np.nan, 1.0, 2.0, np.nan])}
    assert resolve(four, odd, Plan(ratio=0.5)).keep["a"].tolist() == [1, 2]
    assert resolve(four, odd, Plan(ratio=0.5, scope="global")).keep["a"].tolist() == [1, 2]


# --- plans that do not fit


@pytest.mark.parametrize(
    "plan",
    [
        Plan().with_count("layer1.cnv", 3),
        Plan().with_indices("layer1.cnv", [3]),
        Plan().with_ratio("layer1.cnv", 0.5),
        Plan(locked=("layer1.cnv",)),
        Plan(whole=("layer1.cnv",)),
    ],
)
def test_every_unknown_name_offers_the_nearest_one(plan: Plan) -> None:
    with pytest.raises(PlanError, match=r"names 'layer1\.cnv'.*\n.*Did you mean 'layer1\.conv'"):
        counts(GROUPS, plan)


def test_a_path_offers_the_nearest_path() -> None:
    with pytest.raises(PlanError, match="Did you mean 'layer1'"):
        counts(GROUPS, Plan(locked=("lyer1",)))


def test_a_channel_that_is_not_there_is_refused() -> None:
    with pytest.raises(PlanError, match="numbered from 0 to 9"):
        counts(GROUPS, Plan().with_indices("stem", [3, 10]))


def test_two_names_of_one_group_must_agree() -> None:
    merged = [Group("stem", 4, members=(*group("stem", 4).members, *group("twin", 4).members))]
    assert counts(merged, Plan().with_count("stem", 2).with_count("twin", 2)) == {"stem": 2}
    with pytest.raises(PlanError, match="both 2 and 3"):
        counts(merged, Plan().with_count("stem", 2).with_count("twin", 3))


def test_isomorphic_plans_compare_groups_of_the_same_structure_only() -> None:
    alike = (group("a", 4), group("b", 4))
    other = (group("c", 4, feeds="d"),)  # it also owns a dimension of the next layer
    own = {
        "a": np.array([1.0, 1, 1, 9]),
        "b": np.array([4.0, 4, 4, 4]),
        "c": np.array([0.1, 0.1, 0.1, 9.7]),
    }
    plan = Plan(ratio=0.5, scope="isomorphic")
    # means 3 and 4: three of a are 1/3, all of b are 1, so the 4 of 8 that go are three of a and one of b;
    # c loses half of its own channels
    assert counts((*alike, *other), plan, own) == {"a": 1, "b": 3, "c": 2}
    # all together: three of c are 0.04, three of a 1/3: the 6 of 12 that go
    assert counts((*alike, *other), Plan(ratio=0.5, scope="global"), own) == {"a": 1, "b": 4, "c": 1}
