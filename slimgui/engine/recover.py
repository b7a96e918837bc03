"""A deployed model -> the same with better numbers, from unlabelled samples, without training.

What is recovered differs from the cut on purpose: the proof stays that of the cut, and a record beside it
says which numbers are others since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from slimgui.core.groups import Refusal
from slimgui.core.plan import Selection
from slimgui.engine.absorb import absorb, absorb_expected
from slimgui.engine.consumers import Consumer, consumers_of
from slimgui.engine.deploy import Deployed, Recovery
from slimgui.engine.expected import Expected
from slimgui.engine.fold import fold
from slimgui.engine.heap import blocks_kept
from slimgui.engine.inputs import Inputs, as_call
from slimgui.engine.merge import merge
from slimgui.engine.missed import Unlike
from slimgui.engine.pair import Pair, pair_of, sharing
from slimgui.engine.running import PlainAverage
from slimgui.engine.sides import outputs_of
from slimgui.engine.structural import cloned, copy_module, in_eval_mode, named_tensors
from slimgui.engine.trace import Traced
from slimgui.engine.walk import Walks, fits, walking
from slimgui.errors import DataError, PlanError

RIDGE = 1e-3  # of the mean square of an input: enough for what few samples leave open
WITH_SAMPLES = ("absorb", "recalibrate", "fold")
WITHOUT = ("merge", "absorb")


@blocks_kept()
def recover(
    model: nn.Module,
    traced: Traced,
    deployed: Deployed,
    samples: Iterable[Inputs] | None = None,
    steps: Sequence[str] | None = None,
    *,
    ridge: float = RIDGE,
) -> Deployed:
    """Win accuracy back without training: a new Deployed whose weights make up for the removed channels.

    Args:
        model: the original; it is left bit-identical, and so is `deployed`.
        traced: what `trace` found of it.
        deployed: what `deploy` made of it.
        samples: unlabelled batches, each a tensor, a tuple of args, or a dict of kwargs; they are read many
            times. None: only what weights themselves say is used.
        steps: in this order, any of "merge" (removed channels as multiples of the kept ones that are made
            most alike), "absorb" (their means into biases; with samples also the scale of what is left),
            "recalibrate" (norms' statistics, see there) and "fold" (least squares into the weights of kept
            channels). None: the last three; without samples the first two.
        ridge: the smallest of the least squares, as a share of the mean square of an input; of two batches
            or more a larger one is taken where it tells other samples better, see `fold`.

    Returns:
        The recovered model; `.recovery` says per step what changed, what was left alone and why, and how far
        the outputs were from the original's before and after. A step that leads away is taken back.

    Raises:
        PlanError: there is no such step, or it needs samples and there are none.
    """
    batches = None if samples is None else samples if isinstance(samples, Sequence) else list(samples)
    steps = (WITH_SAMPLES if batches else WITHOUT) if steps is None else steps
    _check(steps, batches)
    deployed = deployed.held()
    consumers, others = consumers_of(traced, deployed.selection)
    waits = bool(batches) and fits(traced, model, batches or ())
    for step in steps:
        if step == "recalibrate" and batches is not None:
            after = recalibrate(deployed, batches)
        else:
            pair = pair_of(model, deployed)
            with torch.no_grad(), walking(pair, consumers, batches or (), waits=waits) as walks:
                work = _Work(pair, traced, consumers, deployed.selection, walks if batches else None, ridge)
                changed, left = STEPS[step](work)
            numbers = {name: pair.new[name] for name in sorted(changed)}
            after = with_numbers(deployed, step, len(batches or ()), numbers, (*left, *others))
        deployed = after if batches is None else _nearer(model, deployed, after, batches)
    return deployed


def _nearer(model: nn.Module, before: Deployed, after: Deployed, batches: Sequence[Inputs]) -> Deployed:
    """`after` with the distances of its last step; without that step's numbers where it led away."""
    was, now = (distance(model, deployed.model, batches) for deployed in (before, after))
    done = replace(after.recovery[-1], distance=(was, now))
    if now <= was:
        return replace(after, recovery=(*before.recovery, done))
    back = Refusal("The step is taken back: it leads away from the outputs of the whole model.")
    return replace(before, recovery=(*before.recovery, replace(done, before={}, left=(back, *done.left))))


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """What a step is given."""

    pair: Pair
    traced: Traced
    consumers: list[Consumer]
    selection: Selection
    walks: Walks | None
    ridge: float


Done = tuple[set[str], list[Refusal]]


