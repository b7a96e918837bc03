"""`slimgui latency` and `--target latency=...`: what is said; no test knows a time."""

import pytest
import torch
from torch import nn

from slimgui.core.latency import LatencyModel
from slimgui.engine import latency, timing


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(16, 64)
        self.two = nn.Linear(64, 64)
        self.head = nn.Linear(64, 4)

    def forward(self, x):
        return self.head(self.two(self.one(x).relu()).relu())


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A factory in a file; models take 1 µs and 1 ns per weight, ops 0.25 ns per byte they are given."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def in_turns(runs, clock, seconds, least):
        return [[1e-6 + 1e-9 * sum(p.numel() for p in run.func.parameters())] * 2 for run in runs]

    monkeypatch.setattr(timing, "in_turns", in_turns)
    by_bytes = lambda ops, clock, rounds: [0.25e-9 * op.bytes for op in ops]  # noqa: E731
    monkeypatch.setattr(latency, "ops_in_turns", by_bytes)
    return f"{__file__}:Small"


INPUT = ("--input", "2x16")


def test_time_stands_beside_macs_and_a_table_is_written(answer, source, tmp_path):
    table = tmp_path / "device.json"
    status, row = answer("latency", source, *INPUT, "--ratio", "0.5", "--export-latency", table)
    assert status == 0
    # 16·64+64 + 64·64+64 + 64·4+4 weights before; 16·32+32 + 32·32+32 + 32·4+4 after
    assert row["seconds"] == {"before": pytest.approx(1e-6 + 5508e-9), "after": pytest.approx(1e-6 + 1732e-9)}
    assert row["macs"] == {"before": 2 * 5376, "after": 2 * 1664}
    assert row["warning"] == ""
    assert not row["unmeasured"]
    assert LatencyModel.from_json(table.read_text()).device == row["device"]


def test_the_table_of_another_device_is_used_and_nothing_is_measured(answer, source, tmp_path, monkeypatch):
    table = tmp_path / "device.json"
    answer("latency", source, *INPUT, "--export-latency", table)
    monkeypatch.setattr(timing, "in_turns", None)
    status, row = answer("latency", source, *INPUT, "--ratio", "0.5", "--latency-table", table)
    assert status == 0
    assert set(row["predicted"]) == {"before", "after"}
    assert "seconds" not in row


def test_an_unknown_device_is_refused(answer, source):
    status, row = answer(
        "latency", source, *INPUT, "--device", "cuda" if not torch.cuda.is_available() else "x"
    )
    assert status == 1
    assert "Nothing can be measured" in row["error"]["what"]


def test_a_saved_model_is_measured_beside_its_original(answer, source, tmp_path):
    small = tmp_path / "small.pt"
    assert answer("slim", source, *INPUT, "--ratio", "0.5", "--out", small)[0] == 0
    status, row = answer("latency", source, small, *INPUT)
    assert status == 0
    assert row["time_left"] == pytest.approx((1e-6 + 1732e-9) / (1e-6 + 5508e-9))


def test_a_target_of_latency_is_met_on_the_deployed_model(answer, source):
    status, row = answer("slim", source, *INPUT, "--target", "latency=60%", "--dry-run")
    assert status == 0
    assert row["latency"]["time_left"] == pytest.approx(0.6, abs=0.05)
    assert "keeps 60 % of the time" in row["targets"]["latency"]["asked"]
