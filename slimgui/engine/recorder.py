"""The modes that write down a forward pass while it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from slimgui import runtime
from slimgui.core.graph import ValueKind
from slimgui.engine import meta
from slimgui.engine.inputs import map_tensors, tensors_in
from slimgui.engine.recording import Call, Function, Recorded, Ref
from slimgui.engine.structural import ATOMIC
from slimgui.runtime import READS, can_open, opened, site_of

_OURS = (f"{Path(torch.__file__).parent}/", f"{Path(__file__).parent}/", runtime.__file__, "<")

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
# Given the number of a function call, its name, site and module, and the arguments: those to use instead.
Revise = Callable[[int, str, str, str, tuple[Any, ...], dict[str, Any]], Arguments]


class Recorder(TorchDispatchMode):
    """Writes down every call that reaches ATen."""

    def __init__(self, twin: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.values: list[Recorded] = []
        self.calls: list[Call] = []
        self.index_of: dict[int, int] = {}
        self.twins: list[Tensor] = []  # kept alive, so that their ids stay their own
        self.storages: dict[int, list[int]] = {}
        self.stack: list[str] = []
        self.visits: list[int] = []  # number of each module call on the stack
        self.visited = 0
        self.function = -1  # number of the function call at hand
        self.doing: tuple[object, str] = ("", "")  # op and line at hand, for the sentence when it raises
        modules = dict(twin.named_modules())
        self.path_of = {id(module): name for name, module in modules.items()}
        self.modules = {name: type(module) for name, module in modules.items()}
        for name, parameter in twin.named_parameters():
            self.add(parameter, "parameter", name)
        for name, buffer in twin.named_buffers():
            self.add(buffer, "buffer", name)

    def add(self, tensor: Tensor, kind: ValueKind, name: str = "") -> int:
        index = len(self.values)
        self.values.append(Recorded(tensor, kind, tuple(tensor.shape), name))
        self.index_of[id(tensor)] = index
        self.storages.setdefault(_storage(tensor), []).append(index)
        return index

    @contextmanager
    def following(self) -> Iterator[None]:
        """Keep `stack` at the path of the module whose forward is running."""

        def enter(module: nn.Module, args: Any) -> None:
            self.stack.append(self.path_of.get(id(module), self.stack[-1] if self.stack else ""))
            self.visited += 1
            self.visits.append(self.visited)

        def leave(module: nn.Module, args: Any, output: Any) -> None:
            self.stack.pop()
            self.visits.pop()

        handles = (register_module_forward_pre_hook(enter), register_module_forward_hook(leave))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        self.doing = (func, source_line())
        renamed = func is torch.ops.aten.as_strided_.default and _keeps_places(*args, **kwargs)
        devices = {tensor.is_meta for tensor in tensors_in((args, kwargs), depth=3)}
        if True in devices:
            result = meta.run(func, map_tensors(args, _to_meta), map_tensors(kwargs, _to_meta))
        else:
            if str(kwargs.get("device")) == "meta":
                kwargs["device"] = torch.device("cpu")
            result = func(*args, **kwargs)
        if renamed:
            self._record(torch.ops.aten.alias.default, args[:1], {}, result)
        else:
            self._record(func, args, kwargs, result)
        return result

    def _record(self, func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        referred, named = self.refer(args), self.refer(kwargs)
        shares = tuple(
            index
            for tensor in (_written(func, args, kwargs) if func._schema.is_mutable else ())
            for index in self.storages.get(_storage(tensor), ())
            if self.values[index].tensor is not tensor
        )
        results = result if isinstance(result, (tuple, list)) else (result,)
        outputs = tuple(self.add(r, "activation") if isinstance(r, Tensor) else None for r in results)
        module = self.stack[-1] if self.stack else ""
        self.calls.append(Call(func, referred, named, outputs, module, self.doing[1], shares, self.function))

    def together(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        """Arguments on one device: some functions ask before any op mixes them; what is one stays one."""
        devices = {tensor.is_meta for tensor in tensors_in((args, kwargs), depth=4)}
        if len(devices) < 2:
            return args, kwargs
        twins: dict[int, Tensor] = {}

        def to_meta(tensor: Tensor) -> Tensor:
            if tensor.is_meta or not tensor.is_floating_point():
                return tensor
            if id(tensor) not in twins:
                twins[id(tensor)] = self._on_meta(tensor)
            return twins[id(tensor)]

        return map_tensors(args, to_meta), map_tensors(kwargs, to_meta)

    def _on_meta(self, tensor: Tensor) -> Tensor:
        with _disable_current_modes():
            twin = tensor.to("meta")
        self.index_of[id(twin)] = self.refer(tensor).index
        self.twins.append(twin)
        return twin

    def refer(self, value: Any) -> Any:
        if type(value) in ATOMIC:
            return value
        if isinstance(value, Tensor):
            index = self.index_of.get(id(value))
            return Ref(self.add(value, "constant") if index is None else index)
        if isinstance(value, (list, tuple)):
            return tuple(self.refer(item) for item in value)
        if isinstance(value, dict):
            return {key: self.refer(item) for key, item in value.items()}
        return value


class Functions(TorchFunctionMode):
    """Writes down the calls as the code makes them, and lets `revise` change their arguments."""

    def __init__(self, recorder: Recorder, revise: Revise | None) -> None:
        super().__init__()
        self.recorder, self.revise = recorder, revise
        self.made: list[Function] = []
        self.number = 0
        self.times: dict[tuple[int, str], int] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", str(func))
        if name in READS:
            return func(*args, **kwargs)
        recorder, number, site = self.recorder, self.number, site_of(sys._getframe(1))
        module = recorder.stack[-1] if recorder.stack else ""
        self.number += 1
        visit = (recorder.visits[-1] if recorder.visits else 0, site)
        time = self.times[visit] = self.times.get(visit, -1) + 1
        recorder.doing = (name, source_line())
        if self.revise is not None:
            args, kwargs = self.revise(number, name, site, module, args, kwargs)
        args, kwargs = recorder.together(args, kwargs)
        given, named = recorder.refer(args), recorder.refer(kwargs)
        around, recorder.function = recorder.function, number
        if is_open := can_open(func):
            with self:
                result = opened(func)(*args, **kwargs)
        else:
            result = func(*args, **kwargs)
        recorder.function = around
        known = recorder.index_of
        outputs = tuple(known[id(tensor)] for tensor in tensors_in(result, 3) if id(tensor) in known)
        self.made.append(Function(number, name, site, time, module, given, named, outputs, is_open, func))
        return result


def _keeps_places(tensor: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> bool:
    """Whether as_strided leaves every element where it is: that of a single point means nothing."""
    return (
        tuple(tensor.shape) == tuple(size)
        and storage_offset in (None, tensor.storage_offset())
        and all(had == has or n == 1 for had, has, n in zip(tensor.stride(), stride, size, strict=True))
    )


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _written(func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    """The arguments that `func` writes to, by its schema."""
    written: list[Tensor] = []
    for position, argument in enumerate(func._schema.arguments):
        if argument.alias_info is None or not argument.alias_info.is_write:
            continue
        value = args[position] if position < len(args) else kwargs.get(argument.name)
        written.extend(tensors_in(value, depth=2))
    return written


def source_line() -> str:
    """The innermost line that belongs neither to torch nor to SlimGUI, as "file.py:123"."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = _shown_name(frame.f_code.co_filename)
        if name:
            return f"{name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


@cache
def _shown_name(path: str) -> str:
    """Name of a file of the user's; "" for those of torch and SlimGUI."""
    return "" if path.startswith(_OURS) else path.rpartition("/")[2]


def _to_meta(tensor: Tensor) -> Tensor:
    return tensor if tensor.is_meta else tensor.to("meta")
