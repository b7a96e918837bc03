"""The sets of weights in a checkpoint -> the one that belongs to a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from slimgui.engine.load.fit import difference, inside, is_narrower, unwrapped
from slimgui.errors import LoadError

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


def choose(sets: Mapping[str, Weights], model: nn.Module, name: str, shown: str) -> Choice:
    """The set of weights that belongs to `model`.

    Args:
        sets: by `files.sets.weights_in`; not empty.
        model: what they are for.
        name: the one the user named, "" for the only one that fits.
        shown: how to call the file in a sentence.

    Returns:
        The set, or one of a slimmed model; when none fits the one that comes nearest, for a sentence about
        the difference.

    Raises:
        LoadError: several fit, or none has that name.
    """
    choices: list[Choice] = []
    fitting: list[Choice] = []
    narrower: list[Choice] = []
    for key, state in sets.items():
        target = inside(model, state)
        wanted = target.state_dict()
        found = [choice for choice in _choices(key, state, target, wanted) if name in ("", choice.name)]
        choices += found
        fitting += [choice for choice in found if not difference(wanted, choice.state)]
        narrower += [choice for choice in found if is_narrower(wanted, choice.state)]
    if not choices:
        raise LoadError(f"{shown} has no weights called {name!r}.", f"It has {listed(sets)}.", "")
    fitting = fitting or narrower
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
