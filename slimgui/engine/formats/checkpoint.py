"""A `.pt` file: weights, plan and provenance, read with `weights_only=True`; and a whole pickled module."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import torch
from torch import nn

from slimgui.engine.formats.draft import Content, Draft
from slimgui.engine.formats.nested import Nested, nested
from slimgui.engine.load import own
from slimgui.engine.load.allow import module_class
from slimgui.engine.structural import copy_module
from slimgui.errors import LoadError, UnsafeFileError
from slimgui.runtime import installed, uninstall

_PICKLED = (
    "A pickled module runs code when it is opened, and another version of its classes breaks it: "
    "keep it where you trust every file, and keep a .pt beside it."
)
_BY_ITSELF = "SlimGUI opens it again, with nothing beside it; so does slimgui.engine.load in Python."


def checkpoint_drafts(content: Content, target: Path) -> Iterator[Draft]:
    """With the module, where a file may name every class in it; else weights that need their model."""
    around = nested(content)
    payload = partial(_payload, content, around)
    notes = around.notes if around else ()
    calls = (content.inputs,)
    if content.origin.trusted:
        yield Draft(target, _writes(payload()), "own", _BY_ITSELF, notes=notes, calls=calls)
        return
    if _is_storable(content.model):
        whole = _writes(payload(module=_bare(content.model)))
        # it may hold a function, and then it needs its model
        yield Draft(target, whole, "own", _BY_ITSELF, notes=notes, calls=calls, unless=(UnsafeFileError,))
    needs, original = beside(content.original), content.original
    yield Draft(target, _writes(payload()), "weights", needs, original, notes, calls)


def _payload(content: Content, around: Nested | None, **more: nn.Module) -> dict[str, object]:
    """What `torch.save` writes; the entries of the checkpoint around it come first, where there is one."""
    if around is None or not around.entries:
        return {**own.pack(content.provenance, content.model.state_dict()), **more}
    entries = {**own.record(content.provenance), **more, "place": around.place}
    return {**around.entries, own.KEY: entries}


def beside(original: str) -> str:
    """What a file of weights needs."""
    return f"slimgui.engine.load opens it with the model it was made from: {original}."


def pickle_drafts(content: Content, target: Path) -> Iterator[Draft]:
    """The module as it is: what loads it has to find the very same classes, and has to trust the file."""
    classes = sorted({type(module).__module__.partition(".")[0] for module in content.model.modules()})
    homes = ", ".join([*classes, *(["slimgui"] if installed(content.model) else [])])
    yield Draft(
        target,
        _writes(content.model),
        "module",
        f"torch.load(path, weights_only=False) opens it where {homes} can be imported.",
        notes=(_PICKLED,),
        calls=(content.inputs,),
    )


def _writes(payload: Mapping[str, object] | nn.Module) -> Callable[[Path, list[Path]], None]:
    def write(path: Path, _made: list[Path]) -> None:
        with path.open("wb") as stream:
            torch.save(payload, stream)

    return write


def _is_storable(model: nn.Module) -> bool:
    """Whether a file may name every class in `model`."""
    classes = {type(module) for module in model.modules()}
    try:
        return all(module_class(f"{cls.__module__}.{cls.__qualname__}") is cls for cls in classes)
    except LoadError:  # a library that its classes come from is broken
        return False


def _bare(model: nn.Module) -> nn.Module:
    """The model without its corrections, which a file holds as text; it shares the weights."""
    if not installed(model):
        return model
    bare = copy_module(model, lambda tensor: tensor)
    uninstall(bare)
    return bare
