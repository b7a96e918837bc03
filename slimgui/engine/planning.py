"""A trace and what is to be left of it -> a plan; scores come from the model, the search is in core."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from slimgui.core import budget
from slimgui.core.budget import Found
from slimgui.core.latency import read_latency
from slimgui.core.plan import Plan
from slimgui.core.resolve import lasting, needs_scores
from slimgui.core.sensitivity import Sensitivity, scores_from
from slimgui.core.targets import Reach, Target, target
from slimgui.core.targets import reach as _reach
from slimgui.engine.importance import Scores
from slimgui.engine.importance import importance as _importance
from slimgui.engine.latency import Told
from slimgui.engine.latency_target import by_table, meet_latency
from slimgui.engine.timing import with_threads
from slimgui.engine.trace import Traced
from slimgui.errors import PlanError

Amount = float | str
Samples = Iterable[Any] | None


def plan_for(
    traced: Traced,
    model: nn.Module,
    *,
    macs: Amount | None = None,
    params: Amount | None = None,
    bytes: Amount | None = None,  # noqa: A002 - the name of the resource
    activation_bytes: Amount | None = None,
    latency: Amount | None = None,
    device: str = "cpu",
    importance: str | None = None,
    samples: Samples = None,
    plan: Plan | None = None,
    sensitivity: Sensitivity | None = None,
) -> Plan:
    """The plan that meets all given targets and keeps the most importance.

    Args:
        traced: of `model`.
        model: whose weights are judged.
        macs: what is to be left: up to 1 a share of the whole, above it a number; as text "50%", "2.0G", or
            "-50%" for a reduction.
        params: the same for parameters.
        bytes: the same for the bytes of parameters and buffers.
        activation_bytes: the same for what the forward pass writes.
        latency: the share of the time that is to be left, as 0.6 or "60%"; it is measured, which takes a
            minute the first time. The plan comes as near to it as the noise of measurements allows.
        device: to measure the time on.
        importance: name of a criterion; None takes that of `plan`.
        samples: for criteria that look at data, see `importance`.
        plan: its locks, rounding, bins, minima and written counts are kept; its ratios are not.
        sensitivity: what is lost when groups are cut, see `sensitivity`: it says what channels are worth, and
            the criterion only which of them go first. Not together with a latency.

    Returns:
        A plan with every count written out: at most what was asked for, and no group could grow by one more
        step, see `slimgui.core.budget`. By a criterion that looks at data every channel is written out, so
        that whoever follows the plan needs no samples.

    Raises:
        TargetError: no plan within the limits leaves as little; its `reach` says what can be reached.
        PlanError: an amount or a criterion is unknown, or `plan` does not fit.
    """
    wanted = {
        "macs": macs,
        "params": params,
        "bytes": bytes,
        "activation_bytes": activation_bytes,
        "latency": latency,
    }
    targets = [target(name, amount) for name, amount in wanted.items() if amount is not None]
    if not targets:
        raise PlanError("Nothing says what is to be left.", "", "Give a target, for example macs=0.5.")
    plan = _with_criterion(plan, importance)
    return meet(traced, model, targets, plan, samples, device=device, sensitivity=sensitivity).plan


def meet(
    traced: Traced,
    model: nn.Module,
    targets: Sequence[Target],
    plan: Plan,
    samples: Samples = None,
    *,
    device: str = "cpu",
    threads: int = 0,
    sensitivity: Sensitivity | None = None,
    table: str = "",
    told: Told = lambda done, total: None,
) -> Found:
    """`plan_for` with parsed targets; with what the plan costs and keeps. `told` as in `latency_model`.

    `table`: path of the times of another device, which a latency is then met by; nothing is measured.
    `threads`: of the processor, to measure with; 0 for as many as torch has.
    """
    scores = _importance(model, traced, plan.importance, samples)
    if any(one.resource == "latency" for one in targets):
        if sensitivity is not None:
            why = "Its search goes by importance alone."
            raise PlanError("A share of the time is not met by sensitivity.", why, "Leave one of them out.")
        if table:
            known = read_latency(table, frozenset(group.id for group in traced.groups))
            return _lasting(traced, scores, by_table(traced, model, known, targets, plan, samples))
        with with_threads(threads):
            timed = meet_latency(traced, model, targets, plan, samples=samples, device=device, told=told)
        found = timed.found
    else:
        worth = scores if sensitivity is None else _worth(traced, sensitivity, scores)
        limits = (traced.groups, traced.cost_model, targets, worth, plan)
        found = budget.find(*limits, one_scale=sensitivity is not None)
    return _lasting(traced, scores, found)


def _worth(traced: Traced, sensitivity: Sensitivity, scores: Scores) -> Scores:
    """What every channel is worth by what was measured of its group."""
    if not {group.id for group in traced.groups} & {point.group for point in sensitivity.points}:
        raise PlanError(
            "This sensitivity is of another model.", "It names none of its groups.", "Measure it."
        )
    return scores_from(sensitivity, scores)


def pareto(
    traced: Traced,
    model: nn.Module,
    resource: str = "macs",
    *,
    points: int = 20,
    importance: str | None = None,
    samples: Samples = None,
    plan: Plan | None = None,
) -> tuple[Found, ...]:
    """Plans from the smallest to the whole model, to slide along: each costs more and keeps more.

    Args:
        traced: of `model`.
        model: whose weights are judged.
        resource: "macs", "params", "bytes" or "activation_bytes".
        points: evenly spaced costs to look at.
        importance: as in `plan_for`.
        samples: as in `plan_for`.
        plan: as in `plan_for`.

    Returns:
        In rising order, each with its plan, its cost, and the share of importance that it keeps.
    """
    plan = _with_criterion(plan, importance)
    scores = _importance(model, traced, plan.importance, samples)
    name = target(resource, 1).resource
    front = budget.pareto(traced.groups, traced.cost_model, name, scores, plan, points)
    return tuple(_lasting(traced, scores, found) for found in front)


def _lasting(traced: Traced, scores: Scores, found: Found) -> Found:
    """The same, with every channel written out where only data says which ones stay."""
    return replace(found, plan=lasting(traced.groups, scores, found.plan))


def reach(
    traced: Traced, model: nn.Module, plan: Plan | None = None, samples: Samples = None
) -> dict[str, Reach]:
    """What every resource can come down to within the limits of `plan`: minimum, now, maximum."""
    plan = plan or Plan()
    scores = _importance(model, traced, plan.importance, samples) if needs_scores(plan) else None
    return _reach(traced.groups, traced.cost_model, plan, scores)


def _with_criterion(plan: Plan | None, importance: str | None) -> Plan:
    plan = plan or Plan()
    return plan if importance is None else replace(plan, importance=importance)
