"""Corrections of calls, without the engine: each kind, wherever and however a forward makes its calls."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
import sys
from types import FrameType, MethodType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from slimgui.runtime import READS, Correction, can_open, install, installed, opened, site_of, uninstall

TOKENS = torch.arange(24.0).reshape(2, 12)


class Sites(TorchFunctionMode):
    """The calls of one forward pass: (name, site) in order."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, str]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name not in READS:
            self.calls.append((name, place(sys._getframe(1))))
        return func(*args, **(kwargs or {}))


def place(frame: FrameType) -> str:
    """The site without the frames of the modes in this file; the engine's own are left out anyway."""
    return " < ".join(part for part in site_of(frame).split(" < ") if "Sites.__torch_function__" not in part)


def sites(model: nn.Module, *inputs: Tensor, name: str = "") -> list[str]:
    with Sites() as mode:
        model(*inputs)
    return [site for called, site in mode.calls if name in ("", called)]


def scale(site: str, path: tuple[int | str, ...], old: float, new: float, module: str = "") -> Correction:
    return Correction(module, site, path, "scale", old, new)


class Heads(nn.Module):
    """Made for 4 heads of 3; now its weights give 4 heads of 2."""

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        self.mix = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.mix(x).view(-1, 4, 3)
        return y.transpose(1, 2) * 3**-0.5


def small_heads() -> nn.Module:
    torch.manual_seed(0)
    view, times = sites(Heads(), TOKENS, name="view")[0], sites(Heads(), TOKENS, name="mul")[0]
    model = Heads(8)
    install(model, [scale(view, (3,), 3, 2), scale(times, (1,), 3**-0.5, 2**-0.5)])
    return model


def heads_by_hand(model: nn.Module, x: Tensor) -> Tensor:
    return F.linear(x, model.mix.weight).view(-1, 4, 2).transpose(1, 2) * 2**-0.5


def test_sizes_and_numbers_are_scaled_at_any_batch_size():
    model = small_heads()
    for batch in (1, 2, 7):
        x = torch.randn(batch, 8)
        assert torch.allclose(model(x), heads_by_hand(model, x))


class Folded(nn.Module):
    """A size that also depends on the batch, so that the number in the code is not the one corrected."""

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0] * 12)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_a_size_that_depends_on_the_batch_keeps_its_share(batch):
    (site,) = sites(Folded(), TOKENS)
    model = Folded()
    install(model, [scale(site, (1,), 24, 16)])
    assert model(torch.randn(batch, 8)).shape == (batch * 8,)


def test_a_size_that_does_not_scale_is_a_sentence():
    (site,) = sites(Folded(), TOKENS)
    model = Folded()
    install(model, [scale(site, (1,), 24, 7)])
    with pytest.raises(RuntimeError, match="size 12 does not scale from 24 to 7"):
        model(torch.randn(1, 8))


class Picks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("order", torch.tensor([3, 1, 0, 2]))

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 2:4].roll(1, dims=1), x.index_select(1, self.order)


def test_exact_numbers_slices_and_indices_are_put_in_place():
    item, roll, select = sites(Picks(), TOKENS)
    model = Picks()
    corrections = [
        Correction("", item, (1, 1, "start"), "exact", None, 1),
        Correction("", item, (1, 1, "stop"), "exact", None, 4),
        Correction("", roll, (1,), "exact", None, 2),
        Correction("", select, (2,), "indices", None, [2, 0]),
    ]
    install(model, corrections)
    rolled, picked = model(TOKENS)
    assert torch.equal(rolled, TOKENS[:, 1:4].roll(2, dims=1))
    assert torch.equal(picked, TOKENS[:, [2, 0]])
    assert picked.dtype == TOKENS.dtype
    assert installed(model) == tuple(corrections)


class Scaled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(x, x, x)


def test_a_keyword_that_was_left_out_is_added():
    x = torch.randn(2, 5, 4)
    (site,) = sites(Scaled(), x)
    model = Scaled()
    install(model, [Correction("", site, ("scale",), "exact", None, 0.1)])
    assert torch.equal(model(x), F.scaled_dot_product_attention(x, x, x, scale=0.1))


