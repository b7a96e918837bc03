"""A training checkpoint that a model came from -> the same with smaller weights in place of the whole ones.

Nesting, prefixes and other entries stay. A second set of the weights (their moving average) is sliced, and so
is what an optimizer keeps for every parameter; what cannot be sliced is left out, and that is said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from slimgui.engine.formats.draft import Content
from slimgui.engine.formats.reader import digest

_DEEPEST: Final = 5
_NOT_KEPT: Final = (
    "Other entries of the training checkpoint were not kept: its weights alone do not tell how to slice them."
)

Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nested:
    """What is written instead of the flat entries.

    Attributes:
        entries: of the whole checkpoint.
        place: where the model's weights are in it, as `own.plain` reads it.
        notes: what was sliced, and what was left out.
    """

    entries: dict[str, Any]
    place: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Weights:
    """One set of the model's weights: where it is, what its names begin with, and its slices."""

    place: Place
    prefix: str
    whole: Mapping[str, Tensor]
    sliced: Mapping[str, Tensor]


class _UnslicedError(Exception):
    """Why an optimizer's state cannot be sliced."""


def nested(content: Content) -> Nested | None:
    """The checkpoint with smaller weights; None when the model came from no such file.

    It has no entries when the weights in the file are not those that were sliced (weight norm, another type).
    """
    found = content.origin.checkpoint
    if found is None or all(isinstance(value, Tensor) for value in found.values()):
        return None
    sets = list(_sets(content, found))
    cut = {name: digest(value) for name, value in content.deployed.as_cut().model.state_dict().items()}
    main = next((s for s in sets if {name: digest(t) for name, t in s.sliced.items()} == cut), None)
    if main is None:
        return Nested({}, "", (_NOT_KEPT,))
    changed: dict[Place, Any] = {s.place: _renamed(s.sliced, s.prefix) for s in sets}
    changed[main.place] = _renamed(content.model.state_dict(), main.prefix)
    notes = ["Other entries of the training checkpoint were kept."]
    for place, optimizer in _optimizers(found):
        try:
            changed[place] = _optimizer(content, main, optimizer)
            notes.append(f"The optimizer's state in {'.'.join(place)!r} was sliced like the weights.")
        except _UnslicedError as error:
            changed[place] = None
            notes.append(f"The optimizer's state in {'.'.join(place)!r} was left out: {error}.")
    entries = _rewritten(found, changed, ())
    return Nested(entries, json.dumps([*main.place, main.prefix]), tuple(notes))


def _dicts(value: object, place: Place = ()) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Every dict with names for keys in nested dicts, the outermost first."""
    if isinstance(value, dict) and all(isinstance(key, str) for key in value) and len(place) <= _DEEPEST:
        yield place, value
        for key, item in value.items():
            yield from _dicts(item, (*place, key))


def _optimizers(found: Mapping[str, Any]) -> Iterator[tuple[Place, dict[str, Any]]]:
    return ((place, value) for place, value in _dicts(found) if {"state", "param_groups"} <= value.keys())


def _sets(content: Content, found: Mapping[str, Any]) -> Iterator[_Weights]:
    """Every set of exactly the model's names whose tensors can be sliced like the model's."""
    names = list(content.model.state_dict())
    for place, value in _dicts(found):
        first = next((key for key in value if key.endswith(names[0])), None) if names else None
        if first is None or len(value) != len(names):
            continue
        prefix = first.removesuffix(names[0])
        whole = {name: value.get(prefix + name) for name in names}
        sliced = {name: _slice(content, name, tensor) for name, tensor in whole.items()}
        if all(tensor is not None for tensor in sliced.values()):
            yield _Weights(place, prefix, whole, sliced)  # type: ignore[arg-type]  # just looked for None


def _slice(content: Content, name: str, tensor: object) -> Tensor | None:
    """The kept indices of one tensor; None when it is none, or has no such indices."""
    if not isinstance(tensor, Tensor):
        return None
    for dim, indices in content.provenance.cut.get(_first_name(content, name), {}).items():
        if dim >= tensor.ndim or (len(indices) and int(np.max(indices)) >= tensor.shape[dim]):
            return None
        tensor = tensor.index_select(dim, torch.from_numpy(np.ascontiguousarray(indices)))
    small = content.model.state_dict()[name]
    return tensor if tensor.shape == small.shape else None


def _first_name(content: Content, name: str) -> str:
    """The name under which the record of the cut has a tensor that has several."""
    model = content.model
    named = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
    tensor = dict(named).get(name)
    return next((other for other, value in named if value is tensor), name)


def _renamed(state: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {prefix + name: value for name, value in state.items()}


def _optimizer(content: Content, main: _Weights, optimizer: Mapping[str, Any]) -> dict[str, Any]:
    """The same optimizer with what it keeps for every parameter sliced like that parameter."""
    names = _parameters(content, main, optimizer["param_groups"])
    state = {
        index: {key: _moment(content, main, names.get(index, ""), value) for key, value in kept.items()}
        for index, kept in optimizer["state"].items()
    }
    return {**optimizer, "state": state}


def _parameters(content: Content, main: _Weights, groups: list[dict[str, Any]]) -> dict[int, str]:
    """Index in the optimizer -> name of the parameter."""
    indices = [index for group in groups for index in group["params"]]
    if all("param_names" in group for group in groups):
        given = [str(name).removeprefix(main.prefix) for group in groups for name in group["param_names"]]
    elif len(groups) == 1:
        given = [name for name, _ in content.model.named_parameters()]
    else:
        raise _UnslicedError("it has several groups of parameters and does not name them")
    if len(given) != len(indices) or not set(given) <= main.whole.keys():
        raise _UnslicedError("its parameters are not those of the model")
    return dict(zip(indices, given, strict=True))


def _moment(content: Content, main: _Weights, name: str, value: object) -> object:
    if not isinstance(value, Tensor) or value.ndim == 0:  # a step count
        return value
    whole = main.whole.get(name)
    sliced = _slice(content, name, value) if whole is not None and value.shape == whole.shape else None
    if sliced is None:
        raise _UnslicedError(f"what it keeps for {name or 'a parameter'!r} has another shape")
    return sliced


def _rewritten(value: Any, changed: Mapping[Place, Any], place: Place) -> Any:
    """The same nested dicts, with what is at the places of `changed` replaced, or left out for None."""
    if place in changed:
        return changed[place]
    if not isinstance(value, dict):
        return value
    kept = {key: item for key, item in value.items() if changed.get((*place, key), True) is not None}
    return {key: _rewritten(item, changed, (*place, key)) for key, item in kept.items()}
