"""Weights of a smaller model that are cut from the original's only when something asks for their numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from slimgui.engine.structural import copy_module, like, named_tensors

Numbers = Callable[[Tensor], Tensor]


def kept_part(tensor: Tensor, cuts: Mapping[int, NDArray[np.int64]]) -> Tensor:
    """The indices of `tensor` that stay, per dimension; a copy, or `tensor` itself where all stay."""
    part = tensor.detach()
    for dim, indices in cuts.items():
        part = part.index_select(dim, torch.from_numpy(np.ascontiguousarray(indices)).to(part.device))
    return part


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """One weight that is still to be cut.

    Attributes:
        whole: of the original, which must not change meanwhile.
        cuts: dimension -> indices that stay.
    """

    whole: Tensor = field(repr=False)
    cuts: Mapping[int, NDArray[np.int64]]

    @property
    def shape(self) -> tuple[int, ...]:
        """Once it is cut."""
        return tuple(len(self.cuts.get(dim, range(size))) for dim, size in enumerate(self.whole.shape))

    def numbers(self) -> Tensor:
        """The weight, made now; the original's own where all of it stays."""
        return kept_part(self.whole, self.cuts)

    def stand_in(self) -> Tensor:
        """A tensor of its shape that holds no numbers."""
        return like(torch.empty(self.shape, dtype=self.whole.dtype, device="meta"), self.whole)


def numbers_of(model: nn.Module, pending: Mapping[str, Cut]) -> Numbers:
    """What gives the numbers of a tensor of `model`: made now where they are pending, else itself."""
    cuts = {id(tensor): pending[name] for name, tensor in named_tensors(model).items() if name in pending}

    def numbers(tensor: Tensor) -> Tensor:
        cut = cuts.get(id(tensor))
        return tensor if cut is None else cut.numbers()

    return numbers


def filled(model: nn.Module, pending: Mapping[str, Cut]) -> nn.Module:
    """A copy of `model` that holds every number, its own ones."""
    numbers = numbers_of(model, pending)
    return copy_module(model, lambda tensor: like(numbers(tensor).detach().clone(), tensor))
