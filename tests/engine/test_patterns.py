"""Small nets of the twenty hard kinds: exact, inexact or refused with a reason, never silently wrong."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
import torch
from engine.patterns.judge import Result, judge
from engine.patterns.nets import ALL, Pattern

LINES = range(1, 21)
BY_NAME = {pattern.name: pattern for pattern in ALL}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@cache
def judged(name: str) -> Result:
    return judge(BY_NAME[name])


@pytest.mark.parametrize("name", sorted(BY_NAME, key=lambda name: (BY_NAME[name].line, name)))
def test_a_cut_is_proven_or_refused_with_a_reason(name: str) -> None:
    result = judged(name)
    assert result.fine, f"{result.verdict}: {result.detail}"


@pytest.mark.parametrize(
    "name",
    [
        "FusedQkv", "SeparateQkv", "MultiheadAttention", "GqaInterleave", "GqaExpand", "RotaryHalves",
        "RelativePositionTable", "Sinks", "CosineAttention", "Alibi", "QkNorm", "EncoderLayer",
        "KeysTimesValues",
    ],
)  # fmt: skip
def test_whole_heads_and_their_width_are_cut_apart_and_together(name: str) -> None:
    assert {"heads", "head_dim"} <= judged(name).kinds


@pytest.mark.parametrize("name", ["GroupedConv", "GroupedConvBn", "Grouped1d"])
def test_whole_conv_groups_are_offered_beside_equal_cuts(name: str) -> None:
    assert {"channels", "conv_groups"} <= judged(name).kinds


def test_every_line_of_hard_cases_has_at_least_six_nets() -> None:
    count = Counter(pattern.line for pattern in ALL)
    assert {line: count[line] for line in LINES if count[line] < 6} == {}


def test_nearly_all_nets_are_cut_none_is_wrong_and_none_crashes() -> None:
    results = [judged(name) for name in BY_NAME]
    bad = {r.pattern.name: r.detail for r in results if r.verdict in ("WRONG", "CRASH")}
    assert bad == {}

    cut = [r for r in results if r.verdict in ("exact", "inexact") and r.met]
    rest = [r.pattern.name for r in results if r not in cut]
    assert len(cut) >= 0.93 * len(results), f"not cut: {rest}"


def test_the_judge_sees_a_wrong_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle of the oracle: a deployed weight with two channels exchanged is called WRONG."""
    from slimgui import engine

    honest = engine.deploy

    def exchanging(*args, **more):
        deployed = honest(*args, **more)
        with torch.no_grad():
            weight = deployed.model.get_parameter("conv2.weight")
            weight.copy_(weight.flip(1))
        return deployed

    pattern: Pattern = BY_NAME["BiasAfterRelu"]
    assert judge(pattern).verdict == "exact"
    monkeypatch.setattr(engine, "deploy", exchanging)
    assert judge(pattern).verdict == "WRONG"


def test_the_judge_sees_a_changed_original(monkeypatch: pytest.MonkeyPatch) -> None:
    from slimgui import engine

    honest = engine.trace

    def touching(model, *args):
        next(model.buffers()).add_(1e-12)
        return honest(model, *args)

    monkeypatch.setattr(engine, "trace", touching)
    assert "the original was changed" in judge(BY_NAME["BiasAfterRelu"]).detail
