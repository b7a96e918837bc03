"""A folder, or the index of a sharded checkpoint -> the files that hold its tensors."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from slimgui.errors import LoadError
from slimgui.files import foreign
from slimgui.files.sniff import Kind, existing_file, read_index, sniff

_LONGEST: Final = 80  # characters of a name that is shown
_MOST_FILES: Final = 10_000
_ADAPTER_CONFIG: Final = "adapter_config.json"
_READ_FIRST: Final = (("index",), ("safetensors",), ("zip", "legacy"))


@dataclass(frozen=True, slots=True)
class Shards:
    """Which tensors lie in which file, in the order of the index, and what the index says about itself."""

    names: dict[Path, tuple[str, ...]]
    metadata: dict[str, Any] = field(default_factory=dict)


def checkpoint_at(path: Path) -> Path:
    """`path` itself, or the one checkpoint in the folder of that name.

    An index goes before single files, safetensors before pickles: they hold the same weights.

    Raises:
        LoadError: there is no checkpoint, there are several, or they are of a kind that cannot be opened.
    """
    if not path.is_dir():
        _refuse_distributed(path.parent, path)
        return path
    _refuse_distributed(path, path)
    files = sorted(file for file in list(path.iterdir())[:_MOST_FILES] if file.is_file())
    if any(file.name == _ADAPTER_CONFIG for file in files):
        raise foreign.ADAPTER.refusal(str(path))
    kinds = {file: kind for file in files if (kind := kind_of(file)) is not None}
    for wanted in _READ_FIRST:
        fitting = [file for file, kind in kinds.items() if kind in wanted]
        if wanted == ("index",) and len(fitting) > 1:
            fitting = [file for file in fitting if _is_safetensors(file)] or fitting
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            named = ", ".join(file.name for file in fitting[:5])
            raise LoadError(f"{path} holds several checkpoints.", f"They are {named}.", "Choose one of them.")
    raise LoadError(f"{path} is a folder without a checkpoint.", "", "Choose the checkpoint file.")


def kind_of(path: Path) -> Kind | None:
    """The kind of a file that lies beside others; None when it is none to open."""
    try:
        with existing_file(path).open("rb") as stream:
            return sniff(stream, path.name)
    except (LoadError, OSError):
        return None


def shards_of(index: Path) -> Shards:
    """The files an index names: plain names in its own folder, and all there.

    Links in the folder are followed, as caches of downloaded models are made of them.

    Raises:
        LoadError: one leads out of the folder, is missing, or is no file.
    """
    with index.open("rb") as stream:
        found = read_index(stream)
    if found is None or not found[0]:
        raise LoadError(f"{index.name} names no shards.", "", "Download it again.")
    names: dict[Path, list[str]] = {}
    for tensor, file in found[0].items():
        names.setdefault(index.parent / _checked(file, index.name), []).append(tensor)
    for shard in names:
        if not shard.exists():
            why = f"{shard.name} is not in its folder ({len(names)} files belong to it)."
            raise LoadError(f"{index.name} is not whole.", why, "Download that file, too.")
        existing_file(shard)
    return Shards({shard: tuple(tensors) for shard, tensors in names.items()}, found[1])


def _checked(name: str, shown: str) -> str:
    if name in ("", ".", "..") or any(char in name for char in "/\\:\0"):
        why = f"It names {name[:_LONGEST]!r}, which is no file beside it."
        raise LoadError(f"{shown} was not opened.", why, "Do not trust it; ask who gave it to you.")
    return name


def check_names(shard: Path, wanted: tuple[str, ...], held: set[str]) -> None:
    """Raise LoadError when a shard lacks what the index says it holds."""
    missing = [name for name in wanted if name not in held]
    if missing:
        why = f"The index says that it holds {missing[0][:_LONGEST]!r}, and it does not."
        raise LoadError(f"{shard.name} does not belong to its index.", why, "Download both again.")


def _is_safetensors(index: Path) -> bool:
    try:
        return any(kind_of(shard) == "safetensors" for shard in list(shards_of(index).names)[:1])
    except LoadError:
        return False


def _refuse_distributed(folder: Path, chosen: Path) -> None:
    """A distributed checkpoint is a folder: parts, and a .metadata that says where every tensor lies."""
    metadata = folder / ".metadata"
    if not metadata.is_file():
        return
    with metadata.open("rb") as stream:
        if b"torch.distributed.checkpoint" in stream.read(4096):
            raise foreign.DISTRIBUTED.refusal(str(chosen))
