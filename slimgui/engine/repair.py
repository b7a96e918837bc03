"""Stale sizes that sit in an attribute: one new value instead of a correction at every call.

A module whose stale calls are all explained by its attributes keeps its class and its forward as they
are. An attempt that does not explain all of them is taken back whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import nn

from slimgui.engine.attributes import Repair
from slimgui.engine.correct import Found
from slimgui.runtime import Correction

ROUNDS = 3
Find = Callable[[], Found]


def repair_attributes(model: nn.Module, find: Find) -> tuple[list[Repair], Found]:
    """Explain corrections by attributes, in place.

    Args:
        model: the deployed model, without corrections installed.
        find: finds what its calls need now.

    Returns:
        The repairs that were made, and what is still needed.
    """
    first = find()
    corrections = first.corrections
    tried: dict[str, list[tuple[nn.Module, Repair, Any]]] = {}
    for path in dict.fromkeys(correction.module for correction in corrections):
        tried[path] = list(_attempts(model, path, [c for c in corrections if c.module == path]))
    made = {path: attempts for path, attempts in tried.items() if attempts}
    for _ in range(ROUNDS):
        if not made:
            return [], first
        for attempts in made.values():
            for module, repair, _old in attempts:
                setattr(module, repair.attribute, repair.value)
        left = find()
        unexplained = made.keys() & {correction.module for correction in left.corrections}
        if left.stuck - first.stuck:  # the new value means something else there too
            unexplained |= (made.keys() & left.stuck) or made.keys()
        if not unexplained:
            return [repair for attempts in made.values() for _, repair, _ in attempts], left
        for attempts in made.values():
            for module, repair, old in attempts:
                setattr(module, repair.attribute, old)
        made = {path: attempts for path, attempts in made.items() if path not in unexplained}
    return [], first


def _attempts(
    model: nn.Module, path: str, corrections: list[Correction]
) -> Iterator[tuple[nn.Module, Repair, Any]]:
    """(module, attribute with its new value, old value) that might explain all of `corrections`."""
    sizes: dict[int, int] = {}
    for correction in corrections:
        old, new = correction.old, correction.new
        if correction.kind != "scale" or not isinstance(old, int) or sizes.setdefault(old, new) != new:
            return
    module = model.get_submodule(path)
    if type(module).__module__.startswith("torch.nn."):  # their attributes follow from their weights
        return
    for name, value in vars(module).items():
        changed = _changed(value, sizes)
        if name != "training" and changed != value:
            yield module, Repair(path, name, changed), value


def _changed(value: Any, sizes: dict[int, int]) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return sizes.get(value, value)
    if isinstance(value, (tuple, list)) and all(isinstance(item, int) for item in value):
        return type(value)(_changed(item, sizes) for item in value)
    return value
