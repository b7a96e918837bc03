"""A trace -> the channels that go into and come out of its layers, as closed forms of the group counts."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from slimgui.core.widths import Widths
from slimgui.engine.costing import SizeOf
from slimgui.engine.propagate import Labelled
from slimgui.engine.recording import Ref
from slimgui.engine.trace import Traced

aten = torch.ops.aten
_NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)


def layer_widths(traced: Traced) -> dict[str, Widths]:
    """Widths of convolutions, linear layers and norms, by dotted path, in the order of the modules.

    Those of a convolution are what it reads and writes, so they hold for grouped, depthwise and transposed
    ones alike; a norm only has channels that leave it.
    """
    size_of, found = SizeOf(traced), dict[str, Widths]()
    for labelled in reversed(traced.passes):
        found.update(_convolutions(labelled, size_of))
        found.update(_by_weight(labelled, size_of))
    modules = traced.passes[0].capture.modules
    return {name: found[name] for name in modules if name in found}


def _convolutions(labelled: Labelled, size_of: SizeOf) -> Iterator[tuple[str, Widths]]:
    for call in labelled.capture.calls:
        kind = labelled.capture.modules.get(call.module)
        if call.func.overloadpacket is aten.convolution and kind is not None and issubclass(kind, _ConvNd):
            read, written = call.args[0], call.outputs[0]
            assert isinstance(read, Ref), "a convolution reads a tensor"
            assert written is not None, "a convolution writes a tensor"
            sizes = [size_of(labelled.operands[index])[1] for index in (read.index, written)]
            yield call.module, Widths(*sizes)


def _by_weight(labelled: Labelled, size_of: SizeOf) -> Iterator[tuple[str, Widths]]:
    operands = {
        value.name: labelled.operands[i] for i, value in enumerate(labelled.capture.values) if value.name
    }
    for name, kind in labelled.capture.modules.items():
        prefix = f"{name}." if name else ""
        weight = operands.get(f"{prefix}weight") or operands.get(f"{prefix}running_mean")
        if weight is None:
            continue
        if issubclass(kind, nn.Linear):
            leaving, entering = size_of(weight)
            yield name, Widths(entering, leaving)
        elif issubclass(kind, _NORMS) and len(weight.shape) == 1:
            yield name, Widths(None, size_of(weight)[0])
