"""The whole model and the smaller one, side by side, for what recovers numbers of the smaller one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from slimgui.engine.consumers import Consumer
from slimgui.engine.deploy import Deployed
from slimgui.engine.products import elements, memory
from slimgui.engine.structural import cloned, copy_module, named_tensors


@dataclass(frozen=True, eq=False)
class Pair:
    """Two models in eval mode that nobody else has.

    Attributes:
        whole: the original; shares its parameters, which no one may change.
        small: the deployed model, whose numbers are changed in place.
        kept: parameter or buffer name -> dimension -> original indices.
    """

    whole: nn.Module
    small: nn.Module
    kept: Mapping[str, Mapping[int, NDArray[np.int64]]]

    @cached_property
    def old(self) -> dict[str, Tensor]:
        """Weights of the whole model, by name."""
        return named_tensors(self.whole)

    @cached_property
    def new(self) -> dict[str, Tensor]:
        """Weights of the smaller one."""
        return named_tensors(self.small)

    def sliced(self, name: str, but: int = -1) -> Tensor:
        """The numbers of the whole model that the smaller one keeps; all of them along dimension `but`."""
        tensor = self.old[name].detach()
        for dim, indices in self.kept.get(name, {}).items():
            tensor = tensor if dim == but else tensor.index_select(dim, torch.from_numpy(indices))
        return tensor

    def spread(self, name: str) -> Tensor:
        """The numbers of the smaller model where they were in the whole one, 0 for what went."""
        result = torch.zeros_like(self.old[name])
        places = torch.arange(result.numel()).reshape(result.shape)
        for dim, indices in self.kept.get(name, {}).items():
            places = places.index_select(dim, torch.from_numpy(indices))
        memory(result)[places] = self.new[name].detach()
        return result

    def stays(self, consumer: Consumer, places: Tensor) -> Tensor:
        """Of the factors [g, k, n] that a contraction of the whole model has, which are still there: bool."""
        weight = self.old[consumer.weight]
        mask = torch.ones(weight.shape, dtype=torch.bool)
        for dim, indices in self.kept.get(consumer.weight, {}).items():
            gone = torch.ones(weight.shape[dim], dtype=torch.bool)
            gone[torch.from_numpy(indices)] = False
            mask.index_fill_(dim, gone.nonzero().reshape(-1), False)
        return mask.reshape(-1)[elements(weight, places)]

    def restore_statistics(self, consumer: Consumer) -> set[str]:
        """Give the norm behind a consumer the statistics it was made for; their names."""
        for name in consumer.statistics:
            self.new[name].copy_(self.sliced(name))
        return set(consumer.statistics)

    def add_shift(self, consumer: Consumer, shift: Tensor) -> set[str]:
        """Let the smaller model add `shift`, a number per output channel; the name of what changed."""
        assert consumer.shift is not None, "only where a constant can go"
        target = self.new[consumer.shift.name]
        target += consumer.shift.sign * shift.reshape(target.shape).to(target)
        return {consumer.shift.name}


def pair_of(model: nn.Module, deployed: Deployed) -> Pair:
    """Copies of both, in eval mode; the whole one shares its parameters with `model`."""
    return Pair(sharing(model).eval(), copy_module(deployed.model, cloned).eval(), deployed.kept)


def sharing(model: nn.Module) -> nn.Module:
    """A copy that shares the parameters, which a forward pass only reads, but not the buffers."""
    return copy_module(model, lambda tensor: tensor if isinstance(tensor, nn.Parameter) else cloned(tensor))
