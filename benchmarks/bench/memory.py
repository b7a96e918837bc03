"""The highest resident memory of the whole job on models that are big.

ViT-H/14 is cut for real. The Llama of 7 billion parameters, with grouped queries, is on meta: it is traced
and planned with its cost, and cut on meta as well; nothing ever holds its weights.

python -m benchmarks.bench.memory MODEL     the process that measures; it is started by the benchmark
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from benchmarks.bench import jobs, models, process

# Mistral's and Llama 3's proportions: 32 layers, 4 queries share a key.
LLAMA: dict[str, Any] = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 32000,
    "use_cache": False,
}
TOKENS = 64


def vit_h_14() -> tuple[nn.Module, Any]:
    """632 million parameters in float32, and an image."""
    return models.timed("vit_h_14")


def llama_7b() -> tuple[nn.Module, Any]:
    """7.2 billion parameters on meta, and a sentence."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(**LLAMA)).eval()
    return model, {"input_ids": torch.arange(TOKENS)[None]}


MODELS: dict[str, Callable[[], tuple[nn.Module, Any]]] = {"vit_h_14": vit_h_14, "llama_7b": llama_7b}


def main() -> None:
    """Say after each stage how high the memory of the process went in it."""
    tell = process.child()
    from slimgui import engine
    from slimgui.engine.heap import map_large_blocks

    map_large_blocks()  # as the engine's own process does
    model, example = MODELS[sys.argv[1]]()
    weights = _bytes(model)

    def stage(name: str, step: Callable[[], process.Result]) -> process.Result:
        result, seconds, _ = process.measured(step)
        tell(stage=name, seconds=seconds, peak=process.memory("VmHWM"), weights=weights)
        return result

    tell(stage="model built", seconds=0.0, peak=process.memory("VmRSS"), weights=weights)
    traced = stage("trace", functools.partial(engine.trace, model, example))
    plan = engine.Plan.uniform(traced, ratio=0.5)
    selection = stage("resolve", functools.partial(engine.resolve, traced, plan, model))
    stage("cost", functools.partial(engine.cost, traced, selection))
    deployed = stage("deploy", functools.partial(engine.deploy, model, traced, selection))
    tell(new=_bytes(deployed.model), parameters=jobs.parameters(model), left=jobs.parameters(deployed.model))


def _bytes(model: nn.Module) -> int:
    """What the weights really hold."""
    return sum(p.numel() * p.element_size() for p in model.parameters() if not p.is_meta)


@dataclass(frozen=True)
class Stage:
    """One stage: seconds, the highest resident memory of the process in it, and the weights it was given."""

    stage: str
    seconds: float
    peak: int
    weights: int


@dataclass(frozen=True)
class Result:
    """One model: bytes of the new weights, parameters before and after."""

    name: str
    stages: list[Stage]
    new: int
    parameters: int
    left: int

    @property
    def highest(self) -> int:
        """Bytes of the whole process at the worst moment."""
        return max(stage.peak for stage in self.stages)


def measure() -> list[Result]:
    """Every model, in a process of its own."""
    results = []
    for name in MODELS:
        *stages, end = process.lines("benchmarks.bench.memory", name)
        results.append(Result(name, [Stage(**stage) for stage in stages], **end))
        print("\n".join(table(results[-1])), flush=True)
    return results


def table(result: Result) -> list[str]:
    """Markdown, and what the peak means."""
    made = [
        f"| {result.name} | CPU s | peak of the process MB | beyond the weights MB |",
        "|---|---|---|---|",
    ]
    for stage in result.stages:
        beyond = stage.peak - stage.weights
        made.append(f"| {stage.stage} | {stage.seconds:.1f} | {_mb(stage.peak)} | {_mb(beyond)} |")
    weights, highest = result.stages[0].weights, result.highest
    said = f"{result.parameters / 1e9:.2f} billion parameters, {result.left / 1e9:.2f} left. Highest: "
    said += f"**{_mb(highest)} MB** in all, Python, torch and the model's library included"
    if weights:
        beyond = highest - weights
        said += f"; {_mb(beyond)} MB beyond the weights ({_mb(weights)} MB), "
        said += f"**{_mb(beyond - result.new)} MB** beyond them and the new ones ({_mb(result.new)} MB)"
    return [*made, "", f"{said}.", ""]


def _mb(count: int) -> str:
    return f"{count / 2**20:,.0f}"


if __name__ == "__main__":
    main()
