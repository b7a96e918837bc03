"""One forward pass on meta tensors -> the list of ATen calls, with module path and source line.

Real until it meets a weight: the inputs and integer buffers keep their values, so that masks, positions
and python branches on them work; the first op that mixes them with a weight turns the rest to meta, and
nothing heavy is computed.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from slimgui.core.graph import ValueKind
from slimgui.engine.structural import copy_module, on_meta
from slimgui.errors import TraceError
from slimgui import runtime
from slimgui.runtime import READS, can_open, opened, site_of

Inputs = Tensor | tuple[Any, ...] | dict[str, Any]

_OURS = (f"{Path(torch.__file__).parent}/", f"{Path(__file__).parent}/", runtime.__file__, "<")


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
class Function:
    """One call as the code makes it (torch.split, x.view, x[...]), which may run several ATen ops.

    Attributes:
        number: position in the order in which the calls begin.
        name: "view", "__getitem__", "scaled_dot_product_attention".
        site: place of the call in the code, see `slimgui.runtime.site_of`.
        time: how often the module's forward has come by there before.
        module: dotted path of the module whose forward makes it.
        args: as given; tensors are Refs.
        outputs: indices of the resulting values.
        is_open: its inner calls are recorded too.
    """

    number: int
    name: str
    site: str
    time: int
    module: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: tuple[int, ...]
    is_open: bool


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """The recorded forward pass. `modules` maps dotted paths to classes."""

    values: list[Recorded]
    calls: list[Call]
    functions: list[Function]
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


Arguments = tuple[tuple[Any, ...], dict[str, Any]]
# Given the number of a function call, its name, site and module, and the arguments: those to use instead.
Revise = Callable[[int, str, str, str, tuple[Any, ...], dict[str, Any]], Arguments]


def capture(
    model: nn.Module, inputs: Inputs, *, training: bool = False, revise: Revise | None = None
) -> Capture:
    """Record one forward pass of a structural copy of `model`; `model` is untouched.

    Args:
        model: any module, in any mode; only shapes of its floating-point tensors are used.
        inputs: example inputs; they are read, never written.
        training: record what runs in train mode instead of eval mode.
        revise: may change the arguments of a function call before it is made.

    Raises:
        TraceError: forward raised; names the module and the line.
    """
    twin = copy_module(model, on_meta).train(training)
    recorder = _Recorder(twin)
    args, kwargs = as_call(inputs)
    args, kwargs = _detached(args), _detached(kwargs)
    given = tuple(recorder.add(tensor, "input") for tensor in tensors_in((args, kwargs)))
    functions = _Functions(recorder, revise)
    with _quiet(), recorder.following(), recorder, functions:
        try:
            result = twin(*args, **kwargs)
        except Exception as error:
            raise _trace_error(error, recorder) from error
    outputs = tuple(
        recorder.index_of[id(tensor)] for tensor in tensors_in(result) if id(tensor) in recorder.index_of
    )
    modules = {name: type(module) for name, module in twin.named_modules()}
    return Capture(recorder.values, recorder.calls, functions.made, given, outputs, modules)


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
        self.twins: list[Tensor] = []  # kept alive, so that their ids stay their own
        self.storages: dict[int, list[int]] = {}
        self.stack: list[str] = []
        self.visits: list[int] = []  # number of each module call on the stack
        self.visited = 0
        self.doing = ("", "")  # op and line at hand, for the sentence when it raises
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
        self.doing = (str(func), _source())
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
        referred, named = self.refer(args), self.refer(kwargs)
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

    def together(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        """Arguments on one device: some functions ask before any op mixes them."""
        devices = {tensor.is_meta for tensor in tensors_in((args, kwargs), depth=4)}
        if len(devices) < 2:
            return args, kwargs
        return self._floats_to_meta(args), self._floats_to_meta(kwargs)

    def _floats_to_meta(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            if value.is_meta or not value.is_floating_point():
                return value
            with _disable_current_modes():
                twin = value.to("meta")
            self.index_of[id(twin)] = self.refer(value).index
            self.twins.append(twin)
            return twin
        if isinstance(value, (list, tuple)):
            items = [self._floats_to_meta(item) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        if isinstance(value, dict):
            return {key: self._floats_to_meta(item) for key, item in value.items()}
        return value

    def refer(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            index = self.index_of.get(id(value))
            return Ref(self.add(value, "constant") if index is None else index)
        if isinstance(value, (list, tuple)):
            return tuple(self.refer(item) for item in value)
        if isinstance(value, dict):
            return {key: self.refer(item) for key, item in value.items()}
        return value


class _Functions(TorchFunctionMode):
    """Writes down the calls as the code makes them, and lets `revise` change their arguments."""

    def __init__(self, recorder: _Recorder, revise: Revise | None) -> None:
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
        recorder.doing = (name, _source())
        if self.revise is not None:
            args, kwargs = self.revise(number, name, site, module, args, kwargs)
        args, kwargs = recorder.together(args, kwargs)
        given, named = recorder.refer(args), recorder.refer(kwargs)
        if is_open := can_open(func):
            with self:
                result = opened(func)(*args, **kwargs)
        else:
            result = func(*args, **kwargs)
        known = recorder.index_of
        outputs = tuple(known[id(tensor)] for tensor in tensors_in(result, 3) if id(tensor) in known)
        self.made.append(Function(number, name, site, time, module, given, named, outputs, is_open))
        return result


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
    place = " · ".join(part for part in (recorder.doing[0], where, recorder.doing[1]) if part)
    first_line = str(error).strip().partition("\n")[0] or type(error).__name__
    return TraceError(
        f"The model could not be followed ({place or 'before its first op'}).",
        f"{type(error).__name__}: {first_line}",
        "Check that the input shape is the one the model was made for.",
    )
