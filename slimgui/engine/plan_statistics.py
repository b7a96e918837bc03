"""Running statistics of one plan as a file: written once they were taken anew, applied when it is deployed.

A .safetensors file with the buffers by name, which any reader of safetensors opens. Its metadata says which
smaller model they are of: a hash of that model's weights as they were cut. They are valid for no other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from slimgui.engine.deploy import Deployed
from slimgui.engine.inputs import Inputs, tensors_in
from slimgui.engine.pending import numbers_of
from slimgui.engine.recover import recalibrate, with_numbers
from slimgui.engine.structural import named_tensors
from slimgui.errors import PlanError

_FORMAT: Final = "slimgui statistics 1"


def take_statistics(
    deployed: Deployed,
    batches: Iterable[Inputs],
    path: str | Path,
    tell: Callable[[int], None] = lambda _: None,
) -> int:
    """Take the running statistics of a smaller model anew, see `recalibrate`, and write them to a file.

    Args:
        deployed: the plan's smaller model; left as it is.
        batches: unlabelled.
        path: of the .safetensors file.
        tell: is called before each batch with the number of samples so far.

    Returns:
        How many samples there were.

    Raises:
        PlanError: there was no batch, or the model keeps no running statistics.
    """
    seen = 0

    def counted() -> Iterator[Inputs]:
        nonlocal seen
        for batch in batches:
            tell(seen)
            yield batch
            first = next(tensors_in(batch), None)
            seen += len(first) if first is not None and first.ndim else 1

    recovered = recalibrate(deployed, counted())
    step = recovered.recovery[-1]
    if not step.before:
        raise PlanError(
            "This model keeps no running statistics.", "Only batch norm and instance norm keep some.", ""
        )
    buffers = named_tensors(recovered.model)
    metadata = {"format": _FORMAT, "of": _hash(deployed), "batches": str(step.batches)}
    save_file({name: buffers[name].contiguous() for name in step.before}, Path(path), metadata)
    return seen


def with_statistics(deployed: Deployed, path: str | Path) -> Deployed:
    """The smaller model with the statistics that were taken of it, and a record of that.

    Raises:
        PlanError: the file is gone, damaged, or of another model or plan.
    """
    shown = Path(path).name
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            numbers = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
        batches = int(metadata["batches"])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        why = f"{str(error).partition(chr(10))[0]}."
        raise PlanError(f"The statistics in {shown} cannot be read.", why, "Take them again.") from None
    if metadata.get("format") != _FORMAT or metadata.get("of") != _hash(deployed):
        raise PlanError(
            f"The statistics in {shown} are of another model.",
            "They fit only the plan and the weights that they were taken with.",
            "Take them again for this plan.",
        )
    there = named_tensors(deployed.model)
    if any(name not in there or there[name].shape != value.shape for name, value in numbers.items()):
        raise PlanError(f"The statistics in {shown} are damaged.", "", "Take them again.")
    return with_numbers(deployed, "recalibrate", batches, numbers)


def _hash(deployed: Deployed) -> str:
    """Of names, types, shapes and bytes of all that the smaller model holds, before any recovery."""
    digest, cut = hashlib.sha256(), deployed.as_cut()
    numbers = numbers_of(cut.model, cut.pending)
    for name, tensor in sorted(named_tensors(cut.model).items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(numbers(tensor).detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
