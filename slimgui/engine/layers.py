"""A trace -> the boxes and arrows that a person wants to see.

One box per module that owns weights, one per function that joins branches; norms, activations and
reshapes are drawn inside the box whose output they alone work on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from slimgui.core.graph import Layer, LayerGraph
from slimgui.core.hierarchy import modules_around
from slimgui.core.sizes import Size
from slimgui.engine.costing import SizeOf
from slimgui.engine.propagate import Labelled
from slimgui.engine.recording import Call
from slimgui.engine.rules import find_rule, movement
from slimgui.engine.rules.creation import UNIFORM
from slimgui.engine.trace import Traced

aten = torch.ops.aten
WEIGHTED = frozenset({aten.convolution, aten.addmm, aten.mm, aten.bmm, aten.linear, aten.embedding})
SILENT = frozenset({movement.same, movement.moved, movement.reshaped})


@dataclass(slots=True, eq=False)
class _Box:
    """A box being built: `value` is what it puts out last, `parts` the modules folded into it."""

    name: str
    parts: list[str]
    value: int
    source: str
    inputs: list[int] = field(default_factory=list)


def layer_graph(traced: Traced, folded: bool = True) -> LayerGraph:
    """The layer graph of the eval pass; not `folded`, every op is a box of its own."""
    labelled = traced.passes[0]
    builder = _Builder(labelled, folded)
    for call in labelled.capture.calls:
        builder.add(call)
    for index in labelled.capture.outputs:
        builder.box(
            "output", ["output"], index, "", [builder.origin[index]] if index in builder.origin else []
        )
    edges = {(source, target) for target, box in enumerate(builder.boxes) for source in box.inputs}
    describe = _Describe(traced)
    layers = tuple(describe(box) for box in builder.boxes)
    modules = {path for chain in modules_around([layer.name for layer in layers]) for path in chain}
    kinds = tuple((path, kind.__name__) for path, kind in labelled.capture.modules.items() if path in modules)
    return LayerGraph(layers, tuple(sorted(edges)), kinds)


class _Builder:
    """Walks the calls in order; `origin` says which box every value comes from."""

    def __init__(self, labelled: Labelled, folded: bool) -> None:
        self.labelled, self.folded = labelled, folded
        self.boxes: list[_Box] = []
        self.origin: dict[int, int] = {}
        self.names: dict[str, int] = {}
        self.readers = self._count_readers()
        for index in labelled.capture.inputs:
            self.box("input", ["input"], index, "", [])

    def _count_readers(self) -> dict[int, int]:
        readers: dict[int, int] = {}
        for call in self.labelled.capture.calls:
            for index in set(call.operands):
                readers[index] = readers.get(index, 0) + 1
        return readers

    def box(self, name: str, parts: list[str], value: int, source: str, inputs: list[int]) -> int:
        """A new box; a name that is taken gets a number."""
        self.names[name] = self.names.get(name, 0) + 1
        unique = name if self.names[name] == 1 else f"{name} ({self.names[name]})"
        self.boxes.append(_Box(unique, parts, value, source, inputs))
        self.origin[value] = len(self.boxes) - 1
        return len(self.boxes) - 1

    def add(self, call: Call) -> None:
        """Give the call's results to a box: one that is there, or a new one."""
        outputs = [index for index in call.outputs if index is not None]
        sources = list(dict.fromkeys(self.origin[i] for i in call.operands if i in self.origin))
        if not outputs or not sources or call.func.overloadpacket in UNIFORM:
            return
        if self._folds(call, sources):
            box = self.boxes[sources[0]]
            part = self._part(call)
            if part and box.parts[-1] != part and box.name != "input":
                box.parts.append(part)
            if box.name != "input":
                box.value = outputs[0]
            number = sources[0]
        else:
            name, part = self._name(call), (self.folded and self._part(call)) or _op_name(call)
            number = self.box(name, [part], outputs[0], call.source, sources)
        for index in outputs:
            self.origin[index] = number

    def _folds(self, call: Call, sources: list[int]) -> bool:
        """Whether the call only works on what one box puts out, and nothing else reads that."""
        if not self.folded or len(sources) > 1 or call.func.overloadpacket in WEIGHTED:
            return False
        if find_rule(call.func) in SILENT:
            return True
        data = [index for index in call.operands if index in self.origin]
        return self.boxes[sources[0]].name != "input" and all(self.readers[index] == 1 for index in data)

    def _part(self, call: Call) -> str:
        """Class of the leaf module the call runs in; "" for a function or a silent op."""
        if find_rule(call.func) in SILENT:
            return ""
        kind = self.labelled.capture.modules.get(call.module)
        own = kind is not None and kind.__module__.startswith("torch.nn.")
        return kind.__name__ if own and kind is not None else _op_name(call)

    def _name(self, call: Call) -> str:
        kind = self.labelled.capture.modules.get(call.module)
        if self.folded and kind is not None and kind.__module__.startswith("torch.nn."):
            return call.module
        return f"{call.module}/{_op_name(call)}" if call.module else _op_name(call)


def _op_name(call: Call) -> str:
    return str(call.func.overloadpacket).removeprefix("aten.").strip("_")


class _Describe:
    """Boxes as Layers: channels, group and lock of what they put out."""

    def __init__(self, traced: Traced) -> None:
        self.traced, self.size_of = traced, SizeOf(traced)

    def __call__(self, box: _Box) -> Layer:
        operand = self.traced.passes[0].operands[box.value]
        firsts = [(dim, found.labels.reshape(-1)[0].item()) for found in operand.fields for dim in found.live]
        groups = {dim: self._group(label) for dim, label in firsts}
        dim = _channel_dim(len(operand.shape), groups)
        sizes = self.size_of(operand)
        channels = sizes[dim] if len(sizes) > dim else Size(0)
        group, locked = groups.get(dim, ("", ""))
        kind = " · ".join(dict.fromkeys(box.parts))
        return Layer(box.name, kind, channels, operand.shape, group, locked, box.source)

    def _group(self, label: float) -> tuple[str, str]:
        solved = self.traced.solved
        for group_of in (*solved.group_of, solved.row_of):
            index = int(group_of[int(label)])
            if index >= 0:
                group = solved.groups[index]
                return group.id, str(group.locked) if group.locked else ""
        return "", ""


def _channel_dim(ndim: int, groups: Mapping[int, tuple[str, str]]) -> int:
    """The dimension that counts as channels: of those that weights count, first one that may be cut.

    Channels may come last (NHWC), while positions are counted by tables of weights, too: those are locked.

    Args:
        ndim: number of dimensions.
        groups: per dimension that weights count its group, and why that is locked.
    """
    usual = 1 if ndim != 3 else 2
    order = [dim for dim in (usual, *sorted(groups, reverse=True)) if dim in groups and dim]
    free = [dim for dim in order if groups[dim][0] and not groups[dim][1]]
    return next(iter((*free, *order)), usual)
