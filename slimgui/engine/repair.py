"""Stale sizes that sit in an attribute: one new value instead of a correction at every call.

A module whose stale calls are all explained by its attributes keeps its class and its forward as they
are. An attempt that does not explain all of them is taken back whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from torch import nn

from slimgui.engine.attributes import Repair
from slimgui.engine.correct import Found
from slimgui.runtime import Correction

ROUNDS = 3
Find = Callable[[], Found]


def repair_attributes(
    model: nn.Module, find: Find, shapes: Mapping[str, Sequence[int]]
) -> tuple[list[Repair], Found]:
    """Explain corrections by attributes, in place.

    Args:
        model: the deployed model, without corrections installed.
        find: finds what its calls need now.
        shapes: of every weight, before the cut.

    Returns:
        The repairs that were made, and what is still needed.
    """
    fitted, first = _fit_checks(model, find, shapes)
    corrections = first.corrections
    tried: dict[str, list[tuple[nn.Module, Repair, Any]]] = {}
    for path in dict.fromkeys(correction.module for correction in corrections):
        tried[path] = list(_attempts(model, path, [c for c in corrections if c.module == path]))
    made = {path: attempts for path, attempts in tried.items() if attempts}
    for _ in range(ROUNDS):
        if not made:
            return fitted, first
        for attempts in made.values():
            for module, repair, _old in attempts:
                setattr(module, repair.attribute, repair.value)
        left = find()
        unexplained = made.keys() & {correction.module for correction in left.corrections}
        if left.stuck - first.stuck:  # the new value means something else there too
            unexplained |= (made.keys() & left.stuck) or made.keys()
        if not unexplained:
            return fitted + [repair for attempts in made.values() for _, repair, _ in attempts], left
        for attempts in made.values():
            for module, repair, old in attempts:
                setattr(module, repair.attribute, old)
        made = {path: attempts for path, attempts in made.items() if path not in unexplained}
    return fitted, first


def _fit_checks(
    model: nn.Module, find: Find, shapes: Mapping[str, Sequence[int]]
) -> tuple[list[Repair], Found]:
    """Attributes of modules that compare their weights with them, and raise: in the ratio of the weights."""
    done: list[Repair] = []
    found = find()
    for path in sorted(found.stuck):
        attempts = list(_in_ratio(model, path, shapes))
        for module, repair, _ in attempts:
            setattr(module, repair.attribute, repair.value)
        left = find() if attempts else found
        if path in left.stuck:
            for module, repair, old in attempts:
                setattr(module, repair.attribute, old)
        else:
            done, found = done + [repair for _, repair, _ in attempts], left
    return done, found


def _in_ratio(
    model: nn.Module, path: str, shapes: Mapping[str, Sequence[int]]
) -> Iterator[tuple[nn.Module, Repair, Any]]:
    """Whole numbers that are a multiple of the one size in which the weights of a module were cut."""
    module = model.get_submodule(path)
    if _follows_weights(module):
        return
    weights = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
    cut = {
        (was, now)
        for name, tensor in weights
        for was, now in zip(shapes[f"{path}.{name}".removeprefix(".")], tensor.shape, strict=True)
        if was != now
    }
    if len(cut) == 1:
        ((was, now),) = cut
        for name, value in vars(module).items():
            if isinstance(value, int) and not isinstance(value, bool) and value and value % was == 0:
                yield module, Repair(path, name, value // was * now), value


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
    if _follows_weights(module):
        return
    for name, value in vars(module).items():
        changed = _changed(value, sizes)
        if name != "training" and changed != value:
            yield module, Repair(path, name, changed), value


def _follows_weights(module: nn.Module) -> bool:
    """Modules of torch.nn: their attributes are set by the shapes of their weights."""
    return type(module).__module__.startswith("torch.nn.")


def _changed(value: Any, sizes: dict[int, int]) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return sizes.get(value, value)
    if isinstance(value, (tuple, list)) and all(isinstance(item, int) for item in value):
        return type(value)(_changed(item, sizes) for item in value)
    return value