class Branches(nn.Module):
    """Either branch has a size of its own."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.view(-1, 4, 3) if x.sum() > 0 else x.view(-1, 2, 6).flip(1)
        return F.dropout(y, 0.5, self.training)


def test_a_branch_that_was_not_traced_is_as_it_was():
    branches = Branches().eval()
    one = sites(branches, TOKENS + 1, name="view")[0]
    other = sites(branches, -TOKENS - 1, name="view")[0]
    assert one != other
    install(branches, [scale(one, (3,), 3, 2)])
    assert branches(torch.ones(2, 8)).shape == (2, 4, 2)
    assert branches(-torch.ones(2, 12)).shape == (2, 2, 6)
    install(branches, [scale(other, (3,), 6, 4)])
    assert branches(-torch.ones(2, 8)).shape == (2, 2, 4)
    branches.train()
    assert (branches(torch.ones(2, 8)) == 0).any()


class Loop(nn.Module):
    """The same place three times, each with another size."""

    def forward(self, x: Tensor) -> Tensor:
        parts = [x.narrow(1, 4 * i, 4) for i in range(3)]
        return torch.cat([self.body(part) for part in parts], 1)

    def body(self, x: Tensor) -> Tensor:
        return x.reshape(-1, 4)


def test_a_correction_may_hold_only_the_third_time():
    narrow = sites(Loop(), TOKENS, name="narrow")
    shapes = sites(Loop(), TOKENS, name="reshape")
    assert len({*narrow}) == len({*shapes}) == 1
    assert " < Loop.forward:" in shapes[0]
    model = Loop()
    install(model, [scale(f"{narrow[2]}#2", (3,), 4, 1), scale(f"{shapes[0]}#2", (2,), 4, 1)])
    for _ in range(2):  # counted anew each time
        assert torch.equal(model(TOKENS), TOKENS[:, :9])


class Outer(nn.Module):
    """A corrected module around a corrected module; one of the calls goes to its forward directly."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.free = Folded(), nn.Flatten()

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x.view(-1, 3, 4).transpose(1, 2).flatten(1))
        return self.free(y.view(-1, 12)), self.inner.forward(x)


def test_nested_modules_are_corrected_each_by_its_own_table():
    outer = Outer()
    found = sites(outer, TOKENS)
    view, folded, last = found[0], found[3], found[4]
    assert folded == sites(Folded(), TOKENS)[0]
    direct = found[6]
    assert direct.startswith(f"{folded} < ")
    install(
        outer,
        [
            scale(view, (3,), 4, 2),
            scale(last, (2,), 12, 6),
            scale(folded, (1,), 24, 12, module="inner"),
            scale(direct, (1,), 12, 12),
        ],
    )
    flat, whole = outer(TOKENS[:, :6])
    assert torch.equal(flat, TOKENS[:, :6].view(-1, 3, 2).transpose(1, 2).flatten(1))
    assert torch.equal(whole, TOKENS[:, :6].flatten())


