"""One forward pass on meta tensors -> the list of ATen calls, with module path and source line.

Real until it meets a weight: the inputs and integer buffers keep their values, so that masks, positions
and python branches on them work; the first op that mixes them with a weight turns the rest to meta, and
nothing heavy is computed.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.utils._python_dispatch import TorchDispatchMode

from slimgui.core.graph import ValueKind
from slimgui.engine.structural import copy_module, on_meta
from slimgui.errors import TraceError

Inputs = Tensor | tuple[Any, ...] | dict[str, Any]

_OURS = (f"{Path(torch.__file__).parent}/", f"{Path(__file__).parent}/", "<")


@dataclass(frozen=True, slots=True)
class Ref:
    """Stands in a call's arguments for a tensor: an index into Capture.values."""

    index: int


@dataclass(slots=True, eq=False)
class Recorded:
    """A tensor of the forward pass; it is kept alive so that its id stays its own."""

    tensor: Tensor
    kind: ValueKind
    name: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One ATen call; tensors in `args` and `kwargs` are Refs.

    Attributes:
        outputs: one index into Capture.values per result, None for a result that is no tensor.
        stack: dotted paths of the modules it ran in, outermost first, with the number of each call.
        shares: other values that see the memory this call writes to.
    """

    func: OpOverload
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: tuple[int | None, ...]
    module: str
    source: str
    shares: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        return str(self.func)

    def operands(self) -> Iterator[int]:
        """Indices of every tensor among the arguments."""
        yield from _refs(self.args)
        yield from _refs(tuple(self.kwargs.values()))


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """The recorded forward pass. `modules` maps dotted paths to classes."""

    values: list[Recorded]
    calls: list[Call]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    modules: dict[str, type[nn.Module]]


def as_call(inputs: Inputs) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """`inputs` as (args, kwargs): a tensor, a tuple of args, or a dict of kwargs."""
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    if isinstance(inputs, Tensor):
        return (inputs,), {}
    return tuple(inputs), {}


def tensors_in(value: Any, depth: int = 8) -> Iterator[Tensor]:
    """Every tensor in nested tuples, lists, dicts, dataclasses and plain objects, in order."""
    if isinstance(value, Tensor):
        yield value
    elif depth == 0 or value is None or isinstance(value, (int, float, str, bytes, nn.Module)):
        return
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item, depth - 1)
    elif isinstance(value, Sequence):
        for item in value:
            yield from tensors_in(item, depth - 1)
    elif dataclasses.is_dataclass(value) or hasattr(value, "__dict__"):
        yield from tensors_in(vars(value), depth - 1)


def capture(model: nn.Module, inputs: Inputs, *, training: bool = False) -> Capture:
    """Record one forward pass of a structural copy of `model`; `model` is untouched.

    Args:
        model: any module, in any mode; only shapes of its floating-point tensors are used.
        inputs: example inputs; they are read, never written.
        training: record what runs in train mode instead of eval mode.

    Raises:
        TraceError: forward raised; names the module and the line.
    """
    twin = copy_module(model, on_meta).train(training)
    recorder = _Recorder(twin)
    args, kwargs = as_call(inputs)
    args, kwargs = _detached(args), _detached(kwargs)
    given = tuple(recorder.add(tensor, "input") for tensor in tensors_in((args, kwargs)))
    with _quiet(), recorder.following(), recorder:
        try:
            result = twin(*args, **kwargs)
        except Exception as error:
            raise _trace_error(error, recorder) from error
    outputs = tuple(
        recorder.index_of[id(tensor)] for tensor in tensors_in(result) if id(tensor) in recorder.index_of
    )
    modules = {name: type(module) for name, module in twin.named_modules()}
    return Capture(recorder.values, recorder.calls, given, outputs, modules)


def _detached(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _detached(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_detached(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


@contextmanager
def _quiet() -> Iterator[None]:
    """No gradients, attention as plain matrix products, the caller's random state kept."""
    fast = torch.backends.mha.get_fastpath_enabled()
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        stack.enter_context(torch.random.fork_rng(devices=[]))
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)


