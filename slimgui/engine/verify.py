"""The proof: the deployed model against the original with every removed channel zeroed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from slimgui.core.groups import Group
from slimgui.core.plan import Selection
from slimgui.engine.effective import gains, spectral
from slimgui.engine.inputs import Inputs
from slimgui.engine.memory import available, device_of, lends
from slimgui.engine.parted import parted_at, raises_at
from slimgui.engine.shortage import ran_out
from slimgui.engine.sides import Narrowing, Sides, relative_error

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
        level: "numeric" (the whole model at once), "blocks" (one weight after the other in memory), or
            "structural" (only the recorded forward passes were compared).
        note: what the user should know, in a sentence or two; "" when there is nothing.
        parted: dotted path of the first module whose output differs, or that raises; "" for the model's
            own forward, None when none does.
    """

    passed: bool
    max_error: float
    level: str
    note: str = ""
    parted: str | None = None


def verify(
    model: nn.Module, deployed: Deployed, example_inputs: Inputs, *, memory: int | None = None
) -> Proof:
    """Compare `deployed` with the masked original on `example_inputs`, in float64 where possible.

    Both run in eval mode, as copies: `model` is left bit-identical. When they differ, every module's output
    is compared, and the first that differs is named. When they agree, one kept channel of a few groups is
    exchanged in the mask; the difference must rise, or the inputs prove nothing, and the note says so.

    A copy in float64 may take half of the memory; the rest is for what the model computes. Where that is not
    enough, and of big models, the weights are copied one at a time, each for the calls that use it.
    Of a recovered model the cut is proven, with the numbers it had before.

    Args:
        model: the original.
        deployed: what `deploy` made of it.
        example_inputs: a tensor, a tuple of args, or a dict of kwargs.
        memory: bytes that may be used; None: what the system says is available.
    """
    deployed = deployed.as_cut()
    if any(parameter.is_meta for parameter in model.parameters()):
        return _structural("The model holds no numbers")
    found = available(device_of(model)) if memory is None else memory
    lent = bool(deployed.pending) or lends(model, found)
    for dtype in (torch.float64, None):
        try:
            return _numeric(Sides(model, deployed, example_inputs, dtype, lent))
        except (RuntimeError, TypeError) as error:
            if dtype is None and lent:
                return _structural(f"There is no memory for a copy, and without one forward raises {error!r}")
            if dtype is None:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _structural(why: str) -> Proof:
    note = f"{why}, so only the recorded forward passes were compared."
    return Proof(passed=False, max_error=math.nan, level="structural", note=note)


def _numeric(sides: Sides) -> Proof:
    selection = sides.deployed.selection
    want = sides.masked(selection)
    if any(bool(tensor.isnan().any()) for tensor in want):  # something is divided by a buffer
        sides = replace(sides, buffers=False)
        want = sides.masked(selection)
    tolerance = _tolerance(sides, want)
    try:
        small = sides.small()
    except Exception as problem:  # the model's code may raise anything
        if ran_out(problem):
            raise
        return _raised(sides, problem)
    error = relative_error(want, small)
    if not error <= tolerance:
        tolerance = max(tolerance, _tolerance_inside(sides))
    if not error <= tolerance:
        parted = parted_at(sides, selection, tolerance)
        note = "" if parted is None else f"The outputs part in {_named(parted)}."
        return Proof(passed=False, max_error=error, level=_level(sides), note=note, parted=parted)
    note = _control(sides, small, tolerance)
    return Proof(passed=True, max_error=error, level=_level(sides), note=note)


def _level(sides: Sides) -> str:
    return "blocks" if sides.lent else "numeric"


def _raised(sides: Sides, error: Exception) -> Proof:
    parted = raises_at(sides)
    first_line = str(error).strip().partition("\n")[0]
    note = f"The smaller model raises {type(error).__name__} in {_named(parted)}: {first_line}"
    return Proof(passed=False, max_error=math.inf, level=_level(sides), note=note, parted=parted)


def _named(module: str) -> str:
    return module or "the model's own forward"


def _control(sides: Sides, small: list[Tensor], tolerance: float) -> str:
    """Exchange a kept channel in the mask: "" when some output notices, else a sentence."""
    selection = sides.deployed.selection
    cut = [g for g in sides.deployed.groups if len(selection.keep[g.id]) < g.size]
    if not cut:
        return ""
    for group in cut[:: max(1, len(cut) // CONTROLS)][:CONTROLS]:
        other = sides.masked(exchanged(selection, group))
        if relative_error(other, small) > MARGIN * tolerance:
            return ""
    return "These inputs hardly reach the channels that were cut, so the comparison says little."


def exchanged(selection: Selection, group: Group) -> Selection:
    """The selection with one kept channel of `group` exchanged for a removed one."""
    kept = selection.keep[group.id]
    gone = np.setdiff1d(np.arange(group.size), kept)
    return Selection({**selection.keep, group.id: np.sort(np.append(kept[1:], gone[0]))})


def _tolerance_inside(sides: Sides) -> float:
    """What rounding explains where the model's own code goes to a coarser number type on its way."""
    with Narrowing() as seen:
        sides.small()
    return max((TOLERANCE.get(dtype, 0.0) for dtype in seen.dtypes), default=0.0)


def _tolerance(sides: Sides, outputs: list[Tensor]) -> float:
    """What rounding explains; where deploying made numbers anew, also in the precision they are stored in."""
    dtypes = {tensor.dtype for tensor in outputs}
    if gains(sides.deployed.traced.passes) or any(spectral(sides.model)):
        dtypes |= {parameter.dtype for parameter in sides.model.parameters()}
    return max((TOLERANCE[d] for d in dtypes if d in TOLERANCE), default=TOLERANCE[torch.float32])
