"""What is lost when a group is cut alone: measured on the model that is built, and written down at once."""

from __future__ import annotations

from pathlib import Path

import oracle
import pytest
import torch
from torch import Tensor, nn

from slimgui import engine
from slimgui.core.sensitivity import read_points
from slimgui.errors import PlanError


class Net(nn.Module):
    """Two groups, `one` and `two`; half of the channels of `two` are never read."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.two(self.one(x).relu()).relu().mean((2, 3)))


def prepared() -> tuple[nn.Module, engine.Traced, list[Tensor]]:
    torch.manual_seed(0)
    model = oracle.randomise(Net(), seed=1).eval()
    with torch.no_grad():
        model.two.weight[::2] *= 1e-3  # by l1 the first to go
        model.two.bias[::2] = 0
        model.head.weight[:, ::2] = 0
    return model, engine.trace(model, torch.randn(2, 3, 8, 8)), [torch.randn(n, 3, 8, 8) for n in (4, 3)]


def test_channels_that_nothing_reads_cost_nothing_and_others_do() -> None:
    model, traced, samples = prepared()
    curves = engine.sensitivity(model, traced, samples)
    two = dict(curves.curve("two", 8))
    assert two[4] < 1e-6  # four channels are never read
    assert two[2] > 1e-2
    assert dict(curves.curve("one", 8))[4] > 1e-2


def test_the_loss_is_the_distance_to_the_zeroed_original() -> None:
    model, traced, samples = prepared()
    curve = engine.sensitivity(model, traced, samples, shares=(0.5,)).curve("one", 8)
    selection = engine.resolve(traced, engine.Plan(counts=(("one", 4),)), model)
    gone = sorted(set(range(8)) - set(selection.keep["one"].tolist()))
    masked = oracle.randomise(Net(), seed=1).eval()
    masked.load_state_dict(model.state_dict())
    with torch.no_grad():
        masked.one.weight[gone] = 0
        masked.one.bias[gone] = 0
        whole = torch.cat([model(batch) for batch in samples])
        other = torch.cat([masked(batch) for batch in samples])
    assert curve[0] == (4, pytest.approx(float((other - whole).norm() / whole.norm()), rel=1e-4))


def test_with_an_evaluation_the_loss_is_what_is_missing_to_the_whole_model() -> None:
    model, traced, samples = prepared()

    def evaluate(module: nn.Module) -> float:
        return 90.0 if module is model else 60.0 + module.one.out_channels  # 64 with half of `one`

    curves = engine.sensitivity(model, traced, samples, evaluate=evaluate, shares=(0.5,))
    assert curves.curve("one", 8) == [(4, 26.0), (8, 0.0)]


def test_a_measurement_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    model, traced, samples = prepared()
    path, told = tmp_path / "curves.jsonl", list[tuple[int, int]]()

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.sensitivity(model, traced, samples, path=path, told=stop)
    first = read_points(path).points
    assert len(first) == 3
    curves = engine.sensitivity(
        model, traced, samples, path=path, told=lambda done, total: told.append((done, total))
    )
    assert curves.points[:3] == first
    assert read_points(path).points == curves.points
    assert told == [(n + 1, 8) for n in range(8)]  # two groups, four shares


def test_other_weights_or_other_samples_are_another_measurement(tmp_path: Path) -> None:
    model, traced, samples = prepared()
    path = tmp_path / "curves.jsonl"
    one = engine.sensitivity(model, traced, samples, path=path, shares=(0.5,))
    assert engine.sensitivity(model, traced, samples[:1], path=path, shares=(0.5,)).of != one.of
    with torch.no_grad():
        model.one.weight[0, 0, 0, 0] += 1e-3
    assert engine.sensitivity(model, traced, samples, path=path, shares=(0.5,)).of != one.of


def test_locks_are_kept_and_the_model_stays_as_it_was() -> None:
    model, traced, samples = prepared()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    curves = engine.sensitivity(model, traced, samples, plan=engine.Plan(locked=("one",)))
    assert {point.group for point in curves.points} == {"two"}
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_no_samples_is_an_error_in_words() -> None:
    model, traced, _ = prepared()
    with pytest.raises(PlanError, match="no sample"):
        engine.sensitivity(model, traced, [])
