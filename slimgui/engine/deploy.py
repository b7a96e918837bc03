"""A selection -> a new, smaller module; the argument is untouched.

Slice the weights, set the attributes of torch.nn modules, then record the forward pass of the result
and compare it, op by op, with what the labels predict.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn

from slimgui.core.groups import Group, Refusal
from slimgui.core.plan import Plan, Selection
from slimgui.core.recovery import sentence
from slimgui.engine.attributes import Repair, refresh, set_conv_groups, take_slow_path
from slimgui.engine.capture import capture
from slimgui.engine.correct import Found, find_corrections
from slimgui.engine.effective import absorb, absorb_spectral, gains, spectral
from slimgui.engine.heap import trim
from slimgui.engine.inputs import Inputs, tensors_in
from slimgui.engine.keep import Kept, kept_indices, labels_gone
from slimgui.engine.neighbours import Neighbours, Obstacle
from slimgui.engine.pending import Cut, filled
from slimgui.engine.predict import blocks_left
from slimgui.engine.recapture import compare
from slimgui.engine.repair import repair_attributes
from slimgui.engine.structural import cloned, copy_module, like, named_tensors
from slimgui.engine.trace import Traced
from slimgui.engine.verify import Proof
from slimgui.engine.view import View
from slimgui.errors import DeployError, PlanError, TraceError
from slimgui.runtime import Correction, install

aten = torch.ops.aten


@dataclass(frozen=True, slots=True, eq=False)
class Recovery:
    """One step after the cut that changed numbers on purpose.

    Attributes:
        method: its name, "recalibrate".
        batches: how many batches of samples it saw.
        before: parameter or buffer name -> the numbers it had before this step.
        left: what it left alone, and why.
        distance: how far the outputs on the samples were from the original's, before and after: the root
            mean square of the difference, relative to that of the outputs; None where it was not measured.
    """

    method: str
    batches: int
    before: dict[str, Tensor] = field(repr=False)
    left: tuple[Refusal, ...] = ()
    distance: tuple[float, float] | None = None

    def describe(self) -> str:
        """What it did, in a sentence."""
        return sentence(self.method, len(self.before), self.distance, [str(reason) for reason in self.left])


@dataclass(frozen=True, eq=False)
class Deployed:
    """A smaller model and where everything in it came from.

    Attributes:
        model: the new module, of the class of the original.
        kept: parameter or buffer name -> dimension -> original indices; whole dimensions are not listed.
        repairs: attributes that were given new values.
        corrections: calls that are corrected as they run.
        selection: which channels of each group stay.
        groups: the groups of the selection.
        inputs: the example inputs it was checked with.
        traced: the original's trace, by which it was cut.
        source: file or factory the original came from, "" when unknown.
        proof: the comparison with the masked original, None before `verify`; of the cut, before `recovery`.
        recovery: what changed numbers since, in order.
        pending: weights that `model` holds no numbers of yet, by name.
    """

    model: nn.Module
    kept: Kept
    repairs: tuple[Repair, ...]
    corrections: tuple[Correction, ...]
    selection: Selection = field(repr=False)
    groups: tuple[Group, ...] = field(repr=False)
    inputs: Inputs = field(repr=False)
    traced: Traced = field(repr=False)
    source: str = ""
    proof: Proof | None = None
    recovery: tuple[Recovery, ...] = ()
    pending: Mapping[str, Cut] = field(default_factory=dict, repr=False)

    @property
    def plan(self) -> Plan:
        """The plan with every count written out."""
        whole = {group.id: group.size for group in self.groups}
        counts = self.selection.counts()
        return Plan(counts=tuple(sorted((name, n) for name, n in counts.items() if n != whole[name])))

    @property
    def example_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the example inputs."""
        return tuple(tuple(tensor.shape) for tensor in tensors_in(self.inputs))

    def with_proof(self, proof: Proof) -> Deployed:
        """The same, with the proof of its cut."""
        return replace(self, proof=proof)

    def held(self) -> Deployed:
        """The same with every number in memory."""
        if not self.pending:
            return self
        return replace(self, model=filled(self.model, self.pending), pending={})

    def as_cut(self) -> Deployed:
        """The same with the numbers of the cut, before any recovery: what a proof is about."""
        if not self.recovery:
            return self
        model = copy_module(self.model, cloned)
        tensors = named_tensors(model)
        with torch.no_grad():
            for step in reversed(self.recovery):
                for name, numbers in step.before.items():
                    tensors[name].copy_(numbers)
        return replace(self, model=model, recovery=())


