"""`slimgui graph`: the layers of a model and what joins them, for programs and for Graphviz."""

from __future__ import annotations

import argparse
import json

from slimgui.cli.opening import opened
from slimgui.cli.progress import Step
from slimgui.cli.report import Answer
from slimgui.core.graph_files import as_dot, as_json
from slimgui.core.text_files import write_text


def add_options(parser: argparse.ArgumentParser) -> None:
    """As what the graph is written, and where to."""
    parser.add_argument(
        "--format", choices=["dot", "json"], default="dot", help="for Graphviz, or as data; default: dot"
    )
    parser.add_argument("--out", metavar="FILE", help="the file to write; without it, the graph is printed")


def graph(arguments: argparse.Namespace, step: Step) -> Answer:
    """Print the graph of the whole model, or write it to a file."""
    loaded, traced = opened(arguments, step, 2)
    write = as_json if arguments.format == "json" else as_dot
    layers, groups = traced.layer_graph, traced.groups
    text = write(loaded.source, layers, groups, {group.id: group.size for group in groups})
    row = {"source": loaded.source, "layers": len(layers.layers), "edges": len(layers.edges)}
    if arguments.out:
        write_text(arguments.out, text)
        what = f"{len(layers.layers):,} layers, {len(layers.edges):,} edges: {arguments.out}"
        return Answer({**row, "out": arguments.out}, what)
    content = json.loads(text) if arguments.format == "json" else text
    return Answer({**row, "graph": content}, text.rstrip("\n"))
