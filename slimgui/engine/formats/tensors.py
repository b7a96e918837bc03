"""A `.safetensors` file: the weights, and in its metadata plan and provenance. Large ones in several files.

The files of a large model have names that no file had before, and only the index is renamed over the old
one: whenever the program ends, the target is one whole model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from slimgui.engine.formats.checkpoint import beside
from slimgui.engine.formats.draft import Content, Draft
from slimgui.engine.formats.stream import write_tensors
from slimgui.engine.load import own
from slimgui.engine.memory import size_of
from slimgui.engine.pending import Numbers
from slimgui.engine.temporary import shard_of
from slimgui.errors import SaveError

_INDEX = ".index.json"


def tensors_drafts(content: Content, target: Path) -> Iterator[Draft]:
    """The one way; with an index when the tensors are too large for one file."""
    alone = content.origin.trusted
    state, tied = _once(content.model.state_dict(keep_vars=True))
    metadata = {name: str(value) for name, value in own.record(content.provenance).items()}
    metadata |= {"format": "pt", "tied": json.dumps(tied)}
    shards = list(_parts(state, content.shard_bytes))

    def write_one(path: Path, _made: list[Path]) -> None:
        write_tensors(path, state, content.numbers, metadata)

    def write_several(path: Path, made: list[Path]) -> None:
        _write_shards(path, target, shards, content.numbers, metadata, made)

    many = len(shards) > 1
    plain = "Any reader of safetensors has the weights."
    yield Draft(
        target.with_name(target.name + _INDEX) if many else target,
        write_several if many else write_one,
        "own" if alone else "weights",
        f"SlimGUI opens it again, with nothing beside it; so does slimgui.engine.load in Python. {plain}"
        if alone
        else f"{beside(content.original)} {plain}",
        "" if alone else content.original,
        notes=(f"The weights are in {len(shards)} files beside it; keep them together.",) if many else (),
        calls=(content.inputs,),
    )


def _once(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Every tensor by one name; and the other names of those that have several.

    Tensors that overlap without being the same are stored as they are, one after the other.
    """
    stored: dict[str, Tensor] = {}
    tied: dict[str, str] = {}
    first: dict[tuple[object, ...], str] = {}
    for name, value in state.items():
        if not isinstance(value, Tensor) or value.layout != torch.strided or value.is_quantized:
            why = f"{name!r} is no plain tensor, and safetensors holds nothing else."
            raise SaveError("Nothing was saved.", why, "Choose a name that ends with .pt.")
        place = id(value) if value.is_meta else value.data_ptr()
        key = (place, value.dtype, tuple(value.shape), value.stride())
        if value.numel() and key in first:
            tied[name] = first[key]
        else:
            first[key] = name
            stored[name] = value
    return stored, tied


def _parts(state: Mapping[str, Tensor], limit: int) -> Iterator[dict[str, Tensor]]:
    """The tensors in their order, as many together as fit into `limit` bytes; always at least one part."""
    part: dict[str, Tensor] = {}
    room = limit
    for name, tensor in state.items():
        if part and size_of(tensor) > room:
            yield part
            part, room = {}, limit
        part[name] = tensor
        room -= size_of(tensor)
    yield part


def _write_shards(
    index: Path,
    target: Path,
    shards: list[dict[str, Tensor]],
    numbers: Numbers,
    metadata: dict[str, str],
    made: list[Path],
) -> None:
    places: dict[str, str] = {}
    for number, shard in enumerate(shards, 1):
        made.append(shard_of(index, target, number, len(shards)))
        write_tensors(made[-1], shard, numbers, {"format": "pt"})
        places |= dict.fromkeys(shard, made[-1].name)
    total = sum(size_of(tensor) for shard in shards for tensor in shard.values())
    content = {"metadata": {"total_size": total, **metadata}, "weight_map": places}
    index.write_text(json.dumps(content), encoding="utf-8")


def old_shards(target: Path) -> list[Path]:
    """The files that an index of ours at `target` stands for; [] when there is none."""
    try:
        index = json.loads(target.read_text(encoding="utf-8")) if target.name.endswith(_INDEX) else {}
        ours = own.KEY in index["metadata"]
        names = {str(name) for name in index["weight_map"].values()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    return [target.with_name(name) for name in names if Path(name).name == name] if ours else []
