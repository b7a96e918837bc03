"""The original with every removed index of its weights set to zero: a copy, or weights lent call by call."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from slimgui.engine.effective import bake
from slimgui.engine.keep import Kept
from slimgui.engine.structural import copy_module


def zeroed(tensor: Tensor, kept: dict[int, np.ndarray]) -> Tensor:
    """A copy of `tensor` with every index that is not in kept[dim] set to zero."""
    result = tensor.detach().clone()
    for dim, indices in kept.items():
        gone = torch.ones(tensor.shape[dim], dtype=torch.bool)
        gone[torch.from_numpy(indices)] = False
        result.index_fill_(dim, gone.nonzero().reshape(-1).to(result.device), 0)
    return result


def zeroed_copy(
    model: nn.Module, kept: Kept, dtype: torch.dtype | None = None, *, buffers: bool = True
) -> nn.Module:
    """A copy of `model` with the removed indices zeroed, its floating-point tensors in `dtype`.

    Of weights that are computed from others the effective weight is zeroed.
    """
    model, kept = _plain(model, kept)
    names = _names(model, buffers=buffers)

    def twin(tensor: Tensor) -> Tensor:
        copy = _cast(zeroed(tensor, kept.get(names.get(id(tensor), ""), {})), dtype)
        return nn.Parameter(copy, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else copy

    return copy_module(model, twin)


def _plain(model: nn.Module, kept: Kept) -> tuple[nn.Module, Kept]:
    """The model with computed weights as plain ones, sharing all others, and `kept` by its names."""
    if not kept:
        return model, kept
    shared = copy_module(model, lambda tensor: tensor).eval()  # in train mode spectral norm would iterate
    return shared, bake(shared, kept)


def _names(model: nn.Module, *, buffers: bool) -> dict[int, str]:
    names = {id(tensor): name for name, tensor in model.named_parameters()}
    if buffers:
        names |= {id(tensor): name for name, tensor in model.named_buffers()}
    return names


def _cast(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    return tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor
