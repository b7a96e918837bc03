"""safetensors, shards, folders and nested checkpoints open by what is in them; bad ones beside good ones."""

import json
import os
import struct
import warnings

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from slimgui.engine.load import load
from slimgui.errors import LoadError


class Net(nn.Module):
    """Two layers, one of them with running statistics and a counter."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, image):
        return self.norm(self.conv(image))


def filled():
    """A state dict no fresh net has."""
    generator = torch.Generator().manual_seed(3)
    return {
        name: torch.rand(value.shape, generator=generator) if value.is_floating_point() else value + 7
        for name, value in Net().state_dict().items()
    }


def opens_as(source, state, **options):
    """Load into a fresh net and compare every number."""
    loaded = load(source, model=Net(), **options)
    assert all(torch.equal(value, state[name]) for name, value in loaded.model.state_dict().items())
    return loaded


def refusal(source, **options):
    with pytest.raises(LoadError) as caught:
        load(source, model=Net(), **options)
    assert caught.value.what.endswith("."), caught.value.what
    return str(caught.value)


def write_shards(folder, state, writer=save_file, suffix="safetensors"):
    """As model hubs do: one tensor in the first shard, the others in the second, an index and a config."""
    names = list(state)
    parts = {f"model-00001-of-00002.{suffix}": names[:1], f"model-00002-of-00002.{suffix}": names[1:]}
    for file, part in parts.items():
        writer({name: state[name] for name in part}, folder / file)
    weight_map = {name: file for file, part in parts.items() for name in part}
    index = folder / f"model.{suffix}.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
    (folder / "config.json").write_text(json.dumps({"model_type": "net"}))
    return index


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pt", "weights"])
def test_safetensors_opens_whatever_its_suffix(name, tmp_path):
    state = filled()
    save_file(state, tmp_path / name, metadata={"format": "pt"})
    opens_as(tmp_path / name, state)


def test_writing_to_mapped_tensors_leaves_the_file_as_it_is(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file(filled(), path)
    before = path.read_bytes()
    loaded = load(path, model=Net())
    with torch.no_grad():
        loaded.model.conv.weight.zero_()
    assert path.read_bytes() == before


@pytest.mark.parametrize(("writer", "suffix"), [(save_file, "safetensors"), (torch.save, "bin")])
def test_shards_open_by_their_index_and_by_their_folder(writer, suffix, tmp_path):
    state = filled()
    index = write_shards(tmp_path, state, writer, suffix)
    opens_as(index, state)
    assert opens_as(tmp_path, state).source == str(tmp_path)


def test_a_folder_with_one_checkpoint_opens_and_safetensors_go_before_pickles(tmp_path):
    state = filled()
    save_file(state, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "README.md").write_text("A model.")
    torch.save({"not": "weights"}, tmp_path / "training_args.bin")
    opens_as(tmp_path, state)


def test_a_folder_of_links_opens_as_caches_of_models_are_made_of_them(tmp_path):
    state = filled()
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshot").mkdir()
    save_file(state, tmp_path / "blobs" / "0a1b")
    (tmp_path / "snapshot" / "model.safetensors").symlink_to("../blobs/0a1b")
    opens_as(tmp_path / "snapshot", state)


def test_a_folder_with_several_checkpoints_asks_for_one(tmp_path):
    for name in ("a.pt", "b.pt"):
        torch.save(filled(), tmp_path / name)
    message = refusal(tmp_path)
    assert "holds several checkpoints.\nThey are a.pt, b.pt.\nChoose one of them." in message


def test_a_folder_without_a_checkpoint_says_so(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here")
    assert "is a folder without a checkpoint" in refusal(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "../weights.safetensors",
        "/etc/passwd",
        pytest.param("../" * 100_000, id="long"),
        "sub/weights",
        "..\\weights",
        "C:weights",
        "..",
        "",
    ],
)
def test_an_index_may_not_lead_out_of_its_folder(name, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    save_file(filled(), tmp_path / "weights.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": dict.fromkeys(filled(), name)}))
    message = refusal(index)
    assert "was not opened" in message
    assert "which is no file beside it" in message
    assert len(message) < 400


def test_a_missing_shard_is_named(tmp_path):
    index = write_shards(tmp_path, filled())
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    message = refusal(index)
    assert "is not whole.\nmodel-00002-of-00002.safetensors is not in its folder (2 files" in message


def test_a_shard_that_is_a_pipe_is_not_read_forever(tmp_path):
    index = write_shards(tmp_path, filled())
    shard = tmp_path / "model-00002-of-00002.safetensors"
    shard.unlink()
    os.mkfifo(shard)
    assert "not a regular file" in refusal(index)


def test_a_shard_of_another_model_does_not_belong_to_its_index(tmp_path):
    index = write_shards(tmp_path, filled())
    save_file({"other": torch.zeros(1)}, tmp_path / "model-00002-of-00002.safetensors")
    assert "does not belong to its index.\nThe index says that it holds 'conv.bias'" in refusal(index)


def test_an_index_that_names_itself_as_shard_is_refused(tmp_path):
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"conv.weight": index.name}}))
    assert "does not belong to its index" in refusal(index)


def header(text, data=b""):
    return struct.pack("<Q", len(text)) + text + data


def described(shape, offsets, dtype="F32"):
    entry = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
    return json.dumps({"conv.weight": entry}).encode()


@pytest.mark.parametrize(
    "content",
    [
        struct.pack("<Q", 2**63 - 1) + b'{"a":1}',
        struct.pack("<Q", 2**40) + b'{"a":1}' + bytes(100),
        header(b'{"a":'),
        header(b"{}{}"),
        header(b'{"a": 1}'),
        header(described([4], [0, 16])),  # cut off
        header(described([4], [0, 8]), bytes(8)),
        header(described([2**62, 2**62], [0, 16]), bytes(16)),
        header(described([4], [16, 0]), bytes(16)),
        header(described([4], [0, 2**63]), bytes(16)),
        header(described([-1], [0, 4]), bytes(4)),
        header(described([4], [0, 16], "F33"), bytes(16)),
        header(described([4], [0, 16]), bytes(1000)),  # more than the header knows of
        header(b'{"a":' * 5000 + b"1" + b"}" * 5000),
    ],
)
def test_an_absurd_header_is_a_sentence(content, tmp_path):
    (tmp_path / "a.safetensors").write_bytes(content)
    assert "a.safetensors is damaged" in refusal(tmp_path / "a.safetensors")


def test_a_truncated_safetensors_file_is_a_sentence_wherever_it_ends(tmp_path):
    save_file(filled(), tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    for length in (9, 20, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut").write_bytes(whole[:length])
        assert "damaged" in refusal(tmp_path / "cut"), length


NESTINGS = {
    "state_dict": lambda state: {"epoch": 3, "state_dict": state},
    "a name of one's own": lambda state: {"step": 3, "student_weights": state},
    "two levels down": lambda state: {"checkpoint": {"net": state, "step": 3}},
    "data parallel": lambda state: {f"module.{name}": value for name, value in state.items()},
    "compiled": lambda state: {f"_orig_mod.{name}": value for name, value in state.items()},
    "a compiled part": lambda state: {
        name.replace("conv.", "conv._orig_mod."): value for name, value in state.items()
    },
    "Lightning": lambda state: {
        "pytorch-lightning_version": "2.0",
        "state_dict": {
            **{f"model.{name}": value for name, value in state.items()},
            "loss.weight": torch.ones(9),
        },
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": []}],
    },
    "beside an optimizer": lambda state: {
        "model": state,
        "optimizer": {
            "state": {name: {"exp_avg": value} for name, value in state.items()},
            "param_groups": [],
        },
        "best": torch.tensor(0.9),
    },
    "with numbers between": lambda state: {**state, "epoch": 3},
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("nesting", NESTINGS)
def test_weights_open_wherever_a_checkpoint_keeps_them(nesting, zipped, tmp_path):
    state = filled()
    torch.save(NESTINGS[nesting](state), tmp_path / "a.ckpt", _use_new_zipfile_serialization=zipped)
    opens_as(tmp_path / "a.ckpt", state)


def test_what_a_checkpoint_holds_beside_the_model_is_noted(tmp_path):
    torch.save(NESTINGS["Lightning"](filled()), tmp_path / "a.ckpt")
    (note,) = opens_as(tmp_path / "a.ckpt", filled()).notes
    assert note == "a.ckpt also holds 'loss.weight', which the model does not take."


def test_of_several_sets_that_fit_the_user_names_one(tmp_path):
    state, other = filled(), Net().state_dict()
    path = tmp_path / "a.pt"
    torch.save({"model": other, "ema": state}, path)
    message = refusal(path)
    assert "holds several sets of weights that fit this model.\nThey are 'model', 'ema'." in message
    assert "a.pt#ema" in message
    loaded = opens_as(f"{path}#ema", state)
    assert loaded.source == f"{path}#ema"
    assert loaded.notes
    opens_as(f"{path}#model", other)
    assert "has no weights called 'emma'.\nIt has 'model' (7 tensors), 'ema' (7 tensors)." in refusal(
        f"{path}#emma"
    )


def test_a_set_of_weights_and_a_factory_go_together(tmp_path):
    example = load("slimgui.example:build").model.state_dict()
    path = tmp_path / "a.pt"
    torch.save({"model": {key: value + 1 for key, value in example.items()}, "ema": example}, path)
    loaded = load(f"{path}#ema@slimgui.example:build")
    assert loaded.source == f"{path}#ema@slimgui.example:build"
    assert torch.equal(loaded.model.stem.weight, example["stem.weight"])
    again = load(loaded.source)
    assert torch.equal(again.model.stem.weight, example["stem.weight"])


def test_a_hash_may_be_part_of_a_file_name(tmp_path):
    state = filled()
    torch.save(state, tmp_path / "run#7.pt")
    assert opens_as(str(tmp_path / "run#7.pt"), state).source == str(tmp_path / "run#7.pt")


def test_of_several_sets_the_one_that_fits_is_taken(tmp_path):
    state = filled()
    torch.save({"generator": state, "critic": nn.Linear(3, 2).state_dict()}, tmp_path / "a.pt")
    (note,) = opens_as(tmp_path / "a.pt", state).notes
    assert "the model takes 'generator'" in note


def test_prefixes_that_fit_twice_are_several_sets(tmp_path):
    state = filled()
    both = {f"{prefix}.{name}": value for prefix in ("online", "target") for name, value in state.items()}
    torch.save(both, tmp_path / "a.pt")
    assert "They are 'online', 'target'." in refusal(tmp_path / "a.pt")
    opens_as(f"{tmp_path / 'a.pt'}#target", state)


def test_weights_of_a_class_that_asks_for_its_version_open_without_one(tmp_path):
    models = pytest.importorskip("torchvision.models")
    wanted = models.mnasnet0_5().state_dict()  # refuses a state dict that says no version
    save_file(wanted, tmp_path / "weights")
    loaded = load(f"{tmp_path / 'weights'}@torchvision.models:mnasnet0_5")
    assert all(torch.equal(value, wanted[name]) for name, value in loaded.model.state_dict().items())


def test_a_lora_adapter_is_said_to_be_one(tmp_path):
    adapter = {
        "base_model.model.q.lora_A.weight": torch.zeros(2, 8),
        "base_model.model.q.lora_B.weight": torch.zeros(8, 2),
    }
    save_file(adapter, tmp_path / "adapter_model.safetensors")
    assert "is a LoRA adapter, which cannot be slimmed" in refusal(tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text("{}")
    message = refusal(tmp_path)
    assert "is a LoRA adapter" in message
    assert "merge_and_unload" in message


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int32, torch.float8_e4m3fn])
def test_a_quantised_model_is_said_to_be_one(dtype, tmp_path):
    state = {"q.weight": torch.zeros(64, 64).to(dtype), "q.scales": torch.ones(64, 1)}
    save_file(state, tmp_path / "a.safetensors")
    message = refusal(tmp_path / "a.safetensors")
    assert "is a quantised model, which cannot be slimmed" in message
    assert "Open the model it was quantised from" in message


def test_tables_of_whole_numbers_beside_the_weights_are_left_out_and_noted(tmp_path):
    # Models that make such a table anew (position_ids) once saved it; it is never learned.
    save_file({**filled(), "index": torch.zeros(5, 5, dtype=torch.int64)}, tmp_path / "a.safetensors")
    (note,) = opens_as(tmp_path / "a.safetensors", filled()).notes
    assert note == "a.safetensors also holds 'index', which the model does not take."
    save_file({**filled(), "scale": torch.zeros(5, 5)}, tmp_path / "b.safetensors")
    assert "The file has 'scale', which the model has not" in refusal(tmp_path / "b.safetensors")


def test_a_distributed_checkpoint_is_said_to_be_one(tmp_path):
    from torch.distributed import checkpoint

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checkpoint.save(filled(), checkpoint_id=tmp_path, no_dist=True)
    for source in (tmp_path, next(tmp_path.glob("*.distcp"))):
        message = refusal(source)
        assert "is a distributed checkpoint (.distcp)" in message
        assert "dcp_to_torch" in message


def test_a_configuration_alone_leads_to_its_folder(tmp_path):
    (tmp_path / "config.json").write_text('{"architectures": ["Net"]}')
    assert "or the folder it lies in" in refusal(tmp_path / "config.json")
