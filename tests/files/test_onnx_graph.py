"""ONNX files are listed as the onnx library says, without it; damaged ones are a sentence."""

import random
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from slimgui.errors import LoadError
from slimgui.files.contents import inspect
from slimgui.files.onnx_graph import read_graph


def model():
    """A graph with a free size, an If whose branches hold constants, and weights of three types."""
    scale = numpy_helper.from_array(np.ones(4, np.float32))
    branches = {
        f"{name}_branch": helper.make_graph(
            [
                helper.make_node("Constant", [], [f"{name}_scale"], value=scale),
                helper.make_node("Mul", ["h", f"{name}_scale"], [f"{name}_y"]),
            ],
            name, [], [helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, [None, 4])],
        )
        for name in ("then", "else")
    }  # fmt: skip
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Constant", [], ["sizes"], value=numpy_helper.from_array(np.arange(3))),
        helper.make_node("If", ["flag"], ["y"], **branches),
    ]
    weights = [
        numpy_helper.from_array(np.zeros((3, 4), np.float32), "w"),
        numpy_helper.from_array(np.zeros((2, 1, 5), np.float16), "unused"),
        numpy_helper.from_array(np.array(7), "number"),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3]),
        helper.make_tensor_value_info("flag", TensorProto.BOOL, []),
        helper.make_tensor_value_info("w", TensorProto.FLOAT, [3, 4]),  # as programs once listed weights
    ]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])]
    made = helper.make_model(
        helper.make_graph(nodes, "net", inputs, outputs, weights),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.example", 2)],
        producer_name="a test", producer_version="1.0",
    )  # fmt: skip
    helper.set_model_props(made, {"note": "n" * 1000})
    return made


@pytest.fixture
def file(tmp_path):
    onnx.save(model(), tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


def test_the_graph_is_listed(file):
    found = read_graph(file)
    assert (found.producer, found.opsets) == ("a test 1.0", {"ai.onnx": 17, "com.example": 2})
    assert found.inputs == {"x": "batchx3 float32", "flag": "one number bool"}
    assert found.outputs == {"y": "batchx4 float32"}
    assert dict(found.nodes) == {"MatMul": 1, "Constant": 3, "If": 1, "Mul": 2}
    shapes = {name: (entry.shape, entry.dtype) for name, entry in found.weights.items()}
    assert shapes == {
        "w": ((3, 4), "float32"),
        "unused": ((2, 1, 5), "float16"),
        "number": ((), "int64"),
        "then_scale": ((4,), "float32"),
        "else_scale": ((4,), "float32"),
    }
    assert found.metadata == {"note": "n" * 1000}


def test_it_is_shown_with_a_sentence_about_what_can_be_done(file):
    found = inspect(file)
    assert found.kind == "an ONNX model by a test 1.0"
    assert found.entries["operators"] == "7 (3 Constant, 2 Mul, 1 MatMul, 1 If)"
    assert "is an ONNX model, which cannot be slimmed." in found.refusal.what
    assert "Open the PyTorch model it was exported from" in found.refusal.hint


def test_neither_onnx_nor_torch_is_needed(file):
    code = (
        "import sys; from pathlib import Path; from slimgui.files.contents import inspect\n"
        f"assert inspect(Path({str(file)!r})).weights\n"
        "print({'onnx', 'torch', 'numpy', 'google'} & {name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "set()", done.stderr


def test_broken_files_are_sentences(file):
    whole = file.read_bytes()
    chance = random.Random(5)
    broken = [whole[: len(whole) * k // 40] for k in range(1, 40)]
    for _ in range(200):
        part = bytearray(whole)
        for _ in range(3):
            part[chance.randrange(8, len(part))] ^= 1 << chance.randrange(8)
        broken.append(bytes(part))
    said = []
    for content in broken:
        file.write_bytes(content)
        try:
            read_graph(file)
        except LoadError as error:
            said.append(error.what)
    assert len(said) > 60
    assert set(said) == {"net.onnx is damaged or cut off."}


def nested(depth):
    """The bytes of a graph in an attribute of a node of a graph, so many times."""
    graph = b""
    for _ in range(depth):
        for key in (0x32, 0x2A, 0x0A):  # attribute.g, node.attribute, graph.node
            size = bytearray()
            left = len(graph)
            while left > 127:
                size.append(left & 127 | 128)
                left >>= 7
            graph = bytes([key, *size, left]) + graph
    return graph


def test_graphs_in_graphs_without_end_are_refused(file):
    inner = nested(500)
    size = len(inner)
    file.write_bytes(b"\x08\x07\x3a" + bytes([size & 127 | 128, size >> 7]) + inner)
    with pytest.raises(LoadError, match="damaged") as caught:
        read_graph(file)
    assert "without end" in caught.value.why
