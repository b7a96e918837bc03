"""Which inputs of a model have a batch, and the same inputs with another: for programs of any batch size."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn

from slimgui.engine.inputs import Inputs, as_call, map_tensors, tensors_in
from slimgui.engine.sides import outputs_of
from slimgui.engine.structural import cloned, copy_module

_OTHER: Final = (3, 1)  # batch sizes tried besides the example's; an odd one tells what a 2 does not


def batch_of(inputs: Inputs) -> int:
    """The size of the first dimension of the first input, 0 where it has none."""
    first = next(tensors_in(inputs), torch.tensor(0))
    return first.shape[0] if first.ndim else 0


def with_batch(inputs: Inputs, size: int) -> Inputs:
    """Inputs like these with `size` rows, no two alike."""
    batch = batch_of(inputs)

    def grown(tensor: Tensor) -> Tensor:
        if not _has_batch(tensor, batch):
            return tensor
        rows = [tensor[i % batch].roll(i, -1) if tensor.ndim > 1 else tensor[i % batch] for i in range(size)]
        return torch.stack(rows)

    changed: Inputs = map_tensors(inputs, grown)
    return changed


def any_batch(model: nn.Module, inputs: Inputs) -> tuple[Inputs, ...]:
    """Inputs of several batch sizes that `model` takes; () when its code takes none but the example's."""
    batch = batch_of(inputs)
    if not batch:
        return ()
    others = tuple(with_batch(inputs, size) for size in _OTHER)
    try:
        for other in others:
            outputs_of(copy_module(model, cloned), other, None)
    except Exception:  # noqa: BLE001 - the model's own code, in a call it may not be made for
        return ()
    return (inputs, *others)


def batch_shapes(inputs: Inputs) -> Any:
    """What `torch.export` is told: a batch of any size in front of every input that has the example's."""
    batch, size = torch.export.Dim("batch"), batch_of(inputs)

    def shapes(value: Any) -> Any:
        if isinstance(value, Tensor):
            return {0: batch} if _has_batch(value, size) else None
        if isinstance(value, dict):
            return {key: shapes(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(shapes(item) for item in value)
        return None

    args, kwargs = as_call(inputs)
    return shapes(kwargs) if kwargs else shapes(args)


def _has_batch(tensor: Tensor, batch: int) -> bool:
    return tensor.ndim > 0 and tensor.shape[0] == batch


def exportable(model: nn.Module) -> nn.Module:
    """A copy in eval mode on the CPU, for exporting leaves traces in a module.

    It returns dicts and tuples in place of objects of other classes, which are not where the program runs.
    """
    copy = copy_module(model, cloned).cpu().eval()
    copy.register_forward_hook(lambda _module, _args, output: _plain(output))
    return copy


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value)) if type(value) in (list, tuple) else tuple(map(_plain, value))
    if isinstance(value, Tensor) or not hasattr(value, "__dict__"):
        return value
    return {key: _plain(item) for key, item in vars(value).items()}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """The exporters warn and log much that no user of SlimGUI can act on; what they raise is told."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def first_line(error: BaseException) -> str:
    """What an exporter says, as the part of a sentence."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return text[:200].rstrip(".")
