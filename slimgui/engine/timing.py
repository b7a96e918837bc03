"""Seconds of calls and of whole models, taken in turns: what else the machine does meets all alike."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from slimgui.engine.heap import as_in_other_programs
from slimgui.engine.inputs import Inputs, as_call, map_tensors
from slimgui.engine.op_calls import Ready
from slimgui.engine.structural import in_eval_mode
from slimgui.errors import SlimError

Run = Callable[[], object]
WARM = 2  # runs that do not count: the first ones of a shape choose kernels and take memory


@dataclass(frozen=True, slots=True)
class Clock:
    """How time is read.

    Attributes:
        now: seconds.
        settle: returns when everything that was asked of the device is done.
    """

    now: Callable[[], float]
    settle: Callable[[], None]

    def seconds(self, run: Run) -> float:
        """What one run takes."""
        self.settle()
        begun = self.now()
        run()
        self.settle()
        return self.now() - begun


def usable(device: str | torch.device) -> torch.device:
    """The device of that name.

    Raises:
        SlimError: this torch has no such device.
    """
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        why = str(error).strip().partition("\n")[0]
        what = f"Nothing can be measured on {str(device)!r}."
        raise SlimError(what, why, "Choose another device, for example cpu.") from None
    return torch.device(device)


def clock(device: torch.device) -> Clock:
    """The clock of a device: seconds on the wall.

    With a single thread on the CPU, it counts the seconds that this thread computes: the same on an idle
    machine, and on another one without the time in which somebody else's programs run.
    """
    if device.type == "cpu":
        return Clock(time.thread_time if torch.get_num_threads() == 1 else time.perf_counter, lambda: None)
    return Clock(time.perf_counter, torch.get_device_module(device).synchronize)


@contextmanager
def with_threads(number: int) -> Iterator[None]:
    """Compute with so many threads of the processor, then with as many as before; 0 changes nothing."""
    before = torch.get_num_threads()
    if number:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        if number:
            torch.set_num_threads(before)


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds of one forward pass.

    Attributes:
        median: of all runs.
        spread: half of what lies between the first and the last quarter of the runs.
        runs: how many there were.
    """

    median: float
    spread: float
    runs: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        """The middle of what was measured."""
        if len(seconds) < 2:
            return cls(seconds[0], 0.0, 1)
        first, median, last = statistics.quantiles(seconds, n=4, method="inclusive")
        return cls(median, (last - first) / 2, len(seconds))


def measure_latency(
    models: Sequence[nn.Module],
    inputs: Inputs,
    *,
    device: str | torch.device = "cpu",
    seconds: float = 3.0,
    least: int = 7,
    clock: Clock | None = None,
) -> tuple[Latency, ...]:
    """How long a forward pass of each model takes, all of them measured in turns.

    Args:
        models: in any mode, on any device; each is left bit-identical, and run in eval mode.
        inputs: what they are given; the batch size is theirs.
        device: "cpu", "cuda", "mps" or another one torch knows.
        seconds: to go on for at least, for all models together.
        least: runs of each model.
        clock: of the device by default.

    Raises:
        SlimError: this torch has no such device.
    """
    where = usable(device)
    clock = clock or _clock(where)
    args, kwargs = map_tensors(as_call(inputs), lambda tensor: tensor.to(where))
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(as_in_other_programs())
        runs = [stack.enter_context(_running(model, where)) for model in models]
        rows = in_turns([partial(run, *args, **kwargs) for run in runs], clock, seconds, least)
    return tuple(map(Latency.of, rows))


_clock = clock


@contextmanager
def _running(model: nn.Module, device: torch.device) -> Iterator[nn.Module]:
    """The model in eval mode on `device`: itself where it is there, else a copy."""
    tensors = (*model.parameters(), *model.buffers())
    there = all(tensor.device.type == device.type for tensor in tensors)
    with in_eval_mode(model):
        yield model if there else copy.deepcopy(model).to(device)


def in_turns(runs: Sequence[Run], clock: Clock, seconds: float, least: int) -> list[list[float]]:
    """Seconds of every run, run after run, until that took `seconds` and each ran `least` times."""
    for _ in range(WARM):
        for run in runs:
            run()
    rows: list[list[float]] = [[] for _ in runs]
    while len(rows[0]) < least or sum(map(sum, rows)) < seconds:
        for row, run in zip(rows, runs, strict=True):
            row.append(clock.seconds(run))
    return rows


def ops_in_turns(ops: Sequence[Ready], clock: Clock, rounds: int) -> list[float]:
    """Median seconds of every op, the clock's own time taken off.

    Between two runs of an op all others run: its weights have left the processor's caches, as they have in a
    forward pass; what the op before it would have written is read once, so that it is near.
    """
    own = statistics.median(clock.seconds(_nothing) for _ in range(99))
    rows: list[list[float]] = [[] for _ in ops]
    with as_in_other_programs():
        for _ in range(WARM + rounds):
            for row, op in zip(rows, ops, strict=True):
                _touch(op.fresh)
                row.append(clock.seconds(op.run))
    return [max(0.0, statistics.median(row[WARM:]) - own) for row in rows]


def _nothing() -> None:
    return None


def _touch(tensors: Sequence[Tensor]) -> None:
    for tensor in tensors:
        if tensor.device.type == "cpu" and tensor.is_floating_point():
            tensor.sum()
