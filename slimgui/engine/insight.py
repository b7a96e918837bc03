"""What the window wants to know of the open model beside cutting it: where channels lie, what it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import nn

from slimgui.core import wire
from slimgui.core.cost import full_counts
from slimgui.core.latency import LatencyModel, read_latency
from slimgui.core.latency_advice import helpful_multiple, stalled
from slimgui.core.plan import Plan, Selection
from slimgui.core.resolve import resolve
from slimgui.core.text_files import write_text
from slimgui.engine.deploy import Deployed, deploy
from slimgui.engine.importance import importance
from slimgui.engine.latency import gauge_of, latency_model
from slimgui.engine.latency_target import held_to
from slimgui.engine.load import Loaded
from slimgui.engine.timing import measure_latency, usable, with_threads
from slimgui.engine.trace import Traced
from slimgui.errors import PlanError

Told = Callable[[str, int, int], None]
SLOWEST = 8  # layers that are named


def located(traced: Traced, group_id: str) -> tuple[tuple[tuple[str, int, int], ...], tuple[bytes, ...]]:
    """Members and tables as in `wire.Located`; members with equal indices share a table.

    Raises:
        PlanError: there is no such group.
    """
    group = next((one for one in traced.groups if one.id == group_id), None)
    if group is None:
        raise PlanError(f"There is no group {group_id!r}.")
    tables: dict[bytes, int] = {}
    members = []
    for member in group.members:
        packed = member.indices.astype("int32").tobytes()
        members.append((member.parameter, member.dim, tables.setdefault(packed, len(tables))))
    return tuple(members), tuple(tables)


def timed(loaded: Loaded, traced: Traced, request: wire.Time, told: Told) -> wire.Timed:
    """How long the whole model takes, and what `request.plan` leaves of it, with advice.

    Raises:
        PlanError: the plan does not fit, or the table is of another model.
        DeployError: what the plan leaves cannot be cut.
        SlimError: this torch has no such device.
    """
    scores = importance(loaded.model, traced, request.plan.importance)
    selection = resolve(traced.groups, scores, request.plan)
    if request.table:
        return _by_table(traced, request, selection)
    with with_threads(request.threads):
        return _measured(loaded, traced, request, selection, told)


def timed_beside(original: nn.Module, deployed: Deployed, request: wire.Prove, told: Told) -> wire.Timed:
    """How long a deployed model takes beside its original, in turns.

    Raises:
        SlimError: this torch has no such device.
    """
    assert deployed.traced is not None, "it was traced to be opened"
    told("Measuring both models in turns", 0, 0)
    models = [original, deployed.model]
    with with_threads(request.threads):
        device = gauge_of(usable(request.device)).setting
        before, after = measure_latency(models, inputs=deployed.inputs, device=request.device)
    seconds, spread = (before.median, after.median), (before.spread, after.spread)
    return _answer(request.task, deployed.traced, deployed.selection, device, seconds, spread)


def write_times(
    path: str, model: nn.Module, traced: Traced, device: str, told: Told, threads: int = 0
) -> None:
    """Measure every op of the model on `device` and write the times, for planning on another machine.

    `threads`: of the processor, 0 for as many as torch has.

    Raises:
        SaveError: the file cannot be written.
        SlimError: this torch has no such device.
    """
    time = partial(measure_latency, inputs=traced.inputs, device=str(usable(device)))
    with with_threads(threads):
        ops = latency_model(traced, device=device, told=partial(told, "Measuring ops"))
        told("Measuring whole models", 0, 0)
        found = held_to(ops, model, traced, time)
    write_text(path, found.to_json())


def _by_table(traced: Traced, request: wire.Time, selection: Selection) -> wire.Timed:
    latency = read_latency(request.table, frozenset(group.id for group in traced.groups))
    before, after = latency.at(full_counts(traced.groups)), latency.at(selection.counts())
    return _answer(
        request.task, traced, selection, latency.device, (before, after), None, (request.plan, latency)
    )


def _measured(
    loaded: Loaded, traced: Traced, request: wire.Time, selection: Selection, told: Told
) -> wire.Timed:
    """Both models in turns; the ops too, where something is cut: they say which multiples help."""
    time = partial(measure_latency, inputs=traced.inputs, device=request.device)
    told("Measuring how long it takes", 0, 0)
    device, full = gauge_of(usable(request.device)).setting, full_counts(traced.groups)
    if selection.counts() == full:
        [whole] = time([loaded.model])
        seconds, spread = (whole.median, whole.median), (whole.spread, whole.spread)
        return _answer(request.task, traced, selection, device, seconds, spread)
    smaller = deploy(loaded.model, traced, selection).model
    before, after = time([loaded.model, smaller])
    ops = latency_model(traced, device=request.device, told=partial(told, "Measuring ops"))
    told("Measuring whole models", 0, 0)
    latency = held_to(ops, loaded.model, traced, time)
    seconds, spread = (before.median, after.median), (before.spread, after.spread)
    return _answer(request.task, traced, selection, device, seconds, spread, (request.plan, latency))


def _answer(
    task: int,
    traced: Traced,
    selection: Selection,
    device: str,
    seconds: tuple[float, float],
    spread: tuple[float, float] | None,
    by_ops: tuple[Plan, LatencyModel] | None = None,
) -> wire.Timed:
    """The times, a warning where MACs fall and they do not, and what the ops of a plan advise."""
    (before, after), full, counts = seconds, full_counts(traced.groups), selection.counts()
    macs = traced.cost_model.at(full).macs
    left = traced.cost_model.at(counts).macs / macs if macs else 1.0
    warning = stalled(left, after / before)
    if by_ops is None:
        return wire.Timed(task, device, before, after, spread, warning)
    plan, latency = by_ops
    better = helpful_multiple(latency, traced.groups, plan, counts)
    multiple, advice = (better.multiple, str(better)) if better else (0, "")
    slowest = _slowest(latency.by_layer(full), latency.by_layer(counts))
    return wire.Timed(task, device, before, after, spread, warning, multiple, advice, slowest)


def _slowest(before: Mapping[str, float], after: Mapping[str, float]) -> tuple[tuple[str, float, float], ...]:
    """The layers of the whole model that take longest: what each takes, and what stays of that."""
    names = sorted(before, key=lambda name: -before[name])[:SLOWEST]
    return tuple((name, before[name], after.get(name, 0.0)) for name in names)
