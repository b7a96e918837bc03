"""Ops measured one by one, and models measured in turns. Clocks are made up: no test knows a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from slimgui import engine
from slimgui.core import budget
from slimgui.core.cost import full_counts
from slimgui.core.latency_table import padded
from slimgui.core.targets import target
from slimgui.engine.keep import labels_gone
from slimgui.engine.latency import Gauge, gauge_of, latency_model
from slimgui.engine.latency_target import by_table, held_to, plan_by_tables, plan_for_latency
from slimgui.engine.op_calls import OpCall, Operand, op_call, timed_functions
from slimgui.engine.timing import Clock, Latency, in_turns, measure_latency, ops_in_turns
from slimgui.engine.view import View
from slimgui.errors import PlanError, TargetError


class Net(nn.Module):
    """A stem, a depthwise convolution, a branch that is joined by cat, attention over what is left."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 48, 3, padding=1)
        self.norm = nn.BatchNorm2d(48)
        self.deep = nn.Conv2d(48, 48, 3, padding=1, groups=48)
        self.wide = nn.Conv2d(48, 100, 1)
        self.side = nn.Conv2d(48, 40, 1)
        self.query = nn.Linear(140, 64)
        self.key = nn.Linear(140, 64)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.deep(functional.relu(self.norm(self.stem(x))))
        x = torch.cat((self.wide(x), self.side(x)), 1).flatten(2).transpose(1, 2)
        query, key = (layer(x).unflatten(-1, (4, 16)).transpose(1, 2) for layer in (self.query, self.key))
        x = functional.scaled_dot_product_attention(query, key, key)
        return self.head(x.transpose(1, 2).flatten(2).mean(1))


def by_macs(calls: Sequence[OpCall]) -> list[float | None]:
    """One nanosecond per multiply-add of convolutions and linear layers, from the shapes alone."""
    return [1e-9 * macs(call) for call in calls]


def macs(call: OpCall) -> int:
    if call.name not in ("conv2d", "linear"):
        return 0
    given, weight = call.args[:2]
    assert isinstance(given, Operand)
    assert isinstance(weight, Operand)
    places = prod(given.shape[2:]) if call.name == "conv2d" else prod(given.shape[:-1])
    return places * prod(weight.shape)  # every convolution here keeps height and width


@pytest.fixture(scope="module")
def net() -> Net:
    return Net().eval()


@pytest.fixture(scope="module")
def traced(net: Net) -> engine.Traced:
    return engine.trace(net, torch.zeros(1, 3, 6, 6))


def uneven(traced: engine.Traced) -> dict[str, int]:
    """Counts that are no grid points: whole less 7, 8, 9, ... where that leaves something."""
    numbers = itertools.count(7)
    return {g.id: g.size if g.locked else max(1, g.size - next(numbers)) for g in traced.groups}


def test_seconds_of_a_cut_are_those_of_its_ops(traced: engine.Traced, tmp_path: Path) -> None:
    model = latency_model(traced, gauge=Gauge("made up", by_macs), cache=tmp_path)
    # the products of attention are measured as one call of another name, and cost nothing here
    products = sum(form.at(uneven(traced)) for form in traced.cost_model.macs if form.layer == "")
    macs_left = traced.cost_model.at(uneven(traced)).macs - products
    assert products > 0
    assert model.at(uneven(traced)) == pytest.approx(1e-9 * macs_left, rel=1e-6)
    assert not model.unmeasured


def test_a_second_model_of_latency_measures_nothing(traced: engine.Traced, tmp_path: Path) -> None:
    heard: list[int] = []

    def counted(calls: Sequence[OpCall]) -> list[float | None]:
        heard.append(len(calls))
        return by_macs(calls)

    first = latency_model(traced, gauge=Gauge("made up", counted), cache=tmp_path)
    assert sum(heard) > 20
    heard.clear()
    again = latency_model(traced, gauge=Gauge("made up", counted), cache=tmp_path)
    assert not heard
    assert again.to_json() == first.to_json()
    latency_model(traced, gauge=Gauge("another device", counted), cache=tmp_path)
    assert heard


