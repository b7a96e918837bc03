"""Random nets that once were cut wrongly or crashed, as `make fuzz` minimised and printed them."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import fuzz

PLAIN = {"channels": 8, "kernel": 3, "stride": 1, "bias": True, "groups": 1}
SPATIAL_PARAMETER = [
    {"op": "conv", "ins": ["v0"], "outs": ["v1"], "channels": 4, "kernel": 3, "stride": 1, "bias": False,
     "groups": 1},
    {"op": "pixels", "ins": ["v1"], "outs": ["v2"], "form": "shuffle"},
    {"op": "image_parameter", "ins": ["v2"], "outs": ["v3"], "form": "(1,C,H,W) +"},
]  # fmt: skip

POSITION_SHUFFLED = [
    {"op": "functional_conv", "ins": ["v0"], "outs": ["v4"], "channels": 4},
    {"op": "image_parameter", "ins": ["v4"], "outs": ["v5"], "form": "(1,C,H,W) +"},
    {"op": "add", "ins": ["v4", "v5"], "outs": ["v6"], "form": "{} + {}"},
    {"op": "pixels", "ins": ["v6"], "outs": ["v22"], "form": "shuffle"},
    {"op": "head", "ins": ["v22"], "outs": ["v31"], "form": "flatten"},
]
TWO_RECURRENT = [
    {"op": "conv", "ins": ["v0"], "outs": ["v1"], **PLAIN},
    {"op": "to_tokens", "ins": ["v1"], "outs": ["v3"], "form": "literal view"},
    {"op": "recurrent", "ins": ["v3"], "outs": ["v4"], "hidden": 8, "kind": "LSTM", "two_ways": False},
    {"op": "recurrent", "ins": ["v3"], "outs": ["v5"], "hidden": 4, "kind": "GRU", "two_ways": True},
]
SIZE_AS_TENSOR = [  # torchvision's RAFT divides by torch.sqrt(torch.tensor(num_channels))
    {"op": "conv", "ins": ["v0"], "outs": ["v1"], **PLAIN},
    {"op": "scaled_by_size", "ins": ["v1"], "outs": ["v2"], "form": "tensor"},
    {"op": "conv", "ins": ["v2"], "outs": ["v3"], **PLAIN},
]

NETS: dict[str, list[dict[str, Any]]] = {
    "a parameter over the pixels that a pixel shuffle makes": SPATIAL_PARAMETER,
    "a pixel shuffle of a sum with position embeddings": POSITION_SHUFFLED,
    "an LSTM and a GRU in two directions read the same tokens": TWO_RECURRENT,
    "a count of channels becomes a tensor": SIZE_AS_TENSOR,
}


@pytest.mark.parametrize("name", NETS)
def test_a_net_that_once_failed_is_cut_rightly_or_refused(name: str) -> None:
    row = fuzz.check(NETS[name])

    assert row.verdict in ("exact", "inexact", "refused"), f"{row.verdict}: {row.detail} [{row.where}]"


def test_the_judge_of_random_nets_finds_a_wrong_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong_by_one = fuzz.judge.engine.deploy

    def deploy(model, traced, selection):
        small = wrong_by_one(model, traced, selection)
        weight = next(p for name, p in small.model.named_parameters() if name == "m1.weight")
        weight.data = weight.data.roll(1, 1)
        return small

    monkeypatch.setattr(fuzz.judge.engine, "deploy", deploy)
    records = [
        {"op": "conv", "ins": ["v0"], "outs": ["v1"], **PLAIN},
        {"op": "conv", "ins": ["v1"], "outs": ["v2"], **PLAIN},
    ]

    assert fuzz.check(records).verdict == "WRONG"
