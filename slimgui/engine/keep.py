"""A selection -> which labels go, which indices of every weight stay, and the shape of every value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from slimgui.core.groups import Group
from slimgui.core.plan import Selection
from slimgui.engine.labels import Field
from slimgui.engine.solve import Solved

Kept = dict[str, dict[int, NDArray[np.int64]]]


def kept_indices(groups: Iterable[Group], selection: Selection, shapes: Mapping[str, torch.Size]) -> Kept:
    """Per weight and dimension the original indices that stay; dimensions left whole are not listed.

    Args:
        groups: the groups of the selection.
        selection: which channels of each group stay.
        shapes: the original shape of every weight.
    """
    stays: dict[tuple[str, int], NDArray[np.bool_]] = {}
    for group in groups:
        gone = np.setdiff1d(np.arange(group.size), selection.keep[group.id])
        if not len(gone):
            continue
        for member in group.members:
            key = (member.parameter, member.dim)
            mask = stays.setdefault(key, np.ones(shapes[member.parameter][member.dim], np.bool_))
            mask[member.indices[gone].ravel()] = False
    kept: Kept = {}
    for (name, dim), mask in stays.items():
        kept.setdefault(name, {})[dim] = np.flatnonzero(mask)
    return kept


def labels_gone(solved: Solved, selection: Selection) -> Tensor:
    """Bool [labels]: True where `selection` removes the label."""
    sizes = [group.size for group in solved.groups]
    starts = np.cumsum([0, *sizes])
    removed = np.ones(starts[-1] + 1, np.bool_)  # per channel of every group; the last stands for no group
    removed[-1] = False
    for start, group in zip(starts, solved.groups, strict=False):
        removed[start + np.asarray(selection.keep[group.id])] = False
    gone = np.zeros(len(solved.group_of[0]), np.bool_)
    for group_of, channel_of in zip(solved.group_of, solved.channel_of, strict=True):
        gone |= removed[np.where(group_of < 0, starts[-1], starts[group_of] + channel_of)]
    return torch.from_numpy(gone)


def stays_along(field: Field, gone: Tensor) -> dict[int, Tensor]:
    """Per live dimension of the field, which of its indices stay: bool [size].

    A cut is always a rectangle: an index of a live dimension stays when anything along it stays.
    """
    stays, live = ~gone[field.labels], field.live
    if len(live) == 1:
        return {live[0]: stays.reshape(-1)}
    return {dim: stays.amax([d for d in live if d != dim]).reshape(-1) for dim in live}


def cut_field(field: Field, gone: Tensor) -> Tensor:
    """The labels that remain, as a tensor of the remaining shape."""
    labels = field.labels
    for dim, stays in stays_along(field, gone).items():
        if not bool(stays.all()):
            labels = labels.index_select(dim, stays.nonzero().reshape(-1))
    return labels


def cut_shape(shape: tuple[int, ...], fields: Iterable[Field], gone: Tensor) -> tuple[int, ...]:
    """The shape of a value once the labels in `gone` are removed."""
    sizes = list(shape)
    for field in fields:
        for dim, stays in stays_along(field, gone).items():
            sizes[dim] = int(stays.sum())
    return tuple(sizes)
