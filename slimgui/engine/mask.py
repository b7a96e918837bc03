"""A model as if pruned, for training: the deployed skeleton runs on slices of the model's own weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from slimgui.core.plan import Selection
from slimgui.engine.deploy import Deployed, deploy
from slimgui.engine.effective import gain_factors, gains, spectral_factors
from slimgui.engine.structural import attribute_tensors, named_tensors
from slimgui.engine.trace import Traced
from slimgui.errors import MaskError, PlanError


def mask(
    model: nn.Module,
    traced: Traced,
    selection: Selection,
    statistics: Mapping[str, Tensor] | None = None,
) -> Subnet:
    """A module that runs as `model` pruned to `selection`, on the weights of `model`; nothing is cut.

    Any number of them may be made of one model and called in turn: they share its weights.

    Args:
        model: the module that was traced; it runs as before.
        traced: what `trace` found.
        selection: which channels of each group stay; every group has an entry.
        statistics: buffers of its own, by name, as small as in the deployed model; it updates these
            tensors in place. All other buffers are the model's.

    Raises:
        PlanError: the selection or the statistics do not fit.
        DeployError: the model cannot follow this cut.
        MaskError: it holds a weight where it cannot be exchanged.
    """
    return Subnet(model, deploy(model, traced, selection), dict(statistics or {}))


def _check_attributes(model: nn.Module) -> None:
    """A weight that forward reads from a plain attribute could not be exchanged there."""
    names = {id(tensor): name for name, tensor in named_tensors(model).items()}
    for path, module in model.named_modules():
        if isinstance(module, nn.RNNBase):  # renews its list of weights itself
            continue
        for tensor in attribute_tensors(module):
            if id(tensor) in names:
                raise MaskError(
                    "This model cannot be masked.",
                    f"{path or type(model).__name__} holds {names[id(tensor)]!r} in a plain attribute, too.",
                    "Let forward read the parameter itself, or train the deployed model.",
                )


def _check_statistics(small: nn.Module, statistics: Mapping[str, Tensor]) -> None:
    buffers = dict(small.named_buffers())
    for name, tensor in statistics.items():
        if name not in buffers or buffers[name].shape != tensor.shape:
            why = f"{name!r} is {tuple(tensor.shape)}" if name in buffers else f"there is no buffer {name!r}"
            raise PlanError("These statistics belong to another subnet.", f"{why}.", "Recalibrate this one.")


@dataclass(frozen=True, slots=True, eq=False)
class _Slot:
    """One place in the skeleton that a weight is put into."""

    module: nn.Module
    table: dict[str, Tensor | None]
    key: str
    name: str  # of the weight, the first it has


def _slots(model: nn.Module) -> Iterator[_Slot]:
    names = {id(tensor): name for name, tensor in named_tensors(model).items()}
    for module in model.modules():
        tables: tuple[dict[str, Tensor | None], ...] = (module._parameters, module._buffers)  # type: ignore[assignment]
        for table in tables:
            for key, tensor in table.items():
                if tensor is not None:
                    yield _Slot(module, table, key, names[id(tensor)])


class Subnet(nn.Module):
    """Computes what the deployed model computes; its parameters are those of `model`, whole.

    Gradients reach the kept indices of the whole parameters and are zero at the removed ones. In train
    mode running statistics move at the kept indices. Where the gain of a weight norm absorbs what was
    removed, its factor counts as a constant. The modules run in the modes (train, eval) that those of
    `model` are in; hooks and other attributes are as they were when this was made. It holds the slices of
    its last call, for backward may have to run parts of forward again (`torch.utils.checkpoint`).

    Attributes:
        model: the whole model, a submodule.
        kept: parameter or buffer name -> dimension -> original indices.
        statistics: buffers of its own, by name; empty when it shares the model's.
    """

    def __init__(self, model: nn.Module, deployed: Deployed, statistics: dict[str, Tensor]) -> None:
        super().__init__()
        _check_attributes(model)
        _check_statistics(deployed.model, statistics)
        self.model, self.kept, self.statistics = model, deployed.kept, statistics
        self._skeleton = (deployed.model,)  # in a tuple: no submodule, for its parameters are not ours
        self._slots = tuple(_slots(deployed.model))
        self._gains = gains(deployed.traced.passes)
        self._indices = {
            name: {dim: torch.from_numpy(indices) for dim, indices in dims.items()}
            for name, dims in deployed.kept.items()
        }

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """One call of the pruned model."""
        (skeleton,) = self._skeleton
        for whole, small in zip(self.model.modules(), skeleton.modules(), strict=True):
            small.training = whole.training
        placed = self._place(skeleton)
        result = skeleton(*args, **kwargs)
        self._write_back(placed)
        return result

    def _place(self, skeleton: nn.Module) -> dict[str, tuple[Tensor, int]]:
        """Put slices of the model's weights into the skeleton; returns the buffers with their versions."""
        parameters, buffers = dict(self.model.named_parameters()), dict(self.model.named_buffers())
        values = {name: self._slice(name, tensor) for name, tensor in parameters.items()}
        with torch.no_grad():
            factors = gain_factors(values, parameters, self.kept, self._gains)
        values.update({name: values[name] * factor for name, factor in factors.items()})
        with torch.inference_mode(False):  # whose tensors have no version
            values.update({name: self._slice(name, tensor) for name, tensor in buffers.items()})
            values.update(self.statistics)
            self._put(values)
            factors = spectral_factors(skeleton, self.model)
            values.update({name: values[name] * factor for name, factor in factors.items()})
            self._put({name: values[name] for name in factors})
        return {name: (values[name], values[name]._version) for name in buffers}

    def _slice(self, name: str, whole: Tensor) -> Tensor:
        dims = self._indices.get(name, {})
        for dim in dims:
            dims[dim] = dims[dim].to(whole.device)
            whole = whole.index_select(dim, dims[dim])
        return whole

    def _put(self, values: Mapping[str, Tensor]) -> None:
        for slot in self._slots:
            if slot.name in values:
                slot.table[slot.key] = values[slot.name]

    def _write_back(self, placed: Mapping[str, tuple[Tensor, int]]) -> None:
        """What forward did to the buffers."""
        for slot in self._slots:
            if slot.name not in placed:
                continue
            before, version = placed[slot.name]
            now = slot.table[slot.key]
            assert now is not None, "forward took a buffer away"
            if now is before and now._version == version and not slot.module.training:
                continue
            if slot.name in self.statistics:
                self.statistics[slot.name] = now
            else:
                self._keep(slot.name, now)

    def _keep(self, name: str, small: Tensor) -> None:
        """Let the model have a buffer that forward changed."""
        path, _, key = name.rpartition(".")
        module = self.model.get_submodule(path)
        whole = module.get_buffer(key)
        if name in self.kept:
            # .data: a running statistic may be waiting for the backward pass of another subnet
            whole.data[self._kept_places(name, whole)] = small.detach()
        elif (small.shape, small.dtype) == (whole.shape, whole.dtype):
            whole.data.copy_(small.detach())
        else:
            module._buffers[key] = small

    def _kept_places(self, name: str, whole: Tensor) -> tuple[Tensor, ...]:
        """The kept indices of every dimension, to be broadcast against each other."""
        dims = self._indices[name]
        every = (dims.get(d, torch.arange(whole.shape[d], device=whole.device)) for d in range(whole.ndim))
        return torch.meshgrid(*every, indexing="ij")
