"""A Python file with `samples()` and `evaluate(model)` -> samples; it runs only with consent."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from slimgui.engine.data.described import Batch, Reading, Samples
from slimgui.engine.inputs import Inputs, tensors_in
from slimgui.engine.load.consent import Consent
from slimgui.engine.load.source import import_file
from slimgui.errors import DataError, SlimError

_MEND = "Mend the code and try again; the details say where it failed."
_HINT = "samples() gives batches like the model's inputs, or pairs (batch, labels)."


def program_samples(path: Path, reading: Reading, consent: Consent) -> Samples:
    """What `samples()` in a Python file gives, called anew for every iteration.

    Raises:
        ConsentError: nobody agreed to run it.
        DataError: it fails, has neither function, or its batches are no inputs of this model.
    """
    try:
        module = import_file(path, consent)
    except SlimError:
        raise
    except Exception as error:  # importing user code can raise anything; it becomes a sentence
        raise _failed(f"{path.name} failed", error) from error
    make, measure = getattr(module, "samples", None), getattr(module, "evaluate", None)
    if not callable(make) and not callable(measure):
        raise DataError(f"{path.name} has neither samples() nor evaluate(model).", "", _HINT)

    def batches() -> Iterator[Batch]:
        if not callable(make):
            raise DataError(f"{path.name} has no function samples().", "", _HINT)
        return _limited(_batches(make, reading, path.name), reading.limit)

    first = next(batches(), None) if callable(make) else None
    if callable(make) and first is None:
        raise DataError(f"samples() in {path.name} gives no batch.", "", _HINT)
    labelled = first is not None and first[1] is not None
    evaluate = _measure(measure, path.name) if callable(measure) else None
    classes = reading.classes if labelled else ()
    return Samples(reading.source, None, labelled, classes, None, reading.unused, batches, evaluate)


def _limited(batches: Iterator[Batch], limit: int | None) -> Iterator[Batch]:
    """Whole batches until there are `limit` samples."""
    seen = 0
    for inputs, labels in batches:
        yield inputs, labels
        seen += len(next(tensors_in(inputs)))
        if limit is not None and seen >= limit:
            return


def _batches(make: Callable[[], Any], reading: Reading, shown: str) -> Iterator[Batch]:
    given: Iterator[Any] = iter(())
    for number in itertools.count(1):
        try:
            given = iter(make()) if number == 1 else given
            item = next(given)
        except StopIteration:
            return
        except Exception as error:  # user code can raise anything; it becomes a sentence
            raise _failed(f"samples() in {shown} failed at batch {number}", error) from error
        yield _batch(item, reading.like, f"Batch {number} of {shown}")


def _batch(item: Any, like: Inputs, shown: str) -> Batch:
    """`item` as inputs, or as a pair of inputs and labels."""
    if _fits(item, like):
        return item, None
    if isinstance(item, (tuple, list)) and len(item) == 2 and _fits(item[0], like):
        inputs, labels = item
        labels = torch.as_tensor(labels)
        if labels.ndim < 1 or len(labels) != len(next(tensors_in(inputs))) or labels.is_complex():
            raise DataError(f"{shown} has no label for each sample.", "", _HINT)
        return inputs, labels.long() if not labels.is_floating_point() else labels
    raise DataError(
        f"{shown} is no input of this model.", f"It is {_shape(item)}, not {_shape(like)}.", _HINT
    )


def _fits(item: Any, like: Inputs) -> bool:
    """Whether a model that takes `like` takes `item`: as many tensors, of the same rank and kind."""
    if not isinstance(item, (Tensor, tuple, dict)) or isinstance(item, dict) != isinstance(like, dict):
        return False
    have, want = list(tensors_in(item)), list(tensors_in(like))
    return len(have) == len(want) and all(
        one.ndim == other.ndim and one.is_floating_point() == other.is_floating_point()
        for one, other in zip(have, want, strict=True)
    )


def _shape(item: Any) -> str:
    shapes = ["x".join(map(str, tensor.shape)) or "a number" for tensor in tensors_in(item)]
    return f"{type(item).__name__} of {', '.join(shapes[:6]) or 'no tensor'}"


def _measure(evaluate: Callable[[nn.Module], Any], shown: str) -> Callable[[nn.Module], float]:
    def measured(model: nn.Module) -> float:
        try:
            value = float(evaluate(model))
        except Exception as error:  # user code can raise anything; it becomes a sentence
            raise _failed(f"evaluate(model) in {shown} failed", error) from error
        if not math.isfinite(value):
            raise DataError(f"evaluate(model) in {shown} gave {value}.", "", "It gives one finite number.")
        return value

    return measured


def _failed(what: str, error: Exception) -> DataError:
    first = str(error).partition("\n")[0][:300]
    return DataError(f"{what}.", f"{type(error).__name__}: {first}" if first else type(error).__name__, _MEND)
