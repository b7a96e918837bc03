"""How much memory there is for copies of a model."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

import torch
from torch import nn

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


def copy_size(model: nn.Module, dtype: torch.dtype) -> int:
    """Bytes that a copy of `model` takes with its floating-point tensors in `dtype`; tied ones count once."""
    return sum(
        tensor.numel() * (dtype.itemsize if tensor.is_floating_point() else tensor.itemsize)
        for tensor in (*model.parameters(), *model.buffers())
    )


def device_of(model: nn.Module) -> torch.device:
    """Where the weights of `model` lie."""
    return next((tensor.device for tensor in (*model.parameters(), *model.buffers())), torch.device("cpu"))
