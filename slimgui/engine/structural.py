"""Structural copies: the same modules, with weights that hold no numbers."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn


def on_meta(tensor: Tensor) -> Tensor:
    """Floating-point tensors go to meta, integer ones are cloned: masks and indices keep their values."""
    if tensor.is_floating_point() or tensor.is_complex():
        twin = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
    else:
        twin = tensor.detach().clone()
    return _like(twin, tensor)


def cloned(tensor: Tensor) -> Tensor:
    """The same numbers in a leaf of its own."""
    return _like(tensor.detach().clone(), tensor)


def _like(twin: Tensor, tensor: Tensor) -> Tensor:
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(twin, requires_grad=tensor.requires_grad)
    return twin


def copy_module(model: nn.Module, twin: Callable[[Tensor], Tensor]) -> nn.Module:
    """A deep copy of `model` in which every tensor is replaced by twin(tensor); `model` is untouched.

    Tensors that forward cached as plain attributes are replaced too (deepcopy refuses the ones that are
    not leaves); a tensor met twice stays one tensor.
    """
    memo: dict[int, Any] = {id(table): OrderedDict() for table in _empty_tables(model)}
    for tensor in _tensors(model):
        if id(tensor) not in memo:
            memo[id(tensor)] = twin(tensor)
    return copy.deepcopy(model, memo)


def _empty_tables(model: nn.Module) -> Iterator[Any]:
    """The tables of hooks, a dozen in every module: deepcopy takes longer for them than for all the rest."""
    for module in model.modules():
        for value in vars(module).values():
            if type(value) is OrderedDict and not value:
                yield value


def _tensors(model: nn.Module) -> Iterator[Tensor]:
    for module in model.modules():
        yield from _tensors_in(vars(module), depth=4)


def _tensors_in(value: Any, depth: int) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif depth and isinstance(value, dict):
        for item in value.values():
            yield from _tensors_in(item, depth - 1)
    elif depth and isinstance(value, (list, tuple, set)):
        for item in value:
            yield from _tensors_in(item, depth - 1)
