"""The table of op rules: one decorated function per op, registering twice raises.

A rule gets a Step (one call with its operands) and returns the fields of the results: one tuple of
fields, or a list with one tuple per result. A rule only states ties and locks; it never slices, and it
knows nothing of groups, plans or the window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import torch
from torch._ops import OpOverload, OpOverloadPacket

from slimgui.engine.algebra import Operand
from slimgui.engine.labels import Fields, Ties
from slimgui.engine.recording import Call, Ref


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One call as a rule sees it.

    Attributes:
        call: the recorded call.
        ties: where the rule writes down what it knows.
        operands: the tensors among the arguments, by index of the value.
        shapes: shape of each result, None for a result that is no tensor.
        read: positions of the results that a later op or the caller reads.
    """

    call: Call
    ties: Ties
    operands: dict[int, Operand]
    shapes: tuple[tuple[int, ...] | None, ...]
    read: frozenset[int] = frozenset()

    def arg(self, name: str, default: Any = None) -> Any:
        """The argument of that name in the op's schema; tensors come as Operands."""
        position, usual = _parameters(self.call.func).get(name, (-1, None))
        if 0 <= position < len(self.call.args):
            return self._look_up(self.call.args[position])
        if position >= 0 and name in self.call.kwargs:
            return self._look_up(self.call.kwargs[name])
        return default if usual is None else usual

    def tensor(self, name: str) -> Operand | None:
        """The tensor argument of that name, None when it was left out."""
        value = self.arg(name)
        return value if isinstance(value, Operand) else None

    def _look_up(self, value: Any) -> Any:
        if isinstance(value, Ref):
            return self.operands[value.index]
        if isinstance(value, tuple):
            return tuple(self._look_up(item) for item in value)
        return value

    @property
    def given(self) -> list[Operand]:
        """The tensor arguments in the order of the call, each as often as it is given."""
        return [self.operands[index] for index in self.call.operands]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the first result."""
        return next((shape for shape in self.shapes if shape is not None), ())


@cache
def _parameters(func: OpOverload) -> dict[str, tuple[int, Any]]:
    """Position and default value of every parameter of the op, by name."""
    parameters = enumerate(func._schema.arguments)
    return {parameter.name: (position, parameter.default_value) for position, parameter in parameters}


Rule = Callable[[Step], Fields | list[Fields]]
AnyRule = TypeVar("AnyRule", bound=Rule)

RULES: dict[OpOverloadPacket[Any, Any], Rule] = {}


def rule(*packets: OpOverloadPacket[Any, Any]) -> Callable[[AnyRule], AnyRule]:
    """Register the decorated function for these ops. Raises ValueError when one has a rule already."""

    def register(function: AnyRule) -> AnyRule:
        for packet in packets:
            if packet in RULES:
                raise ValueError(f"{packet} has a rule already: {RULES[packet].__name__}")
            RULES[packet] = function
        return function

    return register


def refuse(step: Step, what: str) -> Fields:
    """Lock everything that enters the op; its results are fixed."""
    for operand in step.given:
        for field in operand.fields:
            step.ties.fix(field.labels, what)
    return ()


def find_rule(func: OpOverload) -> Rule | None:
    """The rule of an op: its own, else its family's by torch's tags, else None."""
    from slimgui.engine.rules.pointwise import pointwise

    own = RULES.get(func.overloadpacket)
    if own is not None:
        return own
    return pointwise if torch.Tag.pointwise in func.tags else None
