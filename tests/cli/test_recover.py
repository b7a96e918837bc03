"""Recovery on the command line."""

from slimgui import engine, resources

EXAMPLE, HELDOUT = resources.path(resources.EXAMPLE), resources.path(resources.SAMPLES)


def test_a_model_is_recovered_before_it_is_saved_and_the_proof_is_of_the_cut(answer, tmp_path):
    small = tmp_path / "small.pt"
    words = ("slim", EXAMPLE, "--ratio", 0.5, "--out", small)
    status, row = answer(*words, "--samples", HELDOUT, "--limit", 32, "--recover", "recalibrate,fold")
    assert status == 0
    assert [step["step"] for step in row["recovery"]] == ["recalibrate", "fold"]
    assert all(step["distance"][1] < step["distance"][0] for step in row["recovery"])
    assert "classifier.weight" in row["recovery"][1]["changed"]
    assert [step.method for step in engine.load(small).provenance.recovery] == ["recalibrate", "fold"]
    status, row = answer("verify", EXAMPLE, small)
    assert (status, row["proof"]["passed"]) == (0, True)


def test_without_samples_it_does_what_weights_allow_and_says_what_does_not_go(answer, tmp_path):
    words = ("slim", EXAMPLE, "--ratio", 0.5, "--out", tmp_path / "small.pt")
    status, row = answer(*words, "--recover")
    assert status == 0
    assert [step["step"] for step in row["recovery"]] == ["merge", "absorb"]
    assert "how its inputs are distributed" in " ".join(row["recovery"][1]["left"])

    status, row = answer(*words, "--recover", "fold")
    assert (status, row["error"]["what"]) == (1, "The step 'fold' needs samples.")
    status, row = answer(*words, "--recover", "--recalibrate", "--samples", HELDOUT)
    assert status == 2
