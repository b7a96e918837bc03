"""How much memory there is for copies of a model."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor, nn

BIG = 1 << 30  # bytes; models with more weights than this are mapped from disk, cut and proven one by one
_MEMINFO, _CONTROL_GROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


def available(device: torch.device) -> int | None:
    """Bytes that could be used on `device` now; None when the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    known = [size for size in (_of_machine(), _of_container()) if size is not None]
    return min(known, default=None)


def _of_machine() -> int | None:
    with suppress(OSError):  # Linux: what is free, and what the caches would give back
        found = re.search(r"MemAvailable:\s+(\d+) kB", _MEMINFO.read_text())
        if found:
            return int(found[1]) * 1024
    with suppress(OSError, ValueError, AttributeError):  # no such name on macOS, no sysconf on Windows
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _of_container() -> int | None:
    """What the limit of a container leaves, by control groups of version 2; caches count as free."""
    with suppress(OSError, ValueError):  # no container, or "max": no limit
        limit = int((_CONTROL_GROUP / "memory.max").read_text())
        used = int((_CONTROL_GROUP / "memory.current").read_text())
        caches = re.search(r"inactive_file (\d+)", (_CONTROL_GROUP / "memory.stat").read_text())
        return max(0, limit - used + (int(caches[1]) if caches else 0))
    return None


def size_of(tensor: Tensor) -> int:
    """Bytes of the numbers in it, were it dense."""
    return tensor.numel() * tensor.element_size()


def copy_size(model: nn.Module, dtype: torch.dtype | None = None) -> int:
    """Bytes that a copy of `model` takes with its floating-point tensors in `dtype`; tied ones count once."""
    return sum(
        tensor.numel() * dtype.itemsize if dtype and tensor.is_floating_point() else size_of(tensor)
        for tensor in (*model.parameters(), *model.buffers())
    )


def is_big(model: nn.Module) -> bool:
    """Whether the weights of `model` are better held one at a time."""
    return copy_size(model) > BIG


def lends(model: nn.Module, free: int | None) -> bool:
    """Whether a proof with `free` bytes of memory has to copy the weights of `model` one at a time.

    A copy in float64 may take half of the memory; the rest is for what the model computes.
    """
    return is_big(model) or (free is not None and 2 * copy_size(model, torch.float64) > free)


def device_of(model: nn.Module) -> torch.device:
    """Where the numbers of `model` lie; on the CPU where it holds none."""
    held = (tensor.device for tensor in (*model.parameters(), *model.buffers()) if not tensor.is_meta)
    return next(held, torch.device("cpu"))