class OpenSites(Sites):
    """The calls inside those functions of torch that can be opened, too."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not can_open(func):
            return super().__torch_function__(func, types, args, kwargs)
        self.calls.append((func.__name__, place(sys._getframe(1))))
        with self:
            return opened(func)(*args, **(kwargs or {}))


def test_a_function_of_torch_is_opened_to_reach_its_calls():
    torch.manual_seed(0)
    model = nn.MultiheadAttention(8, 4, batch_first=True).train()  # in eval mode torch has a faster way
    x = torch.randn(2, 5, 8)
    with OpenSites() as mode:
        model(x, x, x, need_weights=False)
    found = dict(mode.calls)
    outer, inner = found["multi_head_attention_forward"], found["scaled_dot_product_attention"]
    assert inner.endswith(f" < {outer}")
    install(model, [Correction("", inner, ("scale",), "exact", None, 0.3), Correction("", outer, (), "open")])
    with OpenSites() as again:
        have = model(x, x, x, need_weights=False)[0]
    # it is opened before the mode around it sees it; all the rest is seen as before
    assert again.calls == [call for call in mode.calls if call[1] != outer]
    uninstall(model)
    with torch.no_grad():
        model.in_proj_weight[:8] *= 0.3 * 2**0.5
        model.in_proj_bias[:8] *= 0.3 * 2**0.5
    assert torch.allclose(have, model(x, x, x, need_weights=False)[0], atol=1e-6)


def test_corrections_of_another_cut_come_after_the_first():
    (site,) = sites(Folded(), TOKENS)
    model = Folded()
    install(model, [Correction("", f"{site}#0", (1,), "scale", 24, 16), Correction("", site, (), "open")])
    install(model, [scale(site, (1,), 16, 8)])
    install(model, [Correction("", f"{site}#0", (1,), "exact", None, 6)])
    assert [correction.new for correction in installed(model)] == [16, None, 8, 6]


def test_the_scale_of_two_equal_cuts_is_corrected_twice():
    class Root(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * x.shape[-1] ** -0.5

    (site,) = sites(Root(), TOKENS)
    model = Root()
    for _ in range(2):  # halving the width twice asks for the same correction twice
        install(model, [scale(site, (1,), 2**-0.5, 0.5)])
    x = torch.ones(1, 1)
    assert torch.allclose(model(x), x * 0.5)


def test_a_corrected_module_has_the_same_sites_when_it_is_traced_again():
    for make, x in ((Heads, TOKENS), (Loop, TOKENS), (Outer, TOKENS), (Picks, TOKENS)):
        fresh, corrected = make(), make()
        before = sites(fresh, x)
        install(corrected, [Correction(name, "nowhere", (0,), "exact", None, 1) for name, _ in
                            corrected.named_modules()])  # fmt: skip
        assert sites(corrected, x) == before


def test_a_model_with_nothing_to_correct_is_left_alone():
    model = Heads()
    before = dict(vars(model))
    install(model, [])
    assert vars(model) == before


def test_uninstalling_leaves_the_module_as_it_was():
    model = Heads()
    before = dict(vars(model))
    install(model, small_heads_corrections())
    assert installed(model)
    uninstall(model)
    assert vars(model) == before
    assert model(TOKENS).shape == (2, 3, 4)


def small_heads_corrections() -> tuple[Correction, ...]:
    return installed(small_heads())


def test_a_forward_that_was_put_in_place_is_the_one_that_is_corrected():
    def patched(self: nn.Module, x: Tensor) -> Tensor:
        return self.mix(x).view(-1, 2, 6)

    model = Heads(8)
    model.forward = MethodType(patched, model)
    whole = Heads()
    whole.forward = MethodType(patched, whole)
    site = sites(whole, TOKENS, name="view")[0]
    install(model, [scale(site, (3,), 6, 4)])
    assert model(torch.randn(3, 8)).shape == (3, 2, 4)
    uninstall(model)
    assert vars(model)["forward"].__func__ is patched


def assert_own_weights(model: nn.Module, twin: nn.Module) -> None:
    x = torch.randn(2, 8)
    want = model(x)
    assert torch.equal(twin(x), want)
    with torch.no_grad():
        twin.mix.weight.zero_()
    assert torch.equal(model(x), want)
    assert not twin(x).any()


def test_a_deep_copy_uses_its_own_weights():
    model = small_heads()
    twin = copy.deepcopy(model)
    assert twin.forward.module is twin
    assert_own_weights(model, twin)
    install(twin, [scale("elsewhere", (0,), 1, 2)])
    assert len(installed(model)) == 2


def test_a_pickled_model_uses_its_own_weights():
    model = nn.Sequential(small_heads())
    assert_own_weights(model[0], pickle.loads(pickle.dumps(model))[0])
    stream = io.BytesIO()
    torch.save(model, stream)
    stream.seek(0)
    assert_own_weights(model[0], torch.load(stream, weights_only=False)[0])


def test_a_state_dict_knows_nothing_of_corrections():
    model = small_heads()
    assert list(model.state_dict()) == ["mix.weight"]
    twin = Heads(8)
    twin.load_state_dict(model.state_dict())
    install(twin, installed(model))
    x = torch.randn(2, 8)
    assert torch.equal(twin(x), model(x))


def test_forward_shows_the_parameters_of_its_class():
    assert list(inspect.signature(small_heads().forward).parameters) == ["x"]


def test_gradients_are_those_of_the_corrected_calls():
    model = small_heads()
    x = torch.randn(3, 8)
    model(x).square().sum().backward()
    found = model.mix.weight.grad
    model.mix.weight.grad = None
    heads_by_hand(model, x).square().sum().backward()
    assert torch.allclose(found, model.mix.weight.grad)


def test_a_corrected_model_compiles():
    torch._dynamo.reset()
    model = nn.Sequential(nn.Linear(8, 8), small_heads(), nn.ReLU())
    compiled = torch.compile(model, backend="aot_eager")
    for batch in (2, 5):
        x = torch.randn(batch, 8)
        assert torch.allclose(compiled(x), model(x))


@pytest.mark.parametrize("kind", ["heads", "folded"])
def test_a_corrected_model_exports_with_any_batch_size(kind):
    (site,) = sites(Folded(), TOKENS)
    model = small_heads() if kind == "heads" else Folded()
    if kind == "folded":
        install(model, [scale(site, (1,), 24, 16)])
    batch = torch.export.Dim("batch", min=2, max=64)
    program = torch.export.export(model, (torch.randn(2, 8),), dynamic_shapes=({0: batch},))
    x = torch.randn(6, 8)
    assert torch.allclose(program.module()(x), model(x))
