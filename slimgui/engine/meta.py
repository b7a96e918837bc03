"""What an op makes of meta tensors, remembered by their form.

A net repeats its layers, and many meta kernels are slow python: a batch norm or a relu6 takes milliseconds.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload

from slimgui.engine.inputs import tensors_in

REMEMBERED = 4096


class Form(NamedTuple):
    """All that a meta kernel can see of a tensor."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype


class Scalar(NamedTuple):
    """An argument that is no tensor; with its type, for 1, 1.0 and True are equal."""

    kind: type
    value: Any


class Given(NamedTuple):
    """A result that is one of the tensors given, by its number among them."""

    number: int


class _UnknownFormError(Exception):
    """Something has no Form, or the op changes one."""


def run(func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """func(*args, **kwargs), all on meta; results are new tensors, arguments or views, as of the op."""
    if not _is_remembered(func):
        return func(*args, **kwargs)
    given = list(tensors_in((args, kwargs)))
    if len(given) == 1 and _returns_it(func):
        return given[0]
    try:
        forms = _results(func, _encoded(args), tuple((name, _encoded(kwargs[name])) for name in kwargs))
    except (_UnknownFormError, TypeError):  # TypeError: an argument that cannot be hashed
        return func(*args, **kwargs)
    return _decoded(forms, given)


@cache
def _is_remembered(func: OpOverload) -> bool:
    """The op makes no views: its results are new, or arguments that it writes to."""
    schema = func._schema
    return all(p.alias_info is None or p.alias_info.is_write for p in (*schema.arguments, *schema.returns))


@cache
def _returns_it(func: OpOverload) -> bool:
    """The op writes to the elements of its first argument and returns it, as it is."""
    schema = func._schema
    first, results = schema.arguments[0].alias_info, schema.returns
    written = first is not None and first.is_write and torch.Tag.inplace_view not in func.tags
    return written and len(results) == 1 and results[0].alias_info is not None


@lru_cache(REMEMBERED)
def _results(func: OpOverload, args: Any, kwargs: tuple[tuple[str, Any], ...]) -> Any:
    given, named = _decoded(args, []), {name: _decoded(form, []) for name, form in kwargs}
    tensors = list(tensors_in((given, named)))
    before = [_encoded(tensor) for tensor in tensors]
    result = func(*given, **named)
    if [_encoded(tensor) for tensor in tensors] != before:  # transpose_ and its like
        raise _UnknownFormError
    numbers = {id(tensor): number for number, tensor in enumerate(tensors)}
    return _encoded(result, numbers)


def _encoded(value: Any, numbers: dict[int, int] | None = None) -> Any:
    if isinstance(value, Tensor):
        if numbers and id(value) in numbers:
            return Given(numbers[id(value)])
        # tensors that hold one number are promoted by where it came from, complex ones have lazy views
        if not value.is_meta or value.ndim == 0 or value.is_complex() or value.layout != torch.strided:
            raise _UnknownFormError
        return Form(tuple(value.shape), value.stride(), value.dtype)
    if isinstance(value, (list, tuple)):
        return tuple([_encoded(item, numbers) for item in value])
    return Scalar(type(value), value)


def _decoded(form: Any, tensors: list[Tensor]) -> Any:
    if isinstance(form, Form):
        return torch.empty_strided(form.shape, form.stride, dtype=form.dtype, device="meta")
    if isinstance(form, Scalar):
        return form.value
    if isinstance(form, Given):
        return tensors[form.number]
    return tuple([_decoded(item, tensors) for item in form])
