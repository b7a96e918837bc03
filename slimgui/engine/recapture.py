"""The forward pass of a deployed model against what the labels predict: same ops, shapes and routes."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from slimgui.engine.keep import cut_field
from slimgui.engine.labels import Fields, Ties
from slimgui.engine.propagate import read_values
from slimgui.engine.recording import Call, Capture, Ref
from slimgui.engine.rules import Step, find_rule, indexing, movement, picking
from slimgui.engine.rules.creation import SIZED, UNIFORM
from slimgui.engine.view import View

# Rules that make no labels of their own: where the data goes can be compared exactly.
ROUTES = frozenset(
    {
        movement.moved, movement.reshaped, picking.select, picking.unbind, picking.sliced, picking.split,
        picking.split_with_sizes, indexing.indexed,
    }
)  # fmt: skip


# How these arrange their operands depends on sizes: a dimension of one is left out.
CONTRACTIONS = frozenset({"einsum", "tensordot", "matmul", "__matmul__", "__rmatmul__", "bmm", "linear"})
MOST_NUMBERS = 1 << 16  # larger ones are pictures: no size turns into so many numbers
VIEWS = (torch.ops.aten.view.default, torch.ops.aten._unsafe_view.default)


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """The first call that is not as predicted."""

    call: Call
    what: str


def compare(view: View, found: Capture) -> Difference | None:
    """The first difference between the traced pass, once cut, and the pass of the deployed model."""
    traced = view.labelled.capture
    read = read_values(traced)
    steps, steps_now = _by_function(traced), _by_function(found)
    for step, step_now in zip(steps, steps_now, strict=False):
        difference = _first_difference(view, step, found, step_now, read)
        if difference is not None and not _same_result(view, step, found, step_now):
            return difference
    if len(steps) != len(steps_now):
        return Difference(
            steps[min(len(steps), len(steps_now)) - 1][-1], "Another number of ops runs after it."
        )
    return None


def _first_difference(
    view: View, calls: list[Call], found: Capture, calls_now: list[Call], read: set[int]
) -> Difference | None:
    for call, now in zip(calls, calls_now, strict=False):
        what = _difference(view, call, found, now, read)
        if what:
            return Difference(call, what)
    if len(calls) != len(calls_now):
        return Difference(calls[-1], "Another number of ops runs here.")
    return None


def _by_function(capture: Capture) -> list[list[Call]]:
    """The calls, together where one function of CONTRACTIONS makes them.

    Copies are left out: whether a reshape has to copy depends on sizes.
    """
    whole = {call.number for call in capture.functions if call.name in CONTRACTIONS}
    calls = [call for call in capture.calls if find_rule(call.func) is not movement.same]
    keys = [call.function if call.function in whole else -1 - i for i, call in enumerate(calls)]
    return [
        [call for _, call in group]
        for _, group in itertools.groupby(zip(keys, calls, strict=True), lambda kc: kc[0])
    ]


def _same_result(view: View, calls: list[Call], found: Capture, calls_now: list[Call]) -> bool:
    """Whether one contraction, that goes about it in another way, makes a value of the predicted shape."""
    number, number_now = calls[0].function, calls_now[0].function
    made = {call.number: call for call in view.labelled.capture.functions}.get(number)
    now = {call.number: call for call in found.functions}.get(number_now)
    if (
        made is None
        or now is None
        or made.name not in CONTRACTIONS
        or (made.name, made.site) != (now.name, now.site)
    ):
        return False
    return [view.shape(index) for index in made.outputs] == [
        found.values[index].shape for index in now.outputs
    ]


def _difference(view: View, call: Call, found: Capture, now: Call, read: set[int]) -> str:
    if call.func is not now.func and not (call.func in VIEWS and now.func in VIEWS):
        return f"Another op runs here: {now.name}."
    for index, now_index in zip(call.outputs, now.outputs, strict=True):
        if index is None or now_index is None or index not in read:
            continue
        operand, want = view.labelled.operands[index], view.shape(index)
        have = found.values[now_index].shape
        if want != have and not operand.uniform and not (0 in want and 0 in have):  # nothing is in it
            return f"It makes a tensor of shape {_form(have)}; {_form(want)} was expected."
        if operand.real and not operand.fields and not _same_numbers(call, operand.tensor, found, now_index):
            return "It computes other numbers."
    if not _alike(_scalars(_given(call)), _scalars(_given(now))):
        return "It is called with another number."
    if find_rule(call.func) in ROUTES and not _same_route(view, call, found, now):
        return "It picks other channels."
    return ""


def _same_numbers(call: Call, known: Tensor, found: Capture, now_index: int) -> bool:
    """Values that follow from inputs and constants may not follow from sizes that were cut."""
    now = found.values[now_index].tensor
    if now.is_meta or now.shape != known.shape or known.numel() > MOST_NUMBERS:
        return True
    if call.func.overloadpacket in UNIFORM | SIZED:  # memory that was never written holds anything
        return True
    return bool(torch.equal(torch.nan_to_num(now), torch.nan_to_num(known)))


def _alike(one: list[Any], other: list[Any]) -> bool:
    """Equal, floats up to rounding."""
    return len(one) == len(other) and all(
        math.isclose(a, b, rel_tol=1e-12) if isinstance(a, float) and isinstance(b, float) else a == b
        for a, b in zip(one, other, strict=True)
    )


def _form(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "one number"


def _given(call: Call) -> tuple[Any, ...]:
    return (*call.args, *call.kwargs.values())


def _scalars(value: Any) -> list[Any]:
    """Floats, bools and strings among the arguments: those do not depend on sizes."""
    if isinstance(value, (float, bool, str)):
        return [value]
    return [item for part in value for item in _scalars(part)] if isinstance(value, tuple) else []


def _same_route(view: View, call: Call, found: Capture, now: Call) -> bool:
    """Run the op's rule on the labels that remain: the result must be what remains of its result."""
    labelled = view.labelled
    old = next((ref for ref in call.args if isinstance(ref, Ref)), None)
    new = next((ref for ref in now.args if isinstance(ref, Ref)), None)
    if old is None or new is None or not labelled.operands[old.index].fields:
        return True
    source = labelled.operands[old.index]
    remaining = tuple(replace(field, labels=view.rest(field)) for field in source.fields)
    others = {index: labelled.operands[index] for index in call.operands}
    others_now = {
        **{
            n: replace(labelled.operands[o], tensor=found.values[n].tensor)
            for o, n in zip(call.operands, now.operands, strict=True)
        },
        new.index: replace(source, shape=view.shape(old), fields=remaining, uniform=False),
    }
    shapes_now = tuple(None if i is None else view.shape(i) for i in call.outputs)
    ties = Ties()
    after = _run(Step(now, ties, others_now, shapes_now))
    if ties.count:  # the rule ended a dimension, and what goes on has labels of its own
        return True
    before = [() if i is None else labelled.operands[i].fields for i in call.outputs]
    fresh = any(len(fields) != len(fields_now) for fields, fields_now in zip(before, after, strict=True))
    if fresh:  # some of what the rule gave was merged: it takes the fields as they were before that
        before = _run(Step(call, Ties(), others, _shapes(labelled.capture, call)))
    return all(
        _equal(cut_field(one, view.gone) if fresh else view.rest(one), other.labels)
        for fields, fields_now in zip(before, after, strict=True)
        for one, other in zip(fields, fields_now, strict=True)
        if not any(one is not rival and set(one.live) & set(rival.live) for rival in fields)
    )


def _run(step: Step) -> list[Fields]:
    rule = find_rule(step.call.func)
    assert rule is not None
    found = rule(step)
    return found if isinstance(found, list) else [found]


def _shapes(capture: Capture, call: Call) -> tuple[tuple[int, ...] | None, ...]:
    return tuple(None if index is None else capture.values[index].shape for index in call.outputs)


def _equal(one: Tensor, other: Tensor) -> bool:
    try:
        one, other = torch.broadcast_tensors(one, other)
    except RuntimeError:
        return False
    return torch.equal(one, other)
