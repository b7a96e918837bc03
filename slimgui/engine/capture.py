"""One forward pass on meta tensors -> the list of ATen calls, with module path and source line.

Real until it meets a weight: the inputs and integer buffers keep their values, so that masks, positions
and python branches on them work; the first op that mixes them with a weight turns the rest to meta, and
nothing heavy is computed.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from slimgui.engine.crossings import Crossing, watching
from slimgui.engine.inputs import Inputs, as_call, map_tensors, tensors_in
from slimgui.engine.recorder import Functions, Recorder, Revise
from slimgui.engine.recording import Capture, Setting
from slimgui.engine.structural import cloned, copy_module, on_meta
from slimgui.errors import TraceError


def capture(model: nn.Module, setting: Setting, revise: Revise | None = None) -> Capture:
    """Record one forward pass of a structural copy of `model`; `model` is untouched.

    Args:
        model: any module, in any mode; only shapes of its floating-point tensors are used.
        setting: how it is run.
        revise: may change the arguments of a function call before it is made.

    Raises:
        TraceError: forward raised; names the module and the line.
    """
    twin = copy_module(model, cloned if setting.real else on_meta).train(setting.training)
    recorder = Recorder(twin)
    args, kwargs = as_call(setting.inputs)
    args, kwargs = map_tensors(args, _detached), map_tensors(kwargs, _detached)
    given = tuple(recorder.add(tensor, "input") for tensor in tensors_in((args, kwargs)))
    functions = Functions(recorder, revise)
    crossings: dict[Crossing, tuple[int, ...]] = {}

    def crossed(border: Crossing, tensors: list[Tensor]) -> None:
        crossings[border] = tuple(recorder.index_of.get(id(tensor), -1) for tensor in tensors)

    with _quiet(), recorder.following(), watching(twin, crossed), recorder, functions:
        try:
            result = twin(*args, **kwargs)
        except Exception as error:
            raise _trace_error(error, recorder) from error
    outputs = tuple(
        recorder.index_of[id(tensor)] for tensor in tensors_in(result) if id(tensor) in recorder.index_of
    )
    return Capture(
        recorder.values, recorder.calls, functions.made, given, outputs, recorder.modules, crossings, setting
    )


def capture_any(model: nn.Module, inputs: Inputs, *, training: bool = False) -> Capture:
    """The ladder: on meta tensors, else on a real copy.

    Raises:
        TraceError: both raised; it is the error of the real run, the one the user's own call would give.
    """
    try:
        return capture(model, Setting(inputs, training))
    except TraceError:
        return capture(model, Setting(inputs, training, real=True))


def capture_training(model: nn.Module, inputs: Inputs) -> Capture | None:
    """The pass in train mode; on two samples where it refuses one (batch norm), None where it cannot run."""
    for given in (inputs, map_tensors(inputs, _two_samples)):
        with suppress(TraceError):
            return capture_any(model, given, training=True)
    return None


def _two_samples(tensor: Tensor) -> Tensor:
    return torch.cat((tensor, tensor)) if tensor.ndim and tensor.shape[0] == 1 else tensor


def _detached(tensor: Tensor) -> Tensor:
    return tensor.detach().clone()


@contextmanager
def _quiet() -> Iterator[None]:
    """No gradients, attention as plain matrix products, the caller's random state kept."""
    fast = torch.backends.mha.get_fastpath_enabled()
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        stack.enter_context(torch.random.fork_rng(devices=[]))
        torch.manual_seed(0)
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)


def _trace_error(error: Exception, recorder: Recorder) -> TraceError:
    where = recorder.stack[-1] if recorder.stack else ""
    place = " · ".join(part for part in (str(recorder.doing[0]), where, recorder.doing[1]) if part)
    first_line = str(error).strip().partition("\n")[0]
    failed = TraceError(
        f"The model could not be followed ({place or 'before its first op'}).",
        f"{type(error).__name__}: {first_line}" if first_line else f"It raises {type(error).__name__}.",
        "Check that the input shape is the one the model was made for.",
    )
    failed.module, failed.source = _raised_in(error, recorder, where), recorder.doing[1]
    return failed


def _raised_in(error: Exception, recorder: Recorder, running: str) -> str:
    """The innermost module with a method on the traceback: not always one whose forward is running."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    owners = (recorder.path_of.get(id(frame.f_locals.get("self"))) for frame in reversed(frames))
    return next((path for path in owners if path is not None), running)
