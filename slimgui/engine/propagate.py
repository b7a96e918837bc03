"""Captured calls -> ties: labels are sent through the forward pass, op by op, by the rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from slimgui.engine.algebra import Operand, settle
from slimgui.engine.labels import Fields, Ties, weight_fields
from slimgui.engine.recording import Call, Capture
from slimgui.engine.rules import Step, find_rule, refuse
from slimgui.engine.rules.creation import SIZED, STRETCHING, UNIFORM, created
from slimgui.engine.rules.indexing import put
from slimgui.engine.rules.movement import clashes
from slimgui.engine.rules.pointwise import ELEMENTWISE


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A capture with the fields of each of its values, same order as `capture.values`."""

    capture: Capture
    operands: tuple[Operand, ...]


def label_weights(ties: Ties, capture: Capture) -> dict[str, Fields]:
    """Fields of every floating-point parameter and buffer, by name."""
    return {
        value.name: weight_fields(ties, value.shape)
        for value in capture.values
        if value.name and (value.tensor.is_floating_point() or value.tensor.is_complex())
    }


def propagate(ties: Ties, capture: Capture, weights: dict[str, Fields]) -> Labelled:
    """Send labels through every call of `capture`; what the rules find is added to `ties`."""
    operands = [
        Operand(
            value.shape,
            weights.get(value.name, ()),
            uniform=False,
            tensor=value.tensor,
            still=bool(value.name),
            real=not value.tensor.is_meta and value.name not in weights,
        )
        for value in capture.values
    ]
    read = read_values(capture)
    for call in capture.calls:
        ties.call, ties.number = call, ties.number + 1
        _step(ties, call, operands, read)
    ties.call = None
    for index in capture.outputs:
        for field in operands[index].fields:
            ties.fix(field.labels, "It is an output of the model.")
    return Labelled(capture, tuple(operands))


def read_values(capture: Capture) -> set[int]:
    """Values that some op reads, or that leave the model."""
    return {index for call in capture.calls for index in call.operands} | set(capture.outputs)


def _step(ties: Ties, call: Call, operands: list[Operand], read: set[int]) -> None:
    given = {index: operands[index] for index in call.operands}
    shapes = tuple(None if index is None else operands[index].shape for index in call.outputs)
    step = Step(call, ties, given, shapes, frozenset(i for i, out in enumerate(call.outputs) if out in read))
    results = _fields(step)
    if call.shares:
        results = _write_through(step, results, operands)
    uniform = _is_uniform(call, given.values())
    still = bool(given) and all(operand.still for operand in given.values())
    if still and "parametrizations" in call.module.split("."):
        # torch.nn.utils.parametrize: what counts is the weight that comes out, and its removed part is zero
        results = [tuple(replace(field, zero=True) for field in fields) for fields in results]
    for index, fields in zip(call.outputs, results, strict=True):
        if index is not None:
            old = operands[index]
            real = all(operand.real for operand in given.values()) and not old.tensor.is_meta
            operands[index] = Operand(
                old.shape, settle(ties, fields, clashes(step, fields)), uniform, old.tensor, still, real
            )


def _fields(step: Step) -> list[Fields]:
    """Fields of every result of the call."""
    makes_labels = step.call.func.overloadpacket in SIZED | STRETCHING
    if not makes_labels and not any(operand.fields for operand in step.given):
        return [()] * len(step.call.outputs)
    rule = find_rule(step.call.func)
    found = rule(step) if rule else refuse(step, "SlimGUI has no rule for this op.")
    results = found if isinstance(found, list) else [found]
    return results + [()] * (len(step.call.outputs) - len(results))


def _is_uniform(call: Call, given: Iterable[Operand]) -> bool:
    if call.func.overloadpacket in UNIFORM:
        return True
    operands = list(given)
    return bool(operands) and all(operand.uniform for operand in operands)


def _write_through(step: Step, results: list[Fields], operands: list[Operand]) -> list[Fields]:
    """The call writes to memory that other values see: what cannot be said of those is locked.

    A pointwise write ties what it meets, a fill ties nothing, and views carry the same labels, so only labels
    that enter memory which had none are lost to the other values, and whether removed positions are zero.
    """
    what = "It is written into a part of another tensor."
    target = step.given[0]
    harmless = find_rule(step.call.func) in (*ELEMENTWISE, put, created) or not any(
        operand.fields for operand in step.given
    )
    if not harmless or (not target.fields and any(results)):
        refuse(step, what)
        results = [()] * len(results)
    zero = all(field.zero for fields in results for field in fields)
    for index in step.call.shares:
        seen = operands[index]
        if not harmless:
            for field in seen.fields:
                step.ties.fix(field.labels, what)
        fields = tuple(replace(field, zero=field.zero and zero) for field in seen.fields)
        operands[index] = replace(seen, fields=fields, uniform=False)
    return results


def reached(capture: Capture) -> set[str]:
    """Names of the parameters and buffers that some call reads."""
    used = {index for call in capture.calls for index in call.operands}
    return {capture.values[index].name for index in used if capture.values[index].name}


def lock_unreached(ties: Ties, weights: dict[str, Fields], names: set[str]) -> None:
    """Weights that no forward pass reads may not be cut: nothing says what they belong to."""
    for name, fields in weights.items():
        if name not in names:
            for field in fields:
                ties.fix(field.labels, "No forward pass uses it.")
