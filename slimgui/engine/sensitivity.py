"""Cut each group alone, more and more, and see what is lost."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from slimgui.core.groups import Group
from slimgui.core.plan import Plan
from slimgui.core.resolve import free_groups, resolve
from slimgui.core.sensitivity import Point, Sensitivity, add_point, start_file
from slimgui.engine.deploy import deploy
from slimgui.engine.heap import blocks_kept
from slimgui.engine.importance import Scores, importance
from slimgui.engine.inputs import Inputs, as_call, tensors_in
from slimgui.engine.structural import in_eval_mode, named_tensors
from slimgui.engine.trace import Traced
from slimgui.errors import DeployError, PlanError

Loss = Callable[[nn.Module], float]
SHARES = (0.25, 0.5, 0.75, 0.9)  # of a group that goes


@blocks_kept()
def sensitivity(
    model: nn.Module,
    traced: Traced,
    samples: Iterable[Inputs],
    *,
    evaluate: Callable[[nn.Module], float] | None = None,
    plan: Plan | None = None,
    shares: Sequence[float] = SHARES,
    path: str | Path | None = None,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> Sensitivity:
    """What the model loses when one group alone loses some of its channels, for every group that may be cut.

    Args:
        model: the module that was traced; it is left bit-identical.
        traced: what `trace` found.
        samples: batches of inputs, unlabelled; looked at again for every point.
        evaluate: gives the accuracy of a module on the user's data, higher is better; then the loss is what
            is missing to the accuracy of `model`. Without it the loss is `distance`.
        plan: its criterion chooses the channels, and its locks and minimum are kept; default `Plan()`.
        shares: of a group's channels that go.
        path: a file that every point is added to as soon as it is known; what it already holds of the same
            measurement is not measured again.
        told: called with the points done and all points, after each.

    Raises:
        PlanError: there is no sample.
        SaveError: the file cannot be written.
    """
    plan, samples = plan or Plan(), list(samples)
    loss = _missing(model, evaluate) if evaluate else distance(model, samples)
    scores = importance(model, traced, plan.importance, samples)
    kind = "accuracy" if evaluate else "distance"
    of = f"{kind} by {plan.importance} of {fingerprint(model, samples)}"
    points = {(p.group, p.count): p for p in start_file(path, of).points} if path else {}
    wanted = _wanted(free_groups(traced.groups, plan), plan, shares)
    for done, (group, count) in enumerate(wanted):
        if (group.id, count) not in points:
            point = Point(group.id, count, _measured(model, traced, group, count, scores, loss))
            points[group.id, count] = point
            if path:
                add_point(path, point)
        told(done + 1, len(wanted))
    return Sensitivity(of, tuple(points[group.id, count] for group, count in wanted))


def _wanted(groups: Sequence[Group], plan: Plan, shares: Sequence[float]) -> list[tuple[Group, int]]:
    """Half of every group first: a measurement that is stopped has seen each group alike."""
    least = max(1, plan.min_count)
    pairs = [
        (group, max(least, group.size - int(group.size * share)))
        for share in sorted(shares, key=lambda share: abs(share - 0.5))
        for group in groups
    ]
    return list({(g.id, count): (g, count) for g, count in pairs if count < g.size}.values())


def _measured(
    model: nn.Module, traced: Traced, group: Group, count: int, scores: Scores, loss: Loss
) -> float | None:
    selection = resolve(traced.groups, scores, Plan(counts=((group.id, count),)))
    try:
        return loss(deploy(model, traced, selection).model)
    except DeployError:
        return None


def _missing(model: nn.Module, evaluate: Callable[[nn.Module], float]) -> Loss:
    whole = float(evaluate(model))
    return lambda small: max(0.0, whole - float(evaluate(small)))


def distance(model: nn.Module, samples: Iterable[Inputs]) -> Loss:
    """How far the outputs of another module are from those of `model`: |other - own| / |own|, Euclidean.

    Over all numbers of all floating-point outputs of all samples; outputs that are not numbers of both count
    as lost altogether (1).

    Raises:
        PlanError: there is no sample.
    """
    kept = [(batch, _outputs(model, batch)) for batch in samples]
    if not kept:
        raise PlanError("There was no sample to compare outputs on.", "", "Give at least one batch.")
    scale = sum(float(out.double().square().sum()) for _, whole in kept for out in whole)

    def loss(small: nn.Module) -> float:
        apart = sum(
            float((a.double() - b.double()).square().sum())
            for batch, whole in kept
            for a, b in zip(whole, _outputs(small, batch), strict=True)
        )
        found = (apart / scale) ** 0.5 if scale else float(apart > 0)
        return 1.0 if math.isnan(found) else found

    return loss


def _outputs(model: nn.Module, batch: Inputs) -> list[Tensor]:
    args, kwargs = as_call(batch)
    with in_eval_mode(model), torch.no_grad(), torch.random.fork_rng(devices=[]):
        result = model(*args, **kwargs)
    return [tensor for tensor in tensors_in(result) if tensor.is_floating_point()]


def fingerprint(model: nn.Module, samples: Iterable[Inputs]) -> str:
    """A hash of every weight of `model` and of every number in `samples`, 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    inputs = (tensor for batch in samples for tensor in tensors_in(batch))
    for tensor in (*named_tensors(model).values(), *inputs):
        digest.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
