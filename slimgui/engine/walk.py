"""A model on batches, as far as one consumer and then on to the next: passes that wait inside their forward.

Weights change one consumer after the other, and what the next one reads depends on all changes before it.
To run all batches anew for every consumer would cost the square of the depth. So the pass of every batch
waits at the consumer, inside the model's forward, and goes on from there with the changed weight: each is a
thread of its own, and only one of them runs at a time. What waits holds the tensors that its pass still
needs; where these would not fit into memory, passes end at the consumer and start again for the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from threading import Semaphore, Thread
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from slimgui.engine.consumers import Consumer
from slimgui.engine.inputs import Inputs, as_call, tensors_in
from slimgui.engine.memory import available, device_of
from slimgui.engine.pair import Pair
from slimgui.engine.products import OPERANDS, Product, product, storage_of
from slimgui.engine.structural import copy_module, named_tensors
from slimgui.engine.trace import Traced

ROWS: Final = 4096  # read of one call: neighbouring positions of an image say much the same
SHARE: Final = 4  # the part of the free memory that waiting passes may hold is one in so many
MOST: Final = 256  # passes that wait: each is a thread


class Enough(BaseException):
    """Everything that was waited for has happened; no `except Exception` of a model may catch it."""


class Walk:
    """One model on all batches.

    Args:
        model: in eval mode; its weights may change while passes wait.
        consumers: every consumer that will be asked for.
        batches: read once, or once per consumer where passes do not wait.
        waits: whether passes wait.
    """

    def __init__(
        self, model: nn.Module, consumers: Sequence[Consumer], batches: Sequence[Inputs], *, waits: bool
    ) -> None:
        self.batches, self._model, self._waits = batches, model, waits
        tensors = named_tensors(model)
        self._memory = {consumer.weight: storage_of(tensors[consumer.weight]) for consumer in consumers}
        self._waiting: dict[int, _Pass] = {}

    def products(self, consumer: Consumer, number: int) -> dict[int, Product]:
        """Every contraction of a consumer on one batch, by its number, with the weights as they are now.

        Of a weight that is used more than once, what happened since the first use is out of date when it
        changes: no pass waits there.
        """
        if not self._waits or len(consumer.calls) > 1:
            self.close()
            found = self._started(number)
            try:
                return found.reach(self._memory[consumer.weight], consumer.calls) or {}
            finally:
                found.close()
        for again in (number not in self._waiting, True):
            if again:
                self._drop(number)
                self._waiting[number] = self._started(number)
            made = self._waiting[number].reach(self._memory[consumer.weight], consumer.calls)
            if made is not None:  # else the pass had gone by already
                return made
        return {}

    def _started(self, number: int) -> _Pass:
        return _Pass(self._model, self.batches[number], frozenset(self._memory.values()))

    def _drop(self, number: int) -> None:
        if number in self._waiting:
            self._waiting.pop(number).close()

    def close(self) -> None:
        """End every pass that waits."""
        for number in list(self._waiting):
            self._drop(number)


@dataclass(frozen=True, slots=True, eq=False)
class Walks:
    """The whole model and the smaller one, on the same batches."""

    whole: Walk
    small: Walk


@contextmanager
def walking(
    pair: Pair, consumers: Sequence[Consumer], batches: Sequence[Inputs], *, waits: bool
) -> Iterator[Walks]:
    """Both models on all batches; at the end no pass waits any more."""
    walks = Walks(*(Walk(model, consumers, batches, waits=waits) for model in (pair.whole, pair.small)))
    try:
        yield walks
    finally:
        walks.whole.close()
        walks.small.close()


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """One contraction: what was called, and where the weight stands among the arguments."""

    func: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    weight: int
    out: Tensor

    def product(self) -> Product:
        return product(self.func, self.args, self.kwargs, self.out, self.weight)


class _Pass:
    """The forward pass of one batch, in a thread of its own."""

    def __init__(self, model: nn.Module, batch: Inputs, weights: frozenset[int]) -> None:
        # modules of its own, for what forward leaves in their attributes; the same tensors
        self._model, self._batch = copy_module(model, lambda tensor: tensor), batch
        self.weights = weights
        self.memory, self.calls = 0, tuple[int, ...]()
        self.made: dict[int, _Made] = {}
        self._turn, self._back = Semaphore(0), Semaphore(0)
        self._closed = self._ended = False
        self._failure: BaseException | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def reach(self, memory: int, calls: tuple[int, ...]) -> dict[int, Product] | None:
        """Go on to the last of these contractions by the weight of that memory; None when it never comes."""
        if self._ended:
            return None
        self.memory, self.calls = memory, calls
        self._turn.release()
        self._back.acquire()
        if self._failure is not None:
            raise self._failure
        return None if self._ended else {number: made.product() for number, made in self.made.items()}

    def close(self) -> None:
        """End it where it waits."""
        self._closed = True
        self._turn.release()
        self._thread.join()

    def wait(self) -> None:
        """Called inside the pass: let the other side run until it wants more."""
        self._back.release()
        self._turn.acquire()
        if self._closed:
            raise Enough

    def _run(self) -> None:
        self._turn.acquire()
        args, kwargs = as_call(self._batch)
        try:
            if not self._closed:
                with torch.no_grad(), _Watch(self):
                    self._model(*args, **kwargs)
        except Enough:
            pass
        except BaseException as failure:  # noqa: BLE001 - a model may raise anything; the other side does
            self._failure = failure
        self._ended = True
        self._back.release()


class _Watch(TorchDispatchMode):
    """Counts the contractions by every weight, and waits at those that are wanted."""

    def __init__(self, own: _Pass) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._pass, self._counts = own, dict.fromkeys(own.weights, 0)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for _, weight in OPERANDS.get(func.overloadpacket, ()):
            memory = storage_of(args[weight])
            if memory in self._counts:
                number = self._counts[memory]
                self._counts[memory] += 1
                return self._shown(_Made(func, args, kwargs or {}, weight, out), memory, number)
        return out

    def _shown(self, made: _Made, memory: int, number: int) -> Tensor:
        """Wait while this is what is wanted; the result, by the weight as it is then."""
        own = self._pass
        while memory == own.memory and number in own.calls:
            own.made[number] = made
            if len(own.made) < len(own.calls):
                break
            own.wait()
            own.made.clear()
            out = made.func(*made.args, **made.kwargs)
            made = _Made(made.func, made.args, made.kwargs, made.weight, out)
        return made.out


def fits(traced: Traced, model: nn.Module, batches: Sequence[Inputs]) -> bool:
    """Whether passes of the whole model and of a smaller one on all batches may wait side by side."""
    free = available(device_of(model))
    one = sum(tensor.numel() for tensor in tensors_in(traced.inputs))
    given = sum(tensor.numel() for tensor in tensors_in(batches[0])) if len(batches) else 0
    held = 2 * len(batches) * _held(traced) * given / max(one, 1)
    return len(batches) <= MOST and (free is None or held <= free / SHARE)


def _held(traced: Traced) -> int:
    """Bytes that the traced pass holds at its fullest, each memory from its first call to its last."""
    capture = traced.passes[0].capture
    tensors = [value.tensor for value in capture.values]
    weights = {storage_of(value.tensor) for value in capture.values if value.name}
    spans: dict[int, tuple[int, int, int]] = {}
    for time, call in enumerate(capture.calls):
        for index in (*call.operands, *(output for output in call.outputs if output is not None)):
            memory, size = storage_of(tensors[index]), tensors[index].untyped_storage().nbytes()
            if memory not in weights:
                spans[memory] = (spans.get(memory, (time,))[0], time, size)
    changes = [0] * (len(capture.calls) + 1)
    for first, last, size in spans.values():
        changes[first] += size
        changes[last + 1] -= size
    return max(accumulate(changes), default=0)


def chosen(count: int, seed: int) -> Tensor:
    """Numbers of at most ROWS of `count` rows, the same for the same seed."""
    if count <= ROWS:
        return torch.arange(count)
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))[:ROWS]