def test_an_op_that_cannot_run_alone_is_named(traced: engine.Traced, tmp_path: Path) -> None:
    def measure(calls: Sequence[OpCall]) -> list[float | None]:
        return [None if call.name == "batch_norm" else 1e-6 for call in calls]

    model = latency_model(traced, gauge=Gauge("made up", measure), cache=tmp_path)
    assert [name.partition("(")[0] for name in model.unmeasured] == ["batch_norm"]


def test_every_call_of_the_cut_model_can_be_made_alone(net: Net, traced: engine.Traced) -> None:
    kept = {name: torch.arange(count).numpy() for name, count in uneven(traced).items()}
    view = View(traced.passes[0], labels_gone(traced.solved, engine.Selection(kept)))
    calls = [op_call(function, view) for function, _ in timed_functions(traced.passes[0].capture)]
    results = [call.ready(torch.device("cpu")).run() for call in calls]
    deployed = engine.deploy(net, traced, engine.Selection(kept)).model
    shapes = [
        tuple(layer.weight.shape) for layer in deployed.modules() if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    replayed = [call.args[1].shape for call in calls if call.name in ("conv2d", "linear")]
    assert replayed == shapes
    assert results[-1].shape == (1, 10)
    assert [call.args[6] for call in calls if call.name == "conv2d"][1] == uneven(traced)["stem"]


def test_operands_lie_in_memory_as_they_did() -> None:
    columns = Operand((2, 3, 4), torch.float32, (0, 2, 1), frozenset(), is_weight=False, value=None)
    assert columns.make(torch.device("cpu")).stride() == (12, 1, 3)
    wide = Operand((2, 3), torch.float32, (1, 0), frozenset({0}), is_weight=False, value=None)
    assert wide.make(torch.device("cpu")).stride()[0] == 0
    assert str(columns) == "float32[2, 3, 4] in memory (0, 2, 1)"


def ticking(steps: Sequence[float]) -> Clock:
    """A clock on which the n-th run takes steps[n] seconds, over and over."""
    times = itertools.accumulate(itertools.chain.from_iterable((0.0, s) for s in itertools.cycle(steps)))
    return Clock(lambda: next(times), lambda: None)


def test_models_are_run_in_turns_and_first_runs_do_not_count() -> None:
    ran: list[str] = []
    runs = [lambda: ran.append("a"), lambda: ran.append("b")]
    rows = in_turns(runs, ticking([1.0, 2.0]), seconds=9.0, least=1)
    # two rounds to warm up; then 3 s a round until 9 s are full
    assert ran == ["a", "b"] * 5
    assert rows == [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]


def test_latency_is_the_median_and_half_of_the_middle_half() -> None:
    assert Latency.of([4.0, 1.0, 2.0, 3.0, 100.0]) == Latency(3.0, 1.0, 5)  # quarters at 2 and 4
    assert Latency.of([4.0]) == Latency(4.0, 0.0, 1)


def test_the_time_of_the_clock_is_taken_off() -> None:
    call = OpCall(torch.neg, "neg", (Operand((2,), torch.float32, (0,), frozenset(), False, None),), {})
    op = call.ready(torch.device("cpu"))
    # 99 empty runs and every other one take 1 s on this clock
    assert ops_in_turns([op], ticking([1.0]), rounds=3) == [0.0]


def test_measuring_leaves_a_model_as_it_was() -> None:
    model = Net().train()
    model.norm.eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    flags = [module.training for module in model.modules()]
    seen: list[bool] = []
    model.register_forward_hook(lambda module, args, out: seen.append(module.training or out.requires_grad))
    found = measure_latency([model, model], torch.zeros(2, 3, 6, 6), seconds=0.0, least=2)
    assert [one.runs for one in found] == [2, 2]
    assert not any(seen)
    assert [module.training for module in model.modules()] == flags
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_real_ops_are_measured_once_each(traced: engine.Traced, tmp_path: Path) -> None:
    model = latency_model(traced, cache=tmp_path)
    assert not model.unmeasured
    assert model.at(full_counts(traced.groups)) > 0
    assert "thread" in model.device
    assert gauge_of(torch.device("cpu")).setting == model.device


def counting(models: Sequence[nn.Module]) -> list[Latency]:
    """A made-up clock: a millisecond, and a nanosecond per number in the weights."""
    return [Latency(1e-3 + 1e-9 * sum(p.numel() for p in model.parameters()), 0.0, 1) for model in models]


def by_weights(calls: Sequence[OpCall]) -> list[float | None]:
    """The same clock for ops: what their weights count, which is most of the whole."""
    return [1e-9 * prod(weight_shape(call)) for call in calls]


def weight_shape(call: OpCall) -> tuple[int, ...]:
    return call.args[1].shape if call.name in ("conv2d", "linear") else (0,)


def test_scale_and_overhead_are_found_from_models_with_fewer_channels(
    net: Net, traced: engine.Traced, tmp_path: Path
) -> None:
    ops = latency_model(traced, gauge=Gauge("made up", by_weights), cache=tmp_path)
    # 23,000 weights at 200 ns are 4.6 ms, most of the time, as in a model
    held = held_to(ops, net, traced, slowed(200))
    assert held.scale == pytest.approx(200, rel=0.05)
    assert held.overhead == pytest.approx(1e-3, rel=0.1)


def slowed(factor: float) -> Callable[[Sequence[nn.Module]], list[Latency]]:
    """A millisecond, and what `counting` says of the weights `factor` times."""

    def time(models: Sequence[nn.Module]) -> list[Latency]:
        return [replace(one, median=1e-3 + factor * (one.median - 1e-3)) for one in counting(models)]

    return time


@pytest.mark.parametrize("share", [0.8, 0.6])
def test_a_target_of_latency_is_reached_on_the_deployed_model(
    net: Net, traced: engine.Traced, tmp_path: Path, share: float
) -> None:
    ops = latency_model(traced, gauge=Gauge("made up", by_weights), cache=tmp_path)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    # the ops say nothing of the overhead of a millisecond: the first plan misses, the next ones come near
    found = plan_for_latency(
        traced, net, ops.fitted([(full_counts(traced.groups), 2e-3)]), share, time=slowed(200)
    )
    assert found.left == pytest.approx(share, rel=0.021)
    small = sum(p.numel() for p in found.deployed.model.parameters())
    assert found.after.median == pytest.approx(1e-3 + 200e-9 * small)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())


