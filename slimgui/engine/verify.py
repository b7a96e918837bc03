"""The proof: the deployed model against the original with every removed channel zeroed."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from slimgui.core.groups import Group
from slimgui.core.plan import Selection
from slimgui.engine.inputs import Inputs, as_call, map_tensors, tensors_in
from slimgui.engine.keep import kept_indices, labels_gone
from slimgui.engine.mask import zeroed_copy
from slimgui.engine.statistics import KeptOnly

if TYPE_CHECKING:
    from slimgui.engine.deploy import Deployed

# Largest difference, relative to the scale of the output, that rounding explains in each precision.
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 5e-2, torch.bfloat16: 2e-1}
CONTROLS = 4
MARGIN = 100


@dataclass(frozen=True, slots=True)
class Proof:
    """What the comparison found.

    Attributes:
        passed: the largest difference is within rounding.
        max_error: largest difference relative to the largest output; NaN when nothing could be compared.
        level: "numeric" (whole model), or "structural" (only the recorded forward passes were compared).
        note: what the user should know, in one sentence; "" when there is nothing.
    """

    passed: bool
    max_error: float
    level: str
    note: str = ""


def verify(model: nn.Module, deployed: Deployed, example_inputs: Inputs) -> Proof:
    """Compare `deployed` with the masked original on `example_inputs`, in float64 where possible.

    Both run in eval mode, as copies: `model` is left bit-identical. One kept channel of a few groups is
    then exchanged in the mask; the difference must rise, or the inputs prove nothing, and the note says so.

    Args:
        model: the original.
        deployed: what `deploy` made of it.
        example_inputs: a tensor, a tuple of args, or a dict of kwargs.
    """
    if any(parameter.is_meta for parameter in model.parameters()):
        why = "The model holds no numbers, so only the recorded forward passes were compared."
        return Proof(passed=False, max_error=math.nan, level="structural", note=why)
    blurred = [g for g in deployed.groups if not g.exact and len(deployed.selection.keep[g.id]) < g.size]
    if blurred and deployed.traced is None:
        why = f"{blurred[0].id} is cut inexactly, and a file does not tell where its statistics run."
        return Proof(passed=False, max_error=math.nan, level="structural", note=why)
    for dtype in (torch.float64, None):
        try:
            return _numeric(model, deployed, example_inputs, dtype)
        except (RuntimeError, TypeError):
            if dtype is None:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _numeric(model: nn.Module, deployed: Deployed, inputs: Inputs, dtype: torch.dtype | None) -> Proof:
    small = outputs_of(zeroed_copy(deployed.model, {}, dtype), inputs, dtype)
    want = _masked(model, deployed, deployed.selection, inputs, dtype)
    error = relative_error(want, small)
    tolerance = TOLERANCE[_coarsest(want)]
    if not error <= tolerance:
        note = "The outputs differ from the masked original's."
        return Proof(passed=False, max_error=error, level="numeric", note=note)
    note = _control(model, deployed, inputs, dtype, small, tolerance)
    return Proof(passed=True, max_error=error, level="numeric", note=note)


def _masked(
    model: nn.Module, deployed: Deployed, selection: Selection, inputs: Inputs, dtype: torch.dtype | None
) -> list[Tensor]:
    """Outputs of the original with what `selection` removes zeroed; statistics over the kept channels."""
    weights = (*model.named_parameters(), *model.named_buffers())
    kept = kept_indices(deployed.groups, selection, {name: tensor.shape for name, tensor in weights})

    def run(*, buffers: bool) -> list[Tensor]:
        masked = zeroed_copy(model, kept, dtype, buffers=buffers)
        if deployed.traced is None:
            return outputs_of(masked, inputs, dtype)
        gone = labels_gone(deployed.traced.solved, selection)
        return outputs_of(masked, inputs, dtype, KeptOnly(deployed.traced.passes[0], gone))

    outputs = run(buffers=True)
    if any(bool(tensor.isnan().any()) for tensor in outputs):  # a buffer that something is divided by
        outputs = run(buffers=False)
    return outputs


def _control(
    model: nn.Module,
    deployed: Deployed,
    inputs: Inputs,
    dtype: torch.dtype | None,
    small: list[Tensor],
    tolerance: float,
) -> str:
    """Exchange a kept channel in the mask: "" when some output notices, else a sentence."""
    cut = [g for g in deployed.groups if len(deployed.selection.keep[g.id]) < g.size]
    if not cut:
        return ""
    for group in cut[:: max(1, len(cut) // CONTROLS)][:CONTROLS]:
        other = _masked(model, deployed, exchanged(deployed.selection, group), inputs, dtype)
        if relative_error(other, small) > MARGIN * tolerance:
            return ""
    return "These inputs hardly reach the channels that were cut, so the comparison says little."


def exchanged(selection: Selection, group: Group) -> Selection:
    """The selection with one kept channel of `group` exchanged for a removed one."""
    kept = selection.keep[group.id]
    gone = np.setdiff1d(np.arange(group.size), kept)
    return Selection({**selection.keep, group.id: np.sort(np.append(kept[1:], gone[0]))})


def outputs_of(
    model: nn.Module,
    inputs: Inputs,
    dtype: torch.dtype | None,
    mode: AbstractContextManager[Any] | None = None,
) -> list[Tensor]:
    """Every tensor in the outputs of `model` in eval mode under `mode`, without gradients."""

    def cast(tensor: Tensor) -> Tensor:
        copy = tensor.detach().clone()
        return copy.to(dtype) if dtype is not None and copy.is_floating_point() else copy

    args, kwargs = as_call(inputs)
    args, kwargs = map_tensors(args, cast), map_tensors(kwargs, cast)
    model.eval()
    with torch.no_grad(), torch.random.fork_rng(devices=[]), mode or nullcontext():
        result = model(*args, **kwargs)
    return list(tensors_in(result))


def relative_error(want: list[Tensor], have: list[Tensor]) -> float:
    """Largest |want - have| over the largest |want|, the worst output; infinite when shapes differ."""
    if len(want) != len(have) or any(a.shape != b.shape for a, b in zip(want, have, strict=True)):
        return math.inf
    worst = 0.0
    for one, other in zip(want, have, strict=True):
        if not one.numel():
            continue
        scale = float(one.double().abs().max())
        difference = float((one.double() - other.double()).abs().max())
        worst = max(worst, difference / scale if scale else (math.inf if difference else 0.0))
        if math.isnan(difference):
            return math.inf
    return worst


def _coarsest(outputs: list[Tensor]) -> torch.dtype:
    known = [tensor.dtype for tensor in outputs if tensor.dtype in TOLERANCE]
    return max(known, key=TOLERANCE.__getitem__, default=torch.float32)
