"""What the window wants to know of the open model beside cutting it, on the example."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from slimgui import engine, resources
from slimgui.core import wire
from slimgui.core.plan import Plan
from slimgui.engine import insight
from slimgui.engine.load import Loaded
from slimgui.engine.timing import Latency
from slimgui.engine.trace import Traced
from slimgui.errors import PlanError, SlimError


@pytest.fixture(scope="module")
def opened() -> tuple[Loaded, Traced]:
    loaded = engine.load(str(resources.path(resources.EXAMPLE)))
    return loaded, engine.trace(loaded.model, loaded.example_inputs)


def test_places_are_the_indices_of_every_member(opened: tuple[Loaded, Traced]) -> None:
    _, traced = opened
    for group in traced.groups:
        members, tables = insight.located(traced, group.id)
        assert [(name, dim) for name, dim, _ in members] == [(m.parameter, m.dim) for m in group.members]
        for (_, _, number), member in zip(members, group.members, strict=True):
            rows = np.frombuffer(tables[number], "int32").reshape(group.size, -1)
            assert np.array_equal(rows, member.indices)
    assert len(insight.located(traced, "stem")[1]) < len(insight.located(traced, "stem")[0])
    with pytest.raises(PlanError, match="no group"):
        insight.located(traced, "nowhere")


@dataclass
class Ops:
    """A model of time: every channel that stays takes as long, and an odd count takes a second more."""

    per_channel: float
    device: str = "cpu"

    def by_layer(self, counts: dict[str, int]) -> dict[str, float]:
        return {name: float(count) for name, count in counts.items()}

    def at(self, counts: dict[str, int]) -> float:
        return self.per_channel * sum(counts.values()) + sum(count % 8 != 0 for count in counts.values())


def stand_in(monkeypatch: pytest.MonkeyPatch, seconds: list[float], per_channel: float) -> None:
    """Whole models take these seconds, and ops what `Ops` says."""

    def measure(models: list[object], inputs: object, device: str) -> list[Latency]:
        del inputs, device
        return [Latency(each, each / 10, 7) for each in seconds[: len(models)]]

    monkeypatch.setattr(insight, "measure_latency", measure)
    monkeypatch.setattr(insight, "latency_model", lambda traced, **_: Ops(per_channel))
    monkeypatch.setattr(insight, "held_to", lambda ops, *_: ops)


def ask(opened: tuple[Loaded, Traced], plan: Plan) -> wire.Timed:
    return insight.timed(*opened, wire.Time(3, plan, 1), lambda *_: None)


def test_the_whole_model_is_measured_alone(
    opened: tuple[Loaded, Traced], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, [2.0], 1e-6)
    answer = ask(opened, Plan())
    assert (answer.before, answer.after, answer.spread) == (2.0, 2.0, (0.2, 0.2))
    assert (answer.warning, answer.advice) == ("", "")


def test_time_that_does_not_follow_is_said_and_multiples_that_help_are_offered(
    opened: tuple[Loaded, Traced], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, [2.0, 1.99], 1e-6)
    answer = ask(opened, Plan(ratio=0.4))
    assert (answer.before, answer.after) == (2.0, 1.99)
    assert "time does not" in answer.warning
    assert answer.multiple == 8
    assert "multiples of 8" in answer.advice
    assert ask(opened, Plan(ratio=0.5, round_to=8)).multiple == 0  # nothing more to round


def test_the_slowest_layers_are_named_with_what_stays_of_them(
    opened: tuple[Loaded, Traced], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, [2.0, 1.0], 1e-6)
    answer = ask(opened, Plan(ratio=0.5))
    # here a layer takes a second per channel of its group: the widest groups, and half of each
    widest = sorted((group.size for group in opened[1].groups), reverse=True)[: insight.SLOWEST]
    assert [before for _, before, _ in answer.slowest] == widest
    assert all(after == before / 2 for _, before, after in answer.slowest)
    assert ask(opened, Plan()).slowest == ()


def test_it_is_measured_with_the_threads_that_were_asked_for_and_no_others_later(
    opened: tuple[Loaded, Traced], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, seen = torch.get_num_threads(), []
    stand_in(monkeypatch, [2.0, 1.0], 1e-6)
    monkeypatch.setattr(
        insight, "latency_model", lambda traced, **_: seen.append(torch.get_num_threads()) or Ops(1)
    )
    for number in (before + 1, 0):
        insight.timed(*opened, wire.Time(3, Plan(ratio=0.5), 1, threads=number), lambda *_: None)
    with pytest.raises(AttributeError, match="to_json"):  # measured, but no model that could be written
        insight.write_times("x", opened[0].model, opened[1], "cpu", lambda *_: None, before + 2)
    assert seen == [before + 1, before, before + 2]
    assert torch.get_num_threads() == before


def test_a_device_that_is_not_there_is_refused(opened: tuple[Loaded, Traced]) -> None:
    with pytest.raises(SlimError, match="Nothing can be measured on 'nowhere'"):
        insight.timed(*opened, wire.Time(3, Plan(), 1, device="nowhere"), lambda *_: None)


def test_times_of_another_device_come_from_its_table(
    opened: tuple[Loaded, Traced], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, [], 1.0)
    monkeypatch.setattr(insight, "read_latency", lambda path, groups: insight.latency_model(None))
    answer = insight.timed(*opened, wire.Time(3, Plan(ratio=0.5), 1, "phone.json"), lambda *_: None)
    assert answer.spread is None
    assert answer.after < answer.before
