"""Criteria that look at weights alone. Weights without numbers (on meta) count for nothing."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from slimgui.core.groups import Group
from slimgui.engine.importance.registry import Scores, Subject, criterion
from slimgui.engine.recording import Ref
from slimgui.engine.rules import find_rule

BLOCK = 2**18  # elements looked at together: they fit a cache, and big weights need no copy
COLUMNS: Final = 2**14  # of the weights that channels own, looked at together where channels are compared


def summed(
    tensors: Mapping[str, Tensor], groups: Sequence[Group], power: Callable[[Tensor], Tensor]
) -> Scores:
    """Per channel the sum of power(element) over all that it owns of these tensors, in every member.

    Args:
        tensors: by the name of the parameter.
        groups: as found by `trace`.
        power: elementwise.
    """
    wanted: dict[str, set[int]] = {}
    for group in groups:
        for member in group.members:
            if member.parameter in tensors:
                wanted.setdefault(member.parameter, set()).add(member.dim)
    sums = {name: _sums(tensors[name], dims, power) for name, dims in wanted.items()}
    scores: Scores = {}
    for group in groups:
        total = scores[group.id] = np.zeros(group.size)
        for member in group.members:
            if member.parameter in sums:
                total += sums[member.parameter][member.dim][member.indices].sum(axis=1)
    return scores


def _weights(subject: Subject) -> dict[str, Tensor]:
    return {name: p.detach() for name, p in subject.model.named_parameters() if not p.is_meta}


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


@criterion("l1")
def l1(subject: Subject) -> Scores:
    """Score s = Σ |w| over every weight w that the channel owns.

    Source: Li et al. 2017, "Pruning Filters for Efficient ConvNets", summed over coupled layers.
    """
    return summed(_weights(subject), subject.groups, torch.abs)


@criterion("l2")
def l2(subject: Subject) -> Scores:
    """Score s = Σ w² over every weight w that the channel owns.

    Source: He et al. 2018, "Soft Filter Pruning", squared and summed over coupled layers.
    """
    return summed(_weights(subject), subject.groups, torch.square)


@criterion("lamp")
def lamp(subject: Subject) -> Scores:
    """Score s_i = a_i / Σ a_j over all channels j of the group with a_j ≥ a_i, where a is the score by l2.

    Source: Lee et al. 2021, "Layer-adaptive Sparsity for the Magnitude-based Pruning", by group.
    """

    def scaled(own: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        order = np.argsort(own, kind="stable")
        ahead = np.cumsum(own[order][::-1])[::-1]  # what is at or behind each in rising order
        ahead = ahead[np.searchsorted(own[order], own[order])]  # equal scores share the largest sum
        result = np.zeros(len(own))
        result[order] = np.divide(own[order], ahead, out=np.zeros(len(own)), where=ahead > 0)
        return result

    return {name: scaled(own) for name, own in l2(subject).items()}


@criterion("norm")
def norm(subject: Subject) -> Scores:
    """Score s = Σ |γ| over the scales γ of the norms that the channel passes; by l2 in groups without one.

    Source: Liu et al. 2017, "Learning Efficient Convolutional Networks through Network Slimming".
    """
    names, weights = _scales(subject), _weights(subject)
    scales = {name: weight for name, weight in weights.items() if name in names}
    found, plain = summed(scales, subject.groups, torch.abs), l2(subject)
    with_norm = {
        group.id for group in subject.groups for member in group.members if member.parameter in scales
    }
    return {name: found[name] if name in with_norm else plain[name] for name in found}


def _scales(subject: Subject) -> set[str]:
    """Names of the parameters that a norm takes as its `weight`, by the ops' own schemas."""
    names = set()
    for labelled in subject.traced.passes:
        values = labelled.capture.values
        for call in labelled.capture.calls:
            rule = find_rule(call.func)
            if rule is not None and rule.__module__.endswith(".normalization"):
                pairs = zip(call.func._schema.arguments, call.args, strict=False)
                given = [value for argument, value in pairs if argument.name == "weight"]
                names |= {values[ref.index].name for ref in given if isinstance(ref, Ref)}
    return names - {""}


@criterion("fpgm")
def fpgm(subject: Subject) -> Scores:
    """Score s_i = Σ_j ‖w_i - w_j‖, where w_i is the vector of all weights that channel i owns.

    Source: He et al. 2019, "Filter Pruning via Geometric Median", over coupled layers.
    """
    weights = _weights(subject)
    return {group.id: _distances(group, weights) for group in subject.groups}


def _distances(group: Group, weights: Mapping[str, Tensor]) -> NDArray[np.float64]:
    squares = torch.zeros(group.size, group.size, dtype=torch.float64)
    for member in group.members:
        if member.parameter in weights:
            weight = weights[member.parameter].movedim(member.dim, 0)
            rows = weight[torch.from_numpy(member.indices).to(weight.device)].reshape(group.size, -1)
            for block in rows.split(COLUMNS, dim=1):
                squares += torch.cdist(*(block.double().cpu(),) * 2).square()
    distances: NDArray[np.float64] = squares.sqrt().sum(1).numpy()
    return distances


@criterion("random")
def random(subject: Subject) -> Scores:
    """Score s is drawn from [0, 1), the same for the same name and size of a group."""

    def drawn(group: Group) -> NDArray[np.float64]:
        return np.random.default_rng(zlib.crc32(group.id.encode())).random(group.size)

    return {group.id: drawn(group) for group in subject.groups}


@criterion("first")
def first(subject: Subject) -> Scores:
    """Score s_i = size - i."""
    return {group.id: np.arange(group.size, 0, -1, dtype=np.float64) for group in subject.groups}
