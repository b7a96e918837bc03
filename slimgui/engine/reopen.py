"""An original and a file saved by SlimGUI -> the deployed model again, so that it can be proven again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from torch import nn

from slimgui.core.plan import Selection
from slimgui.engine.attributes import Repair
from slimgui.engine.deploy import Deployed, Recovery
from slimgui.engine.keep import kept_indices
from slimgui.engine.load import Loaded, load, own, with_inputs
from slimgui.engine.load.checkpoint import read
from slimgui.engine.load.inputs import shape_of, show
from slimgui.engine.load.own import Provenance
from slimgui.engine.load.source import parse
from slimgui.engine.replay import Kept, sliced
from slimgui.engine.structural import named_tensors
from slimgui.engine.trace import trace
from slimgui.errors import ConsentError, LoadError, UnsafeFileError


def original_of(small: str) -> str:
    """The source that a saved file says it was cut from.

    Raises:
        LoadError: SlimGUI did not save it, or it does not say.
    """
    name = Path(small).name
    found = read(Path(small))
    source = own.unpack(found, name).source if isinstance(found, dict) and own.is_own(found) else ""
    if not source:
        why = "It does not say what it was cut from."
        raise LoadError(f"{name} cannot be proven by itself.", why, "Name the original, too.")
    return source


def reopen(
    original: str,
    small: str,
    maker: str | None = None,
    shapes: str = "",
    trusted: Collection[str] = (),
    *,
    allow_code: bool = True,
) -> tuple[Loaded, Deployed]:
    """The original with its inputs, and what was cut from it, weights and all, as the file holds them.

    Args:
        original: source of the whole model.
        small: the saved file.
        maker: factory of the model that the weights in `original` belong to.
        shapes: of the inputs, as the user writes them; "" for those in the file.
        trusted: SHA-256 of files whose code the user agreed to run.
        allow_code: naming a factory is consent to run it; False in the window, which asks.

    Raises:
        ConsentError: opening the original runs code that the user may agree to.
        LoadError: one of the two cannot be opened, or the file was not cut from this original.
    """
    read_as = partial(load, trusted=trusted, allow_code=allow_code)
    cut = _small(original, small, maker, read_as)
    provenance = cut.provenance
    if provenance is None:
        raise LoadError(f"{small} was not saved by SlimGUI.", "It does not say how it was cut.", "")
    whole = read_as(original, maker)
    if not shapes and cut.example_inputs is not None:
        shapes = ",".join(show(shape) for tensor in cut.example_inputs if (shape := shape_of(tensor)))
    whole = with_inputs(whole, shapes)
    assert whole.example_inputs is not None, "with_inputs gives some or raises"
    traced = trace(whole.model, whole.example_inputs)
    selection = Selection(provenance.selection)
    weights = (*whole.model.named_parameters(), *whole.model.named_buffers())
    sizes = {name: tensor.shape for name, tensor in weights}
    fits = {group.id for group in traced.groups} == set(selection.keep) and all(
        bool(np.all((selection.keep[g.id] >= 0) & (selection.keep[g.id] < g.size))) for g in traced.groups
    )
    if not fits or not _same(kept_indices(traced.groups, selection, sizes), provenance.cut):
        raise LoadError(
            f"{small} was not cut from {original}.",
            f"It was made from {provenance.source or 'a model it does not name'}.",
            "Name the original it was made from.",
        )
    repairs = tuple(Repair(r.module, r.attribute, r.value) for r in provenance.repairs)
    kept = {name: dict(dims) for name, dims in provenance.cut.items()}
    return whole, Deployed(
        cut.model, kept, repairs, provenance.corrections, selection, traced.groups,
        whole.example_inputs, traced, provenance.source,
        recovery=tuple(_recovery(whole.model, provenance)),
    )  # fmt: skip


def _recovery(original: nn.Module, provenance: Provenance) -> Iterator[Recovery]:
    """The recorded steps; what a step changed was a slice of the original before."""
    tensors = named_tensors(original)
    for step in provenance.recovery:
        before = {
            name: sliced(original, name, tensors[name].detach(), provenance.cut.get(name, {}))
            for name in step.changed
            if name in tensors
        }
        yield Recovery(step.method, step.batches, before, step.left, step.distance)


def _small(original: str, small: str, maker: str | None, read_as: Callable[..., Loaded]) -> Loaded:
    """The saved file: from what it holds, else on the class of the original."""
    try:
        return read_as(small)
    except UnsafeFileError:
        raise
    except LoadError as error:
        factory = maker or parse(original).factory
        try:
            return read_as(small, factory or read_as(original).model)
        except ConsentError:
            raise
        except LoadError:
            raise error from None


def _same(one: Kept, other: Kept) -> bool:
    return one.keys() == other.keys() and all(
        dims.keys() == other[name].keys() and all(np.array_equal(dims[dim], other[name][dim]) for dim in dims)
        for name, dims in one.items()
    )
