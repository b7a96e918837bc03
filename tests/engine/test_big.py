"""Big models: mapped from shards, cut, proven and written one weight at a time, to the same bits."""

import hashlib
import json
import shutil
import weakref
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import oracle
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from slimgui import engine
from slimgui.cli import main
from slimgui.engine import memory, pending
from slimgui.engine.formats.stream import write_tensors
from slimgui.engine.load import load
from slimgui.engine.load.checkpoint import read
from slimgui.engine.load.consent import Consent
from slimgui.engine.load.source import build_for
from slimgui.engine.reopen import reopen
from slimgui.errors import LoadError, SaveError

NET = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(12), nn.Linear(12, 20), nn.Linear(20, 12)
        self.q, self.k, self.v, self.out = (nn.Linear(12, 12) for _ in range(4))

    def forward(self, x):
        q, k, v = (f(x).unflatten(-1, (3, 4)).transpose(1, 2) for f in (self.q, self.k, self.v))
        y = nn.functional.scaled_dot_product_attention(q, k, v)
        x = x + self.out(y.transpose(1, 2).flatten(2))
        return x + self.down(torch.relu(self.up(self.norm(x))))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.blocks = nn.Embedding(9, 12), nn.Sequential(Block(), Block())
        self.lstm = nn.LSTM(12, 7)
        self.back, self.head = nn.Linear(7, 12), nn.Linear(12, 9, bias=False)
        self.head.weight = self.table.weight
        self.register_buffer("shift", torch.arange(12) / 12, persistent=False)
        self.table.weight.note = "kept"

    def forward(self, tokens):
        return self.head(self.back(self.lstm(self.blocks(self.table(tokens) + self.shift))[0]))

def build():
    return Net()

class Counted(nn.Linear):
    def __init__(self):
        super().__init__(3, 4)
        self.size = float(self.weight.detach().norm())  # needs numbers

class Derived(nn.Linear):
    def __init__(self):
        super().__init__(3, 4)
        self.register_buffer("halves", self.weight.detach() / 2, persistent=False)  # no file holds it

class Listed(nn.Linear):
    def __init__(self):
        super().__init__(3, 4)
        self.again = [self.weight]  # another way to it

def blocks(): return nn.Sequential(Block(), Block())
def counted(): return Counted()
def derived(): return Derived()
def listed(): return Listed()
"""
TOKENS = torch.arange(10).remainder(9).view(2, 5)
SHARD = 2_000  # bytes: several shards of the smaller model


@pytest.fixture
def big(monkeypatch):
    """Every model is big."""
    monkeypatch.setattr(memory, "BIG", 0)


@pytest.fixture
def net(tmp_path):
    """A folder as model hubs make them, five tensors to a shard, and the factory beside it."""
    path = tmp_path / "big_net.py"
    path.write_text(NET)
    model = oracle.randomise(build_for({}, f"{path}:build", Consent(named=True)), seed=3)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    rows = list(state.items())
    folder, places = tmp_path / "hub", {}
    folder.mkdir()
    for number, start in enumerate(range(0, len(rows), 5)):
        part = dict(rows[start : start + 5])
        save_file(part, folder / f"model-{number}.safetensors", {"format": "pt"})
        places |= dict.fromkeys(part, f"model-{number}.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    (folder / "config.json").write_text("{}")
    return folder, f"{path}:build", state


def cut(folder, factory, *, hollow):
    loaded = load(folder, factory)
    traced = engine.trace(loaded.model, TOKENS)
    sizes = {group.id: group.size for group in traced.groups}
    counts = oracle.seeded_ratios({g.id: g.size for g in traced.groups if not g.locked}, 1)
    keep = oracle.random_keep(sizes, counts, 1)
    deployed = engine.deploy(loaded.model, traced, engine.Selection(keep), hollow=hollow)
    return loaded, replace(deployed, source=loaded.source)


def is_mapped(tensor):
    """Whether its numbers lie in a mapped file, by Linux's own list."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, *_, name = line.split(maxsplit=5)
        start, end = (int(number, 16) for number in place.split("-"))
        if start <= tensor.data_ptr() < end:
            return name.endswith((".safetensors", ".bin"))
    raise AssertionError("it lies nowhere")


def test_a_big_model_is_its_file_mapped_and_nothing_of_it_is_copied(big, net):
    folder, factory, state = net
    model = load(folder, factory).model
    assert model.head.weight is model.table.weight
    assert (model.table.weight.note, model.table.weight.requires_grad) == ("kept", True)
    assert torch.equal(model.shift, torch.arange(12) / 12), "what no file holds is made by the factory"
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    assert all(is_mapped(parameter) for parameter in model.parameters())
    assert not is_mapped(engine_model(factory).back.weight)
    assert torch.equal(model(TOKENS), load(folder, engine_model(factory)).model(TOKENS))


