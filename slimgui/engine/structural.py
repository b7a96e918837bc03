"""Structural copies: the same modules, with weights that hold no numbers."""

from __future__ import annotations

import copy
import copyreg
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any, cast

import torch
from torch import Tensor, nn

# Types whose values are never copied and hold no tensors.
ATOMIC = frozenset({int, float, bool, str, bytes, complex, type(None), type, FunctionType})


def on_meta(tensor: Tensor) -> Tensor:
    """Floating-point tensors go to meta, integer ones are cloned: masks and indices keep their values."""
    if tensor.is_floating_point() or tensor.is_complex():
        twin = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
    else:
        twin = tensor.detach().clone()
    return like(twin, tensor)


def cloned(tensor: Tensor) -> Tensor:
    """The same numbers in a leaf of its own."""
    return like(tensor.detach().clone(), tensor)


def like(twin: Tensor, tensor: Tensor) -> Tensor:
    """`twin`, as a parameter where `tensor` is one."""
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(twin, requires_grad=tensor.requires_grad)
    return twin


def copy_module(model: nn.Module, twin: Callable[[Tensor], Tensor]) -> nn.Module:
    """A deep copy of `model` in which every tensor is replaced by twin(tensor); `model` is untouched.

    Tensors that forward cached as plain attributes are replaced too (deepcopy refuses the ones that are
    not leaves); a tensor met twice stays one tensor. What deepcopy would do, several times as fast: modules
    and plain containers are copied here, anything else by deepcopy with the same memo.
    """
    memo: dict[int, Any] = {}
    modules = [(module, _plain_state(module)) for module in model.modules()]
    for module, state in modules:
        if state is not None:
            memo[id(module)] = type(module).__new__(type(module))
    for module, state in reversed(modules):  # inner ones first, as deepcopy does
        attributes = _copied(vars(module) if state is None else state, memo, twin)
        if state is not None:
            memo[id(module)].__setstate__(attributes)
    result: nn.Module = _copied(model, memo, twin)
    return result


def _plain_state(module: nn.Module) -> dict[str, Any] | None:
    """The attributes of `module`, None where its class has its own way to be copied."""
    if hasattr(module, "__deepcopy__"):
        return None
    make, given, *rest = cast("tuple[Any, ...]", module.__reduce_ex__(4))
    plain = make is copyreg.__newobj__ and given == (type(module),)  # type: ignore[attr-defined]
    return rest[0] if plain and type(rest[0]) is dict else None


def _copied(value: Any, memo: dict[int, Any], twin: Callable[[Tensor], Tensor]) -> Any:
    kind = type(value)
    if kind in ATOMIC:
        return value
    if id(value) in memo:
        return memo[id(value)]
    if isinstance(value, Tensor):
        memo[id(value)] = twin(value)
    elif kind in (dict, OrderedDict):
        table = memo[id(value)] = kind()
        for key, item in value.items():
            table[key] = _copied(item, memo, twin)
    elif kind is list:
        items = memo[id(value)] = []
        items.extend(_copied(item, memo, twin) for item in value)
    elif kind in (tuple, set):
        memo[id(value)] = kind([_copied(item, memo, twin) for item in value])
    else:
        return copy.deepcopy(value, memo)
    return memo[id(value)]


@contextmanager
def in_eval_mode(model: nn.Module) -> Iterator[None]:
    """Every module of `model` in eval mode; afterwards each in its own again."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


def named_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Every parameter and buffer, once, by the first name it has."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def attribute_tensors(module: nn.Module) -> Iterator[Tensor]:
    """Tensors in the plain attributes of one module, in containers too; not its parameters and buffers."""
    plain = {name: value for name, value in vars(module).items() if name not in ("_parameters", "_buffers")}
    yield from _tensors_in(plain, depth=4)


def _tensors_in(value: Any, depth: int) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif depth and isinstance(value, (dict, list, tuple, set)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _tensors_in(item, depth - 1)