def deploy(model: nn.Module, traced: Traced, selection: Selection, *, hollow: bool = False) -> Deployed:
    """Make the smaller module that computes what `model` computes with the removed channels zeroed.

    Args:
        model: the module that was traced; it is left bit-identical.
        traced: what `trace` found.
        selection: which channels of each group stay; every group has an entry.
        hollow: leave the parameters of the smaller model without numbers, where they can be cut one by one:
            for big models, of which `verify` and `save` then hold one weight at a time.

    Raises:
        PlanError: the selection does not fit the groups.
        DeployError: the forward code of the model cannot follow this cut; names op and line, and counts that
            would work.
    """
    _check(traced.groups, selection)
    trim()  # what the trace left free, before the new weights take more
    built = _build(model, traced, selection, hollow=hollow)
    if isinstance(built, Deployed):
        return built

    def works(other: Selection) -> bool:
        with suppress(Exception):  # whatever another cut runs into, it must not hide why this one is refused
            return isinstance(_build(model, traced, other, hollow=hollow), Deployed)
        return False

    what = "The forward code of this model cannot follow the cut."
    raise DeployError(what, built.what, Neighbours(traced, selection, built, works))


def _build(model: nn.Module, traced: Traced, selection: Selection, *, hollow: bool) -> Deployed | Obstacle:
    """The smaller model, or what in the forward code is in its way."""
    shapes = {name: tensor.shape for name, tensor in named_tensors(model).items()}
    kept = kept_indices(traced.groups, selection, shapes)
    pending: dict[str, Cut] | None = {} if hollow and one_by_one(model, traced) else None
    small = _sliced(model, kept, pending)
    gone = labels_gone(traced.solved, selection)
    views = [View(labelled, gone) for labelled in traced.passes]
    repairs = set_conv_groups(small, _conv_groups(views)) + refresh(small)
    absorb(small, model, kept, gains(traced.passes))
    absorb_spectral(small, model)  # last: in train mode even reading such a weight turns its vectors
    explained, found = repair_attributes(small, lambda: find_corrections(small, views), shapes)
    repairs += explained
    install(small, found.corrections)
    repairs += take_slow_path(small, {correction.module for correction in found.corrections})
    obstacle = _obstacle(small, views, found)
    return obstacle or Deployed(
        small,
        kept,
        tuple(repairs),
        tuple(found.corrections),
        selection,
        traced.groups,
        traced.inputs,
        traced,
        pending=pending or {},
    )


def _check(groups: tuple[Group, ...], selection: Selection) -> None:
    for group in groups:
        kept = selection.keep.get(group.id)
        if kept is None or not len(kept):
            raise PlanError(
                f"Nothing would remain of {group.id!r}.", "Every group keeps at least one channel."
            )
        if not (kept[0] >= 0 and kept[-1] < group.size and (np.diff(kept) > 0).all()):
            raise PlanError(
                f"The selection does not fit {group.id!r}.",
                f"It takes sorted channel numbers below {group.size}.",
                "Make the selection with resolve() for this model.",
            )
        if group.locked and len(kept) != group.size:
            raise PlanError(f"{group.id!r} may not be cut.", str(group.locked), "Leave this group whole.")


def _sliced(model: nn.Module, kept: Kept, pending: dict[str, Cut] | None) -> nn.Module:
    """A copy with the kept parts of the weights; where `pending` is a dict, parameters go there uncut."""
    names = {id(tensor): name for name, tensor in named_tensors(model).items()}

    def twin(tensor: Tensor) -> Tensor:
        name = names.get(id(tensor), "")
        cut = Cut(tensor, kept.get(name, {}))
        if pending is not None and isinstance(tensor, nn.Parameter):
            pending[name] = cut
            return cut.stand_in()
        return like(cut.numbers(), tensor) if cut.cuts else cloned(tensor)

    return copy_module(model, twin)


def one_by_one(model: nn.Module, traced: Traced) -> bool:
    """Whether weights can be cut one by one: none is computed from others, and no pass needs numbers."""
    if gains(traced.passes) or any(spectral(model)):
        return False
    return not any(labelled.capture.setting.real for labelled in traced.passes)


def _conv_groups(views: list[View]) -> dict[str, int]:
    """Predicted number of groups of every grouped convolution."""
    return {
        call.module: blocks_left(view, call.args[0], call.args[8])
        for view in views
        for call in view.labelled.capture.calls
        if call.func.overloadpacket is aten.convolution and call.args[8] > 1
    }


def _obstacle(small: nn.Module, views: list[View], found: Found) -> Obstacle | None:
    """Record the forward pass of `small`, where no recording of it is at hand, and compare it."""
    for view, recorded in zip(views, found.captures, strict=True):
        if recorded is None or found.corrections:
            try:
                recorded = capture(small, view.labelled.capture.setting)
            except TraceError as error:
                return Obstacle(f"{error.what} {error.why}", error.module, error.source)
        difference = compare(view, recorded)
        if difference is not None:
            call = difference.call
            what = f"{difference.what} ({call.name} · {call.module} · {call.source})"
            return Obstacle(what, call.module, call.source)
    return None
