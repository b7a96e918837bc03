"""A state dict into a model, or a sentence that says which entry does not fit."""

from __future__ import annotations

import copy
import difflib
from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn

from slimgui.core.recognise import INNER
from slimgui.engine.load.hollow import is_hollow, take
from slimgui.errors import LoadError

_WRAPPING = ("torch.nn.parallel", "torch._dynamo")  # where torch's wrappers of a model come from


def inside(model: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    """What `state` belongs to: `model`, or the module in a wrapper of torch's that `state` does not name."""
    while type(model).__module__.startswith(_WRAPPING) and not state.keys() & model.state_dict().keys():
        (model,) = model.children()
    return model


def unwrapped(state: Mapping[str, Tensor], model: nn.Module) -> Mapping[str, Tensor]:
    """`state` by the names of `model`, when it was saved from something around one like it.

    Names of torch's own wrappers are dropped anywhere, any other when it stands before all names.
    """
    if any(INNER.intersection(key.split(".")) for key in model.state_dict()):
        return state
    bare = {".".join(part for part in key.split(".") if part not in INNER): state[key] for key in state}
    if len(bare) == len(state) and bare.keys() != state.keys():
        state = bare
    first = {key.partition(".")[0] for key in state}
    if len(first) != 1 or any("." not in key for key in state):
        return state
    name = first.pop()
    if hasattr(model, name):
        return state
    return unwrapped({key.removeprefix(f"{name}."): state[key] for key in state}, model)


def with_ties(state: Mapping[str, Tensor], model: nn.Module) -> Mapping[str, Tensor]:
    """`state` with every name of what the model has under several: some files keep such a tensor once."""
    own = model.state_dict(keep_vars=True)
    if own.keys() <= state.keys():
        return state
    there = {id(own[name]): state[name] for name in own if name in state}
    return {**{name: there[id(own[name])] for name in own if id(own[name]) in there}, **state}


def fit(model: nn.Module, state: Mapping[str, Tensor], shown: str, maker: str) -> None:
    """Load `state` into `model`, strictly; a model that held numbers stays as it was when that fails.

    The tensors of `state` become those of a model that holds no numbers, and are copied into any other.

    Weights saved from a wrapper ("module.conv.weight") fit what was inside.

    Args:
        model: changed in place.
        state: its new values.
        shown: how to call the file in a sentence.
        maker: how to call the model: its factory, or its class.

    Raises:
        LoadError: a name or a shape differs.
    """
    model = inside(model, state)
    state = with_ties(unwrapped(state, model), model)
    own = model.state_dict()
    why = difference(own, state)
    if not why and not hasattr(state, "_metadata"):  # written without versions of classes: those of today
        state = OrderedDict(state)
        state._metadata = own._metadata  # type: ignore[attr-defined]  # as state_dict() itself does it
    try:
        if is_hollow(model):
            take(model, state)
            return
        if why:  # a class may rename old entries while loading: only trying tells
            copy.deepcopy(model).load_state_dict(state, strict=True)
        model.load_state_dict(state, strict=True)
    except (RuntimeError, ValueError) as error:
        reason = why or str(error).partition("\n")[0]
        hint = "Name the model these weights were saved from."
        raise LoadError(f"The weights in {shown} do not fit {maker}.", reason, hint) from None


def difference(own: Mapping[str, object], given: Mapping[str, object]) -> str:
    """How two state dicts differ, in a sentence about the first difference; "" when they do not."""
    missing = [key for key in own if key not in given]
    unexpected = [key for key in given if key not in own]
    if missing or unexpected:
        return _names(missing, unexpected)
    for key, value in own.items():
        other = given[key]
        if isinstance(value, Tensor) and isinstance(other, Tensor) and value.shape != other.shape:
            return f"{key!r} is {_shape(other)} in the file and {_shape(value)} in the model."
    return ""


def is_narrower(own: Mapping[str, object], given: Mapping[str, object]) -> bool:
    """Whether a state dict has the names of another, and shapes that slimming may leave of its shapes."""
    if own.keys() != given.keys():
        return False
    sizes: list[tuple[int, int]] = []
    for name, value in own.items():
        other = given[name]
        if not isinstance(value, Tensor) or not isinstance(other, Tensor) or value.ndim != other.ndim:
            return False
        sizes += zip(other.shape, value.shape, strict=True)
    return any(small != whole for small, whole in sizes) and all(0 < small <= whole for small, whole in sizes)


def _names(missing: list[str], unexpected: list[str]) -> str:
    if missing:
        near = difflib.get_close_matches(missing[0], unexpected, n=1)
        text = f"The file has no {missing[0]!r}"
        text += f"; the nearest it has is {near[0]!r}" if near else ""
        total, kind = len(missing), "missing"
    else:
        text = f"The file has {unexpected[0]!r}, which the model has not"
        total, kind = len(unexpected), "too many"
    return f"{text} ({total} entries are {kind})." if total > 1 else f"{text}."


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a single number"
