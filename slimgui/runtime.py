"""Corrections that a deployed model carries: a few arguments of a few calls, changed as they are made.

Sizes that stand in forward code (`x.view(B, 8, 64)`) are stale once channels are gone. The forward of a
module with such calls runs under a torch-function mode that replaces exactly the stale arguments, found
by the place of the call in the code. It rewrites nothing: branches, dropout, other batch sizes and other
image sizes work as before. Depends on torch alone, and is all of SlimGUI that a deployed model needs.
"""

from __future__ import annotations

import functools
import inspect
import pathlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any, Literal, Self

import torch
import torch.utils.checkpoint
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_MODULE_CALL = nn.Module._call_impl.__code__.co_filename
_CHECKPOINT = torch.utils.checkpoint.__file__
_HERE = pathlib.Path(__file__)
# Frames that come and go with tracing, correcting, compiling, checkpoints; what is left is the model's code.
_SKIPPED = (
    torch.overrides.__file__,
    _CHECKPOINT,
    str(pathlib.Path(torch.__file__).parent / "_dynamo"),
    str(_HERE),
    str(_HERE.parent / "engine"),
)
_RESHAPING = frozenset({"view", "reshape", "unflatten", "expand"})


def _in_projection(
    q: Tensor, k: Tensor, v: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, *biases: Tensor | None
) -> tuple[Tensor, ...]:
    """What torch has here insists that the projections are square, though nothing depends on it."""
    given = zip((q, k, v), (w_q, w_k, w_v), biases or (None,) * 3, strict=True)
    return tuple(nn.functional.linear(x, weight, bias) for x, weight, bias in given)


# What an opened function finds in place of torch's own.
_UNCHECKED: dict[str, Callable[..., Any]] = {
    "has_torch_function": lambda *_: False,
    "has_torch_function_unary": lambda *_: False,
    "has_torch_function_variadic": lambda *_: False,
    "_in_projection": _in_projection,
}

# Functions that read a property and make no tensor: never corrected, so never looked at.
READS = frozenset(
    {
        "__get__", "__len__", "__bool__", "__repr__", "__format__", "dim", "size", "numel", "stride", "type",
        "item", "tolist", "is_floating_point", "is_complex", "element_size", "is_contiguous", "get_device",
        "nelement", "ndimension", "data_ptr", "__hash__", "is_same_size", "storage_offset", "__set__",
    }
)  # fmt: skip

Path = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Correction:
    """One argument of one call.

    Attributes:
        module: dotted path of the module whose forward makes the call.
        site: place of the call in the code, from the call outwards: "Attention.forward:12:8-12:30"; "#2"
            behind it when only the third time the forward comes by counts.
        path: where the argument is: position or keyword first, then indices into sequences.
        kind: "scale" multiplies by new / old (sizes that also depend on the batch stay right), "exact" puts
            `new` in its place, "indices" puts an index tensor in its place, "open" looks inside the function.
        old: the stale argument, with the example inputs; None where the call left it out.
        new: what it has to be with the example inputs.
    """

    module: str
    site: str
    path: Path
    kind: Literal["scale", "exact", "indices", "open"]
    old: Any = None
    new: Any = None

    def apply(self, value: Any) -> Any:
        """The corrected argument. Raises RuntimeError when nothing says what it has to be."""
        if self.kind == "indices":
            with torch._C.DisableTorchFunction():  # the code made no such call: nobody may count it
                return torch.tensor(self.new, device=value.device, dtype=value.dtype)
        if self.kind == "exact":
            return self._exact(value)
        if isinstance(value, torch.SymInt):  # comparing it would bind the exported program to one size
            return value * self.new // self.old
        if value == self.old:
            return self.new
        if isinstance(self.old, float) or isinstance(self.new, float):
            return value * (self.new / self.old)
        scaled, rest = divmod(value * self.new, self.old) if self.old else (value, 0)
        if rest:
            raise RuntimeError(f"{self.site}: size {value} does not scale from {self.old} to {self.new}")
        return scaled

    def _exact(self, value: Any) -> Any:
        """A range that was not traced picks channels nobody knows the new places of."""
        if self.old is not None and not isinstance(value, torch.SymInt) and value != self.old:
            raise RuntimeError(f"{self.site}: the cut was made for {self.old} here, not for {value}")
        return self.new


Table = Mapping[str, tuple[Correction, ...]]  # place of the call -> its corrections, in order


