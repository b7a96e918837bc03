"""What samples are: how they are read, and batches of them with what is known about them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor, nn

from slimgui.engine.inputs import Inputs, as_call, tensors_in
from slimgui.engine.load.preprocessing import YOU, Preprocessing
from slimgui.engine.structural import in_eval_mode
from slimgui.errors import DataError

Batch = tuple[Inputs, Tensor | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """How samples are read: the arguments of `samples`, checked.

    Attributes:
        source: what the user named.
        like: example inputs of the model.
        preprocessing: of images.
        classes: names of the model's outputs, () when they are not known.
    """

    source: str
    like: Inputs
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    batch_size: int
    limit: int | None
    seed: int

    @property
    def unused(self) -> tuple[str, ...]:
        """The note for samples that are no pixels, when the user said how pixels are preprocessed."""
        said = self.preprocessing.origin == YOU or self.preprocessing.size is not None
        return ("Mean, std and size are for pixels; these samples are taken as they are.",) if said else ()

    def order(self, count: int) -> list[int]:
        """Which of `count` samples are used, and in which order."""
        drawn = list(range(count))
        random.Random(self.seed).shuffle(drawn)  # noqa: S311 - an order, no secret
        return drawn[: self.limit]

    def parts(self, order: list[int]) -> list[list[int]]:
        """`order` in batches as even as can be: statistics of one sample left over would be worth little."""
        number = -(-len(order) // self.batch_size)
        ends = [len(order) * i // number for i in range(number + 1)]
        return [order[start:end] for start, end in pairwise(ends)]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Batches of inputs of a model, to iterate over any number of times.

    Attributes:
        source: what the user named.
        size: how many samples there are, None when only running the code that makes them would tell.
        labelled: whether each has a label.
        classes: names of the labels, in their order; () when nothing says them.
        preprocessing: of images, None for samples that are taken as they are.
        notes: sentences the user should see.
        batches: makes the batches with their labels.
        evaluate: the user's own measure of a model, None without one.
    """

    source: str
    size: int | None
    labelled: bool
    classes: tuple[str, ...]
    preprocessing: Preprocessing | None
    notes: tuple[str, ...]
    batches: Callable[[], Iterator[Batch]] = field(repr=False)
    evaluate: Callable[[nn.Module], float] | None = field(default=None, repr=False)

    def __iter__(self) -> Iterator[Inputs]:
        """The inputs, batch by batch. Raises DataError for what cannot be read."""
        return (inputs for inputs, _ in self.batches())

    def pairs(self) -> Iterator[tuple[Inputs, Tensor]]:
        """Inputs with their labels, int64 [batch].

        Raises:
            DataError: there are no labels, or something cannot be read.
        """
        for inputs, labels in self.batches():
            if labels is None:
                raise DataError(
                    f"{self.source} has no labels.",
                    "",
                    "Give a folder per class, an .npz with an array 'labels', or a .py that gives pairs.",
                )
            yield inputs, labels

    def accuracy(self, model: nn.Module) -> float:
        """How good `model` is in eval mode: what `evaluate` says, else how often its largest output is right.

        Raises:
            DataError: there are neither labels nor `evaluate`, or the outputs are no scores of classes.
        """
        with in_eval_mode(model), torch.no_grad():
            if self.evaluate is not None:
                return self.evaluate(model)
            right = total = 0
            for inputs, labels in self.pairs():
                args, kwargs = as_call(inputs)
                scores = next(tensors_in(model(*args, **kwargs)), None)
                if scores is None or scores.ndim != 2 or len(scores) != len(labels):
                    raise DataError(
                        "The model's output is no score per class.",
                        "",
                        "Measure it in a .py: evaluate(model).",
                    )
                right += int((scores.argmax(1).cpu() == labels).sum())
                total += len(labels)
            return right / total

    def describe(self) -> str:
        """What they are, in sentences."""
        number = "Samples" if self.size is None else f"{self.size:,} samples"
        labels = f", labelled with {len(self.classes)} classes" if self.classes else ", labelled"
        kind = labels if self.labelled else ", without labels"
        return f"{number} of {self.source}{kind}. {self.describe_reading()}".strip()

    def describe_reading(self) -> str:
        """How they become inputs, in sentences; "" for what is taken as it is."""
        how = () if self.preprocessing is None else (self.preprocessing.describe(),)
        return " ".join((*how, *self.notes))
