"""A trace -> the graph of every single op, for whoever wants to see all of it."""

from __future__ import annotations

from slimgui.core import wire
from slimgui.core.hierarchy import first_opened
from slimgui.engine.arrange import arrange
from slimgui.engine.layers import layer_graph
from slimgui.engine.trace import Traced


def detailed(request: wire.Detail, traced: Traced) -> wire.Detailed:
    """The ops of a trace, in the modules that they run in; as many of these are open as can be taken in."""
    graph = layer_graph(traced, folded=False)
    names = [op.name for op in graph.layers]
    return wire.Detailed(request.task, graph, arrange(names, graph.edges, first_opened(names)))
