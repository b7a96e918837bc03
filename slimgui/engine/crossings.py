"""Tensors that cross the border of a module: what its forward is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from slimgui.engine.inputs import tensors_in


@dataclass(frozen=True, slots=True)
class Crossing:
    """One border, one time; the same in every model of the same modules.

    Attributes:
        module: dotted path of the module, "" for the model itself.
        time: how often it was called before.
        entering: its forward begins; False: it is done.
        caller: path of the module whose forward calls it.
    """

    module: str
    time: int
    entering: bool
    caller: str


Report = Callable[[Crossing, list[Tensor]], None]
_Running = list[tuple[str, int]]  # path and time of every module whose forward runs, outermost first


@contextmanager
def watching(model: nn.Module, report: Report) -> Iterator[None]:
    """Within the block every call of a module of `model` is reported, in the order in which they happen.

    What `report` does with the tensors is seen by no torch-function mode. Hooks are added meanwhile, so
    `model` has to be the caller's own.
    """
    running: _Running = []
    times: dict[str, int] = {}
    handles = [
        register(hook, with_kwargs=True)
        for path, module in model.named_modules()
        if not isinstance(module, torch.jit.ScriptModule)
        for register, hook in (
            (module.register_forward_pre_hook, _entering(path, running, times, report)),
            (module.register_forward_hook, _leaving(path, running, report)),
        )
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _entering(path: str, running: _Running, times: dict[str, int], report: Report) -> Callable[..., None]:
    def hook(module: nn.Module, args: Any, kwargs: Any) -> None:
        time = times[path] = times.get(path, -1) + 1
        caller = running[-1][0] if running else ""
        running.append((path, time))
        with torch._C.DisableTorchFunction():
            report(Crossing(path, time, entering=True, caller=caller), list(tensors_in((args, kwargs))))

    return hook


def _leaving(path: str, running: _Running, report: Report) -> Callable[..., None]:
    def hook(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        while running[-1][0] != path:  # forward went on after an error in a module that it calls
            running.pop()
        _, time = running.pop()
        caller = running[-1][0] if running else ""
        with torch._C.DisableTorchFunction():
            report(Crossing(path, time, entering=False, caller=caller), list(tensors_in(output)))

    return hook
