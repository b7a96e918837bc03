"""`slimgui sensitivity` on the example and its held-out images."""

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "resources" / "example"


@pytest.fixture
def measure(run, tmp_path):
    def call(*words):
        options = ("--samples", FOLDER / "heldout.npz", "--limit", 64, "--out", tmp_path / "curves.jsonl")
        return run("sensitivity", FOLDER / "fashion_cnn.pt", *options, *words)

    return call


def test_labelled_samples_give_the_accuracy_that_is_lost(measure, tmp_path):
    status, out, _ = measure("--json")
    found = json.loads(out)
    assert (status, found["measure"]) == (0, "accuracy lost")
    assert all(0 <= loss <= 1 for curve in found["curves"] for _, loss in curve["points"])
    assert max(loss for curve in found["curves"] for _, loss in curve["points"]) > 0.2
    first = (tmp_path / "curves.jsonl").read_bytes()
    assert measure("--json")[:2] == (status, out)
    assert (tmp_path / "curves.jsonl").read_bytes() == first  # nothing is measured twice


def test_distance_asks_for_no_labels_and_says_so(measure):
    status, out, _ = measure("--distance")
    assert status == 0
    assert "distance of the outputs" in out
    assert "curves.jsonl" in out


def test_a_file_of_something_else_is_refused(measure, tmp_path):
    (tmp_path / "curves.jsonl").write_text("a letter\n")
    status, _, err = measure()
    assert (status, err.splitlines()[0]) == (1, "curves.jsonl was not written.")


def test_a_target_goes_by_what_was_measured(measure, run, tmp_path):
    measure()
    curves, other = tmp_path / "curves.jsonl", tmp_path / "other.jsonl"
    other.write_text('{"format": 1, "of": "x"}\n{"group": "nowhere", "count": 3, "loss": 0.1}\n')

    def slim(*words):
        return run("slim", FOLDER / "fashion_cnn.pt", "--dry-run", "--json", *words)

    status, out, _ = slim("--target", "macs=50%", "--sensitivity", curves)
    measured, plain = json.loads(out), json.loads(slim("--target", "macs=50%")[1])
    assert status == 0
    assert measured["macs"]["after"] <= 0.5 * measured["macs"]["before"]
    assert measured["counts"] != plain["counts"]
    for words, wrong, status in (
        (("--ratio", 0.5, "--sensitivity", curves), "give one", 2),
        (("--target", "latency=60%", "--sensitivity", curves), "goes by importance", 2),
        (("--target", "macs=50%", "--sensitivity", other), "is of another model", 1),
    ):
        refused, out, err = slim(*words)
        assert (refused, wrong in out + err) == (status, True)
