"""`slimgui sensitivity` on the example and its held-out images."""

import json
from pathlib import Path

import pytest

from slimgui.cli import main

FOLDER = Path(__file__).parents[1] / "resources" / "example"


@pytest.fixture
def run(capsys, tmp_path):
    def call(*words):
        options = ("--samples", FOLDER / "heldout.npz", "--limit", 64, "--out", tmp_path / "curves.jsonl")
        status = main([str(word) for word in ("sensitivity", FOLDER / "fashion_cnn.pt", *options, *words)])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return status, out, err

    return call


def test_labelled_samples_give_the_accuracy_that_is_lost(run, tmp_path):
    status, out, _ = run("--json")
    found = json.loads(out)
    assert (status, found["measure"]) == (0, "accuracy lost")
    assert all(0 <= loss <= 1 for curve in found["curves"] for _, loss in curve["points"])
    assert max(loss for curve in found["curves"] for _, loss in curve["points"]) > 0.2
    first = (tmp_path / "curves.jsonl").read_bytes()
    assert run("--json")[:2] == (status, out)
    assert (tmp_path / "curves.jsonl").read_bytes() == first  # nothing is measured twice


def test_distance_asks_for_no_labels_and_says_so(run):
    status, out, _ = run("--distance")
    assert status == 0
    assert "distance of the outputs" in out
    assert "curves.jsonl" in out


def test_a_file_of_something_else_is_refused(run, tmp_path):
    (tmp_path / "curves.jsonl").write_text("a letter\n")
    status, _, err = run()
    assert (status, err.splitlines()[0]) == (1, "curves.jsonl was not written.")
