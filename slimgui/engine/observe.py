"""A running model -> the contractions by its weights, as they happen, and no further than those."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from slimgui.engine.consumers import Consumer
from slimgui.engine.inputs import Inputs, as_call
from slimgui.engine.products import OPERANDS, Product, product, storage_of
from slimgui.engine.structural import named_tensors

Report = Callable[[Consumer, int, Product], None]
ROWS = 4096  # read of one call: neighbouring positions of an image say much the same


class Enough(BaseException):
    """Everything that was waited for has happened; no `except Exception` of a model may catch it."""


@dataclass(slots=True, eq=False)
class _Awaited:
    """The consumers that one weight has, and how many contractions by it there were."""

    consumers: list[Consumer]
    number: int = 0


class Observer(TorchDispatchMode):
    """Reports every contraction of some consumers, with its number; after the last of them the pass ends."""

    def __init__(self, model: nn.Module, consumers: Iterable[Consumer], report: Report) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.awaited: dict[int, _Awaited] = {}
        self.report, self.left, tensors = report, 0, named_tensors(model)
        for consumer in consumers:
            memory = storage_of(tensors[consumer.weight])
            self.awaited.setdefault(memory, _Awaited([])).consumers.append(consumer)
            self.left += len(consumer.calls)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for _, weight in OPERANDS.get(func.overloadpacket, ()):
            awaited = self.awaited.get(storage_of(args[weight]))
            if awaited is None:
                continue
            for consumer in awaited.consumers:
                if awaited.number in consumer.calls:
                    made = product(func, args, kwargs or {}, out, weight)
                    self.report(consumer, awaited.number, made)
                    self.left -= 1
            awaited.number += 1
            if not self.left:
                raise Enough
            break
        return out


def observe(model: nn.Module, consumers: Iterable[Consumer], inputs: Inputs, report: Report) -> None:
    """Run `model` until the last contraction of `consumers`; `report` is given each."""
    args, kwargs = as_call(inputs)
    try:
        with Observer(model, consumers, report):
            model(*args, **kwargs)
    except Enough:
        pass


def chosen(count: int, seed: int) -> Tensor:
    """Numbers of at most ROWS of `count` rows, the same for the same seed."""
    if count <= ROWS:
        return torch.arange(count)
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))[:ROWS]
