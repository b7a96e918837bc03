"""The program that slims published checkpoints: rows, sounds and document. The packages are not needed."""

import numpy as np
import pytest
import torch

from benchmarks.published import document, makers, material, tasks, unlabelled
from benchmarks.published.models import MAKERS, REFUSED, ROWS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.task)
def test_every_row_has_a_task_and_makers_that_exist(row):
    assert getattr(tasks, row.task).__doc__
    for net in row.nets:
        assert not net.factory.startswith(MAKERS) or callable(
            getattr(makers, net.factory.removeprefix(MAKERS))
        )


def test_a_tone_has_its_pitch_and_a_voice_its_resonances():
    spectrum = torch.fft.rfft(material.tone(440.0)).abs()  # one second: a bin is one hertz
    assert spectrum.topk(4).indices.tolist() == [440, 880, 1320, 1760]
    bands = material.mel(material.voice(120.0, (700.0, 2500.0), 1)).mean(0)
    assert bands.shape == (40,)
    low = bands[:25].argmax()
    assert 600 < np.linspace(0, 15 + 27 * np.log(8) / np.log(6.4), 42)[low + 1] * 200 / 3 < 820


def test_samples_hold_no_photograph_that_a_task_is_judged_by_and_alternate_between_two_halves(monkeypatch):
    judged = {"astronaut", "camera", "chelsea", "coffee", "page"}
    assert not any(name in photo for photo in unlabelled.PHOTOS for name in judged)
    # Photograph n is all of the value 10 n, and so is every square of it.
    monkeypatch.setattr(material, "pixels", lambda file: np.full((40, 50, 3), 10 * int(file), np.uint8))
    batches = unlabelled.crops(6 * unlabelled.BATCH, 8, (0.0,) * 3, (1.0,) * 3, tuple("01234"))
    seen = [set((batch.mean((1, 2, 3)) * 25.5).round().int().tolist()) for batch in batches]
    assert seen == [{0, 2, 4}, {1, 3}] * 3


def test_a_task_that_fails_and_a_cut_that_is_not_proven_are_faults(tmp_path):
    row = ROWS[0]
    net = {
        "free": 4, "locked": 2, "params": 1000, "params_left": 0.7, "macs_left": 0.8, "passed": True,
        "max_error": 1e-16, "corrected": 0, "seconds": 1.0, "recovery_seconds": 2.0,
    }  # fmt: skip
    good = {
        "nets": {row.nets[0].name: net},
        "task": {
            "before": "99 %",
            "was": True,
            "after": "7 %",
            "done": False,
            "recovered": "95 %",
            "recovered_done": True,
        },
    }
    assert not document.is_fault(good)
    assert "lost" in document.line(row, good)
    for broken in (
        good | {"task": {"error": "no"}},
        good | {"nets": {row.nets[0].name: net | {"passed": False}}},
    ):
        assert document.is_fault(broken)
    found = {row.task: good, "refused": {REFUSED[0].file: ["1", "It is something else.", "Open another."]}}
    document.write(tmp_path / "page.md", found)
    page = (tmp_path / "page.md").read_text()
    line = "4, 2 locked | 30 % of the parameters | 1,000 | 70% | 80% | 1e-16 (passed) | 0 | 1 |"
    assert f"| {row.nets[0].name} | {line}" in page
    assert "| 99 % | 7 % | no | 95 % | yes | 2 |" in page
    assert "> It is something else." in page