def engine_model(factory):
    """A module given by the caller: it is filled in place, by copies."""
    return build_for({}, factory, Consent(named=True))


def test_writing_to_a_big_model_leaves_its_file_as_it_is(big, net):
    folder, factory, state = net
    with torch.no_grad():
        load(folder, factory).model.back.weight.zero_()
    assert torch.equal(read(folder)["back.weight"], state["back.weight"])


def test_a_big_checkpoint_of_another_number_type_becomes_the_models(big, net, tmp_path):
    _, factory, state = net
    save_file({name: tensor.half() for name, tensor in state.items()}, tmp_path / "half.safetensors")
    model = load(tmp_path / "half.safetensors", factory).model
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert torch.equal(model.back.weight, state["back.weight"].half().float())


def test_tensors_that_share_memory_in_the_file_are_two_in_the_model(big, net, tmp_path):
    _, factory, state = net
    shared = {**state, "blocks.1.q.weight": state["blocks.0.q.weight"], "back.bias": state["back.bias"][::1]}
    torch.save(shared, tmp_path / "shared.pt")
    model = load(tmp_path / "shared.pt", factory).model
    with torch.no_grad():
        model.blocks[0].q.weight.zero_()
    assert torch.equal(model.blocks[1].q.weight, state["blocks.0.q.weight"])


@pytest.mark.parametrize("name", ["counted", "derived", "listed"])
def test_a_factory_that_needs_its_numbers_makes_them(name, big, net, tmp_path):
    factory = net[1].replace(":build", f":{name}")
    state = nn.Linear(3, 4).state_dict()
    save_file(state, tmp_path / "a.safetensors")
    model = load(tmp_path / "a.safetensors", factory).model
    assert torch.equal(model.weight, state["weight"])
    assert not any(tensor.is_meta for tensor in (*model.buffers(), *model.parameters()))
    assert name != "listed" or model.again[0] is model.weight


def test_what_is_cut_one_by_one_has_the_bits_of_what_is_cut_at_once(big, net, tmp_path):
    folder, factory, _ = net
    _, at_once = cut(folder, factory, hollow=False)
    loaded, one_by_one = cut(folder, factory, hollow=True)
    assert all(parameter.is_meta for parameter in one_by_one.model.parameters())
    assert not one_by_one.held().pending
    proof = engine.verify(loaded.model, one_by_one, TOKENS)
    assert (proof.passed, proof.level) == (True, "blocks")
    assert proof.max_error < 1e-9
    report = engine.save(one_by_one.with_proof(proof), tmp_path / "small.safetensors", shard_bytes=SHARD)
    index = json.loads(report.path.read_text())
    files = sorted(set(index["weight_map"].values()))
    assert len(files) > 2
    written = {name: tensor for file in files for name, tensor in load_file(tmp_path / file).items()}
    written |= {alias: written[name] for alias, name in json.loads(index["metadata"]["tied"]).items()}
    want, held = at_once.model.state_dict(), one_by_one.held().model.state_dict()
    assert written.keys() == want.keys() == held.keys()
    for name, tensor in want.items():
        assert written[name].dtype == tensor.dtype
        assert torch.equal(written[name].view(torch.uint8), tensor.view(torch.uint8)), name
        assert torch.equal(held[name], tensor)
    again = load(report.path, factory).model
    assert again.head.weight is again.table.weight
    assert torch.equal(again(TOKENS), at_once.model(TOKENS))


def test_what_is_not_cut_keeps_every_byte(big, net, tmp_path):
    folder, factory, state = net
    loaded = load(folder, factory)
    traced = engine.trace(loaded.model, TOKENS)
    plan = engine.Plan(ratio=0.5, locked=("blocks",))
    deployed = engine.deploy(loaded.model, traced, engine.resolve(traced, plan, loaded.model), hollow=True)
    deployed = replace(deployed, source=loaded.source)
    report = engine.save(deployed, tmp_path / "small.safetensors", shard_bytes=SHARD)
    whole = state.keys() - deployed.kept.keys() - {"head.weight"}  # the other name of table.weight
    assert "blocks.0.up.weight" in whole
    assert deployed.kept
    found = read(report.path)["state_dict"]
    assert all(found[name].numpy().tobytes() == state[name].numpy().tobytes() for name in whole)