class _Recorder(TorchDispatchMode):
    """Writes down every call that reaches ATen."""

    def __init__(self, twin: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.values: list[Recorded] = []
        self.calls: list[Call] = []
        self.index_of: dict[int, int] = {}
        self.storages: dict[int, list[int]] = {}
        self.stack: list[str] = []
        self.path_of = {id(module): name for name, module in twin.named_modules()}
        for name, parameter in twin.named_parameters():
            self.add(parameter, "parameter", name)
        for name, buffer in twin.named_buffers():
            self.add(buffer, "buffer", name)

    def add(self, tensor: Tensor, kind: ValueKind, name: str = "") -> int:
        index = len(self.values)
        self.values.append(Recorded(tensor, kind, name))
        self.index_of[id(tensor)] = index
        self.storages.setdefault(_storage(tensor), []).append(index)
        return index

    @contextmanager
    def following(self) -> Iterator[None]:
        """Keep `stack` at the path of the module whose forward is running."""

        def enter(module: nn.Module, args: Any) -> None:
            self.stack.append(self.path_of.get(id(module), self.stack[-1] if self.stack else ""))

        def leave(module: nn.Module, args: Any, output: Any) -> None:
            self.stack.pop()

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
        mixed = {tensor.is_meta for tensor in tensors_in((args, kwargs), depth=3)}
        if True in mixed:
            result = func(*_to_meta(args), **_to_meta(kwargs))
        else:
            if kwargs.get("device") is not None and torch.device(kwargs["device"]).type == "meta":
                kwargs["device"] = torch.device("cpu")
            result = func(*args, **kwargs)
        self._record(func, args, kwargs, result)
        return result

    def _record(self, func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        referred, named = self._refer(args), self._refer(kwargs)
        written = _written(func, args, kwargs)
        shares = tuple(
            index
            for tensor in written
            for index in self.storages.get(_storage(tensor), ())
            if self.values[index].tensor is not tensor
        )
        results = result if isinstance(result, (tuple, list)) else (result,)
        outputs = tuple(self.add(r, "activation") if isinstance(r, Tensor) else None for r in results)
        module = self.stack[-1] if self.stack else ""
        self.calls.append(Call(func, referred, named, outputs, module, _source(), shares))

    def _refer(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            index = self.index_of.get(id(value))
            return Ref(self.add(value, "constant") if index is None else index)
        if isinstance(value, (list, tuple)):
            return tuple(self._refer(item) for item in value)
        if isinstance(value, dict):
            return {key: self._refer(item) for key, item in value.items()}
        return value


def _refs(values: tuple[Any, ...]) -> Iterator[int]:
    for value in values:
        if isinstance(value, Ref):
            yield value.index
        elif isinstance(value, tuple):
            yield from _refs(value)


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _to_meta(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value if value.is_meta else value.to("meta")
    if isinstance(value, (list, tuple)):
        return type(value)(_to_meta(item) for item in value)
    if isinstance(value, dict):
        return {key: _to_meta(item) for key, item in value.items()}
    return value


def _written(func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    """The arguments that `func` writes to, by its schema."""
    written: list[Tensor] = []
    for position, argument in enumerate(func._schema.arguments):
        if argument.alias_info is None or not argument.alias_info.is_write:
            continue
        value = args[position] if position < len(args) else kwargs.get(argument.name)
        written.extend(tensors_in(value, depth=2))
    return written


def _source() -> str:
    """The innermost line that belongs neither to torch nor to SlimGUI, as "file.py:123"."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        path = frame.f_code.co_filename
        if not path.startswith(_OURS):
            return f"{path.rpartition('/')[2]}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def _trace_error(error: Exception, recorder: _Recorder) -> TraceError:
    where = recorder.stack[-1] if recorder.stack else ""
    last = recorder.calls[-1].source if recorder.calls else ""
    place = " in " + repr(where) if where else ""
    near = f", after {last}" if last else ""
    first_line = str(error).strip().partition("\n")[0] or type(error).__name__
    return TraceError(
        f"The model could not be followed{place}{near}.",
        f"{type(error).__name__}: {first_line}",
        "Check that the input shape is the one the model was made for.",
    )
