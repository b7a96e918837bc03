"""A model and a selection -> what building, proving and saving the smaller model will take."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from slimgui.core.cost import full_counts
from slimgui.core.plan import Selection
from slimgui.engine.deploy import one_by_one
from slimgui.engine.memory import available, copy_size, device_of, is_big, lends, size_of
from slimgui.engine.trace import Traced

_LONG_SECONDS, _LARGE_BYTES = 10.0, 10**9  # from here on the user should know before it begins
_PROBE_BYTES: Final = 1 << 24
_PROBE_SIDE: Final = 256
_MASKED, _WRITTEN = 2, 5  # the proof runs the original twice; a file is cut, written, read and hashed twice


@dataclass(frozen=True, slots=True)
class Estimate:
    """What it takes, beside the open model.

    Attributes:
        memory: bytes at the highest, without what the model computes on its way.
        disk: bytes of the weights that are written.
        seconds: on this machine, from throughputs measured for a few milliseconds.
        hollow: whether the weights are better cut one by one, see `deploy`.
        free: bytes of memory that could be used now, None when the system does not say.
    """

    memory: int
    disk: int
    seconds: float
    hollow: bool
    free: int | None = None

    @property
    def is_long(self) -> bool:
        """Whether the user should know before it begins."""
        return self.seconds > _LONG_SECONDS or max(self.memory, self.disk) > _LARGE_BYTES

    def __str__(self) -> str:
        """One sentence, two where the memory does not do."""
        spent = f"{self.seconds / 60:.0f} minutes" if self.seconds >= 90 else f"{self.seconds:.0f} seconds"
        text = (
            f"This takes about {spent}, {spoken(self.memory)} of memory and {spoken(self.disk)} on the disk."
        )
        short = self.free is not None and self.memory > self.free
        return f"{text} Only {spoken(self.free or 0)} of memory are free." if short else text


def spoken(count: int) -> str:
    """Bytes for a sentence: "1.8 GB", "12 MB"."""
    return f"{count / 1e9:,.1f} GB" if count >= _LARGE_BYTES else f"{count / 1e6:,.0f} MB"


def estimate(model: nn.Module, traced: Traced, selection: Selection) -> Estimate:
    """What `deploy`, `verify` and `save` will take for this cut.

    Args:
        model: the module that was traced; a few of its numbers are read.
        traced: what `trace` found.
        selection: which channels of each group stay.
    """
    hollow = is_big(model) and one_by_one(model, traced)
    free = available(device_of(model))
    whole = traced.cost_model.at(full_counts(traced.groups))
    small = traced.cost_model.at(selection.counts())
    widest = copy_size(model, torch.float64)
    tensors = [*model.parameters(), *model.buffers()]
    largest = max((tensor.numel() * torch.float64.itemsize for tensor in tensors), default=0)
    lent = hollow or lends(model, free)
    memory = (0 if hollow else small.bytes) + (2 * largest if lent else widest)
    touched = _MASKED * whole.bytes + (1 + _WRITTEN) * small.bytes
    seconds = touched / _bytes_per_second(tensors) + (_MASKED * whole.macs + small.macs) / _macs_per_second()
    return Estimate(memory, small.bytes, seconds, hollow, free)


def _bytes_per_second(tensors: list[Tensor]) -> float:
    """How fast weights are read, made float64 and hashed, judged by a part of the largest."""
    dense = (t for t in tensors if not t.is_meta and t.layout == torch.strided and not t.is_quantized)
    largest = max(dense, key=size_of, default=torch.zeros(1))
    part = largest.detach().reshape(-1)[: _PROBE_BYTES // largest.element_size()].cpu()
    part = torch.view_as_real(part) if part.is_complex() else part

    def work() -> None:
        hashlib.sha256(part.double().contiguous().view(torch.uint8).numpy().data)

    return max(1, part.nbytes) / _seconds(work)


def _macs_per_second() -> float:
    square = torch.ones(_PROBE_SIDE, _PROBE_SIDE, dtype=torch.float64)
    return _PROBE_SIDE**3 / _seconds(lambda: square @ square)


def _seconds(work: Callable[[], object]) -> float:
    """How long it takes the second time: the first may load code."""
    for _ in range(2):
        started = time.perf_counter()
        work()
        spent = time.perf_counter() - started
    return max(spent, 1e-6)