def install(model: nn.Module, corrections: Iterable[Correction]) -> None:
    """Let the modules of `model` make their calls with these corrections, in place.

    They come after those a module already has: a model that is cut again counts in what was left.
    """
    for correction in corrections:
        module = model.get_submodule(correction.module)
        table: Table = vars(module).get("slimgui_corrections", {})
        site = correction.site.partition("#")[0]
        vars(module)["slimgui_corrections"] = {**table, site: (*table.get(site, ()), correction)}
        patched = vars(module).get("forward")
        if not isinstance(patched, CorrectedForward):
            vars(module)["forward"] = CorrectedForward(module, patched)


def uninstall(model: nn.Module) -> None:
    """Take every correction out of `model`, in place."""
    for module in model.modules():
        forward = vars(module).get("forward")
        if isinstance(forward, CorrectedForward):
            del vars(module)["slimgui_corrections"], vars(module)["forward"]
            if forward.patched is not None:
                vars(module)["forward"] = forward.patched


def installed(model: nn.Module) -> tuple[Correction, ...]:
    """Every correction in `model`; installing them in a copy without them makes it the same."""
    tables: list[Table] = [vars(module).get("slimgui_corrections", {}) for module in model.modules()]
    return tuple(correction for table in tables for found in table.values() for correction in found)


class CorrectedForward:
    """The forward of one module, with its corrections; an object, for a method could not be pickled.

    Attributes:
        module: whose forward it is; copied and pickled along with it.
        patched: what stood in place of the forward of its class, None for nothing.
    """

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        """One, in whichever way it is made: also by copying and unpickling."""
        _keep_compiler_out()
        return super().__new__(cls)

    def __init__(self, module: nn.Module, patched: Callable[..., Any] | None) -> None:
        self.module, self.patched = module, patched

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._forward())

    @property
    def __code__(self) -> CodeType:  # torch.export names its program after it
        code: CodeType = inspect.unwrap(self._forward()).__code__
        return code

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with _Corrected(vars(self.module)["slimgui_corrections"], sys._getframe()):
            return self._forward()(*args, **kwargs)

    def _forward(self) -> Callable[..., Any]:
        return self.patched or MethodType(type(self.module).forward, self.module)


@functools.cache
def _keep_compiler_out() -> None:
    """Let torch's compiler leave corrected forwards alone.

    Not by a decorator: that imports the compiler at once, a third of the time in which an engine starts.
    """
    CorrectedForward.__call__ = torch.compiler.disable(CorrectedForward.__call__)  # type: ignore[method-assign]


class _Corrected(TorchFunctionMode):
    """Corrects the calls that one module's forward makes itself; those of inner modules pass.

    Attributes:
        table: the corrections.
        anchor: frame where the places of calls end.
        outer: what comes behind the anchor in the places of calls, "" where a forward begins.
        times: place of a call -> how often it has been made, less one.
    """

    def __init__(
        self, table: Table, anchor: FrameType, outer: str = "", times: Mapping[str, int] | None = None
    ) -> None:
        super().__init__()
        self.table, self.anchor, self.outer = table, anchor, outer
        self.times = dict(times or {})

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in READS:
            return func(*args, **kwargs)
        corrections = self._corrections(sys._getframe(1))
        for correction in corrections:
            if correction.kind != "open":
                args, kwargs = replaced(args, kwargs, correction.path, correction.apply)
        if any(correction.kind == "open" for correction in corrections):
            with self:
                return opened(func)(*args, **kwargs)
        return func(*args, **kwargs)

    def _corrections(self, frame: FrameType) -> list[Correction]:
        site = self._site(frame)
        found = self.table.get(site)
        if found is None:
            return []
        self._follow_checkpoints(frame)
        time = self.times[site] = self.times.get(site, -1) + 1
        return [correction for correction in found if correction.site in (site, f"{site}#{time}")]

    def _site(self, frame: FrameType | None) -> str:
        site = site_of(frame, self.anchor)
        return f"{site} < {self.outer}" if site and self.outer else site

    def _follow_checkpoints(self, frame: FrameType | None) -> None:
        """What a checkpoint around this call runs again, in the backward pass, has to be corrected there."""
        while frame is not None and frame is not self.anchor:
            for holder, name in _runs_again(frame):
                run = getattr(holder, name)
                if not isinstance(run, _Again):
                    setattr(holder, name, _Again(run, self.table, self._site(frame), dict(self.times)))
            frame = frame.f_back


