"""Weights that are computed from others (torch.nn.utils parametrizations, weight norm): what counts is the
effective weight.

A cut slices the effective weight. Weight norm divides by the norm of what is left, so its gain absorbs the
change: w = v · g / |v|, and after a cut g' = g · |v'| / |v|. Spectral norm divides by u · W v; its vector u
absorbs the change, until training iterates it anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.spectral_norm import SpectralNorm
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


def gain_factors(
    new: Mapping[str, Tensor], old: Mapping[str, Tensor], kept: Kept, found: Iterable[Gain]
) -> dict[str, Tensor]:
    """What every gain is multiplied with, so that effective weights are slices of the whole ones.

    Args:
        new: the sliced parameters, by name.
        old: the whole ones.
        kept: by which indices they were sliced.
        found: see `gains`.
    """
    factors = {}
    for v, g, dim in found:
        norms = _norms(old[v], dim)
        if dim in kept.get(v, {}):
            norms = norms.index_select(dim, torch.from_numpy(kept[v][dim]).to(norms.device))
        factors[g] = (_norms(new[v], dim) / norms).reshape(new[g].shape)
    return factors


def absorb(small: nn.Module, whole: nn.Module, kept: Kept, found: Iterable[Gain]) -> None:
    """Scale the gains of `small` in place, so that its effective weights are slices of those of `whole`."""
    found = list(found)
    new, old = (dict(model.named_parameters()) if found else {} for model in (small, whole))
    with torch.no_grad():
        for name, factor in gain_factors(new, old, kept, found).items():
            new[name].mul_(factor)


def _norms(v: Tensor, dim: int) -> Tensor:
    others = [d for d in range(v.ndim) if d != dim]
    return v.detach().square().sum(others, keepdim=True).sqrt()


def spectral(model: nn.Module) -> Iterator[tuple[str, str, Tensor, Tensor, Tensor]]:
    """(path, name of u, weight, u, v) of every spectral norm in `model`."""
    for path, module in model.named_modules():
        if isinstance(module, _SpectralNorm) and hasattr(module, "_u"):
            holder = model.get_submodule(path.rpartition(".")[0])
            assert isinstance(holder.original, Tensor)
            weight = module._reshape_weight_to_matrix(holder.original)
            yield path, f"{path}._u", weight, module._u, module._v
        for hook in module._forward_pre_hooks.values():
            if isinstance(hook, SpectralNorm):
                weight, u, v = (getattr(module, f"{hook.name}_{part}") for part in ("orig", "u", "v"))
                name = f"{path}.{hook.name}_u".removeprefix(".")
                yield path, name, hook.reshape_weight_to_matrix(weight), u, v


@torch.no_grad()
def spectral_factors(small: nn.Module, whole: nn.Module) -> dict[str, Tensor]:
    """What every vector u of `small` is multiplied with, so that its spectral norms are those of `whole`."""
    return {
        name: (old_u @ (old @ old_v)) / (u @ (new @ v))
        for (_, name, new, u, v), (_, _, old, old_u, old_v) in zip(
            spectral(small), spectral(whole), strict=True
        )
    }


def absorb_spectral(small: nn.Module, whole: nn.Module) -> None:
    """Scale the vectors u of `small` in place, so that its spectral norms are those of `whole`."""
    for name, factor in spectral_factors(small, whole).items():
        small.get_buffer(name).mul_(factor)


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
        if isinstance(hook, (WeightNorm, SpectralNorm)):
            hook.remove(module)
            del module._forward_pre_hooks[key]
            parts = ("g", "v") if isinstance(hook, WeightNorm) else ("orig",)
            yield hook.name, [f"{hook.name}_{part}" for part in parts]
