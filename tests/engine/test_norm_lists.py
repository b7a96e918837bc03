"""Models that hold a list of norms and pick one: the branch in use is cut, no other branch runs wrongly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import oracle
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slimgui import engine


class Domains(nn.Module):
    """A norm per domain, picked by an attribute or by an argument of forward."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 3)
        self.norms = nn.ModuleList(nn.BatchNorm2d(8) for _ in range(3))
        self.domain = 1

    def forward(self, x: Tensor, domain: int | None = None) -> Tensor:
        norm = self.norms[self.domain if domain is None else domain]
        return self.two(F.relu(norm(self.one(x))))


class WidthNorm(nn.Module):
    """A norm per width, as slimmable networks hold them."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.widths, self.width = widths, max(widths)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths)

    def forward(self, x: Tensor) -> Tensor:
        return self.norms[self.widths.index(self.width)](x)


class WidthConv(nn.Conv2d):
    """Uses the first channels of its weight."""

    def __init__(self, entering: int, leaving: int, kernel: int) -> None:
        super().__init__(entering, leaving, kernel)
        self.entering, self.leaving = entering, leaving

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight[: self.leaving, : self.entering]
        return F.conv2d(x, weight, self.bias[: self.leaving])


class Slimmable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.out = WidthConv(3, 8, 3), WidthConv(8, 8, 3), WidthConv(8, 4, 1)
        self.norm1, self.norm2 = WidthNorm([4, 6, 8]), WidthNorm([4, 6, 8])

    def at(self, width: int) -> Slimmable:
        self.one.leaving = self.two.entering = self.two.leaving = self.out.entering = width
        self.norm1.width = self.norm2.width = width
        return self

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.norm1(self.one(x)))
        return self.out(F.leaky_relu(self.norm2(self.two(x))))


def cut(model: nn.Module, inputs: Any, seed: int = 0) -> engine.Deployed:
    traced = engine.trace(model, inputs)
    sizes = {g.id: g.size for g in traced.groups}
    free = {g.id: g.size for g in traced.groups if not g.locked}
    selection = engine.Selection(oracle.random_keep(sizes, oracle.seeded_ratios(free, seed), seed))
    return engine.deploy(model, traced, selection)


def same(model: nn.Module, small: engine.Deployed, call: tuple[object, ...]) -> bool:
    """Equal to the zeroed original, and another channel in its place would be seen."""
    have = oracle.run(small.model, call)
    wrong = oracle.run(oracle.zeroed(model, oracle.shifted(small.kept, model)), call)
    return (
        oracle.error(oracle.run(oracle.zeroed(model, small.kept), call), have) < 1e-9
        and oracle.error(wrong, have) > 1e-7
    )


@pytest.mark.parametrize("picked", ["attribute", "argument"])
def test_the_branch_in_use_is_cut_and_the_others_stay_whole(picked: str) -> None:
    model = oracle.randomise(Domains(), seed=1).eval()
    x = torch.randn(2, 3, 8, 8)
    small = cut(model, x if picked == "attribute" else {"x": x, "domain": 2})
    used = 1 if picked == "attribute" else 2
    assert same(model, small, (torch.randn(3, 3, 9, 9), used))

    count = small.model.one.out_channels
    assert count < 8
    assert [len(norm.weight) for norm in small.model.norms] == [count if n == used else 8 for n in range(3)]
    # torch says that the statistics of the other branch are of another width
    with pytest.raises(RuntimeError, match=f"running_mean should contain {count} elements not 8"):
        small.model(x, 0)


def test_norms_of_no_branch_in_use_are_locked_with_that_reason() -> None:
    traced = engine.trace(Domains(), torch.randn(2, 3, 8, 8))
    (in_use,) = [g for g in traced.groups if not g.locked]
    assert {"norms.1.weight", "norms.1.running_var"} <= {m.parameter for m in in_use.members}
    idle = [g for g in traced.groups if g.members[0].layer in ("norms.0", "norms.2")]
    assert len(idle) == 8
    assert {str(g.locked) for g in idle} == {"No forward pass uses it."}


def test_a_slimmable_net_is_cut_at_its_full_width_and_refuses_other_widths() -> None:
    """Asked for 4, sliced weights of 4 channels left would fit the norm of width 4: a silent error."""
    model = oracle.randomise(Slimmable(), seed=2).eval()
    x = torch.randn(2, 3, 8, 8)
    traced = engine.trace(model, x)
    plan = engine.Plan().with_count("one", 4).with_count("two", 5)
    small = engine.deploy(model, traced, engine.resolve(traced, plan, model))
    assert same(model, small, (torch.randn(3, 3, 9, 9),))
    with pytest.raises(RuntimeError, match="the cut was made for 8 here, not for 4"):
        small.model.at(4)(x)


def test_a_slimmable_net_at_a_part_of_its_width_stays_whole_with_a_reason() -> None:
    traced = engine.trace(Slimmable().at(6), torch.randn(2, 3, 8, 8))
    assert all(g.locked for g in traced.groups)
    reason = next(str(g.locked) for g in traced.groups if g.id == "one")
    assert reason.startswith("How much of it is used may depend on the input. (aten.slice.Tensor · one")


def test_a_file_of_a_net_with_a_list_of_norms_opens_on_its_class(tmp_path: Path) -> None:
    model = oracle.randomise(Domains(), seed=3).eval()
    x = torch.randn(2, 3, 8, 8)
    small = cut(model, x)
    engine.save(small.with_proof(engine.verify(model, small, x)), tmp_path / "small.pt")
    again = engine.load(tmp_path / "small.pt", model=Domains()).model
    assert torch.equal(again(x), small.model(x))


def test_a_subnet_trains_the_norm_in_use_only() -> None:
    model = oracle.randomise(Domains(), seed=4).train()
    x = torch.randn(4, 3, 8, 8)
    traced = engine.trace(model, x)
    selection = engine.resolve(traced, engine.Plan.uniform(traced, ratio=0.5), model)
    before = [norm.running_mean.clone() for norm in model.norms]
    engine.mask(model, traced, selection)(x).square().mean().backward()
    moved = [not torch.equal(a, norm.running_mean) for a, norm in zip(before, model.norms, strict=True)]
    assert moved == [False, True, False]
    assert [norm.weight.grad is not None for norm in model.norms] == [False, True, False]
