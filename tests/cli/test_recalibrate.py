"""Norm statistics on the command line: of one model before it is saved, and of every plan in a file."""

import hashlib
from pathlib import Path

import torch

from slimgui import engine, resources
from slimgui.core.plan_set import PlanSet

EXAMPLE, HELDOUT = resources.path(resources.EXAMPLE), resources.path(resources.SAMPLES)


def expected(ratio: float, limit: int) -> dict[str, torch.Tensor]:
    loaded = engine.load(EXAMPLE)
    traced = engine.trace(loaded.model, loaded.example_inputs)
    deployed = engine.deploy(
        loaded.model, traced, engine.resolve(traced, engine.Plan(ratio=ratio), loaded.model)
    )
    found = engine.samples(HELDOUT, loaded.example_inputs, model=loaded, limit=limit)
    return engine.recalibrate(deployed, found).model.state_dict()


def same(path: Path, want: dict[str, torch.Tensor]) -> None:
    small = engine.load(path)
    torch.testing.assert_close(small.model.state_dict(), want, rtol=0, atol=0)
    assert [step.method for step in small.provenance.recovery] == ["recalibrate"]


def test_every_plan_in_a_file_gets_its_own_and_a_saved_model_has_those_of_its_plan(answer, tmp_path):
    plans = PlanSet((("half", engine.Plan(ratio=0.5)), ("deep", engine.Plan(ratio=0.75))), "half")
    (tmp_path / "plans.json").write_text(plans.to_json())
    status, row = answer(
        "recalibrate", EXAMPLE, tmp_path / "plans.json", "--samples", HELDOUT, "--limit", 64, "--out",
        tmp_path / "own.json",
    )  # fmt: skip
    assert status == 0
    assert row["statistics"] == dict.fromkeys(("half", "deep"), "64 samples of heldout.npz")
    assert len(list(tmp_path.iterdir())) == 4  # two files of plans, two of numbers

    small = tmp_path / "small.pt"
    status, row = answer(
        "slim", EXAMPLE, "--plan", tmp_path / "own.json", "--plan-name", "deep", "--out", small
    )
    assert (status, row["statistics"]) == (0, "Its norm statistics are those of 64 samples of heldout.npz.")
    same(small, expected(0.75, 64))
    status, row = answer(
        "slim", EXAMPLE, "--plan", tmp_path / "own.json", "--round-to", 8, "--out", small
    )  # another plan
    assert (status, row["statistics"]) == (0, "")
    assert engine.load(small).provenance.recovery == ()


def test_a_report_says_what_was_cut_proven_recovered_measured_and_hashed(answer, tmp_path):
    small, page = tmp_path / "small.pt", tmp_path / "page.html"
    status, _ = answer(
        "slim", EXAMPLE, "--ratio", 0.25, "--out", small, "--report", page, "--samples", HELDOUT,
        "--limit", 200, "--recalibrate",
    )  # fmt: skip
    assert status == 0
    text = page.read_text(encoding="utf-8")
    for file in (EXAMPLE, small):
        assert hashlib.sha256(file.read_bytes()).hexdigest() in text
    loaded = engine.load(EXAMPLE)
    found = engine.samples(HELDOUT, loaded.example_inputs, model=loaded, limit=200)
    for model in (loaded.model, engine.load(small).model):
        assert f">{found.accuracy(model):.4f}<" in text
    for words in ("Removes 25 %", "Proven equal", "taken anew", torch.__version__, f">{188920:,}<"):
        assert words in text
    assert answer("slim", EXAMPLE, "--ratio", 0.25, "--dry-run", "--report", page)[0] == 2


def test_one_model_is_recalibrated_before_it_is_saved(answer, tmp_path):
    small = tmp_path / "small.pt"
    words = ("slim", EXAMPLE, "--ratio", 0.5, "--out", small, "--recalibrate")
    status, row = answer(*words, "--samples", HELDOUT, "--limit", 64)
    assert status == 0
    assert "taken anew, of 64 samples of heldout.npz." in row["statistics"]
    same(small, expected(0.5, 64))
    status, row = answer("verify", EXAMPLE, small)
    assert (status, row["proof"]["passed"]) == (0, True)

    status, row = answer(*words)
    assert (status, row["error"]["what"]) == (2, "--recalibrate takes statistics of --samples: name them.")
    status, row = answer(*words, "--samples", tmp_path / "nowhere")
    assert (status, row["error"]["kind"]) == (1, "DataError")
