"""A checkpoint's contents -> the sets of weights in it, and the one that belongs to a model.

A set of weights is any mapping of names to tensors, wherever it lies. What an optimizer keeps for every
weight looks alike, and is told apart by its `param_groups`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from torch import Tensor, nn

from slimgui.engine.load.fit import difference, inside, unwrapped
from slimgui.engine.load.outline import Entry
from slimgui.errors import LoadError

_DEEPEST: Final = 6
_MOST: Final = 200_000

Weights = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to read a model's weights from a checkpoint.

    Attributes:
        name: where they lie, "" when the checkpoint is nothing else; what a source says behind its #.
        state: by the names of the model.
        left: names beside them that belong to something else.
    """

    name: str
    state: Weights
    left: tuple[str, ...] = ()


def weights_in(found: object) -> dict[str, Mapping[str, Any]]:
    """Every set of weights in nested dicts, by the dotted keys that lead there; "" for `found` itself.

    Works on tensors and on `Entry`s alike. A mapping that holds other things beside its tensors counts
    with its tensors alone, when nothing in it is a set by itself.
    """
    sets: dict[str, Mapping[str, Any]] = {}
    pending: deque[tuple[str, object, int]] = deque([("", found, 0)])
    seen: set[int] = set()
    while pending and len(seen) < _MOST:
        name, value, depth = pending.popleft()
        if not isinstance(value, Mapping) or id(value) in seen or depth > _DEEPEST or is_optimizer(value):
            continue
        seen.add(id(value))
        tensors = _tensors(value)
        if tensors:
            sets[name] = tensors
        below = f"{name}." if name else ""
        pending += [(f"{below}{key}", item, depth + 1) for key, item in value.items() if isinstance(key, str)]
    whole = {name: state for name, state in sets.items() if _is_more_than_numbers(name, state)}
    return whole or sets


def _is_more_than_numbers(name: str, state: Mapping[str, Any]) -> bool:
    """Single numbers (the best score) and loose tensors beside whole sets (a mean) are no weights."""
    return any(value.shape for value in state.values() if hasattr(value, "shape")) and (
        name != "" or any("." in key for key in state)
    )


def is_optimizer(value: object) -> bool:
    """Whether it is what an optimizer of torch saves."""
    return isinstance(value, Mapping) and "param_groups" in value and "state" in value


def _tensors(value: Mapping[Any, Any]) -> Mapping[str, Any]:
    rows = {key: item for key, item in value.items() if isinstance(key, str)}
    tensors = {key: item for key, item in rows.items() if isinstance(item, (Tensor, Entry))}
    if not tensors:
        return {}
    extra = {key: item for key, item in rows.items() if key.endswith("_extra_state")}
    # The mapping itself, where it holds nothing else: it may carry the version of every module, too.
    return value if len(tensors | extra) == len(value) else tensors | extra


def choose(sets: Mapping[str, Weights], model: nn.Module, name: str, shown: str) -> Choice:
    """The set of weights that belongs to `model`.

    Args:
        sets: by `weights_in`; not empty.
        model: what they are for.
        name: the one the user named, "" for the only one that fits.
        shown: how to call the file in a sentence.

    Returns:
        The set; when none fits the one that comes nearest, for a sentence about the difference.

    Raises:
        LoadError: several fit, or none has that name.
    """
    choices: list[Choice] = []
    fitting: list[Choice] = []
    for key, state in sets.items():
        target = inside(model, state)
        wanted = target.state_dict()
        found = [choice for choice in _choices(key, state, target, wanted) if name in ("", choice.name)]
        choices += found
        fitting += [choice for choice in found if not difference(wanted, choice.state)]
    if not choices:
        raise LoadError(f"{shown} has no weights called {name!r}.", f"It has {listed(sets)}.", "")
    if len(fitting) > 1:
        named = ", ".join(repr(choice.name) for choice in fitting[:6])
        hint = f"Name one of them behind a #: {shown}#{fitting[-1].name}"
        what = f"{shown} holds several sets of weights that fit this model."
        raise LoadError(what, f"They are {named}.", hint)
    own = model.state_dict().keys()
    return fitting[0] if fitting else max(choices, key=lambda choice: len(own & choice.state.keys()))


def _choices(name: str, state: Weights, model: nn.Module, wanted: Mapping[str, object]) -> list[Choice]:
    """The set as it is, and what lies in it behind a prefix that makes the model's first name."""
    state = unwrapped(state, model)
    found = [_choice(name, state, wanted)]
    first = next(iter(wanted), "")
    for key in [key for key in state if first and key.endswith(f".{first}")]:
        prefix = key.removesuffix(first)
        part = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        place = ".".join(filter(None, (name, prefix.rstrip("."))))
        left = tuple(key for key in state if not key.startswith(prefix))
        found.append(_choice(place, part, wanted, left))
    return found


def _choice(name: str, state: Weights, wanted: Mapping[str, object], left: tuple[str, ...] = ()) -> Choice:
    """Without whole numbers that the model has no place for: tables it makes itself, never learned."""
    tables = [key for key, value in state.items() if key not in wanted and not _is_learned(value)]
    if not tables:
        return Choice(name, state, left)
    rest = {key: value for key, value in state.items() if key not in tables}
    return Choice(name, rest, (*tables, *left))


def _is_learned(value: object) -> bool:
    return not isinstance(value, Tensor) or value.is_floating_point() or value.is_complex()


def listed(sets: Mapping[str, Weights]) -> str:
    """The sets by name and size, for a sentence."""
    return ", ".join(f"{name or 'itself'!r} ({len(state)} tensors)" for name, state in list(sets.items())[:6])
