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


def _magnitude(model: nn.Module, groups: Sequence[Group], power: Callable[[Tensor], Tensor]) -> Scores:
    weights = {name: p.detach() for name, p in model.named_parameters() if not p.is_meta}
    scores: Scores = {}
    for group in groups:
        total = np.zeros(group.size)
        for member in group.members:
            weight = weights.get(member.parameter)
            if weight is None:
                continue
            others = [dim for dim in range(weight.ndim) if dim != member.dim]
            per_index = power(weight.double())
            per_index = per_index.sum(others) if others else per_index
            total += per_index.cpu().numpy()[member.indices].sum(axis=1)
        scores[group.id] = total
    return scores


def l1(model: nn.Module, groups: Sequence[Group]) -> Scores:
    """Sum of the absolute values of every weight the channel owns, in all members of its group.

    Source: Li et al. 2017, "Pruning Filters for Efficient ConvNets", summed over coupled layers.
    """
    return _magnitude(model, groups, torch.abs)


def l2(model: nn.Module, groups: Sequence[Group]) -> Scores:
    """Sum of the squares of every weight the channel owns, in all members of its group."""
    return _magnitude(model, groups, torch.square)


CRITERIA: dict[str, Callable[[nn.Module, Sequence[Group]], Scores]] = {"l1": l1, "l2": l2}


def importance(model: nn.Module, groups: Sequence[Group], criterion: str = "l1") -> Scores:
    """Scores of every channel of every group.

    Args:
        model: the model whose weights are judged.
        groups: as found by `trace`.
        criterion: a key of CRITERIA.

    Returns:
        Per group id a float64 array [size].

    Raises:
        PlanError: there is no criterion of that name.
    """
    if criterion not in CRITERIA:
        raise PlanError(f"There is no criterion {criterion!r}.", "", f"Choose one of: {', '.join(CRITERIA)}.")
    return CRITERIA[criterion](model, groups)
