"""A model and example inputs -> its graph, its groups and what they cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor, nn

from slimgui.core.cost import CostModel
from slimgui.core.graph import Graph, LayerGraph, Op, Value
from slimgui.core.groups import Group
from slimgui.engine.capture import capture_any, capture_training
from slimgui.engine.collector import paused_collector
from slimgui.engine.effective import spectral
from slimgui.engine.heap import blocks_kept
from slimgui.engine.inputs import Inputs
from slimgui.engine.labels import Fields, Ties
from slimgui.engine.propagate import Labelled, label_weights, lock_unreached, propagate, reached
from slimgui.engine.recording import Capture
from slimgui.engine.solve import Solved, solve


@dataclass(frozen=True, eq=False)
class Traced:
    """What is known of a model: nothing of it can change the model, and it holds no weights.

    Attributes:
        groups: in order of the forward pass, locked ones included.
        inputs: the example inputs.
        weights: fields of every weight, by name.
        passes: the labelled forward passes: eval, and train where that reaches more weights.
        solved: channel and group of every label.
    """

    groups: tuple[Group, ...]
    inputs: Inputs = field(repr=False)
    weights: dict[str, Fields] = field(repr=False)
    passes: tuple[Labelled, ...] = field(repr=False)
    solved: Solved = field(repr=False)

    @cached_property
    def graph(self) -> Graph:
        """Ops and values of the eval pass, as plain data."""
        return plain_graph(self.passes[0].capture)

    @cached_property
    def cost_model(self) -> CostModel:
        """Closed forms of parameters, MACs, bytes and activation bytes."""
        from slimgui.engine.costing import cost_model

        return cost_model(self)

    @cached_property
    def layer_graph(self) -> LayerGraph:
        """Boxes and arrows, without positions."""
        from slimgui.engine.layers import layer_graph

        return layer_graph(self)


@paused_collector()
@blocks_kept()
def trace(model: nn.Module, example_inputs: Inputs) -> Traced:
    """Follow one forward pass and find the groups of channels that must be cut together.

    Args:
        model: any module; it is left bit-identical.
        example_inputs: a tensor, a tuple of args, or a dict of kwargs.

    Raises:
        TraceError: forward raised; names module and line.
    """
    captures = [capture_any(model, example_inputs)]
    missing = _learnable(model) - reached(captures[0])
    if missing:
        trained = capture_training(model, example_inputs)
        if trained is not None and missing & reached(trained):
            captures.append(trained)
    absorbed = frozenset(path for path, *_ in spectral(model))
    ties, weights, passes = _labelled(captures, frozenset(), absorbed)
    lock_unreached(ties, weights, set().union(*(reached(captured) for captured in captures)))
    solved = solve(ties, weights, _watched(passes))
    return Traced(solved.groups, example_inputs, weights, passes, solved)


def _labelled(
    captures: list[Capture], rigid: frozenset[tuple[int, int]], absorbed: frozenset[str]
) -> tuple[Ties, dict[str, Fields], tuple[Labelled, ...]]:
    """Send labels through every pass; again when a reshaped dimension turns out to hold no channels."""
    ties = Ties(rigid, absorbed)
    weights = label_weights(ties, captures[0])
    passes = tuple(propagate(ties, captured, weights) for captured in captures)
    if ties.found_rigid <= rigid:
        return ties, weights, passes
    return _labelled(captures, rigid | ties.found_rigid, absorbed)


def _learnable(model: nn.Module) -> set[str]:
    return {name for name, _ in model.named_parameters()}


def _watched(passes: tuple[Labelled, ...]) -> list[Tensor]:
    """Labels of every activation: the sizes of these must follow from the counts."""
    return [
        field.labels
        for labelled in passes
        for value, operand in zip(labelled.capture.values, labelled.operands, strict=True)
        if not value.name
        for field in operand.fields
    ]


def plain_graph(captured: Capture) -> Graph:
    """The capture as data that can be shown and sent."""
    values = tuple(
        Value(value.shape, str(value.tensor.dtype).removeprefix("torch."), value.kind, value.name)
        for value in captured.values
    )
    ops = tuple(
        Op(
            call.name,
            call.module,
            call.source,
            tuple(call.operands),
            tuple(index for index in call.outputs if index is not None),
        )
        for call in captured.calls
    )
    modules = tuple((name, kind.__name__) for name, kind in captured.modules.items())
    return Graph(values, ops, captured.inputs, captured.outputs, modules)
