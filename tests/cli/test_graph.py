"""`slimgui graph` on the example."""

from slimgui import resources

EXAMPLE = resources.path(resources.EXAMPLE)


def test_the_graph_is_printed_for_graphviz(run):
    status, out, _ = run("graph", EXAMPLE)

    assert status == 0
    assert out.startswith("digraph")
    assert 'subgraph "cluster stage1.0"' in out


def test_json_is_one_object_and_a_file_holds_the_graph_alone(answer, tmp_path):
    status, found = answer("graph", EXAMPLE, "--format", "json")
    _, written = answer("graph", EXAMPLE, "--out", tmp_path / "net.dot")

    assert status == 0
    assert found["layers"] == len(found["graph"]["layers"]) == written["layers"]
    assert (tmp_path / "net.dot").read_text(encoding="utf-8").count(" -> ") == written["edges"]
