"""The graph as JSON and as DOT."""

import json
import re

from slimgui.core.graph import Layer, LayerGraph
from slimgui.core.graph_files import as_dot, as_json
from slimgui.core.groups import Group, Refusal
from slimgui.core.sizes import Size

WIDE = Size(0, ((1, ("a.conv",)),))
GRAPH = LayerGraph(
    (
        Layer("input", "input", Size(3), (1, 3, 8, 8), "", "It is the input."),
        Layer("a.conv", "Conv2d · ReLU", WIDE, (1, 16, 8, 8), "a.conv", "", "net.py:7"),
        Layer("a/add", "add", WIDE, (1, 16, 8, 8), "a.conv"),
        Layer('say "hi"', "Linear", Size(10), (1, 10), "", "It is\nthe output."),
    ),
    ((0, 1), (1, 2), (2, 3)),
    (("a", "Block"),),
)
GROUPS = (Group("a.conv", 16), Group("out", 10, locked=Refusal("It is the output.")))
COUNTS = {"a.conv": 6, "out": 10}


def test_json_holds_what_stays_and_where_everything_lies() -> None:
    found = json.loads(as_json("net.pt", GRAPH, GROUPS, COUNTS))

    assert found["model"] == "net.pt"
    conv = found["layers"][1]
    assert (conv["name"], conv["channels"], conv["kept"], conv["module"]) == ("a.conv", 16, 6, "a")
    assert found["layers"][0]["locked"] == "It is the input."
    assert found["edges"] == [[0, 1], [1, 2], [2, 3]]
    assert found["modules"] == {"a": "Block"}
    assert [(row["id"], row["kept"], row["locked"]) for row in found["groups"]] == [
        ("a.conv", 6, None),
        ("out", 10, "It is the output."),
    ]


def test_dot_has_a_node_per_layer_in_the_cluster_of_its_module() -> None:
    text = as_dot("net.pt", GRAPH, GROUPS, COUNTS)

    assert text.startswith('digraph "net.pt" {')
    assert text.count("{") == text.count("}") == 2
    cluster = text[text.index('subgraph "cluster a" { label="a Block";') : text.index("  }")]
    assert 'n1 [label="a.conv\\nConv2d · ReLU\\n16 → 6"]' in cluster
    assert "n2 [" in cluster
    assert "n3 [" not in cluster
    assert re.findall(r"n(\d) -> n(\d)", text) == [("0", "1"), ("1", "2"), ("2", "3")]


def test_quotes_and_line_ends_in_names_do_not_break_dot() -> None:
    line = next(line for line in as_dot("n", GRAPH, GROUPS, COUNTS).splitlines() if "n3 [" in line)

    assert '"say \\"hi\\"\\nLinear\\n10"' in line
    assert 'tooltip="It is\\nthe output."' in line