def _absorb(work: _Work) -> Done:
    cut = [consumer for consumer in work.consumers if consumer.reads_cut]
    if work.walks is not None:
        walks = work.walks
        return _each(cut, lambda consumer: absorb(work.pair, consumer, walks, work.ridge))
    expected, changed, left = Expected(work.traced, work.pair.old), set[str](), []
    for consumer in cut:
        if consumer.shift is None:
            left.append(consumer.refusal("Nothing is added to what it gives."))
        elif found := absorb_expected(work.pair, work.traced, consumer, expected):
            changed |= found
        else:
            left.append(consumer.refusal("Nothing says how its inputs are distributed."))
    return changed, left


def _merge(work: _Work) -> Done:
    return merge(work.pair, work.traced, work.consumers, work.selection), []


def _fold(work: _Work) -> Done:
    walks = work.walks
    assert walks is not None, "checked before"
    return _each(work.consumers, lambda consumer: fold(work.pair, consumer, walks, work.ridge))


def _each(consumers: Iterable[Consumer], change: Callable[[Consumer], set[str]]) -> Done:
    """`change` for one consumer after the other: what changed, and where the two models differ."""
    changed: set[str] = set()
    left = []
    for consumer in consumers:
        try:
            changed |= change(consumer)
        except Unlike as reason:
            left.append(consumer.refusal(str(reason)))
    return changed, left


STEPS: dict[str, Callable[[_Work], Done]] = {"merge": _merge, "absorb": _absorb, "fold": _fold}
NEED_SAMPLES = ("recalibrate", "fold")


def _check(steps: Sequence[str], batches: Sequence[Inputs] | None) -> None:
    known = (*STEPS, "recalibrate")
    for step in steps:
        if step not in known:
            raise PlanError(f"There is no step {step!r}.", "", f"Choose of: {', '.join(known)}.")
        if step in NEED_SAMPLES and not batches:
            raise PlanError(f"The step {step!r} needs samples.", "", "Give at least one batch.")


@torch.no_grad()
def distance(model: nn.Module, other: nn.Module, batches: Iterable[Inputs]) -> float:
    """How far the outputs of `other` are from those of `model`, relative to these: root mean squares."""
    missed = given = 0.0
    whole, small = sharing(model), sharing(other)
    for batch in batches:
        for one, two in zip(outputs_of(whole, batch, None), outputs_of(small, batch, None), strict=True):
            if one.is_floating_point():
                missed += float((one.double() - two.double()).square().sum())
                given += float(one.double().square().sum())
    return float((missed / given) ** 0.5) if given else 0.0


@blocks_kept()
def recalibrate(deployed: Deployed, batches: Iterable[Inputs]) -> Deployed:
    """Take the running statistics of every norm anew: the plain average over `batches`, unlabelled.

    Norms that no batch reaches keep theirs, and so do norms that do not call torch's batch_norm or
    instance_norm. All other modules run in eval mode.

    Args:
        deployed: left as it is, and so is the model it was made of.
        batches: each a tensor, a tuple of args, or a dict of kwargs; 100 to 1,000 samples in all.

    Raises:
        PlanError: there was no batch.

    Source: norm recalibration as in EagleEye (Li et al. 2020).
    """
    deployed = deployed.held()
    model = copy_module(deployed.model, cloned)
    buffers = dict(model.named_buffers())
    average, count = PlainAverage(buffers.values()), 0
    with in_eval_mode(model), torch.no_grad():
        for batch in batches:
            args, kwargs = as_call(batch)
            with average:
                model(*args, **kwargs)
            count += 1
    if not count:
        raise PlanError("There was no sample to take statistics of.", "", "Give at least one batch.")
    changed = {name: buffer for name, buffer in buffers.items() if id(buffer) in average.counts}
    return with_numbers(deployed, "recalibrate", count, changed)


def _no_numbers(name: str, method: str) -> DataError:
    return DataError(
        f"{name} would hold values that are no finite numbers.",
        f"The step {method!r} makes them of these samples.",
        "Check the samples for numbers that are far too large.",
    )


def with_numbers(
    deployed: Deployed,
    method: str,
    batches: int,
    numbers: Mapping[str, Tensor],
    left: tuple[Refusal, ...] = (),
) -> Deployed:
    """`deployed` with other numbers in the named parameters and buffers, and a record of it.

    Raises:
        DataError: they are no finite numbers, where those before were.
    """
    model = copy_module(deployed.model, cloned)
    tensors, before = named_tensors(model), {}
    with torch.no_grad():
        for name, value in numbers.items():
            if not value.isfinite().all() and tensors[name].isfinite().all():
                raise _no_numbers(name, method)
            before[name] = tensors[name].detach().clone()
            tensors[name].copy_(value)
    step = Recovery(method, batches, before, left)
    return replace(deployed, model=model, recovery=(*deployed.recovery, step))