def test_even_counts_win_where_kernels_work_on_sixteen_at_once(
    net: Net, traced: engine.Traced, tmp_path: Path
) -> None:
    def stepped(calls: Sequence[OpCall]) -> list[float | None]:
        return [1e-9 * prod(padded(n, 16) for n in weight_shape(call)[:2]) for call in calls]

    ops = latency_model(traced, gauge=Gauge("steps", stepped), cache=tmp_path)
    scores = engine.importance(net, traced.groups, "l1")
    found = plan_by_tables(traced, ops, scores, 0.6, plan=engine.Plan())
    counts = engine.resolve(traced, found.plan, net).counts()
    assert found.plan.round_to > 1
    assert ops.at(counts) / ops.at(full_counts(traced.groups)) == pytest.approx(0.6, abs=0.05)


def test_a_target_without_measured_time_is_refused(net: Net, traced: engine.Traced) -> None:
    scores = engine.importance(net, traced.groups, "l1")
    with pytest.raises(PlanError, match="Nobody has measured"):
        budget.find(traced.groups, traced.cost_model, [target("latency", 0.6)], scores, engine.Plan())
    with pytest.raises(PlanError, match="no share"):
        target("latency", "20")


def test_less_time_than_any_plan_leaves_is_refused_in_shares(
    net: Net, traced: engine.Traced, tmp_path: Path
) -> None:
    ops = latency_model(traced, gauge=Gauge("made up", by_weights), cache=tmp_path)
    held = replace(ops, overhead=ops.at(full_counts(traced.groups)))  # half of the time is nobody's
    with pytest.raises(TargetError, match="only 40 % of the time") as caught:
        by_table(traced, net, held, [target("latency", 0.4)], engine.Plan())
    assert "% of the time stay" in caught.value.why
