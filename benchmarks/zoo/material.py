"""What every library needs: building fast, drawing weights until the outputs say something."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks import judge

HUGE = 150_000_000  # parameters; from here on in float32
SCALES = (1.0, 0.7, 1.4, 0.5, 2.0, 0.3)

Inputs = Callable[[int, torch.dtype], Any]  # (batch size, number type) -> arguments of a call


def _untouched(tensor: Tensor, *_: Any, **__: Any) -> Tensor:
    return tensor


@contextmanager
def no_init() -> Iterator[None]:
    """Weights are drawn anew anyway."""
    patches = [
        patch.object(nn.init, name, _untouched)
        for name in dir(nn.init)
        if name.endswith("_") and not name.startswith("_")
    ]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


def weightless(build: Callable[[], nn.Module]) -> nn.Module:
    """The model on the meta device; where its constructor reads numbers, on the CPU with none drawn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with torch.device("meta"):
                return build()
        except Exception:  # noqa: BLE001 - what reading a number of meta raises, the constructor may wrap
            with no_init():
                return build()


def noise(seed: int, dtype: torch.dtype) -> Callable[..., Tensor]:
    """A function of a shape that draws one tensor after the other."""
    draw = torch.Generator().manual_seed(seed)
    return lambda *shape: torch.randn(shape, generator=draw).to(dtype)


def subject(
    model: nn.Module,
    inputs: Inputs,
    row: judge.Row,
    *,
    batches: Sequence[int] = (2, 3),
    scales: Sequence[float] = SCALES,
    free: bool = False,
    alive: Callable[[list[Tensor]], bool] = judge.is_lively,
) -> judge.Subject | None:
    """The model in float64 where it can be, alive, with its calls; None when it stays dull.

    Args:
        model: with weights that mean nothing.
        inputs: arguments of a call.
        row: its `precision` is filled in.
        batches: the batch size of the trace, then another one.
        scales: of weights, in the order in which they are tried.
        free: whether the number of results may depend on the values.
        alive: whether outputs say something.
    """
    dtype = torch.float64 if sum(p.numel() for p in model.parameters()) < HUGE else torch.float32
    if not _runs(model.to(dtype), inputs(1, dtype)):  # some make float32 tensors as they go
        dtype = torch.float32
        model.to(dtype)
    calls = [inputs(batch, dtype) for batch in (batches if dtype == torch.float64 else (batches[0], 1))]
    if not judge.enliven(model, calls[-1], scales, alive):
        return None
    with Coarsest() as seen:
        judge.run(model, calls[0])
    row.precision, tolerance = PRECISIONS[dtype, seen.single]
    return judge.Subject(model, [judge.Part(model, calls[0])], calls, tolerance, free)


# Number type of the weights, whether float32 is made from them -> its name in the table, and the tolerance.
PRECISIONS = {
    (torch.float64, False): ("f64", 1e-9),
    (torch.float64, True): ("mix", 1e-5),
    (torch.float32, True): ("f32", 1e-4),
    (torch.float32, False): ("f32", 1e-4),
}


class Coarsest(TorchDispatchMode):
    """Notices float32 in the forward pass of a float64 model: some code asks for it, and rounds."""

    def __init__(self) -> None:
        super().__init__()
        self.single = False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **kwargs or {})
        if func is torch.ops.aten._to_copy.default and args[0].dtype == torch.float64:
            self.single |= result.dtype == torch.float32
        return result


def _runs(model: nn.Module, call: Any) -> bool:
    try:
        judge.run(model, call)
    except RuntimeError:
        return False
    return True


def judged(found: judge.Subject | None, seed: int, row: judge.Row) -> judge.Row:
    """The row of a subject; nothing can be said of one that stays dull."""
    if found is None:
        row.verdict, row.detail = "dull", "no scale of weights gave a finite, varying output"
        return row
    return judge.judge(found, seed, row)
