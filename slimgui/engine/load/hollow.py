"""Modules whose parameters hold no numbers: made for a file whose tensors will take their places.

A model of 4 GB is not made with 4 GB of random numbers first, nor are the numbers of its file copied: its
parameters become the tensors that are mapped from disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from slimgui.engine.structural import attribute_tensors, on_meta


@contextmanager
def making_hollow() -> Iterator[None]:
    """Every parameter that a module is given meanwhile goes to meta; one that two are given stays one."""
    hook = register_module_parameter_registration_hook(_emptied)  # type: ignore[arg-type]  # it may return one
    try:
        yield
    finally:
        hook.remove()


def _emptied(_module: nn.Module, _name: str, parameter: nn.Parameter) -> nn.Parameter:
    if parameter.is_meta:
        return parameter
    if not hasattr(parameter, "_hollow"):  # kept there as long as somebody can give it again
        parameter._hollow = on_meta(parameter)  # type: ignore[attr-defined]
    return parameter._hollow  # type: ignore[attr-defined,no-any-return]


def is_hollow(model: nn.Module) -> bool:
    """Whether some parameter holds no numbers."""
    return any(parameter.is_meta for parameter in model.parameters())


def can_be_filled(model: nn.Module) -> bool:
    """Whether a state dict reaches everything of `model` that holds no numbers."""
    reached = {id(tensor) for tensor in model.state_dict(keep_vars=True).values()}
    for module in model.modules():
        listed_again = isinstance(module, nn.RNNBase)
        if not listed_again and any(tensor.is_meta for tensor in attribute_tensors(module)):
            return False
    return all(id(tensor) in reached for tensor in model.buffers() if tensor.is_meta)


def take(model: nn.Module, state: Mapping[str, Any]) -> None:
    """Make the tensors of `state` those of `model`, strictly; none is copied that lies alone and fits.

    Tied weights stay tied, and number types and requires_grad are those of `model`.

    Raises:
        RuntimeError: a name or a shape differs.
    """
    places = [
        (table, key, tensor)
        for module in model.modules()
        for table in (module._parameters, module._buffers)
        for key, tensor in table.items()
        if tensor is not None
    ]
    model.load_state_dict(state, strict=True, assign=True)
    taken = {id(old): (old, table[key]) for table, key, old in places if table[key] is not old}
    storages: set[int] = set()
    new = {number: _as(given, old, storages) for number, (old, given) in taken.items()}
    for table, key, old in places:
        table[key] = new.get(id(old), old)  # type: ignore[assignment]  # parameters for parameters
    for module in model.modules():
        if isinstance(module, nn.RNNBase):  # lists its weights once more
            module._flat_weights = [getattr(module, name, None) for name in module._flat_weights_names]


def _as(given: Any, old: Tensor, storages: set[int]) -> Tensor:
    """The numbers of `given` as a tensor like `old`."""
    assert isinstance(given, Tensor), "load_state_dict puts tensors in the place of tensors"
    tensor = given.detach().to(old.dtype).contiguous()
    storage = tensor.untyped_storage().data_ptr()
    if storage in storages:  # of two names for the same numbers the model may change one
        tensor = tensor.clone()
    storages.add(storage)
    new = nn.Parameter(tensor, old.requires_grad) if isinstance(old, nn.Parameter) else tensor
    vars(new).update(vars(old))  # what its module noted on it
    return new
