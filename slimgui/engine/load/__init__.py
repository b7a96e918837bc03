"""A source the user names -> a model. Nothing a file says is run: see checkpoint.py."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from slimgui.engine.load import own
from slimgui.engine.load.checkpoint import read
from slimgui.engine.load.consent import Consent
from slimgui.engine.load.fit import fit, is_narrower
from slimgui.engine.load.inputs import (
    Shapes,
    Whole,
    example_inputs,
    guess_shapes,
    model_dtype,
    parse_shapes,
    show,
)
from slimgui.engine.load.narrow import narrowed
from slimgui.engine.load.nested import Choice, choose, listed
from slimgui.engine.load.source import Source, build, build_for, is_trusted, parse
from slimgui.engine.load.unnamed import unnamed
from slimgui.errors import LoadError, UnsafeFileError
from slimgui.files import foreign
from slimgui.files.sets import weights_in

__all__ = ["Loaded", "example_inputs", "guess_shapes", "load", "parse_shapes", "with_inputs"]


@dataclass(frozen=True)
class Loaded:
    """A model and what is known about it.

    Attributes:
        model: in eval mode, on the CPU.
        example_inputs: arguments of one call, or None when nothing says what they are.
        source: what `load` can be given again to get the same model.
        notes: sentences the user should see.
        provenance: how it was cut, when the file was saved by SlimGUI.
        labels: names of the classes it tells apart, when the file says them.
    """

    model: nn.Module
    example_inputs: tuple[Tensor, ...] | None
    source: str
    notes: tuple[str, ...] = ()
    provenance: own.Provenance | None = None
    labels: tuple[str, ...] = ()


def load(
    source: str | Path,
    model: nn.Module | str | None = None,
    *,
    allow_code: bool = True,
    trusted: Collection[str] = (),
) -> Loaded:
    """Load a model from a checkpoint or a factory.

    Args:
        source: a path, a factory ("torchvision.models:resnet50", "my_net.py:build"), or path@factory.
        model: what the file's weights belong to: a module of that class, also inside a wrapper of torch's
            (changed in place and returned), or its factory.
        allow_code: naming a factory is consent to run it; False in the window, which asks.
        trusted: SHA-256 of the files whose code the user agreed to run: Python files, and checkpoints
            that need classes of their own.

    Raises:
        ConsentError: opening the source runs code that the user may agree to.
        UnsafeFileError: opening the source would run code nobody agreed to.
        UnnamedModelError: it holds weights, and no model was named; lists what they may be of.
        LoadError: it cannot be opened; the message says why and what to do.
    """
    consent = Consent(allow_code, frozenset(trusted))
    is_text = isinstance(source, str) or source.suffix == ".py"
    parsed = parse(str(source)) if is_text else Source(Path(source), "")
    if isinstance(model, str):
        parsed, model = replace(parsed, factory=model), None
    if parsed.path is None:
        made = model.eval() if model is not None else build(parsed.factory, consent)
        note = f"{parsed.factory} made this model; unless it loads trained weights, they are random."
        return Loaded(made, None, str(source), (note,))
    found = read(parsed.path, consent)
    if parsed.factory:
        model = build_for(found, parsed.factory, consent)
    shown = parsed.path.name
    again = str(parsed)
    if isinstance(found, nn.Module):
        return Loaded(_whole(found, model, shown), None, again)
    if own.is_own(found):
        assert isinstance(found, dict), "is_own says so"
        return _own(found, shown, again, model)
    if isinstance(found, dict) and "slimgui_factory" in found:
        return _self_named(found, shown, again, model)
    return _weights(found, model, shown, parsed)


def with_inputs(loaded: Loaded, shapes: str = "") -> Loaded:
    """The same with example inputs: of the shapes given, else the file's, else a guess (noted).

    Args:
        loaded: by `load`.
        shapes: as the user writes them, "1x3x224x224"; "" when not given.

    Raises:
        LoadError: `shapes` is no list of shapes.
        MissingInputsError: nothing says the shape, and the common ones do not fit.
    """
    if shapes:
        return replace(loaded, example_inputs=example_inputs(parse_shapes(shapes), model_dtype(loaded.model)))
    if loaded.example_inputs is not None:
        return loaded
    guessed = guess_shapes(loaded.model)
    note = f"The input shape {', '.join(map(show, guessed))} is a guess that this model accepts."
    inputs = example_inputs(guessed, model_dtype(loaded.model))
    return replace(loaded, example_inputs=inputs, notes=(*loaded.notes, note))


def _whole(found: nn.Module, model: nn.Module | None, shown: str) -> nn.Module:
    """A full-module file; with a model given, only its weights are taken."""
    if model is None:
        return found.eval()
    fit(model, found.state_dict(), shown, type(model).__name__)
    return model.eval()


def _own(found: dict[str, Any], shown: str, again: str, model: nn.Module | None) -> Loaded:
    provenance = own.unpack(found, shown)
    small = own.rebuild(found, provenance, shown, model)
    inputs = _file_inputs(provenance.shapes, small, shown)
    return Loaded(small, inputs, again, provenance=provenance)


def _self_named(found: Mapping[str, Any], shown: str, again: str, model: nn.Module | None) -> Loaded:
    """A checkpoint that names its factory, as the example does."""
    factory, state = found["slimgui_factory"], found.get("state_dict")
    if not isinstance(factory, str) or not isinstance(state, dict):
        raise LoadError(f"{shown} is damaged.", "It has no weights, or names no model.", "Save it again.")
    if model is None:
        if not is_trusted(factory):
            raise UnsafeFileError(
                f"{shown} was not opened.",
                f"It asks to run {factory}, which is not on the list of models a file may name.",
                f"If you trust it, say so yourself: --model {factory}.",
            )
        model = build_for(state, factory)
    fit(model, state, shown, factory)
    shape = found.get("example_shape")
    inputs = _file_inputs((shape,), model, shown) if shape is not None else None
    labels = found.get("classes", ())
    return Loaded(model.eval(), inputs, again, labels=tuple(map(str, labels)))


def _weights(found: object, model: nn.Module | None, shown: str, parsed: Source) -> Loaded:
    """The model that was given or made, with the weights in the file that belong to it."""
    sets = weights_in(found, Tensor)
    if not sets:
        inside = ", ".join(map(str, list(found)[:5])) if isinstance(found, dict) else type(found).__name__
        raise LoadError(
            f"{shown} holds neither a model nor weights.",
            f"It holds {inside}." if inside else "It holds nothing.",
            "Save the model with torch.save(model.state_dict(), path).",
        )
    largest = max(sets.values(), key=len)
    other = foreign.by_tensors(largest)
    if other is not None:
        raise other.refusal(shown)
    if model is None:
        raise unnamed(sets, parsed)
    chosen = choose(sets, model, parsed.entry, shown)
    notes = _left_out(sets, chosen, shown)
    if is_narrower(model.state_dict(), chosen.state) and is_trusted(parsed.factory):
        model = narrowed(model, chosen.state, shown, parsed.factory).model
        notes += (
            f"The weights are narrower than {parsed.factory}, and the model was made as narrow as they are.",
        )
    fit(model, chosen.state, shown, parsed.factory or type(model).__name__)
    return Loaded(model.eval(), None, str(parsed), notes)


def _left_out(sets: Mapping[str, Mapping[str, Tensor]], chosen: Choice, shown: str) -> tuple[str, ...]:
    """What of the file's weights the model does not take, in sentences."""
    notes = []
    if len(sets) > 1:
        notes.append(f"{shown} holds {listed(sets)}; the model takes {chosen.name!r}.")
    if chosen.left:
        rest = (
            f"{chosen.left[0]!r} and {len(chosen.left) - 1} more" if chosen.left[1:] else repr(chosen.left[0])
        )
        notes.append(f"{shown} also holds {rest}, which the model does not take.")
    return tuple(notes)


def _file_inputs(shapes: Any, model: nn.Module, shown: str) -> tuple[Tensor, ...] | None:
    """Example inputs of the shapes a file says; a file may not ask for absurd ones."""
    try:
        checked: Shapes = tuple(
            shape if isinstance(shape, Whole) else tuple(int(size) for size in shape) for shape in shapes
        )
        text = ",".join(map(show, checked))
        return example_inputs(parse_shapes(text), model_dtype(model)) if checked else None
    except (TypeError, ValueError, LoadError):
        raise LoadError(f"{shown} is damaged.", "The input shape it gives is not one.", "") from None
