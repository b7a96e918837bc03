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
    gone = np.zeros(len(solved.group_of[0]), np.bool_)
    for group_of, channel_of in zip(solved.group_of, solved.channel_of, strict=True):
        for index in np.unique(group_of[group_of >= 0]):
            group = solved.groups[index]
            stays = np.zeros(group.size, np.bool_)
            stays[selection.keep[group.id]] = True
            of_group = group_of == index
            gone[of_group] |= ~stays[channel_of[of_group]]
    return torch.from_numpy(gone)


def cut_field(field: Field, gone: Tensor) -> Tensor:
    """The labels that remain, as a tensor of the remaining shape.

    A cut is always a rectangle: an index of a live dimension stays when anything along it stays.
    """
    labels = field.labels
    stays = ~gone[labels]
    for dim in field.live:
        others = [d for d in field.live if d != dim]
        along = stays.amax(others, keepdim=True) if others else stays
        labels = labels.index_select(dim, along.reshape(-1).nonzero().reshape(-1))
    return labels


def cut_shape(shape: tuple[int, ...], fields: Iterable[Field], gone: Tensor) -> tuple[int, ...]:
    """The shape of a value once the labels in `gone` are removed."""
    sizes = list(shape)
    for field in fields:
        remaining = cut_field(field, gone)
        for dim in field.live:
            sizes[dim] = remaining.shape[dim]
    return tuple(sizes)
