"""The whole job, from a model to a smaller one: SlimGUI's and its peer's.

Both remove half of the channels by L1 magnitude. The peer runs in the settings of its own examples
(examples/torchvision_models/torchvision_pruning.py and examples/timm_models of its repository), and is told
which layers make the outputs.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import nn

from slimgui import engine
from slimgui.engine.inputs import Inputs, as_call, tensors_in

Shapes = list[tuple[int, ...]]
# (model, arguments of a call, shapes of the outputs) -> the smaller model, seconds of the stages
Job = Callable[[nn.Module, Inputs, Shapes], tuple[nn.Module, dict[str, float]]]


def slimgui(model: nn.Module, example: Inputs, _: Shapes) -> tuple[nn.Module, dict[str, float]]:
    """Trace with its groups, importance and choice, deploy with its re-capture."""
    marks = [time.process_time()]
    traced = engine.trace(model, example)
    marks.append(time.process_time())
    selection = engine.resolve(traced, engine.Plan.uniform(traced, ratio=0.5), model)
    marks.append(time.process_time())
    deployed = engine.deploy(model, traced, selection)
    marks.append(time.process_time())
    stages = zip(("trace", "resolve", "deploy"), marks, marks[1:], strict=False)
    return deployed.model, {stage: end - start for stage, start, end in stages}


def torch_pruning(model: nn.Module, example: Inputs, shapes: Shapes) -> tuple[nn.Module, dict[str, float]]:
    """Graph, pruner and one step; `model` itself becomes the smaller one."""
    import torch_pruning as tp

    heads = {m.qkv: m.num_heads for m in model.modules() if hasattr(m, "qkv") and hasattr(m, "num_heads")}
    rounded = [m.num_heads for m in model.modules() if isinstance(m, nn.MultiheadAttention)]
    pruner = tp.pruner.MagnitudePruner(
        model,
        example,
        importance=tp.importance.MagnitudeImportance(p=1),
        pruning_ratio=0.5,
        global_pruning=False,
        iterative_steps=1,
        round_to=rounded[0] if rounded else None,
        num_heads=dict(heads),
        ignored_layers=_makers_of_outputs(model, {shape[1] for shape in shapes if len(shape) > 1}),
    )
    pruner.step()
    _attributes_of_the_examples(model, pruner.num_heads)
    return model, {}


def _makers_of_outputs(model: nn.Module, classes: set[int]) -> list[nn.Module]:
    """Layers with as many outputs as the model has; the examples name Linear(..., 1000) only."""
    sizes = ((m, getattr(m, "out_features", getattr(m, "out_channels", 0))) for m in model.modules())
    return [m for m, size in sizes if size in classes]


def _attributes_of_the_examples(model: nn.Module, heads: dict[nn.Module, int]) -> None:
    """What the peer's examples set by hand after the step."""
    if hasattr(model, "hidden_dim") and hasattr(model, "conv_proj"):
        model.hidden_dim = model.conv_proj.out_channels
    for module in model.modules():
        if hasattr(module, "qkv") and hasattr(module, "num_heads"):
            module.num_heads = heads[module.qkv]
            module.head_dim = module.qkv.out_features // (3 * module.num_heads)


JOBS: dict[str, Job] = {"SlimGUI": slimgui, "Torch-Pruning": torch_pruning}


def parameters(model: nn.Module) -> int:
    """Elements of all parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def complaint(small: nn.Module, example: Inputs, shapes: Shapes) -> str:
    """Why the result cannot stand in for the original, "" when it runs and its outputs keep their shapes."""
    try:
        found = shapes_of(small, example)
    except Exception as error:  # noqa: BLE001 - whatever it raises is the answer
        return f"its forward raises {one_line(error)}"
    return "" if found == shapes else f"its output has the shapes {found} instead of {shapes}"


def shapes_of(model: nn.Module, example: Inputs) -> Shapes:
    """Shapes of the outputs."""
    args, kwargs = as_call(example)
    with torch.no_grad():
        return [tuple(output.shape) for output in tensors_in(model(*args, **kwargs))]


def one_line(error: BaseException) -> str:
    """The kind of an error and the first line of what it says."""
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}"[:160]
