"""The oracle: the original with every removed index of every floating tensor set to zero.

Knows nothing of the engine; it only reads the provenance (`kept`: parameter -> dimension -> indices).
"""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Kept = Mapping[str, Mapping[int, Sequence[int]]]


def named_tensors(model: nn.Module) -> dict[str, Tensor]:
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def randomise(model: nn.Module, seed: int = 0, scale: float = 1.0) -> nn.Module:
    """New values for every floating tensor, in place: fresh models output zeros, and then anything passes."""
    generator = torch.Generator().manual_seed(seed)
    unbounded = {name for name, buffer in model.named_buffers() if bool(buffer.isinf().all())}
    with torch.no_grad():
        for name, tensor in named_tensors(model).items():
            if not tensor.is_floating_point() or name in unbounded:
                continue
            noise = torch.randn(tensor.shape, generator=generator).to(tensor.dtype)
            if name.endswith("var"):
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
            elif tensor.ndim > 1:
                fan_in = tensor[0].numel() if tensor.shape[0] > 1 else tensor.numel()
                tensor.copy_(noise * scale * (2.0 / fan_in) ** 0.5)
            elif name.endswith("weight"):
                tensor.copy_(1.0 + 0.3 * noise)
            else:
                tensor.copy_(0.3 * noise)
    return model


def tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [t for item in value.values() for t in tensors(item)]
    if isinstance(value, (list, tuple)):
        return [t for item in value for t in tensors(item)]
    return [] if value is None or not hasattr(value, "__dict__") else tensors(vars(value))


def run(model: nn.Module, inputs: tuple[Any, ...]) -> list[Tensor]:
    double = [x.double() if isinstance(x, Tensor) and x.is_floating_point() else x for x in inputs]
    with torch.no_grad():
        return tensors(copy.deepcopy(model).double().eval()(*double))


def zeroed(model: nn.Module, kept: Kept) -> nn.Module:
    """A copy with every index that is not kept set to zero."""
    twin = copy.deepcopy(model)
    weights = named_tensors(twin)
    with torch.no_grad():
        for name, dims in kept.items():
            for dim, indices in dims.items():
                gone = sorted(set(range(weights[name].shape[dim])) - {int(i) for i in indices})
                weights[name].index_fill_(dim, torch.tensor(gone, dtype=torch.long), 0)
    return twin


def error(want: list[Tensor], have: list[Tensor]) -> float:
    """Largest difference relative to the standard deviation of the output, the worst of all outputs."""
    assert [t.shape for t in want] == [t.shape for t in have]
    worst = 0.0
    for one, other in zip(want, have, strict=True):
        scale = float(one.std()) if one.numel() > 1 else float(one.abs().max())
        worst = max(worst, float((one - other).abs().max()) / max(scale, 1e-30))
    return worst


def shifted(kept: Kept, original: nn.Module, seed: int = 0) -> Kept:
    """The negative control: in one dimension of one weight a kept index is exchanged for a removed one."""
    weights = named_tensors(original)
    places = [
        (n, d) for n, dims in kept.items() for d in dims if n.endswith("weight") and weights[n].ndim > 1
    ]
    name, dim = random.Random(seed).choice(sorted(places))
    indices = [int(i) for i in kept[name][dim]]
    gone = sorted(set(range(weights[name].shape[dim])) - set(indices))
    changed = sorted([*indices[1:], gone[0]])
    return {**kept, name: {**kept[name], dim: changed}}


def seeded_ratios(sizes: Mapping[str, int], seed: int, low: float = 0.2, high: float = 0.6) -> dict[str, int]:
    """Channels kept per group: every group another ratio."""
    rng = random.Random(seed)
    return {name: max(1, round(size * (1 - rng.uniform(low, high)))) for name, size in sorted(sizes.items())}


def random_keep(sizes: Mapping[str, int], counts: Mapping[str, int], seed: int) -> dict[str, np.ndarray]:
    """Any indices, not a prefix: the first `counts` of a seeded permutation, sorted."""
    rng = np.random.default_rng(seed)
    return {
        name: np.sort(rng.permutation(size)[: counts.get(name, size)]) for name, size in sorted(sizes.items())
    }


def snapshot(model: nn.Module) -> dict[str, Any]:
    """Everything that must stay as it was: values, flags, hooks, every module's __dict__."""
    state = {}
    for name, module in model.named_modules():
        for key, value in vars(module).items():
            if key in ("_parameters", "_buffers"):
                for tensor_name, tensor in value.items():
                    where = f"{name}.{tensor_name}"
                    state[where] = None if tensor is None else (
                        id(tensor), tensor.clone(), tensor.requires_grad, tensor.grad is None,
                    )  # fmt: skip
            elif key != "_modules":
                state[f"{name}:{key}"] = copy.copy(value)
    return state


def same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(same, one, other))
    return one is other or bool(one == other)  # `is` first: weak references to tensors compare tensors
