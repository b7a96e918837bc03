"""A layer graph with its groups -> JSON for programs, DOT for Graphviz."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from slimgui.core.graph import Layer, LayerGraph
from slimgui.core.groups import Refusal
from slimgui.core.hierarchy import modules_around


class Named(Protocol):
    """What is written of a group."""

    @property
    def id(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def locked(self) -> Refusal | None: ...
    @property
    def layers(self) -> tuple[str, ...]: ...


def as_json(name: str, graph: LayerGraph, groups: Sequence[Named], counts: Mapping[str, int]) -> str:
    """The graph as JSON: layers, edges as pairs of their numbers, modules by path, groups.

    Args:
        name: of the model.
        graph: its layers.
        groups: its groups.
        counts: channels that stay in each group.
    """
    sizes = {group.id: group.size for group in groups}
    layers = [
        _layer_row(layer, layer.channels.at(sizes), layer.channels.at(counts), around)
        for layer, around in zip(graph.layers, _around(graph), strict=True)
    ]
    rows = [
        {
            "id": group.id,
            "channels": group.size,
            "kept": counts[group.id],
            "locked": str(group.locked) if group.locked else None,
            "layers": list(group.layers),
        }
        for group in groups
    ]
    parts = {"layers": layers, "edges": graph.edges, "modules": dict(graph.modules), "groups": rows}
    whole = {"model": name, **parts}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _layer_row(layer: Layer, before: int, now: int, around: Sequence[str]) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "shape": layer.shape,
        "channels": before,
        "kept": now,
        "group": layer.group or None,
        "locked": layer.locked or None,
        "source": layer.source,
        "module": around[-1] if around else None,
    }


def as_dot(name: str, graph: LayerGraph, groups: Sequence[Named], counts: Mapping[str, int]) -> str:
    """The graph for Graphviz: modules are clusters, locked layers grey; pointing at an edge names its group.

    Arguments as of `as_json`.
    """
    sizes = {group.id: group.size for group in groups}
    kinds = dict(graph.modules)
    lines = [f"digraph {_quoted(name)} {{", "  node [shape=box, style=rounded];"]
    open_now: tuple[str, ...] = ()
    for number, (layer, around) in enumerate(zip(graph.layers, _around(graph), strict=True)):
        lines += _borders(open_now, around, kinds)
        open_now = around
        label = _label(layer, layer.channels.at(sizes), layer.channels.at(counts))
        colour = ", color=grey, tooltip=" + _quoted(layer.locked) if layer.locked else ""
        lines.append(f"{_indent(around)}n{number} [label={_quoted(label)}{colour}];")
    lines += _borders(open_now, (), kinds)
    lines += [
        f"  n{source} -> n{target} [tooltip={_quoted(graph.layers[source].group)}];"
        for source, target in graph.edges
    ]
    return "\n".join([*lines, "}", ""])


def _around(graph: LayerGraph) -> list[tuple[str, ...]]:
    return modules_around([layer.name for layer in graph.layers])


def _borders(before: tuple[str, ...], now: tuple[str, ...], kinds: Mapping[str, str]) -> list[str]:
    """Close the clusters that end and open those that begin; one that is entered twice is continued."""
    shared = sum(1 for one, other in zip(before, now, strict=False) if one == other)
    closed = [f"{_indent(before[: depth - 1])}}}" for depth in range(len(before), shared, -1)]
    opened = []
    for depth in range(shared, len(now)):
        path = now[depth]
        title = _quoted(" ".join(filter(None, (path, kinds.get(path, "")))))
        opened.append(f"{_indent(now[:depth])}subgraph {_quoted('cluster ' + path)} {{ label={title};")
    return closed + opened


def _label(layer: Layer, before: int, now: int) -> str:
    channels = "" if not before else str(now) if now == before else f"{before} → {now}"
    return "\n".join(filter(None, (layer.name, layer.kind, channels)))


def _indent(around: Sequence[str]) -> str:
    return "  " * (1 + len(around))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
