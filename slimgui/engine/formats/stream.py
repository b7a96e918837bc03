"""Tensors -> a safetensors file, of which one tensor at a time is in memory.

The format: the length of the header (8 bytes, little-endian), the header as JSON, the numbers without gaps.
The library of the format is given all tensors of a file at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from slimgui.engine.memory import size_of
from slimgui.engine.pending import Numbers
from slimgui.errors import SaveError
from slimgui.files.headers import DTYPES

_NAMES: Final = {ours: name for name, ours in DTYPES.items()}
_ALIGNED: Final = 8  # bytes: where the numbers begin


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], numbers: Numbers, metadata: Mapping[str, str]
) -> None:
    """Write the file; wide types come first, so that every number lies at a multiple of its size.

    Args:
        path: of the file.
        tensors: by name; what they hold no numbers of, `numbers` makes when its turn comes.
        numbers: gives the numbers of each.
        metadata: what the file says about itself.

    Raises:
        SaveError: the format has no such number type.
    """
    order = sorted(tensors, key=lambda name: -tensors[name].element_size())
    rows: dict[str, object] = {"__metadata__": dict(metadata)}
    end = 0
    for name in order:
        start, end = end, end + size_of(tensors[name])
        rows[name] = {
            "dtype": _dtype(name, tensors[name]),
            "shape": list(tensors[name].shape),
            "data_offsets": [start, end],
        }
    header = json.dumps(rows, ensure_ascii=False).encode()
    header += b" " * (-len(header) % _ALIGNED)
    with path.open("wb") as stream:
        stream.write(len(header).to_bytes(8, "little") + header)
        for name in order:
            stream.write(bits_of(numbers(tensors[name])))


def bits_of(tensor: Tensor) -> memoryview:
    """The numbers of a tensor as bytes; no copy of one that is contiguous."""
    plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    bits: memoryview = plain.reshape(-1).view(torch.uint8).numpy().data
    return bits


def _dtype(name: str, tensor: Tensor) -> str:
    known = _NAMES.get(str(tensor.dtype).removeprefix("torch."))
    if known is None:
        why = f"{name!r} is of {tensor.dtype}, which safetensors does not know."
        raise SaveError("Nothing was saved.", why, "Choose a name that ends with .pt.")
    return known