def _runs_again(frame: FrameType) -> Iterator[tuple[Any, str]]:
    """Where `torch.utils.checkpoint` keeps what it will run again, if `frame` is a call of it."""
    if frame.f_code.co_filename == _CHECKPOINT:
        if "run_function" in frame.f_locals:  # use_reentrant=True
            yield frame.f_locals["ctx"], "run_function"
        elif "gen" in frame.f_locals:
            yield frame.f_locals["gen"].gi_frame.f_locals["new_frame"], "recompute_fn"


class _Again:
    """A function under a checkpoint, that makes its calls with corrections whenever it is run.

    Attributes:
        run: the function.
        table: the corrections of the module whose forward made the checkpoint.
        outer: place of the checkpoint in the code.
        times: how often each call had been made before it.
    """

    def __init__(self, run: Callable[..., Any], table: Table, outer: str, times: dict[str, int]) -> None:
        self.run, self.table, self.outer, self.times = run, table, outer, times

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with _Corrected(self.table, sys._getframe(), self.outer, self.times):
            return self.run(*args, **kwargs)


_places: dict[tuple[CodeType, int], str] = {}


def site_of(frame: FrameType | None, anchor: FrameType | None = None) -> str:
    """The place of a call: code positions from `frame` outwards to the call of the module it runs in.

    With an `anchor` they end at that frame; "" when a module's call is reached before: an inner module's
    business.
    """
    parts: list[str] = []
    skipped = False
    while frame is not None and frame is not anchor and frame.f_code.co_filename != _MODULE_CALL:
        if frame.f_code.co_filename.startswith(_SKIPPED):
            skipped = True
        else:
            part = _place(frame.f_code, frame.f_lasti)
            # a python function of torch calls itself again for every mode
            if not (skipped and parts and parts[-1] == part):
                parts.append(part)
            skipped = False
        frame = frame.f_back
    return " < ".join(parts) if frame is anchor or anchor is None else ""


def _place(code: CodeType, instruction: int) -> str:
    place = _places.get((code, instruction))
    if place is None:
        first, last, column, end = list(code.co_positions())[instruction // 2]
        lines = [(line or code.co_firstlineno) - code.co_firstlineno for line in (first, last)]
        place = f"{code.co_qualname}:{lines[0]}:{column}-{lines[1]}:{end}"  # chained calls begin alike
        _places[code, instruction] = place
    return place


def can_open(func: Any) -> bool:
    """Whether `func` is a python function of torch that reshapes by computed sizes."""
    return (
        isinstance(func, FunctionType)
        and func.__module__ == "torch.nn.functional"
        and not _RESHAPING.isdisjoint(func.__code__.co_names)
    )


def opened(func: FunctionType) -> Callable[..., Any]:
    """The same function, that does not hand itself over to the mode as a whole."""
    namespace = {**func.__globals__, **_UNCHECKED}
    copy = FunctionType(func.__code__, namespace, func.__name__, func.__defaults__, func.__closure__)
    copy.__kwdefaults__ = func.__kwdefaults__
    return copy


def replaced(
    args: tuple[Any, ...], kwargs: dict[str, Any], path: Path, change: Callable[[Any], Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with the one at `path` changed; a keyword that was left out is added."""
    first, *rest = path
    if isinstance(first, int):
        return (*args[:first], _inside(args[first], rest, change), *args[first + 1 :]), kwargs
    return args, {**kwargs, first: _inside(kwargs.get(first), rest, change)}


def _inside(value: Any, path: list[int | str], change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(value)
    first, *rest = path
    if isinstance(value, slice):
        parts = {name: getattr(value, name) for name in ("start", "stop", "step")}
        parts[str(first)] = change(parts[str(first)])
        return slice(parts["start"], parts["stop"], parts["step"])
    items = [_inside(item, rest, change) if i == first else item for i, item in enumerate(value)]
    return tuple(items) if isinstance(value, tuple) else items


def argument(args: tuple[Any, ...], kwargs: Mapping[str, Any], path: Path) -> Any:
    """The argument at `path`, None where there is none."""
    value: Any = None
    for i, step in enumerate(path):
        if i == 0:
            value = args[step] if isinstance(step, int) else kwargs.get(step)
        elif isinstance(value, slice):
            value = getattr(value, str(step))
        else:
            value = value[step] if value is not None else None
    return value
