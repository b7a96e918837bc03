"""Criteria: how important each channel of a group is. Plain functions, higher is more important."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from slimgui.core.groups import Group
from slimgui.errors import PlanError

Scores = dict[str, NDArray[np.floating[Any]]]

BLOCK = 2**18  # elements looked at together: they fit a cache, and big weights need no copy


def _magnitude(model: nn.Module, groups: Sequence[Group], power: Callable[[Tensor], Tensor]) -> Scores:
    """Scores out of sums of power(weight); weights without numbers (on meta) count for nothing."""
    weights = {name: p.detach() for name, p in model.named_parameters() if not p.is_meta}
    wanted: dict[str, set[int]] = {}
    for group in groups:
        for member in group.members:
            if member.parameter in weights:
                wanted.setdefault(member.parameter, set()).add(member.dim)
    sums = {name: _sums(weights[name], dims, power) for name, dims in wanted.items()}
    scores: Scores = {}
    for group in groups:
        total = scores[group.id] = np.zeros(group.size)
        for member in group.members:
            if member.parameter in sums:
                total += sums[member.parameter][member.dim][member.indices].sum(axis=1)
    return scores


def _sums(
    weight: Tensor, dims: set[int], power: Callable[[Tensor], Tensor]
) -> dict[int, NDArray[np.floating[Any]]]:
    """Per dimension in `dims` the float64 array [its size] of power(weight), summed over the others."""
    sums = {dim: torch.zeros(weight.shape[dim], dtype=torch.float64) for dim in dims}
    rest = [dim for dim in range(weight.ndim) if dim not in dims]
    rows = max(1, BLOCK // max(1, weight[:1].numel()))
    for start in range(0, len(weight), rows):
        block = weight[start : start + rows]
        block = power(block.to(torch.promote_types(block.dtype, torch.float32)))
        block = block.sum(rest, keepdim=True) if rest else block
        for dim in dims:
            others = [other for other in range(weight.ndim) if other != dim]
            along = (block.sum(others) if others else block).double().cpu()
            if dim == 0:
                sums[dim][start : start + rows] = along
            else:
                sums[dim] += along
    return {dim: total.numpy() for dim, total in sums.items()}


def l1(model: nn.Module, groups: Sequence[Group]) -> Scores:
    """Sum of the absolute values of every weight the channel owns, in all members of its group.

    Source: Li et al. 2017, "Pruning Filters for Efficient ConvNets", summed over coupled layers.
    """
    return _magnitude(model, groups, torch.abs)


def l2(model: nn.Module, groups: Sequence[Group]) -> Scores:
    """Sum of the squares of every weight the channel owns, in all members of its group."""
    return _magnitude(model, groups, torch.square)


def first(model: nn.Module, groups: Sequence[Group]) -> Scores:
    """The first channels matter most: the ones that a supernet was trained to keep when it narrows."""
    return {group.id: np.arange(group.size, 0, -1, dtype=np.float64) for group in groups}


CRITERIA: dict[str, Callable[[nn.Module, Sequence[Group]], Scores]] = {"l1": l1, "l2": l2, "first": first}


def importance(model: nn.Module, groups: Sequence[Group], criterion: str = "l1") -> Scores:
    """Scores of every channel of every group.

    Args:
        model: the model whose weights are judged.
        groups: as found by `trace`.
        criterion: a key of CRITERIA.

    Returns:
        Per group id a float64 array [size]. A model on meta has no numbers: all its scores are equal, and
        `resolve` then keeps the lowest indices, so that a plan can be costed without the weights.

    Raises:
        PlanError: there is no criterion of that name.
    """
    if criterion not in CRITERIA:
        raise PlanError(f"There is no criterion {criterion!r}.", "", f"Choose one of: {', '.join(CRITERIA)}.")
    return CRITERIA[criterion](model, groups)
