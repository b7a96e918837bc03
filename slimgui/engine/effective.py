"""Weights that are computed from others (torch.nn.utils parametrizations, weight norm): what counts is the
effective weight.

A cut slices the effective weight. Weight norm divides by the norm of what is left, so its gain absorbs the
change: w = v · g / |v|, and after a cut g' = g · |v'| / |v|.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.weight_norm import WeightNorm

from slimgui.engine.keep import Kept
from slimgui.engine.propagate import Labelled
from slimgui.engine.recording import Ref

NORMED = torch.ops.aten._weight_norm_interface
Gain = tuple[str, str, int]  # names of the direction v and of the gain g, and the dimension g belongs to


def gains(passes: Iterable[Labelled]) -> set[Gain]:
    """Every weight norm that the forward passes run."""
    found = set()
    for labelled in passes:
        for call in labelled.capture.calls:
            if call.func.overloadpacket is NORMED:
                v, g = (
                    labelled.capture.values[ref.index].name for ref in call.args[:2] if isinstance(ref, Ref)
                )
                found.add((v, g, call.args[2] if len(call.args) > 2 else 0))
    return found


def absorb(small: nn.Module, whole: nn.Module, kept: Kept, found: Iterable[Gain]) -> None:
    """Scale the gains of `small` in place, so that its effective weights are slices of those of `whole`."""
    new, old = dict(small.named_parameters()), dict(whole.named_parameters())
    for v, g, dim in found:
        norms = _norms(old[v], dim)
        if dim in kept.get(v, {}):
            norms = norms.index_select(dim, torch.from_numpy(kept[v][dim]).to(norms.device))
        with torch.no_grad():
            new[g].mul_((_norms(new[v], dim) / norms).reshape(new[g].shape))


def _norms(v: Tensor, dim: int) -> Tensor:
    others = [d for d in range(v.ndim) if d != dim]
    return v.detach().square().sum(others, keepdim=True).sqrt()


def bake(model: nn.Module, kept: Kept) -> Kept:
    """Replace computed weights by their values, in place; returns `kept` in names of the result."""
    names: dict[str, str] = {}
    for path, module in list(model.named_modules()):
        for name, old_names in _computed(module):
            for old in old_names:
                names[f"{path}.{old}".removeprefix(".")] = f"{path}.{name}".removeprefix(".")
    result: Kept = {}
    for name, dims in kept.items():
        result.setdefault(names.get(name, name), {}).update(dims)
    return result


def _computed(module: nn.Module) -> Iterator[tuple[str, list[str]]]:
    """Bake what `module` computes: (name of the weight, names of what it was computed from)."""
    if parametrize.is_parametrized(module):
        lists = dict(module.get_submodule("parametrizations").named_children())
        values = {name: getattr(module, name).detach() for name in lists}
        # not remove_parametrizations: it takes the property from the class, which the original shares
        module.__class__ = parametrize.type_before_parametrizations(module)
        del module._modules["parametrizations"]
        for name, inner in lists.items():
            module.register_parameter(name, nn.Parameter(values[name]))
            yield name, [f"parametrizations.{name}.{key}" for key, _ in inner.named_parameters()]
    for key, hook in list(module._forward_pre_hooks.items()):
        if isinstance(hook, WeightNorm):
            hook.remove(module)
            del module._forward_pre_hooks[key]
            yield hook.name, [f"{hook.name}_g", f"{hook.name}_v"]
