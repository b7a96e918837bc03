"""A whole model and the weights of a slimmed one -> the model, as narrow as they are.

The widths are in the shapes of the weights, and the trace of the whole model says what else has to change
with them. Which channels were removed, the weights do not say, and nothing depends on it: the first ones
stay, and then every number is replaced. Where something does depend on it (a table of indices, the scale of
an attention), the model is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from torch import Tensor, nn

from slimgui.core.groups import Group
from slimgui.core.plan import Selection
from slimgui.core.recognise import recognise
from slimgui.core.widths import Wanted, Widths, counts_of
from slimgui.engine.costing import SizeOf
from slimgui.engine.deploy import Deployed, deploy
from slimgui.engine.load.fit import is_narrower, unwrapped
from slimgui.engine.load.inputs import example_inputs, guess_shapes, model_dtype
from slimgui.engine.load.nested import choose
from slimgui.engine.load.source import Source, build
from slimgui.engine.trace import Traced, trace
from slimgui.errors import DeployError, LoadError, SlimError
from slimgui.files.sets import weights_in

Weights = Mapping[str, Tensor]


def narrowed(model: nn.Module, state: Weights, shown: str, maker: str) -> Deployed:
    """The model, made as narrow as `state` is; its numbers are those of `model`.

    Args:
        model: whole; it is left bit-identical.
        state: weights for which `is_narrower` is true.
        shown: how to call their file in a sentence.
        maker: how to call the model: its factory.

    Raises:
        LoadError: the model cannot be made so, or more than one narrower model has these shapes.
    """
    state = unwrapped(state, model)
    try:
        traced = trace(model, example_inputs(guess_shapes(model), model_dtype(model)))
        sizes = dict(_sizes(traced))
        counts = counts_of(traced.groups, sizes, _wanted(state, sizes), whole_outer=False)
        deployed = deploy(model, traced, _first(traced.groups, counts))
    except SlimError as error:
        why = error.what if isinstance(error, DeployError) else f"{error.what} {error.why}".strip()
        raise _refusal(shown, maker, why) from None
    told = next((one for one in deployed.corrections if one.kind in ("scale", "indices")), None)
    if told is not None:
        why = (
            f"{told.module or 'The model'} computes with a number that the shapes do not tell ({told.site})."
        )
        raise _refusal(shown, maker, why)
    return deployed


def narrowed_before(parsed: Source, found: Mapping[str, object]) -> Deployed | None:
    """The model that a file's weights are narrower than, made as narrow; None when they are as wide as it.

    Args:
        parsed: the file, and a factory that a file may name.
        found: what the file holds.

    Raises:
        LoadError: as in `narrowed`.
    """
    assert parsed.path is not None, "weights lie in a file"
    sets = weights_in(found, Tensor)
    if any(one.factory == parsed.factory and one.match != "slim" for one in recognise(sets)):
        return None  # so it is known without building the model
    model = build(parsed.factory)
    state = choose(sets, model, parsed.entry, parsed.path.name).state if sets else {}
    return (
        narrowed(model, state, parsed.path.name, parsed.factory)
        if is_narrower(model.state_dict(), state)
        else None
    )


def _sizes(traced: Traced) -> Iterator[tuple[str, Widths]]:
    """Every dimension of every weight, as a layer of its own with nothing but an output."""
    size_of = SizeOf(traced)
    for labelled in traced.passes:
        for value, operand in zip(labelled.capture.values, labelled.operands, strict=True):
            if value.name:
                for dim, size in enumerate(size_of(operand)):
                    yield f"{value.name}[{dim}]", Widths(None, size)


def _wanted(state: Weights, known: Mapping[str, Widths]) -> list[Wanted]:
    """What the shapes say of all dimensions that the forward pass knows."""
    rows = [
        Wanted(f"{name}[{dim}]", leaving=length)
        for name, value in state.items()
        if value.is_floating_point()
        for dim, length in enumerate(value.shape)
    ]
    return [row for row in rows if row.layer in known]


def _first(groups: tuple[Group, ...], counts: Mapping[str, int]) -> Selection:
    return Selection({group.id: np.arange(counts.get(group.id, group.size)) for group in groups})


def _refusal(shown: str, maker: str, why: str) -> LoadError:
    what = f"The weights in {shown} are narrower than {maker}, and it cannot be made like them."
    return LoadError(what, why, "Write a factory that makes the narrower model, and name that.")
