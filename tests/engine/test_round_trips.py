"""A few of the round trips and kills that `make soak` does by the dozen."""

from pathlib import Path

import pytest

from benchmarks.soak import nets, saves
from slimgui.runtime import installed


# torch.onnx's own decompositions ask for a class that torch.utils has deprecated.
@pytest.mark.filterwarnings(r"ignore:`isinstance\(treespec, LeafSpec\)` is deprecated:FutureWarning")
def test_a_model_with_corrections_computes_the_same_from_every_format(tmp_path: Path) -> None:
    assert installed(nets.deployed("attention").model), "nothing in this model needs a correction"
    found = {kind: error for _, kind, error in saves.round_trips(["attention"], tmp_path)}
    assert set(found) == {"pt", "safetensors", "pickle", "pt2", "onnx"}
    assert max(found.values()) < saves.TOLERANCE


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_a_killed_save_leaves_the_old_file_or_the_new_one(kind: str, tmp_path: Path) -> None:
    assert set(saves.kills(kind, 6, 3, tmp_path)) <= {"old", "new"}


def test_a_torn_file_would_be_noticed(tmp_path: Path) -> None:
    whole = tmp_path / "killed.pt"
    saves.engine.save(saves.filled(1.0), whole)
    whole.write_bytes(whole.read_bytes()[:-1000])
    assert saves._found(whole) not in ("old", "new")
