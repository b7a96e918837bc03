"""Behave as if pruned, reversibly: removed channels are zero, nothing is cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from torch import Tensor, nn

from slimgui.core.plan import Selection
from slimgui.engine.keep import kept_indices
from slimgui.engine.trace import Traced
from slimgui.engine.zeroed import zeroed


@contextmanager
def mask(model: nn.Module, traced: Traced, selection: Selection) -> Iterator[nn.Module]:
    """Within the block `model` behaves as if pruned; afterwards it is bit-identical again.

    The removed indices of every floating-point parameter and buffer are zeroed in copies that stand in
    for the originals. Training inside the block trains the copies.
    """
    weights = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    kept = kept_indices(traced.groups, selection, {name: tensor.shape for name, tensor in weights.items()})
    stand_in = {id(weights[name]): _stand_in(weights[name], dims) for name, dims in kept.items()}
    swapped: list[tuple[dict[str, Any], str, Tensor]] = []
    for module in model.modules():
        tables: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
        for table in tables:
            for name, tensor in table.items():
                if tensor is not None and id(tensor) in stand_in:
                    swapped.append((table, name, tensor))
    try:
        for place, name, tensor in swapped:
            place[name] = stand_in[id(tensor)]
        yield model
    finally:
        for place, name, tensor in swapped:
            place[name] = tensor


def _stand_in(tensor: Tensor, kept: dict[int, np.ndarray]) -> Tensor:
    copy = zeroed(tensor, kept)
    return nn.Parameter(copy, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else copy
