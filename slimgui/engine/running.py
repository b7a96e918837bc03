"""Running statistics: the buffers that batch norm and instance norm read in eval and move in train mode."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from slimgui.engine.recording import Ref
from slimgui.engine.trace import Traced

_NAMES: Final = frozenset({"batch_norm", "instance_norm"})
_LAST: Final = ("momentum", "eps", "cudnn_enabled")
_FUNCTIONAL: Final = ("input", "running_mean", "running_var", "weight", "bias")
_ATEN: Final = ("input", "weight", "bias", "running_mean", "running_var")
# Each function with the names of its arguments; the sixth says whether the data's own statistics are taken.
_ARGUMENTS: Final = {
    F.batch_norm: (*_FUNCTIONAL, "training", *_LAST[:2]),
    F.instance_norm: (*_FUNCTIONAL, "use_input_stats", *_LAST[:2]),
    torch.batch_norm: (*_ATEN, "training", *_LAST),
    torch.instance_norm: (*_ATEN, "use_input_stats", *_LAST),
}


def running_buffers(traced: Traced, buffers: Iterable[str]) -> list[str]:
    """Names of the running statistics that the forward passes of `traced` read, and of their counters.

    Args:
        traced: of the model.
        buffers: names of all its buffers.
    """
    read = set()
    for labelled in traced.passes:
        values = labelled.capture.values
        for call in labelled.capture.functions:
            if call.name in _NAMES:
                given = (*call.args, *call.kwargs.values())
                read |= {values[ref.index].name for ref in given if isinstance(ref, Ref)}
    counters = {f"{name.rpartition('.')[0]}.num_batches_tracked".removeprefix(".") for name in read}
    return [name for name in buffers if name in read | counters]


class PlainAverage(TorchFunctionMode):
    """Lets norms take the statistics of every batch, and their buffers the plain average over the batches.

    The n-th update has momentum 1 / n: mean_n = (1 - 1/n) · mean_{n-1} + 1/n · batch mean, the cumulative
    average of torch.nn.BatchNorm2d(momentum=None). It works at the function calls, so that the class of a
    norm does not matter, and no other module leaves its eval mode.

    Attributes:
        counts: id of a running mean or variance -> how many updates it has had.
    """

    def __init__(self, buffers: Iterable[Tensor]) -> None:
        super().__init__()
        self.buffers = {id(buffer) for buffer in buffers}
        self.counts: dict[int, int] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        names = _ARGUMENTS.get(func)
        given = dict(zip(names or (), args, strict=False)) | (kwargs or {})
        statistics = [given.get("running_mean"), given.get("running_var")]
        if names is None or not all(id(tensor) in self.buffers for tensor in statistics):
            return func(*args, **(kwargs or {}))
        for tensor in statistics:
            count = self.counts[id(tensor)] = self.counts.get(id(tensor), 0) + 1
            if count == 1 and tensor is not None:
                tensor.zero_()  # 0 · NaN would stay NaN
        return func(**{**given, names[5]: True, "momentum": 1 / count})
