"""The public attributes of torch.nn modules that repeat the shape of their weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from slimgui.engine.structural import in_eval_mode

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Repair:
    """One attribute that was given a new value: replayed when the file is loaded onto the user's class."""

    module: str
    attribute: str
    value: Any


def _conv(module: nn.Module, shape: tuple[int, ...]) -> dict[str, Any]:
    """`groups` is set apart: a weight alone does not tell its new value."""
    assert isinstance(module, _ConvNd)
    entering, leaving = (shape[0], shape[1]) if module.transposed else (shape[1], shape[0])
    if module.transposed:
        return {"in_channels": entering, "out_channels": leaving * module.groups}
    return {"in_channels": entering * module.groups, "out_channels": leaving}


def _recurrent(module: nn.Module) -> dict[str, Any]:
    assert isinstance(module, nn.RNNBase)
    assert isinstance(module.weight_ih_l0, Tensor)
    assert isinstance(module.weight_hh_l0, Tensor)
    entering, hidden = module.weight_ih_l0.shape[1], module.weight_hh_l0.shape[0] // GATES[module.mode]
    projection = getattr(module, "weight_hr_l0", None)
    projected = 0 if projection is None else projection.shape[0]
    return {"input_size": entering, "hidden_size": hidden, "proj_size": projected}


def _recurrent_cell(module: nn.Module) -> dict[str, Any]:
    assert isinstance(module, nn.RNNCellBase)
    return {"input_size": module.weight_ih.shape[1], "hidden_size": module.weight_hh.shape[1]}


def _attention(module: nn.Module) -> dict[str, Any]:
    """Its forward only asserts that the width divides by the heads; the calls themselves are corrected."""
    assert isinstance(module, nn.MultiheadAttention)
    packed = module.in_proj_weight
    width = (module.q_proj_weight if packed is None else packed).shape[1]
    heads = module.num_heads if width % module.num_heads == 0 else 1
    return {"embed_dim": width, "num_heads": heads, "head_dim": width // heads}


GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}

# For each class of torch.nn: its attributes as functions of the shape of its weight.
BY_WEIGHT: list[tuple[type[nn.Module], Callable[[nn.Module, tuple[int, ...]], dict[str, Any]]]] = [
    (nn.Linear, lambda _, shape: {"in_features": shape[1], "out_features": shape[0]}),
    (
        nn.Bilinear,
        lambda _, shape: {"out_features": shape[0], "in1_features": shape[1], "in2_features": shape[2]},
    ),
    (_ConvNd, _conv),
    (_NormBase, lambda _, shape: {"num_features": shape[0]}),
    (nn.LayerNorm, lambda _, shape: {"normalized_shape": tuple(shape)}),
    (nn.RMSNorm, lambda _, shape: {"normalized_shape": tuple(shape)}),
    (nn.GroupNorm, lambda _, shape: {"num_channels": shape[0]}),
    (nn.Embedding, lambda _, shape: {"num_embeddings": shape[0], "embedding_dim": shape[1]}),
    (nn.RNNBase, lambda module, _: _recurrent(module)),
    (nn.RNNCellBase, lambda module, _: _recurrent_cell(module)),
    (nn.MultiheadAttention, lambda module, _: _attention(module)),
    (nn.PReLU, lambda _, shape: {"num_parameters": shape[0]}),
]


WITHOUT_WEIGHT = (nn.RNNBase, nn.RNNCellBase, nn.MultiheadAttention)


def set_conv_groups(model: nn.Module, groups: dict[str, int]) -> list[Repair]:
    """Give the convolutions at these paths the number of groups that their inputs now have."""
    done = []
    for path, value in groups.items():
        module = model.get_submodule(path)
        if isinstance(module, _ConvNd) and module.groups != value:
            module.groups = value
            done.append(Repair(path, "groups", value))
    return done


def take_slow_path(model: nn.Module, corrected: set[str]) -> list[Repair]:
    """Encoder layers whose attention is corrected must not hand it to torch's fused kernel."""
    done = []
    for path, module in model.named_modules() if corrected else ():
        attention = f"{path}.self_attn".removeprefix(".")
        if isinstance(module, nn.TransformerEncoderLayer) and attention in corrected:
            module.activation_relu_or_gelu = 0
            done.append(Repair(path, "activation_relu_or_gelu", 0))
    return done


def refresh(model: nn.Module) -> list[Repair]:
    """Set every attribute that no longer agrees with its module's weight, in place; say which."""
    done = []
    with in_eval_mode(model):  # reading a weight that is computed from others may move these in train mode
        for path, module in model.named_modules():
            for attribute, value in _expected(module):
                if getattr(module, attribute) != value:
                    setattr(module, attribute, value)
                    done.append(Repair(path, attribute, value))
    return done


def _expected(module: nn.Module) -> Iterator[tuple[str, Any]]:
    weight = getattr(module, "weight", None)
    if weight is None:
        weight = getattr(module, "running_mean", None)
    shape = tuple(weight.shape) if isinstance(weight, Tensor) else ()
    for kind, attributes in BY_WEIGHT:
        if isinstance(module, kind) and (shape or kind in WITHOUT_WEIGHT):
            yield from attributes(module, shape).items()
            return