def test_a_big_saved_file_is_proven_again_without_copies(big, net, tmp_path):
    factory = net[1].replace(":build", ":blocks")
    model = oracle.randomise(build_for({}, factory, Consent(named=True)), seed=3)
    save_file(model.state_dict(), tmp_path / "blocks.safetensors")
    loaded = load(tmp_path / "blocks.safetensors", factory)
    traced = engine.trace(loaded.model, torch.zeros(1, 5, 12))
    selection = engine.resolve(traced, engine.Plan(ratio=0.4), loaded.model)
    deployed = engine.deploy(loaded.model, traced, selection, hollow=True)
    small = engine.save(replace(deployed, source=loaded.source), tmp_path / "small.safetensors").path
    original, again = reopen(str(tmp_path / "blocks.safetensors"), str(small), factory)
    assert again.kept
    assert all(is_mapped(parameter) for parameter in again.model.parameters())
    proof = engine.verify(original.model, again, torch.ones(2, 5, 12))
    assert (proof.passed, proof.level) == (True, "blocks")


def test_pickled_shards_are_mapped_too(big, net, tmp_path):
    _, factory, state = net
    rows = list(state.items())
    parts = {"a.bin": dict(rows[:9]), "b.bin": dict(rows[9:])}
    (tmp_path / "old").mkdir()
    for file, part in parts.items():
        torch.save(part, tmp_path / "old" / file)
    places = {name: file for file, part in parts.items() for name in part}
    (tmp_path / "old" / "model.bin.index.json").write_text(json.dumps({"weight_map": places}))
    model = load(tmp_path / "old", factory).model
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    assert all(is_mapped(parameter) for parameter in model.parameters())
    with torch.no_grad():
        model.back.weight.zero_()
    assert torch.equal(
        torch.load(tmp_path / "old" / "b.bin", weights_only=True)["back.weight"], state["back.weight"]
    )


def test_a_packed_archive_is_read_instead_of_mapped(net, tmp_path):
    _, factory, state = net
    torch.save(state, tmp_path / "plain.pt")
    with zipfile.ZipFile(tmp_path / "plain.pt") as plain:
        parts = {name: plain.read(name) for name in plain.namelist()}
    with zipfile.ZipFile(tmp_path / "packed.pt", "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in parts.items():
            packed.writestr(name, data)
    model = load(tmp_path / "packed.pt", factory).model
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


def test_a_wrong_cut_of_a_big_model_fails_its_proof(big, net):
    folder, factory, _ = net
    loaded, deployed = cut(folder, factory, hollow=True)
    name, dim = next((n, d) for n, dims in deployed.kept.items() for d in dims if n.endswith("up.weight"))
    right = deployed.pending[name]
    rolled = (right.cuts[dim] + 1) % right.whole.shape[dim]
    wrong = {**deployed.pending, name: replace(right, cuts={**right.cuts, dim: rolled})}
    proof = engine.verify(loaded.model, replace(deployed, pending=wrong), TOKENS)
    assert not proof.passed
    assert proof.max_error > 1e-3
    assert proof.parted == "blocks.0.up" or proof.parted.startswith("blocks")


def test_no_more_than_one_cut_weight_is_held_at_a_time(big, net, tmp_path, monkeypatch):
    folder, factory, _ = net
    _, deployed = cut(folder, factory, hollow=True)
    alive, most = weakref.WeakSet(), []
    numbers = pending.Cut.numbers

    def watched(self):
        made = numbers(self)
        if self.cuts:
            alive.add(made.untyped_storage())
            most.append(sum(storage.nbytes() for storage in alive))
        return made

    monkeypatch.setattr(pending.Cut, "numbers", watched)
    engine.save(deployed, tmp_path / "small.safetensors", shard_bytes=SHARD)
    cuts = [cut for cut in deployed.pending.values() if cut.cuts]
    largest = sorted(numbers(cut).nbytes for cut in cuts)[-4:]
    # An LSTM is called with all its weights at once: two of 4·hidden rows and two of as many numbers.
    assert max(most) <= sum(largest) < sum(numbers(cut).nbytes for cut in cuts) / 2


def test_a_file_written_by_tensor_is_what_the_library_of_the_format_reads(tmp_path):
    tensors = {
        "complex": torch.randn(3, dtype=torch.complex64),
        "empty": torch.zeros(0, 4),
        "number": torch.tensor(3),
        "flags": torch.tensor([True, False, True]),
        "turned": torch.randn(3, 5).bfloat16().t(),
        "wide": torch.randn(2).double(),
        "narrow": torch.randn(2, 2).to(torch.float8_e4m3fn),
        "conjugate": torch.randn(3, dtype=torch.complex64).conj(),
    }
    write_tensors(tmp_path / "a", tensors, lambda tensor: tensor, {"note": "ü"})
    found = load_file(tmp_path / "a")
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert (found[name].dtype, found[name].shape) == (tensor.dtype, tensor.shape)
        assert torch.equal(found[name].to(torch.complex64), tensor.to(torch.complex64)), name
    with safe_open(tmp_path / "a", framework="pt") as file:
        assert file.metadata() == {"note": "ü"}
    with pytest.raises(SaveError, match="which safetensors does not know"):
        write_tensors(
            tmp_path / "b", {"w": torch.zeros(2, dtype=torch.complex128)}, lambda tensor: tensor, {}
        )


def test_weights_that_follow_from_others_are_cut_at_once(big):
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 8)), nn.ReLU(), nn.Linear(8, 3))
    inputs = torch.ones(2, 4)
    traced = engine.trace(model, inputs)
    selection = engine.resolve(traced, engine.Plan(ratio=0.5), model)
    deployed = engine.deploy(model, traced, selection, hollow=True)
    assert not deployed.pending
    assert engine.verify(model, deployed, inputs).passed


