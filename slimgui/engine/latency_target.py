"""A share of the time that is to stay -> a plan that leaves it, measured on the deployed model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import nn

from slimgui.core import budget
from slimgui.core.approach import approach
from slimgui.core.budget import Found
from slimgui.core.cost import full_counts
from slimgui.core.latency import LatencyModel
from slimgui.core.latency_advice import MULTIPLES
from slimgui.core.latency_forms import closed_forms
from slimgui.core.plan import Plan
from slimgui.core.resolve import resolve
from slimgui.core.targets import Target
from slimgui.engine.deploy import Deployed, deploy
from slimgui.engine.importance import Scores, importance
from slimgui.engine.latency import Told, latency_model
from slimgui.engine.timing import Latency, measure_latency
from slimgui.engine.trace import Traced
from slimgui.errors import DeployError, TargetError

TOLERANCE, ATTEMPTS = 0.02, 4  # of what is measured: noise is about as large
NEAR, LOOKS = 0.003, 6  # of what the tables say

EVEN = (0.25, 0.5)  # ratios of the models that scale and overhead follow from, beside the whole one

Time = Callable[[Sequence[nn.Module]], Sequence[Latency]]


@dataclass(frozen=True, slots=True)
class Timed:
    """A plan, and what it leaves of the time.

    Attributes:
        found: the plan with every count written out, and the importance it keeps.
        deployed: what it made of the model.
        predicted: seconds, by the latency model.
        before, after: the whole and the smaller model, measured in turns.
    """

    found: Found
    deployed: Deployed
    predicted: float
    before: Latency
    after: Latency

    @property
    def left(self) -> float:
        """Share of the time that stays."""
        return self.after.median / self.before.median


def meet_latency(
    traced: Traced,
    model: nn.Module,
    targets: Sequence[Target],
    plan: Plan,
    *,
    samples: Iterable[Any] | None = None,
    device: str = "cpu",
    told: Told = lambda done, total: None,
) -> Timed:
    """`plan_for_latency` with parsed targets, one of them a latency: measures ops, whole models, and plans.

    Args:
        traced: of `model`.
        model: whose weights are judged.
        targets: each resource once; one of them is "latency".
        plan: as in `plan_for_latency`.
        samples: for criteria that look at data.
        device: to measure on.
        told: as in `latency_model`.
    """
    share, others = _parted(targets)
    time = partial(measure_latency, inputs=traced.inputs, device=device)
    latency = held_to(latency_model(traced, device=device, told=told), model, traced, time)
    return plan_for_latency(
        traced, model, latency, share, time=time, targets=others, samples=samples, plan=plan
    )


def by_table(
    traced: Traced,
    model: nn.Module,
    latency: LatencyModel,
    targets: Sequence[Target],
    plan: Plan,
    samples: Iterable[Any] | None = None,
) -> Found:
    """What meets the targets, one of them a latency, by the table of another device: nothing is measured.

    Args:
        traced: of `model`.
        model: whose weights are judged.
        latency: of `model` on that device.
        targets: as in `meet_latency`.
        plan: as in `plan_for_latency`.
        samples: for criteria that look at data.
    """
    share, others = _parted(targets)
    scores = importance(model, traced, plan.importance, samples)
    return plan_by_tables(traced, latency, scores, share, targets=others, plan=plan)


def _parted(targets: Sequence[Target]) -> tuple[float, list[Target]]:
    """The share of the time that is to stay, and the other targets."""
    share = next(one.amount for one in targets if one.resource == "latency")
    return share, [one for one in targets if one.resource != "latency"]


def held_to(latency: LatencyModel, model: nn.Module, traced: Traced, time: Time) -> LatencyModel:
    """The latency model with scale and overhead from the whole model and from one with fewer channels.

    Args:
        latency: of the ops.
        model: the traced module.
        traced: what `trace` found.
        time: measures modules, in turns.
    """
    models, counts = [model], [full_counts(traced.groups)]
    scores = importance(model, traced, Plan().importance)
    for ratio in EVEN:
        with suppress(DeployError):
            selection = resolve(traced.groups, scores, Plan(ratio=ratio))
            models.append(deploy(model, traced, selection).model)
            counts.append(selection.counts())
    measured = [each.median for each in time(models)]
    return latency.fitted(list(zip(counts, measured, strict=True)))


def plan_for_latency(
    traced: Traced,
    model: nn.Module,
    latency: LatencyModel,
    share: float,
    *,
    time: Time,
    targets: Sequence[Target] = (),
    samples: Iterable[Any] | None = None,
    plan: Plan | None = None,
) -> Timed:
    """The plan that leaves `share` of the time and keeps the most importance.

    It is found with the latency model, deployed and measured beside the whole model; then the search asks for
    more or less by the ratio it missed, a few times at most.

    Args:
        traced: of `model`.
        model: whose weights are judged; it is left bit-identical.
        latency: of `model`, on the device that `time` measures on.
        share: of the time of the whole model that is to stay.
        time: measures modules, in turns.
        targets: of other resources, which hold too.
        samples: for criteria that look at data.
        plan: its locks, rounding, bins, minima and written counts are kept.

    Raises:
        TargetError: no plan within the limits is that fast.
        DeployError: what was found cannot be cut.
    """
    plan = plan or Plan()
    scores = importance(model, traced, plan.importance, samples)

    def find(asked: float) -> Timed:
        found = plan_by_tables(traced, latency, scores, asked, targets=targets, plan=plan)
        selection = resolve(traced.groups, scores, found.plan)
        deployed = deploy(model, traced, selection)
        before, after = time([model, deployed.model])
        return Timed(found, deployed, latency.at(selection.counts()), before, after)

    tried = approach(share, find, lambda timed: timed.left, tolerance=TOLERANCE, attempts=ATTEMPTS)
    return tried[0].found


def plan_by_tables(
    traced: Traced,
    latency: LatencyModel,
    scores: Scores,
    share: float,
    *,
    targets: Sequence[Target] = (),
    plan: Plan,
) -> Found:
    """The plan that leaves `share` of the time as the latency model says; nothing is measured.

    The search goes by closed forms, and what it asks of them is held to the tables. Kernels have steps, which
    closed forms do not know: counts in multiples of 8, 16 and 32 are tried as well, and what keeps the most
    importance in that time wins.

    Args:
        traced: as found by `trace`.
        latency: of the same model.
        scores: per group id a float array [size].
        share: of the time that is to stay.
        targets: of other resources, which hold too.
        plan: as in `plan_for_latency`.

    Raises:
        TargetError: no plan within the limits is that fast.
    """
    cost = replace(traced.cost_model, latency=closed_forms(latency))
    whole = latency.at(full_counts(traced.groups))

    def find(limits: Plan, asked: float) -> Found:
        wanted = [*targets, Target("latency", asked, is_share=True)]
        return budget.find(traced.groups, cost, wanted, scores, limits)

    def look(found: Found) -> float:
        return latency.at(resolve(traced.groups, scores, found.plan).counts()) / whole

    tried = approach(share, partial(find, plan), look, tolerance=NEAR, attempts=LOOKS)
    for multiple in (n for n in MULTIPLES if n % plan.round_to == 0 and n > plan.round_to and not plan.bins):
        with suppress(TargetError):
            limits = replace(plan, round_to=multiple)
            tried += approach(share, partial(find, limits), look, tolerance=NEAR, attempts=LOOKS)
    near = [one for one in tried if abs(one.measured / share - 1) <= TOLERANCE]
    if not near:
        return min(tried, key=lambda one: abs(one.measured - share)).found
    return max(near, key=lambda one: one.found.kept).found
