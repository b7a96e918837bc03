"""Criteria that look at data: what channels do on the user's own inputs, with or without labels.

All run on a copy in eval mode. What reads a channel is found by labels (`readers.py`), so no class of a
module matters. A group that only recurrent kernels read is judged by l2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slimgui.engine.data.described import Samples
from slimgui.engine.importance.registry import Scores, Subject, criterion
from slimgui.engine.importance.weights import l2, summed
from slimgui.engine.inputs import Inputs, as_call, map_tensors, tensors_in
from slimgui.engine.readers import Reader, Reading, readers_of
from slimgui.engine.structural import cloned, copy_module
from slimgui.errors import DataError

Batch = tuple[Inputs, Tensor | None]


def batches(samples: Iterable[Any], like: Inputs) -> Iterator[Batch]:
    """Inputs and labels, batch by batch; None for labels that are not there.

    An item of two is a pair (inputs, labels), unless the model takes two tensors and the item is two tensors.

    Raises:
        DataError: there is none.
    """
    count, pairs = 0, samples.pairs() if isinstance(samples, Samples) and samples.labelled else iter(samples)
    several = isinstance(like, tuple) and len(like) > 1
    for item in pairs:
        count += 1
        is_pair = isinstance(item, (tuple, list)) and len(item) == 2
        if is_pair and not (several and isinstance(item[0], Tensor)):
            yield item[0], item[1]
        else:
            yield item, None
    if not count:
        raise DataError("There was no sample to judge channels by.", "", "Give at least one batch.")


class _Moments:
    """Sums over all data that one reader was given: per place of the channels."""

    def __init__(self) -> None:
        self.rows, self.calls = 0, 0
        self.total = self.squares = self.strength = torch.zeros(())

    def add(self, reader: Reader, data: Tensor, weight: Tensor | None) -> None:
        rows = data.detach().double().movedim(reader.dim, -1).flatten(0, -2)
        self.rows, self.calls = self.rows + len(rows), self.calls + 1
        self.total = self.total + rows.sum(0)
        self.squares = self.squares + rows.square().sum(0)
        self.strength = self.strength + (1.0 if weight is None else reader.strength(weight))

    @property
    def energy(self) -> Tensor:
        """The mean of squares."""
        return self.squares / self.rows

    @property
    def variance(self) -> Tensor:
        return (self.energy - (self.total / self.rows).square()).clamp(min=0)

    @property
    def mean_strength(self) -> Tensor:
        return self.strength / self.calls


def _read(subject: Subject, worth: Callable[[_Moments], Tensor]) -> Scores:
    """Per channel the sum over all readers of what `worth` says of its places."""
    traced, model = subject.traced, copy_module(subject.model, cloned).eval()
    readers = readers_of(traced)
    moments = {id(reader): _Moments() for reader in readers}

    def report(reader: Reader, data: Tensor, weight: Tensor | None) -> None:
        moments[id(reader)].add(reader, data, weight)

    for inputs, _ in batches(subject.samples, traced.inputs):
        args, kwargs = as_call(inputs)
        with torch.no_grad(), Reading(traced, readers, report):
            model(*args, **kwargs)
    scores, sizes = dict[str, Any](), {group.id: group.size for group in subject.groups}
    for reader in readers:
        if moments[id(reader)].rows:
            own = reader.per_channel(worth(moments[id(reader)]), sizes[reader.group])
            scores[reader.group] = scores.get(reader.group, 0) + own
    return {**l2(subject), **scores}


@criterion("input")
def input_aware(subject: Subject) -> Scores:
    """Score s = Σ Var(x) · Σ w², over every reader: x is the channel where it is read, w what multiplies it.

    What is lost when the channel is replaced by its mean, were all channels independent of each other.

    Source: the fluctuation metric of FLAP (An et al. 2024), over all readers of a group.
    """
    return _read(subject, lambda moments: moments.variance * moments.mean_strength)


@criterion("activation")
def activation(subject: Subject) -> Scores:
    """Score s = Σ E[x²] over every reader: x is the channel where it is read.

    Source: Hu et al. 2016, "Network Trimming", with the energy in place of the share of zeros.
    """
    return _read(subject, lambda moments: moments.energy)


@criterion("taylor")
def taylor(subject: Subject) -> Scores:
    """Score s = E |Σ w · ∂L/∂w| over all weights w that the channel owns; the mean is over batches.

    Source: Molchanov et al. 2019, "Importance Estimation for Neural Network Pruning", over coupled layers.
    """
    return _by_gradient(subject, batches(subject.samples, subject.traced.inputs), np.abs)


@criterion("fisher")
def fisher(subject: Subject) -> Scores:
    """Score s = ½ E (Σ w · ∂L/∂w)² over all weights w that the channel owns; the mean is over samples.

    Source: Theis et al. 2018, "Faster gaze prediction with dense networks and Fisher pruning", by weights.
    """
    given = batches(subject.samples, subject.traced.inputs)
    return _by_gradient(subject, (one for batch in given for one in _singly(batch)), lambda s: s * s / 2)


def _by_gradient(subject: Subject, given: Iterable[Batch], shape: Callable[[Any], Any]) -> Scores:
    model = copy_module(subject.model, cloned).eval()
    weights = {name: p for name, p in model.named_parameters() if p.is_floating_point()}
    for weight in weights.values():
        weight.requires_grad_(True)
    scores: Scores = {group.id: np.zeros(group.size) for group in subject.groups}
    count = 0
    for count, (inputs, labels) in enumerate(given, 1):  # noqa: B007 - how many there were
        with torch.enable_grad():
            gradients = torch.autograd.grad(
                loss(model, inputs, labels), list(weights.values()), allow_unused=True
            )
        pairs = zip(weights.items(), gradients, strict=True)
        products = {name: (w.detach() * g) for (name, w), g in pairs if g is not None}
        for name, own in summed(products, subject.groups, lambda product: product).items():
            scores[name] += shape(own)
    return {name: own / count for name, own in scores.items()}


def loss(model: nn.Module, inputs: Inputs, labels: Tensor | None) -> Tensor:
    """Cross entropy with the labels; without, half the squared norm of the outputs. A mean over samples."""
    args, kwargs = as_call(inputs)
    outputs = [tensor for tensor in tensors_in(model(*args, **kwargs)) if tensor.is_floating_point()]
    if labels is not None:
        return F.cross_entropy(outputs[0], torch.as_tensor(labels, device=outputs[0].device))
    count = max(1, _length(inputs))
    total: Tensor = torch.stack([out.square().sum() for out in outputs]).sum() / (2 * count)
    return total


def _length(inputs: Inputs) -> int:
    """How many samples a batch holds, by its first tensor."""
    first = next(tensors_in(inputs), None)
    return 0 if first is None or not first.ndim else len(first)


def _singly(batch: Batch) -> Iterator[Batch]:
    """The samples of a batch, each as a batch of its own; what is not per sample stays whole."""
    inputs, labels = batch
    count = _length(inputs)
    for i in range(count):

        def one(tensor: Tensor, i: int = i) -> Tensor:
            return tensor[i : i + 1] if tensor.ndim and len(tensor) == count else tensor

        yield map_tensors(inputs, one), None if labels is None else torch.as_tensor(labels)[i : i + 1]