def test_a_missing_shard_and_one_of_another_model_are_said_so(big, net):
    folder, factory, _ = net
    text = (folder / "model.safetensors.index.json").read_text()
    (folder / "model-1.safetensors").rename(folder / "away")
    with pytest.raises(LoadError, match=r"model-1\.safetensors is not in its folder"):
        load(folder / "model.safetensors.index.json", factory)
    save_file({"other": torch.zeros(3)}, folder / "model-1.safetensors")
    with pytest.raises(LoadError, match="does not belong to its index"):
        load(folder / "model.safetensors.index.json", factory)
    index = json.loads(text)
    del index["weight_map"]["back.weight"]
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "away").replace(folder / "model-1.safetensors")
    with pytest.raises(LoadError, match=r"The file has no 'back.weight'"):
        load(folder, factory)


def test_the_estimate_knows_the_bytes_of_the_file_and_that_big_models_stream(big, net, tmp_path):
    folder, factory, _ = net
    loaded, deployed = cut(folder, factory, hollow=True)
    needs = engine.estimate(loaded.model, deployed.traced, deployed.selection)
    held = deployed.held().model
    tied = {id(p): p.nbytes for p in held.parameters()}
    # The shift is a buffer that no file holds; it counts among the bytes of the model: 12 floats.
    assert needs.disk == sum(tied.values()) + held.shift.nbytes
    assert needs.hollow
    largest = max(p.numel() for p in loaded.model.parameters())
    assert needs.memory == 2 * 8 * largest
    assert needs.seconds > 0
    assert not needs.is_long


def test_what_has_no_room_on_the_disk_is_refused_before_anything_is_written(
    net, tmp_path, capsys, monkeypatch
):
    folder, factory, _ = net
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=7000))
    before = sorted(tmp_path.iterdir())
    out = tmp_path / "small.safetensors"
    digest = hashlib.sha256((tmp_path / "big_net.py").read_bytes()).hexdigest()
    words = [
        "slim",
        folder,
        "--model",
        factory,
        "--trust-code",
        digest,
        "--input",
        "1x5x12",
        "--ratio",
        "0.5",
    ]
    loaded = replace(load(folder, factory), example_inputs=(TOKENS,))
    monkeypatch.setattr("slimgui.cli.slim.opened", lambda *_: (loaded, engine.trace(loaded.model, TOKENS)))
    assert main([*map(str, words), "--out", str(out)]) == 1
    assert "on the disk beside what is there, and 0 MB are free" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(SaveError, match="are free"):
        engine.check_room(out, 7001)


def test_estimates_are_sentences():
    few = engine.Estimate(memory=10**7, disk=2 * 10**6, seconds=3.4, hollow=False)
    long = engine.Estimate(memory=25 * 10**8, disk=12 * 10**9, seconds=600, hollow=True, free=2 * 10**9)
    assert str(few) == "This takes about 3 seconds, 10 MB of memory and 2 MB on the disk."
    assert str(long) == (
        "This takes about 10 minutes, 2.5 GB of memory and 12.0 GB on the disk. "
        "Only 2.0 GB of memory are free."
    )
    assert (few.is_long, long.is_long) == (False, True)
