"""Norm statistics taken anew: plain averages, apart from the proof, the model's own untouched."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import oracle
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slimgui import engine
from slimgui.core.recovery import RECOVERY
from slimgui.engine.recover import NEED_SAMPLES, STEPS, WITH_SAMPLES
from slimgui.engine.reopen import reopen
from slimgui.errors import DataError, PlanError


class HandNorm(nn.Module):
    """A norm of the user's own, with statistics under other names."""

    def __init__(self, width: int, torch_level: bool) -> None:
        super().__init__()
        self.register_buffer("my_running_mean", torch.zeros(width))
        self.register_buffer("my_running_var", torch.ones(width))
        self.torch_level = torch_level

    def forward(self, x: Tensor) -> Tensor:
        if self.torch_level:
            mean, var = self.my_running_mean, self.my_running_var
            return torch.batch_norm(x, None, None, mean, var, self.training, 0.3, 1e-5, False)
        return F.batch_norm(
            x, self.my_running_mean, self.my_running_var, training=self.training, momentum=0.3
        )


class Normed(nn.Module):
    """conv, norm, dropout, conv, norm, head; one norm is never reached."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 6, 3)
        self.norm, self.hand, self.third = nn.BatchNorm2d(8), HandNorm(8, False), HandNorm(8, True)
        self.last, self.idle = nn.BatchNorm2d(6), nn.BatchNorm2d(6)
        self.head = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.dropout(F.relu(self.third(self.hand(self.norm(self.one(x))))), 0.5, self.training)
        return self.head(F.relu(self.last(self.two(x))).mean((2, 3)))


def cut(ratio: float = 0.5) -> tuple[nn.Module, engine.Traced, engine.Deployed, list[Tensor]]:
    torch.manual_seed(0)
    model = oracle.randomise(Normed(), seed=1).eval()
    batches = [3 * torch.randn(n, 3, 8, 8) + 1 for n in (4, 6, 5)]
    traced = engine.trace(model, batches[0])
    selection = engine.resolve(traced, engine.Plan.uniform(traced, ratio=ratio), model)
    return model, traced, engine.deploy(model, traced, selection), batches


def test_statistics_become_the_plain_average_over_the_batches() -> None:
    _, _, deployed, batches = cut()
    small = engine.recalibrate(deployed, batches).model
    data = [
        deployed.model.one(x) for x in batches
    ]  # in front of the first norm nothing depends on statistics
    # one number per batch and channel, each batch the same weight whatever its size
    want = torch.stack([x.mean((0, 2, 3)) for x in data]).mean(0)
    torch.testing.assert_close(small.norm.running_mean, want)
    want = torch.stack([x.var((0, 2, 3), unbiased=True) for x in data]).mean(0)
    torch.testing.assert_close(small.norm.running_var, want)


def test_they_are_those_that_torch_averages_without_a_momentum() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 6, 3), nn.BatchNorm2d(6)
    )
    batches = [torch.randn(4, 3, 8, 8) + n for n in range(3)]
    traced = engine.trace(model, batches[0])
    selection = engine.resolve(traced, engine.Plan.uniform(traced, ratio=0.5), model)
    deployed = engine.deploy(model, traced, selection)
    have = engine.recalibrate(deployed, batches).model
    for norm in (deployed.model[1], deployed.model[4]):
        norm.reset_running_stats()
        norm.momentum = None
    deployed.model.train()
    for x in batches:
        deployed.model(x)
    for number in (1, 4):
        torch.testing.assert_close(have[number].running_mean, deployed.model[number].running_mean)
        torch.testing.assert_close(have[number].running_var, deployed.model[number].running_var)


def test_norms_of_other_classes_count_and_idle_ones_stay() -> None:
    _, _, deployed, batches = cut()
    recovered = engine.recalibrate(deployed, batches)
    changed = {f"{n}.{s}" for n in ("norm", "last") for s in ("running_mean", "running_var")}
    changed |= {f"{n}.{s}" for n in ("hand", "third") for s in ("my_running_mean", "my_running_var")}
    assert set(recovered.recovery[0].before) == changed
    assert (recovered.recovery[0].method, recovered.recovery[0].batches) == ("recalibrate", 3)
    # what comes out of a norm with scale 1 and shift 0 has mean 0 and variance 1
    assert recovered.model.third.my_running_mean.abs().max() < 1e-5
    torch.testing.assert_close(recovered.model.third.my_running_var, torch.ones(4), rtol=0.02, atol=0)


def test_neither_the_model_nor_what_was_deployed_changes() -> None:
    model, _, deployed, batches = cut()
    before = oracle.snapshot(model), oracle.snapshot(deployed.model)
    state = torch.get_rng_state()
    engine.recalibrate(deployed, batches)
    assert oracle.same(before, (oracle.snapshot(model), oracle.snapshot(deployed.model)))
    assert torch.equal(state, torch.get_rng_state())


def test_without_a_batch_there_is_nothing_to_average() -> None:
    with pytest.raises(PlanError, match="no sample"):
        engine.recalibrate(cut()[2], [])


def test_statistics_that_are_no_finite_numbers_are_refused() -> None:
    _, _, deployed, batches = cut()
    before = oracle.snapshot(deployed.model)
    with pytest.raises(DataError, match="no finite numbers"):
        engine.recalibrate(deployed, [*batches, 1e30 * batches[0]])  # its variance is beyond float32
    assert oracle.same(before, oracle.snapshot(deployed.model))


def test_the_proof_is_of_the_cut_also_when_it_is_made_after_recovery() -> None:
    model, _, deployed, batches = cut()
    recovered = engine.recalibrate(deployed, batches)
    moved = oracle.error(
        oracle.run(deployed.model, (batches[0],)), oracle.run(recovered.model, (batches[0],))
    )
    assert moved > 1e-2
    assert engine.verify(model, recovered, batches[0]).passed

    twice = engine.recalibrate(recovered, batches[:1])
    assert len(twice.recovery) == 2
    assert engine.verify(model, twice, batches[0]).passed
    with torch.no_grad():  # a wrong weight is still found
        twice.model.two.weight.mul_(2)
    assert not engine.verify(model, twice, batches[0]).passed


def test_a_file_holds_the_recovered_numbers_and_says_what_changed(tmp_path: Path) -> None:
    model, _, deployed, batches = cut()
    deployed = deployed.with_proof(engine.verify(model, deployed, batches[0]))
    recovered = engine.recalibrate(deployed, batches)
    engine.save(recovered, tmp_path / "small.pt")
    loaded = engine.load(tmp_path / "small.pt", model=Normed())
    assert (
        oracle.error(oracle.run(recovered.model, (batches[1],)), oracle.run(loaded.model, (batches[1],))) == 0
    )
    assert loaded.provenance is not None
    assert loaded.provenance.proof["passed"]
    (step,) = loaded.provenance.recovery
    assert (step.method, step.batches) == ("recalibrate", 3)
    assert set(step.changed) == set(recovered.recovery[0].before)


def test_the_proof_of_a_recovered_file_can_be_made_again(tmp_path: Path) -> None:
    build = tmp_path / "net.py"
    build.write_text(
        "from torch import nn\n"
        "def build():\n"
        "    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3))\n"
    )
    source, x = f"{build}:build", torch.randn(4, 3, 8, 8)
    model = engine.load(source).model
    traced = engine.trace(model, x)
    selection = engine.resolve(traced, engine.Plan.uniform(traced, ratio=0.5), model)
    deployed = engine.recalibrate(engine.deploy(model, traced, selection), [x + 1])
    engine.save(deployed, tmp_path / "small.pt")
    whole, again = reopen(source, str(tmp_path / "small.pt"))
    assert [step.method for step in again.recovery] == ["recalibrate"]
    assert engine.verify(whole.model, again, x).passed
    assert not torch.equal(again.model[1].running_mean, again.as_cut().model[1].running_mean)


# --- named subnets with statistics of their own


def supernet() -> tuple[nn.Module, engine.Supernet, list[Tensor]]:
    model, traced, _, batches = cut()
    named = engine.Supernet(model, traced)
    for name, ratio in (("half", 0.5), ("quarter", 0.75)):
        named.add(name, engine.resolve(traced, engine.Plan.uniform(traced, ratio=ratio), model))
    return model, named, batches


def test_every_named_subnet_keeps_statistics_of_its_own() -> None:
    model, named, batches = supernet()
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    model.train()
    named["half"](batches[0])
    model.eval()
    named.recalibrate("quarter", batches)
    assert oracle.same(before, dict(model.named_buffers()))

    half, quarter = (named[name].statistics for name in ("half", "quarter"))
    assert half["norm.running_mean"].shape == (4,)
    assert quarter["norm.running_mean"].shape == (2,)
    assert int(half["norm.num_batches_tracked"]) == 1
    kept = torch.as_tensor(named["half"].kept["norm.weight"][0])
    want = 0.9 * before["norm.running_mean"] + 0.1 * model.one(batches[0]).mean((0, 2, 3))
    torch.testing.assert_close(half["norm.running_mean"], want[kept])


def test_the_weights_are_shared_and_each_deploys_with_its_own_statistics() -> None:
    model, named, batches = supernet()
    for name in named:
        named.recalibrate(name, batches)
    with torch.no_grad():
        model.two.weight.add_(0.1)
    for name, subnet in named.items():
        deployed = named.deploy(name)
        torch.testing.assert_close(deployed.model(batches[1]), subnet(batches[1]))
        assert deployed.recovery[0].method == "own statistics"
        assert engine.verify(model, deployed, batches[0]).passed
    assert np.array_equal(named.deploy("half").kept["two.weight"][0], named["half"].kept["two.weight"][0])


def test_named_subnets_come_back_from_their_state(tmp_path: Path) -> None:
    model, named, batches = supernet()
    named.recalibrate("half", batches)
    torch.save({"model": model.state_dict(), "subnets": named.state_dict()}, tmp_path / "supernet.pt")

    found = torch.load(tmp_path / "supernet.pt", weights_only=True)
    other = Normed()
    other.load_state_dict(found["model"])
    again = engine.Supernet(other.eval(), engine.trace(other, batches[0]))
    again.load_state_dict(found["subnets"])
    assert list(again) == ["half", "quarter"]
    for name in named:
        assert torch.equal(again[name](batches[1]), named[name](batches[1]))

    found["subnets"]["half"]["statistics"]["norm.running_mean"] = torch.zeros(5)
    with pytest.raises(PlanError, match="another subnet"):
        again.load_state_dict(found["subnets"])


def test_the_window_and_the_command_line_offer_exactly_the_steps_there_are() -> None:
    assert set(RECOVERY) == {*STEPS, "recalibrate"}
    assert tuple(name for name, known in RECOVERY.items() if not known.without_samples) == WITH_SAMPLES
    assert {name for name, known in RECOVERY.items() if known.needs_samples} == set(NEED_SAMPLES)


def test_a_file_says_what_a_step_left_alone_and_how_far_it_came(tmp_path: Path) -> None:
    model, traced, deployed, batches = cut()
    recovered = engine.recover(model, traced, deployed, batches)
    bare = engine.recover(model, traced, deployed, None, ["absorb"]).recovery  # without samples some is left
    both = replace(recovered, recovery=(*recovered.recovery, *bare))
    engine.save(both, tmp_path / "small.pt")
    loaded = engine.load(tmp_path / "small.pt", model=Normed())
    assert loaded.provenance is not None
    stored = loaded.provenance.recovery
    assert [step.distance for step in stored] == [step.distance for step in both.recovery]
    assert stored[0].distance is not None
    assert stored[-1].distance is None
    assert [step.left for step in stored] == [step.left for step in both.recovery]
    assert any(step.left for step in stored)


def test_files_of_before_these_were_kept_are_read(tmp_path: Path) -> None:
    _, _, deployed, batches = cut()
    engine.save(engine.recalibrate(deployed, batches), tmp_path / "new.pt")
    held = torch.load(tmp_path / "new.pt", weights_only=True)
    held["recovery"] = json.dumps([step[:3] for step in json.loads(held["recovery"])])
    torch.save(held, tmp_path / "old.pt")
    loaded = engine.load(tmp_path / "old.pt", model=Normed())
    assert loaded.provenance is not None
    (step,) = loaded.provenance.recovery
    assert (step.method, step.left, step.distance) == ("recalibrate", (), None)
