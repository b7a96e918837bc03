"""What a killed save leaves is cleared away by the next one, and nothing else is."""

import os
import signal

import pytest
import torch

from benchmarks.soak import saves
from slimgui import engine
from slimgui.engine import readback
from slimgui.engine.formats import reader
from slimgui.engine.temporary import clear, temporary_for

SHARDS = 600_000  # a third of the model's bytes


def killed_while_reading_back(target):
    """A process that has written everything and is killed before the target is replaced."""
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)  # the threads of torch did not come along; waiting for them would never end
        readback.run_reader = lambda folder: os.kill(os.getpid(), signal.SIGKILL)
        try:
            engine.save(saves.filled(2.0), target, shard_bytes=SHARDS)
        finally:
            os._exit(1)  # it was to be killed
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


def names(folder):
    return {file.name for file in folder.iterdir()}


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_a_killed_save_is_cleared_away_by_the_next(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(readback, "run_reader", reader.run)
    others = {
        "other-0123abcd-00001-of-00002.safetensors",
        ".killed.pt.tmp",
        ".killed.0123abcd.slimgui-tmp.txt",
    }
    for name in others:
        (tmp_path / name).write_bytes(b"of somebody else")
    target = tmp_path / f"killed.{kind}"
    killed_while_reading_back(target)
    left = names(tmp_path) - others
    assert len(left) == (1 if kind == "pt" else 4), "the file, or three shards and an index"
    report = engine.save(saves.filled(1.0), target, shard_bytes=SHARDS)
    assert not names(tmp_path) & left
    assert others < names(tmp_path)
    assert saves._found(report.path) == "old"


def test_a_file_that_is_being_written_is_left_alone(tmp_path):
    with temporary_for(tmp_path / "small.pt") as temporary:
        clear(tmp_path)
        assert temporary.exists()
    assert not names(tmp_path)
