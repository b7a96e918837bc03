"""The smallest plan, the whole one, random ones, and steps towards one."""

from __future__ import annotations

import random
from itertools import pairwise
from types import SimpleNamespace

import pytest
from plain_groups import GROUPS, any_plan, group, scores

from slimgui.core.plan import Plan
from slimgui.core.resolve import counts, locked_by
from slimgui.core.variants import maximum, minimum, sample, steps
from slimgui.errors import PlanError

TRACED = SimpleNamespace(groups=GROUPS)
SIZES = {g.id: g.size for g in GROUPS}


def test_the_smallest_plan_leaves_one_channel_or_what_the_limits_say() -> None:
    assert counts(GROUPS, minimum(TRACED)) == {
        "stem": 1, "layer1.conv": 1, "layer1.norm": 1, "layer2.conv": 1, "head": 5,
    }  # fmt: skip
    # steps of a quarter: 10 -> 3, 16 -> 4; the inexact one and the locked one stay whole
    plan = Plan(bins=4, only_exact=True, locked=("layer2",), ratio=0.3)
    assert counts(GROUPS, minimum(TRACED, plan)) == {
        "stem": 3, "layer1.conv": 4, "layer1.norm": 7, "layer2.conv": 1, "head": 5,
    }  # fmt: skip


def test_the_largest_plan_is_whole_and_keeps_the_limits() -> None:
    plan = Plan(ratio=0.5, bins=4, locked=("stem",)).with_count("stem", 3).with_ratio("layer1", 0.2)
    assert counts(GROUPS, maximum(plan)) == SIZES
    assert maximum(plan) == Plan(bins=4, locked=("stem",))


@pytest.mark.parametrize("seed", range(20))
def test_a_sample_is_repeatable_allowed_and_blind_to_order(seed: int) -> None:
    plan = any_plan(seed)
    shuffled = list(GROUPS)
    random.Random(seed).shuffle(shuffled)
    drawn = sample(TRACED, seed, plan)
    assert drawn == sample(SimpleNamespace(groups=shuffled), seed, plan)
    smallest = counts(GROUPS, minimum(TRACED, plan))
    found = counts(GROUPS, drawn)
    assert all(smallest[name] <= found[name] <= size for name, size in SIZES.items())
    assert all(found[name] % plan.round_to == 0 or found[name] == SIZES[name] for name in found)
    assert all(found[name] == SIZES[name] for name in locked_by(GROUPS, plan))


def test_samples_of_other_seeds_differ_and_reach_every_step() -> None:
    one = SimpleNamespace(groups=[group("a", 16)])
    found = {counts(one.groups, sample(one, seed, Plan(bins=4)))["a"] for seed in range(40)}
    assert found == {4, 8, 12, 16}


# --- steps


def test_steps_remove_equal_parts() -> None:
    groups = [group("a", 16), group("b", 10)]
    # a 16 -> 4 in thirds: 12 8 4; b 10 -> 5: 1.67 3.33 5 removed, never ahead of time: 9 7 5
    found = [counts(groups, plan) for plan in steps(groups, Plan().with_count("a", 4).with_count("b", 5), 3)]
    assert found == [{"a": 12, "b": 9}, {"a": 8, "b": 7}, {"a": 4, "b": 5}]


@pytest.mark.parametrize("seed", range(20))
def test_steps_only_ever_shrink_and_end_at_the_plan(seed: int) -> None:
    plan = any_plan(seed)
    found = [counts(GROUPS, step) for step in steps(GROUPS, plan, 4, scores(seed))]
    assert len(found) == 4
    assert found[-1] == counts(GROUPS, plan, scores(seed))
    assert all(after[name] <= before[name] for before, after in pairwise(found) for name in SIZES)


def test_a_step_fits_the_model_that_the_step_before_made() -> None:
    groups, plan = [group("a", 16), group("b", 10)], Plan(ratio=0.75, round_to=2)
    sizes = {"a": 16, "b": 10}
    for step in steps(groups, plan, 3):
        smaller = [group(name, size) for name, size in sizes.items()]
        sizes = counts(smaller, step)
    assert sizes == counts(groups, plan)


def test_channels_named_one_by_one_go_in_the_last_step() -> None:
    first, last = steps(GROUPS, Plan().with_indices("stem", [1, 2]), 2)
    assert counts(GROUPS, first)["stem"] == 10
    assert last.indices == (("stem", (1, 2)),)


def test_no_steps_are_refused() -> None:
    with pytest.raises(PlanError, match="0 steps"):
        steps(GROUPS, Plan(), 0)
