"""Plans in words, lists of channels as people write them, and the text of recipes."""

from __future__ import annotations

import random
import shlex
from dataclasses import fields, replace

import pytest
from plain_groups import any_plan

from slimgui.core.plan import Plan
from slimgui.core.recipe import as_command, as_python, options
from slimgui.core.words import describe, from_ranges, to_numbers, to_ranges
from slimgui.errors import PlanError


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Plan(), "Removes nothing."),
        (Plan(ratio=0.5), "Removes 50 % of every group's channels."),
        (
            Plan(ratio=0.125, scope="global", round_to=8),
            (
                "Removes 12.5 % of all channels, the least important of all groups first. "
                "Rounds counts up to a multiple of 8."
            ),
        ),
        (
            Plan(locked=("stem", "head"), only_exact=True).with_count("a", 3),
            "Keeps 3 channels of a. Leaves stem and head whole. Leaves approximate groups whole.",
        ),
        (Plan(counts=(("a", 3),), whole=("a",)), "Removes nothing. Leaves a whole."),
        (
            Plan(counts=tuple((name, 1) for name in "abcd"), bins=4, importance="first"),
            (
                "Sets the counts of 4 groups one by one. Shrinks every group in 4 equal steps. "
                "Judges channels by first."
            ),
        ),
        (
            Plan(min_count=4, min_ratio=0.2).with_ratio("a", 0.25).with_indices("b", [1]),
            (
                "Removes 25 % of the groups in a. Names the channels that stay in b. "
                "Keeps at least 4 channels of every group. Keeps at least 20 % of every group."
            ),
        ),
    ],
)
def test_a_plan_is_said_in_words(plan: Plan, words: str) -> None:
    assert describe(plan) == words


@pytest.mark.parametrize(
    ("indices", "text"), [((0, 1, 2, 5), "0-2,5"), ((7,), "7"), ((1, 3, 4), "1,3-4"), ((0, 1), "0-1")]
)
def test_neighbouring_channels_are_written_as_a_range(indices: tuple[int, ...], text: str) -> None:
    assert to_ranges(indices) == text
    assert from_ranges(text) == indices


@pytest.mark.parametrize("seed", range(10))
def test_any_list_of_channels_comes_back(seed: int) -> None:
    rng = random.Random(seed)
    indices = tuple(sorted(rng.sample(range(40), rng.randint(1, 40))))
    assert from_ranges(to_ranges(indices)) == indices


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "1,,2", "1-2-3", "1.5"])
def test_what_is_no_list_of_channels_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="no list of channels"):
        from_ranges(text)


@pytest.mark.parametrize("text", ["0.5 nan", "inf", "1e999", "half", "0.5;0.5"])
def test_what_is_no_list_of_finite_numbers_is_refused(text: str) -> None:
    assert to_numbers("0.485, 0.456 0.406") == (0.485, 0.456, 0.406)
    with pytest.raises(PlanError):
        to_numbers(text)


def test_names_with_spaces_and_quotes_are_quoted() -> None:
    command = as_command(Plan(ratio=0.5, locked=("a b",)), "my 'net'.pt", "1x3x8x8", "out file.pt")
    assert shlex.split(command) == [
        "slimgui", "slim", "my 'net'.pt", "--ratio", "0.5", "--lock", "a b",
        "--input", "1x3x8x8", "--out", "out file.pt",
    ]  # fmt: skip


def test_a_plain_plan_is_a_short_command() -> None:
    assert as_command(Plan(ratio=0.5), "net.pt") == "slimgui slim net.pt --ratio 0.5 --out small.pt"


@pytest.mark.parametrize("seed", range(10))
def test_the_python_text_holds_the_plan_itself(seed: int) -> None:
    plan = any_plan(seed)
    text = as_python(plan, "net.pt")
    start = text.index("plan = ") + len("plan = ")
    given = text[start : text.index("\nselection")].removeprefix("engine.")
    assert eval(given, {"Plan": Plan}) == plan


def test_every_field_of_a_plan_has_an_option() -> None:
    limits = Plan(scope="global", round_to=2, bins=3, min_count=4, min_ratio=0.2, importance="l2")
    plan = replace(limits, ratio=0.1, only_exact=True, locked=("a",), whole=("e",))
    plan = plan.with_count("b", 1).with_indices("c", [0]).with_ratio("d", 0.3)
    assert all(getattr(plan, field.name) != getattr(Plan(), field.name) for field in fields(Plan))
    assert options(plan) == shlex.split(
        "--ratio 0.1 --scope global --round-to 2 --bins 3 --min-count 4 --min-ratio 0.2 --importance l2 "
        "--only-exact --lock a --whole e --ratio-of d=0.3 --count b=1 --channels c=0"
    )
