"""The proof of models whose copies do not fit in memory: weights are lent, one call at a time."""

from __future__ import annotations

import weakref

import oracle
import pytest
import torch
import torch.nn.functional as F
from engine.patterns import judge
from engine.patterns.nets import ALL
from torch import nn

from slimgui import engine
from slimgui.engine import memory, zeroed
from slimgui.engine.memory import available, copy_size

NETS = (
    "FusedQkv", "MultiheadAttention", "EncoderLayer", "TaggerLstm", "LstmCells", "ParameterList",
    "LayerNormMlp", "BufferScale", "TiedHead", "WeightNormed", "SpectralNormHook", "GroupedConvBn",
)  # fmt: skip


def cut(model, inputs, seed=0):
    traced = engine.trace(model, inputs)
    sizes = {group.id: group.size for group in traced.groups}
    counts = oracle.seeded_ratios({g.id: g.size for g in traced.groups if not g.locked}, seed)
    counts = {name: min(count, sizes[name] - 1) for name, count in counts.items()}
    return engine.deploy(model, traced, engine.Selection(oracle.random_keep(sizes, counts, seed)))


class Direct(nn.Module):
    """Uses weights in every way but by calling their module, and asks them for dtype, device and shape."""

    def __init__(self):
        super().__init__()
        self.table, self.first = nn.Embedding(11, 6), nn.Linear(6, 8)
        self.bare, self.decode = nn.Parameter(torch.ones(8, 6)), nn.Linear(6, 11, bias=False)
        self.decode.weight = self.table.weight
        self.register_buffer("shift", torch.ones(6))

    def forward(self, tokens):
        x = F.embedding(tokens, self.table.weight).to(self.bare.dtype)
        x = F.linear(x, self.first.weight, self.first.bias) + torch.zeros(1, device=self.bare.device)
        x = torch.tanh(x).view(-1, self.bare.shape[0]) @ self.bare.data.clone()
        return self.decode(x + self.shift)


def test_weights_are_lent_however_forward_reaches_them():
    torch.manual_seed(0)
    model, tokens = oracle.randomise(Direct(), seed=1), torch.randint(0, 11, (2, 5))
    deployed = cut(model, tokens)
    proof, whole = (engine.verify(model, deployed, tokens, memory=size) for size in (0, 1 << 40))
    assert (proof.passed, proof.level, whole.level) == (True, "blocks", "numeric")
    assert proof.max_error == whole.max_error < 1e-9  # float64, although the weights are float32

    deployed.model.bare.data[0] += 1
    assert engine.verify(model, deployed, tokens, memory=0).parted == ""


@pytest.mark.parametrize("name", NETS)
def test_both_levels_find_the_same(name):
    pattern = next(pattern for pattern in ALL if pattern.name == name)
    with judge.settings():
        model, inputs = judge.lively(pattern), judge.given(pattern, judge.RUN)
        before, deployed = oracle.snapshot(model), cut(model, judge.given(pattern, judge.TRACED))
        for weight in (None, list(deployed.model.parameters())[-1]):
            if weight is not None:
                weight.data.view(-1)[0] += 1
            blocks, whole = (engine.verify(model, deployed, inputs, memory=size) for size in (0, 1 << 40))
            assert (blocks.level, blocks.passed) == ("blocks", weight is None)
            assert (blocks.max_error, blocks.parted) == (pytest.approx(whole.max_error), whole.parted)
        assert oracle.same(before, oracle.snapshot(model))


def test_inputs_that_do_not_reach_the_cut_are_told_at_this_level_too():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8, bias=False), nn.ReLU(), nn.Linear(8, 3))
    deployed = cut(model, torch.randn(2, 4))
    proof = engine.verify(model, deployed, torch.zeros(2, 4), memory=0)
    assert proof.passed
    assert "says little" in proof.note


def test_no_more_than_one_call_s_weights_are_in_memory(monkeypatch):
    """Nine layers of 32 x 32 weights and 32 biases: a copy in float64 would take nine times as much."""
    live, most = 0, 0

    def counting(tensor, dtype):
        nonlocal live, most
        made = cast(tensor, dtype)
        if not made.is_meta:
            live, most = live + made.nbytes, max(most, live + made.nbytes)
            weakref.finalize(made.untyped_storage(), lambda size=made.nbytes: subtract(size))
        return made

    def subtract(size):
        nonlocal live
        live -= size

    cast = zeroed._cast
    torch.manual_seed(0)
    model = nn.Sequential(*[nn.Linear(32, 32) for _ in range(9)])
    deployed = cut(model, torch.randn(2, 32))
    monkeypatch.setattr(zeroed, "_cast", counting)
    assert engine.verify(model, deployed, torch.randn(2, 32), memory=0).passed
    assert most == 8 * (32 * 32 + 32)


def test_the_level_follows_from_the_memory():
    torch.manual_seed(0)
    model, inputs = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)), torch.randn(2, 4)
    deployed = cut(model, inputs)
    size = copy_size(model, torch.float64)
    assert size == 8 * (4 * 8 + 8 + 8 * 3 + 3)
    assert engine.verify(model, deployed, inputs, memory=2 * size).level == "numeric"
    assert engine.verify(model, deployed, inputs, memory=2 * size - 1).level == "blocks"


def test_a_weight_that_cannot_be_lent_is_no_numeric_proof():
    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.up, self.down = nn.Linear(4, 8), nn.Linear(8, 3)

        def forward(self, x):
            x = self.up(x)
            with torch._C.DisableTorchFunction():
                return F.linear(x, self.down.weight)

    torch.manual_seed(0)
    model, inputs = Hidden(), torch.randn(2, 4)
    deployed = cut(model, inputs)
    assert engine.verify(model, deployed, inputs).level == "numeric"
    proof = engine.verify(model, deployed, inputs, memory=0)
    assert (proof.passed, proof.level) == (False, "structural")
    assert "no memory for a copy" in proof.note


def test_the_memory_of_machine_and_container_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_CONTROL_GROUP", tmp_path)
    (tmp_path / "meminfo").write_text("MemTotal: 900 kB\nMemFree: 10 kB\nMemAvailable:     600 kB\n")
    assert available(torch.device("cpu")) == 600 * 1024

    (tmp_path / "memory.max").write_text("max\n")
    assert available(torch.device("cpu")) == 600 * 1024

    (tmp_path / "memory.max").write_text("500000\n")
    (tmp_path / "memory.current").write_text("300000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 100000\n")
    assert available(torch.device("cpu")) == 500000 - 300000 + 100000
