"""A deployed model is a model like any other: it trains, compiles, and exports with any batch size.

Twelve kinds of forward code (benchmarks/soak/nets.py), every group cut by its own ratio. torch.compile runs
with aot_eager, which traces and checks all that compiling checks; generating C++ takes ten seconds, so one
model stands for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
import torch
from torch import Tensor, nn

from benchmarks.soak import nets
from benchmarks.soak.nets import BATCHES, MODELS, inputs
from slimgui import runtime

TOLERANCE = 1e-4  # float32, against the spread of the output


def deployed(name: str) -> nn.Module:
    return nets.deployed(name).model


def marked(names: Iterable[str]) -> list[Any]:
    """The names as parameters; torch logs an error of its own while it decomposes an LSTM, and goes on."""
    return [pytest.param(n, marks=pytest.mark.logs_warnings if n == "recurrent" else ()) for n in names]


def differ(want: Tensor, have: Tensor) -> float:
    return oracle.error([want.detach()], [have.detach()])


def batch_of(program_input: Tensor) -> dict[int, torch.export.Dim]:
    del program_input
    return {0: torch.export.Dim("batch", min=2, max=64)}


@pytest.fixture(autouse=True)
def fresh_compiler() -> None:
    """Nothing compiled for one test, and no size seen in it, reaches the next."""
    torch._dynamo.reset()


@pytest.mark.parametrize("name", MODELS)
def test_gradients_reach_every_weight_of_the_deployed_model(name: str) -> None:
    small = deployed(name).train()
    try:
        small.zero_grad()
        small(inputs(name, 4)).square().mean().backward()
        grads = {key: parameter.grad for key, parameter in small.named_parameters()}
    finally:
        small.eval().zero_grad()
        oracle.randomise(small, seed=2)  # running statistics moved

    assert all(grad is not None and torch.isfinite(grad).all() for grad in grads.values()), grads.keys()


# torch looks at the gradients of what it carries over a graph break.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
@pytest.mark.parametrize("name", MODELS)
def test_the_deployed_model_compiles(name: str) -> None:
    """Without a break, unless calls are corrected: those modules run as they are."""
    small = deployed(name)
    compiled = torch.compile(small, backend="aot_eager", fullgraph=not runtime.installed(small))

    with torch._dynamo.config.patch(allow_rnn=True):  # without it torch compiles no LSTM, cut or not
        for batch in BATCHES:
            x = inputs(name, batch)
            assert differ(small(x), compiled(x)) < TOLERANCE


# torch's own code generator.
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", ["shuffle"])
def test_the_deployed_model_runs_as_generated_code(name: str) -> None:
    small = deployed(name)
    compiled = torch.compile(small, backend="inductor", fullgraph=not runtime.installed(small))

    with torch.no_grad():
        assert differ(small(inputs(name, 3)), compiled(inputs(name, 3))) < TOLERANCE


# torch.export says so of every LSTM, cut or not: its list of flat weights is a plain attribute.
@pytest.mark.filterwarnings(r"ignore:The tensor attributes? self\.lstm\._flat_weights:UserWarning")
@pytest.mark.parametrize("name", MODELS)
def test_the_deployed_model_exports_with_any_batch_size(name: str) -> None:
    small = deployed(name)
    example_input = inputs(name, BATCHES[0])
    program = torch.export.export(small, (example_input,), dynamic_shapes=(batch_of(example_input),))

    other = inputs(name, BATCHES[1])
    assert differ(small(other), program.module()(other)) < TOLERANCE


# torch.onnx's own decompositions ask for a class that torch.utils has deprecated.
@pytest.mark.filterwarnings(r"ignore:`isinstance\(treespec, LeafSpec\)` is deprecated:FutureWarning")
@pytest.mark.filterwarnings(r"ignore:The tensor attributes? self\.lstm\._flat_weights:UserWarning")
@pytest.mark.filterwarnings(
    "ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning"
)  # its LSTM
@pytest.mark.filterwarnings("ignore:_check_is_size will be removed:FutureWarning")  # its loop for an LSTM
@pytest.mark.parametrize("name", marked(MODELS))
def test_the_onnx_file_computes_the_same(name: str, tmp_path: Path) -> None:
    import onnxruntime

    small = deployed(name)
    example_input = inputs(name, BATCHES[0])
    path = tmp_path / "small.onnx"
    torch.onnx.export(
        small, (example_input,), path, dynamo=True, dynamic_shapes=(batch_of(example_input),),
        input_names=["x"], verbose=False,
    )  # fmt: skip

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    other = inputs(name, BATCHES[1])
    (have,) = session.run(None, {"x": other.numpy().astype(np.float32)})
    assert differ(small(other), torch.from_numpy(have)) < TOLERANCE
