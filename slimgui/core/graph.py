"""The traced model as data: ops and values for the engine, layers and edges for the eye."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from slimgui.core.sizes import Size

ValueKind = Literal["input", "parameter", "buffer", "constant", "activation"]


@dataclass(frozen=True, slots=True)
class Value:
    """One tensor of the forward pass. `name` is the state dict name of a parameter or buffer."""

    shape: tuple[int, ...]
    dtype: str
    kind: ValueKind
    name: str = ""


@dataclass(frozen=True, slots=True)
class Op:
    """One ATen call. `inputs` and `outputs` are indices into Graph.values."""

    name: str
    module: str
    source: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """Ops in the order of the forward pass. `modules` maps dotted paths to class names."""

    values: tuple[Value, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    modules: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One box of the layer graph: a module that owns parameters, or a function that joins branches.

    Attributes:
        name: dotted path, or "path/add" for a function called in that module.
        kind: class name or function name: "Conv2d", "add", "cat", "input", "output".
        channels: length of the channel dimension of what it puts out; fixed 0 when it has none.
        shape: shape of what it puts out, as traced.
        group: id of the group its output channels belong to, "" when they are not in one.
        locked: why its output channels may not be cut, "" when they may.
        source: "file.py:123" of the call.
    """

    name: str
    kind: str
    channels: Size
    shape: tuple[int, ...] = ()
    group: str = ""
    locked: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class LayerGraph:
    """Boxes and arrows (indices of layers, from -> to); `core.view` says where they are drawn.

    Attributes:
        layers: in order of the forward pass.
        edges: pairs of indices into `layers`.
        modules: dotted path -> class name, of every module that has others inside.
    """

    layers: tuple[Layer, ...] = ()
    edges: tuple[tuple[int, int], ...] = ()
    modules: tuple[tuple[str, str], ...] = ()
