"""What people write for a target, and what of it can be reached."""

from __future__ import annotations

import pytest

from slimgui.core.cost import CostModel
from slimgui.core.groups import Group
from slimgui.core.plan import Plan
from slimgui.core.sizes import Product, Size
from slimgui.core.targets import Reach, Target, limits, parse_targets, reach, target
from slimgui.errors import PlanError, TargetError

GROUPS = (Group("a", 10), Group("b", 20))
COST = CostModel(macs=(Product("b", 3, (Size(0, ((1, ("a",)),)), Size(0, ((1, ("b",)),)))),))


@pytest.mark.parametrize(
    ("wanted", "limit", "words"),
    [
        ("50%", 500, "keeps 50 % of the MACs"),
        (0.5, 500, "keeps 50 % of the MACs"),
        ("-30%", 700, "keeps 70 % of the MACs"),
        (-0.3, 700, "keeps 70 % of the MACs"),
        ("0.4k", 400, "keeps 400 MACs"),
        ("400", 400, "keeps 400 MACs"),
        (1, 1000, "keeps 100 % of the MACs"),
        ("2.0G", 2 * 10**9, "keeps 2 G MACs"),
        ("0,5", 500, "keeps 50 % of the MACs"),  # a comma, as many people write it
        ("12,5 %", 125, "keeps 12.5 % of the MACs"),
        ("0,125", 125, "keeps 12.5 % of the MACs"),
        (" 29% ", 290, "keeps 29 % of the MACs"),  # 0.29 · 1000 is 290.00000000000006 or less
    ],
)
def test_a_target_is_what_is_left(wanted: str | float, limit: int, words: str) -> None:
    found = target("macs", wanted)
    assert (found.limit(1000), str(found)) == (limit, words)


@pytest.mark.parametrize("wanted", ["", "half", "50 percent", "-2G", "-150%", "1e", "%"])
def test_what_is_no_amount_is_refused_with_the_way_to_write_it(wanted: str) -> None:
    with pytest.raises(PlanError) as caught:
        target("macs", wanted)
    assert "50%" in caught.value.hint


def test_bytes_are_read_as_they_are_shown_and_nothing_else_is_bytes() -> None:
    assert target("bytes", "27.8 MB") == Target("bytes", 27.8e6, False)
    assert target("activation_bytes", "527KB") == Target("activation_bytes", 527e3, False)
    assert target("bytes", "1 B") == Target("bytes", 1, False)
    with pytest.raises(PlanError):
        target("params", "27.8 MB")


@pytest.mark.parametrize(("wanted", "hint"), [("1,500M", "1500M or 1.500M"), ("2,000", "2000 or 2.000")])
def test_a_comma_before_three_digits_is_asked_about(wanted: str, hint: str) -> None:
    with pytest.raises(PlanError) as caught:
        target("macs", wanted)
    assert caught.value.hint == f"Write {hint}."


def test_a_comma_ends_a_target_where_no_digit_follows() -> None:
    assert parse_targets("macs=0,5,params=12,5%") == (
        Target("macs", 0.5, True),
        Target("params", 0.125, True),
    )


def test_several_targets_stand_side_by_side() -> None:
    have = parse_targets("macs=50%, params = 11M;activation-bytes=0.8")
    assert have == (
        Target("macs", 0.5, True),
        Target("params", 11e6, False),
        Target("activation_bytes", 0.8, True),
    )


@pytest.mark.parametrize("text", ["", "macs", "flops=50%", "macs=50%,macs=40%"])
def test_text_without_a_clear_target_is_refused(text: str) -> None:
    with pytest.raises(PlanError):
        parse_targets(text)


def test_what_can_be_reached_follows_from_the_limits_of_the_plan() -> None:
    # 3 · 10 · 20 = 600 whole; each group down to one channel: 3; half of both now: 3 · 5 · 10
    assert reach(GROUPS, COST, Plan(ratio=0.5))["macs"] == Reach(3, 150, 600)
    # a at least 4 channels, b written down as 15: 3 · 4 · 15
    assert reach(GROUPS, COST, Plan(min_count=4).with_count("b", 15))["macs"] == Reach(180, 450, 600)
    assert reach(GROUPS, COST, Plan(whole=("a",)))["macs"] == Reach(30, 600, 600)


def test_less_than_the_minimum_is_refused_with_all_that_can_be_reached() -> None:
    reachable = reach(GROUPS, COST, Plan(min_ratio=0.5))
    assert limits([target("macs", 0.25)], reachable) == {"macs": 150}
    with pytest.raises(TargetError) as caught:
        limits([target("macs", 0.249)], reachable)
    assert caught.value.reach["macs"] == (150, 600, 600)
    assert str(caught.value).splitlines() == [
        "No plan leaves only 24.9 % of the MACs.",
        "With every group as small as its limits allow, MACs go from 150 (25 %) to 600, now 600.",
        "Leave more, or unlock groups and lower the minima.",
    ]
