"""A checkpoint's contents -> the sets of weights in it.

A set of weights is any mapping of names to tensors, wherever it lies. What an optimizer keeps for every
weight looks alike, and is told apart by its `param_groups`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

_DEEPEST: Final = 6
_MOST: Final = 200_000


def weights_in(found: object, kind: type) -> dict[str, Mapping[str, Any]]:
    """Every set of weights in nested dicts, by the dotted keys that lead there; "" for `found` itself.

    A mapping that holds other things beside its tensors counts with its tensors alone, when nothing in it is
    a set by itself.

    Args:
        found: what the checkpoint holds.
        kind: of its tensors: torch's, or `Entry` where they were not read.
    """
    sets: dict[str, Mapping[str, Any]] = {}
    pending: deque[tuple[str, object, int]] = deque([("", found, 0)])
    seen: set[int] = set()
    while pending and len(seen) < _MOST:
        name, value, depth = pending.popleft()
        if not isinstance(value, Mapping) or id(value) in seen or depth > _DEEPEST or is_optimizer(value):
            continue
        seen.add(id(value))
        tensors = _tensors(value, kind)
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


def _tensors(value: Mapping[Any, Any], kind: type) -> Mapping[str, Any]:
    rows = {key: item for key, item in value.items() if isinstance(key, str)}
    tensors = {key: item for key, item in rows.items() if isinstance(item, kind)}
    if not tensors:
        return {}
    extra = {key: item for key, item in rows.items() if key.endswith("_extra_state")}
    # The mapping itself, where it holds nothing else: it may carry the version of every module, too.
    return value if len(tensors | extra) == len(value) else tensors | extra
