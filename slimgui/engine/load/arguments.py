"""The arguments in a factory as the user writes it, "torchvision.models:resnet50(num_classes=10)"."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from slimgui.core import recognise
from slimgui.errors import LoadError

_LARGEST: Final = 2**20  # classes or tokens that a file may ask for


def arguments(factory: str) -> dict[str, Any]:
    """What the factory is to be called with: plain values by name, nothing that would have to be run.

    Raises:
        LoadError: they are written in another way.
    """
    name, opened, rest = factory.partition("(")
    if not opened:
        return {}
    try:
        call = ast.parse(f"f({rest}", mode="eval").body
        assert isinstance(call, ast.Call), "brackets behind a name are a call"
        assert not call.args and all(keyword.arg for keyword in call.keywords), "values have names"
        return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError, AssertionError, RecursionError, MemoryError):
        why = f"{rest.removesuffix(')')!r} is no list of plain values with names."
        hint = f"Write them like {name}(num_classes=10)."
        raise LoadError(f"The arguments of {name} cannot be read.", why, hint) from None


def are_sizes(given: Mapping[str, object]) -> bool:
    """Whether arguments say no more than how large a model is: numbers and truth values."""
    return all(isinstance(value, int) and value <= _LARGEST for value in given.values())


def is_known(factory: str) -> bool:
    """Whether the index that SlimGUI ships has this very factory, but for numbers it leaves open."""
    given = arguments(factory)
    for maker in recognise.makers(factory.partition("(")[0]):
        fixed = arguments(maker.factory)
        open_to = {free.argument for free in maker.free}
        others = {name: value for name, value in given.items() if name not in fixed}
        if fixed.items() <= given.items() and others.keys() <= open_to and are_sizes(others):
            return True
    return False


def call(function: Callable[..., Any], given: Mapping[str, Any]) -> object:
    """Call a factory; a class that is made from a configuration (of transformers) gets its own, filled in."""
    configuration = getattr(function, "config_class", None)
    if isinstance(function, type) and callable(configuration):
        return function(configuration(**given))
    return function(**{**_no_download(function), **given})


def _no_download(function: Callable[..., Any]) -> dict[str, None]:
    """Arguments that keep a factory from fetching weights: torchvision's detectors do so by default."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    return {"weights_backbone": None} if "weights_backbone" in parameters else {}
