"""What an op makes of meta tensors, remembered by their form.

A net repeats its layers, and many meta kernels are slow python: a batch norm takes 3 ms.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload

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


class _UnknownFormError(Exception):
    """Something has no Form."""


def run(func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """func(*args, **kwargs), all tensors on meta; results are new tensors or views, as of the op itself."""
    if not _makes_new(func):
        return func(*args, **kwargs)
    try:
        forms = _results(func, _encoded(args), tuple((name, _encoded(kwargs[name])) for name in kwargs))
    except (_UnknownFormError, TypeError):  # TypeError: an argument that cannot be hashed
        return func(*args, **kwargs)
    return _decoded(forms)


@cache
def _makes_new(func: OpOverload) -> bool:
    """The op neither writes to its arguments nor returns views of them."""
    schema = func._schema
    return all(part.alias_info is None for part in (*schema.arguments, *schema.returns))


@lru_cache(REMEMBERED)
def _results(func: OpOverload, args: Any, kwargs: tuple[tuple[str, Any], ...]) -> Any:
    result = func(*_decoded(args), **{name: _decoded(form) for name, form in kwargs})
    return _encoded(result)


def _encoded(value: Any) -> Any:
    if isinstance(value, Tensor):
        # tensors that hold one number are promoted by where it came from, complex ones have lazy views
        if not value.is_meta or value.ndim == 0 or value.is_complex() or value.layout != torch.strided:
            raise _UnknownFormError
        return Form(tuple(value.shape), value.stride(), value.dtype)
    if isinstance(value, (list, tuple)):
        return tuple(map(_encoded, value))
    return Scalar(type(value), value)


def _decoded(form: Any) -> Any:
    if isinstance(form, Form):
        return torch.empty_strided(form.shape, form.stride, dtype=form.dtype, device="meta")
    if isinstance(form, Scalar):
        return form.value
    return tuple(map(_decoded, form))
