"""SlimGUI's own safetensors files -> what `own.pack` packs. The record of the cut is in the metadata.

One file, or several and an index: {"metadata": {...}, "weight_map": {tensor: name of its file}}. A tensor
that has several names is stored once; "tied" says which names stand for which.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open
from torch import Tensor

from slimgui.engine.load import own
from slimgui.errors import LoadError

_LARGEST_INDEX: Final = 100 << 20


def read_own_tensors(path: Path) -> dict[str, Any] | None:
    """What was written by `formats/tensors.py`; None when the file is another kind of file, or not there.

    Raises:
        LoadError: it is one, and damaged.
    """
    try:
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            head = stream.read(9)
        if head[8:] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
            return _one(path)
        if head[:1] == b"{" and path.stat().st_size < _LARGEST_INDEX:
            return _sharded(path)
    except (SafetensorError, OSError):
        pass
    return None


def _one(path: Path) -> dict[str, Any] | None:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        if own.KEY not in metadata:
            return None
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    return _found(metadata, state, path.name)


def _sharded(path: Path) -> dict[str, Any] | None:
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        metadata, places = index["metadata"], index["weight_map"]
        if own.KEY not in metadata:
            return None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(places, dict):
        raise _damaged(path.name, "its index lists no tensors")
    state: dict[str, Tensor] = {}
    for name in sorted(set(map(str, places.values()))):
        state.update(_shard(path, name, {key for key, place in places.items() if place == name}))
    return _found(metadata, state, path.name)


def _shard(index: Path, name: str, wanted: set[str]) -> dict[str, Tensor]:
    """The tensors that the index places in one file, which lies beside it and nowhere else."""
    place = index.parent / name
    if Path(name).name != name or not place.is_file():
        raise _damaged(index.name, f"there is no {name!r} beside it")
    try:
        with safe_open(place, framework="pt") as file:
            return {key: file.get_tensor(key) for key in wanted}
    except (SafetensorError, OSError) as error:
        raise _damaged(index.name, f"{name!r} cannot be read: {error}") from None


def _found(metadata: Mapping[str, Any], state: dict[str, Tensor], shown: str) -> dict[str, Any]:
    try:
        tied = json.loads(metadata.get("tied", "{}"))
        state.update({alias: state[name] for alias, name in tied.items()})
        return {**metadata, own.KEY: int(metadata[own.KEY]), "state_dict": state}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _damaged(shown, "its record of the cut cannot be read") from None


def _damaged(shown: str, why: str) -> LoadError:
    return LoadError(f"{shown} is damaged.", f"{why[:1].upper()}{why[1:]}.", "Save it again.")
