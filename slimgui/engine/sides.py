"""The two models that a proof compares, run as copies: the deployed one, and the masked original."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from slimgui.core.plan import Selection
from slimgui.engine.crossings import Report, watching
from slimgui.engine.inputs import Inputs, as_call, map_tensors, tensors_in
from slimgui.engine.keep import Kept, kept_indices
from slimgui.engine.memory import device_of
from slimgui.engine.pending import numbers_of
from slimgui.engine.statistics import KeptOnly
from slimgui.engine.zeroed import lent_copy, zeroed_copy

if TYPE_CHECKING:
    from slimgui.engine.deploy import Deployed


@dataclass(frozen=True, eq=False)
class Sides:
    """How the two sides are run.

    Attributes:
        model: the original; like the deployed model it is left bit-identical.
        deployed: what `deploy` made of it.
        inputs: for both.
        dtype: to compute in; None: in the model's own.
        lent: weights take memory one at a time, while a call uses them, instead of all in a copy.
        buffers: removed indices of buffers are zeroed too; not where something is divided by them.
    """

    model: nn.Module
    deployed: Deployed
    inputs: Inputs
    dtype: torch.dtype | None
    lent: bool = False
    buffers: bool = True

    def small(self, report: Report | None = None) -> list[Tensor]:
        """Outputs of the deployed model."""
        return self._run(self.deployed.model, {}, [], report)

    def masked(self, selection: Selection, report: Report | None = None) -> list[Tensor]:
        """Outputs of the original with what `selection` removes zeroed; statistics over the kept channels."""
        weights = (*self.model.named_parameters(), *self.model.named_buffers())
        shapes = {name: tensor.shape for name, tensor in weights}
        kept = kept_indices(self.deployed.groups, selection, shapes)
        return self._run(self.model, kept, [KeptOnly(self.deployed.traced, selection)], report)

    def _run(
        self, model: nn.Module, kept: Kept, modes: list[AbstractContextManager[Any]], report: Report | None
    ) -> list[Tensor]:
        if self.lent:
            numbers = numbers_of(self.deployed.model, self.deployed.pending)
            device = device_of(self.model)
            copy, lending = lent_copy(model, kept, self.dtype, numbers, device=device, buffers=self.buffers)
            modes = [lending, *modes]
        else:
            copy = zeroed_copy(model, kept, self.dtype, buffers=self.buffers)
        if report is not None:
            modes = [watching(copy, report), *modes]
        return outputs_of(copy, self.inputs, self.dtype, *modes)


class Narrowing(TorchDispatchMode):
    """Notices the number types that a forward pass goes to from a finer one."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dtypes: set[torch.dtype] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **kwargs or {})
        if func is torch.ops.aten._to_copy.default and _is_narrower(result, args[0]):
            self.dtypes.add(result.dtype)
        return result


def _is_narrower(one: Tensor, other: Tensor) -> bool:
    both = one.is_floating_point() and other.is_floating_point()
    return both and one.element_size() < other.element_size()


def outputs_of(
    model: nn.Module, inputs: Inputs, dtype: torch.dtype | None, *modes: AbstractContextManager[Any]
) -> list[Tensor]:
    """Every tensor in the outputs of `model` in eval mode under `modes`, without gradients."""

    def cast(tensor: Tensor) -> Tensor:
        copy = tensor.detach().clone()
        return copy.to(dtype) if dtype is not None and copy.is_floating_point() else copy

    args, kwargs = as_call(inputs)
    args, kwargs = map_tensors(args, cast), map_tensors(kwargs, cast)
    model.eval()
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(torch.random.fork_rng(devices=[]))
        for mode in modes:
            stack.enter_context(mode)
        result = model(*args, **kwargs)
    return list(tensors_in(result))


def gap(want: Tensor, have: Tensor) -> tuple[float, float]:
    """Largest |want - have|, and the largest finite |want|; infinities that agree do not differ."""
    one, other = (_real(want), _real(have))
    if not one.numel():
        return 0.0, 0.0
    difference = torch.where(one == other, 0.0, (one - other).abs())
    return float(difference.max()), float(one.nan_to_num(0.0, 0.0, 0.0).abs().max())


def _real(tensor: Tensor) -> Tensor:
    return (torch.view_as_real(tensor) if tensor.is_complex() else tensor).to("cpu", torch.float64)


def relative_error(want: list[Tensor], have: list[Tensor]) -> float:
    """Largest |want - have| over the largest |want|, the worst output; infinite when shapes differ."""
    if len(want) != len(have) or any(a.shape != b.shape for a, b in zip(want, have, strict=True)):
        return math.inf
    worst = 0.0
    for one, other in zip(want, have, strict=True):
        difference, scale = gap(one, other)
        if math.isnan(difference):
            return math.inf
        worst = max(worst, difference / scale if scale else (math.inf if difference else 0.0))
    return worst
