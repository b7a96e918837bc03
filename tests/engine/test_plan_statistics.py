"""Statistics of a plan as a file: for exactly the smaller model they were taken of."""

from __future__ import annotations

from pathlib import Path

import oracle
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from slimgui import engine
from slimgui.core.plan_set import PlanSet, Statistics
from slimgui.core.plan_store import collected, write_plans
from slimgui.errors import PlanError, SaveError


class Net(nn.Module):
    """Two convolutions with norms, and a number of another type."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
        self.two, self.last = nn.Conv2d(8, 6, 3), nn.BatchNorm2d(6)
        self.register_buffer("scale", torch.tensor(2.0, dtype=torch.bfloat16))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.two(torch.relu(self.norm(self.one(x))))) * self.scale.float()


def cut(
    ratio: float = 0.5, seed: int = 1, hollow: bool = False
) -> tuple[engine.Deployed, engine.Traced, list[Tensor]]:
    model = oracle.randomise(Net(), seed=seed).eval()
    generator = torch.Generator().manual_seed(0)
    batches = [3 * torch.randn(n, 3, 8, 8, generator=generator) + 1 for n in (4, 6, 5)]
    traced = engine.trace(model, batches[0])
    selection = engine.resolve(traced, engine.Plan(ratio=ratio), model)
    return engine.deploy(model, traced, selection, hollow=hollow), traced, batches


def test_a_file_of_statistics_is_what_recalibration_finds(tmp_path: Path) -> None:
    deployed, _, batches = cut()
    told: list[int] = []
    path = tmp_path / "half.safetensors"
    assert engine.take_statistics(deployed, batches, path, told.append) == 15  # 4 + 6 + 5
    assert told == [0, 4, 10]
    want = engine.recalibrate(deployed, batches)
    have = engine.with_statistics(deployed, path)
    torch.testing.assert_close(have.model.state_dict(), want.model.state_dict(), rtol=0, atol=0)
    assert [(step.method, step.batches) for step in have.recovery] == [("recalibrate", 3)]
    before = have.as_cut().model.state_dict()
    torch.testing.assert_close(before, deployed.model.state_dict(), rtol=0, atol=0)
    assert set(load_file(path)) == set(want.recovery[0].before)  # any reader of safetensors opens it


def test_they_fit_no_other_plan_and_no_other_weights(tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    deployed, _, batches = cut()
    engine.take_statistics(deployed, batches, path)
    engine.with_statistics(cut()[0], path)
    hollow = cut(hollow=True)[0]  # the same weights, cut one by one
    assert hollow.pending
    engine.with_statistics(hollow, path)
    for other in (cut(0.25)[0], cut(seed=2)[0]):
        with pytest.raises(PlanError, match="of another model"):
            engine.with_statistics(other, path)
    recovered = engine.recalibrate(deployed, batches[:1])  # the cut is the same
    engine.with_statistics(recovered, path)


def test_a_file_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    deployed, _, batches = cut()
    for name, content in (("cut", b"\x08\0\0\0\0\0\0\0{"), ("text", b"no numbers")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(PlanError, match="cannot be read"):
            engine.with_statistics(deployed, tmp_path / name)
    with pytest.raises(PlanError, match="cannot be read"):
        engine.with_statistics(deployed, tmp_path / "gone")
    path = tmp_path / "half.safetensors"
    engine.take_statistics(deployed, batches, path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    save_file({"norm.running_mean": torch.zeros(3)}, path, metadata)
    with pytest.raises(PlanError, match="are damaged"):
        engine.with_statistics(deployed, path)


def test_a_model_without_running_statistics_has_none_to_take(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 2))
    traced = engine.trace(model, torch.zeros(1, 4))
    deployed = engine.deploy(model, traced, engine.resolve(traced, engine.Plan(ratio=0.5), model))
    with pytest.raises(PlanError, match="keeps no running statistics"):
        engine.take_statistics(deployed, [torch.zeros(2, 4)], tmp_path / "none.safetensors")
    assert not list(tmp_path.iterdir())


def test_stored_plans_are_read_with_their_statistics_and_moved_with_them(tmp_path: Path) -> None:
    deployed, traced, batches = cut()
    first, moved = tmp_path / "first", tmp_path / "moved"
    first.mkdir()
    engine.take_statistics(deployed, batches, tmp_path / "numbers.safetensors")
    plan = engine.Plan(ratio=0.5)
    own = Statistics(plan, str(tmp_path / "numbers.safetensors"), "15 samples")
    plans = PlanSet((("half", plan), ("deep", engine.Plan(ratio=0.75))), "deep").with_statistics("half", own)
    write_plans(first / "plans.json", plans)
    first.rename(moved)
    read = engine.read_plans(moved / "plans.json", traced)
    assert (read.plans, read.current, read.fresh["half"].samples) == (plans.plans, "deep", "15 samples")
    engine.with_statistics(deployed, read.fresh["half"].file)

    kept, notes = collected(read, tmp_path)
    assert (list(kept.fresh), notes) == (["half"], ())
    next(moved.glob("*.safetensors")).unlink()
    left, notes = collected(read, tmp_path)
    assert (left.statistics, len(notes)) == ((), 1)
    with pytest.raises(PlanError, match="cannot be read"):
        engine.with_statistics(deployed, read.fresh["half"].file)
    with pytest.raises(SaveError, match="are gone"):
        write_plans(tmp_path / "plans.json", read)
    assert not (tmp_path / "plans.json").exists()


def test_a_plan_cannot_name_statistics_outside_its_folder(tmp_path: Path) -> None:
    _, traced, _ = cut()
    plans = PlanSet().with_statistics("Plan 1", Statistics(engine.Plan(), "../../etc/passwd", "all"))
    (tmp_path / "plans.json").write_text(plans.to_json())
    read = engine.read_plans(tmp_path / "plans.json", traced)
    assert read.fresh["Plan 1"].file == str(tmp_path / "passwd")
