"""`slimgui latency`, and `--target latency=60%`: how long a model takes, beside what it computes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from slimgui.cli.opening import opened
from slimgui.cli.plans import plan_for, says_something, sensitivity_of, targets_of
from slimgui.cli.progress import Step
from slimgui.cli.report import Answer
from slimgui.cli.samples import samples_of

if TYPE_CHECKING:
    from torch import nn

    from slimgui.core.budget import Found
    from slimgui.core.cost import Cost
    from slimgui.core.latency import LatencyModel
    from slimgui.core.plan import Plan
    from slimgui.core.targets import Target
    from slimgui.engine.data import Samples
    from slimgui.engine.latency_target import Timed
    from slimgui.engine.load import Loaded
    from slimgui.engine.timing import Latency
    from slimgui.engine.trace import Traced

SLOWEST = 8  # layers that are listed
MISSED = 0.05  # of the time: what is farther from the target is said


def add_device(parser: argparse.ArgumentParser) -> None:
    """Where time is measured."""
    parser.add_argument("--device", default="cpu", help="where to measure time: cpu, cuda, mps; default: cpu")
    parser.add_argument("--threads", type=int, metavar="N", help="of the CPU; default: what torch chooses")
    parser.add_argument(
        "--latency-table", metavar="FILE", help="take the times of another device from this file (.json)"
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the command `latency` takes beside the options of a plan."""
    add_device(parser)
    parser.add_argument(
        "small", nargs="?", help="a file saved by slimgui, to be measured beside the original"
    )
    parser.add_argument(
        "--export-latency", metavar="FILE", help="write the times of this device, for another machine"
    )


def meet(
    arguments: argparse.Namespace,
    model: nn.Module,
    traced: Traced,
    targets: Sequence[Target],
    plan: Plan,
    data: Samples | None,
    step: Step,
) -> tuple[Found | None, Timed | None]:
    """What meets the targets, if there are any, and its measured time where one of them is a latency."""
    from slimgui import engine
    from slimgui.engine.latency_target import by_table, meet_latency

    if not any(one.resource == "latency" for one in targets):
        known = sensitivity_of(arguments)
        return (engine.meet(traced, model, targets, plan, data, sensitivity=known) if targets else None), None
    if arguments.latency_table:
        return by_table(traced, model, _read(arguments, traced), targets, plan, data), None
    _use(arguments)
    told = partial(step, "Measuring ops")
    timed = meet_latency(traced, model, targets, plan, samples=data, device=arguments.device, told=told)
    return timed.found, timed


def latency(arguments: argparse.Namespace, step: Step) -> Answer:
    """`slimgui latency`: how long a model takes, whole, under a plan, or beside what was cut from it."""
    if arguments.small:
        return _compared(arguments, step)
    loaded, traced = opened(arguments, step)
    data = samples_of(arguments, loaded) if arguments.samples else None
    plan = plan_for(arguments, traced)
    found, _ = meet(arguments, loaded.model, traced, targets_of(arguments), plan, data, step)
    return _measured(arguments, loaded, traced, found.plan if found else plan, data, step)


def _compared(arguments: argparse.Namespace, step: Step) -> Answer:
    """An original beside the file that was cut from it."""
    from slimgui import engine
    from slimgui.engine.reopen import reopen

    step("Reading both models", 0, 0)
    loaded, deployed = reopen(
        arguments.source, arguments.small, arguments.model, arguments.input, arguments.trust_code
    )

    assert deployed.traced is not None, "it was traced to be opened"
    step("Measuring both models in turns", 0, 0)
    _use(arguments)
    models = [loaded.model, deployed.model]
    before, after = engine.measure_latency(models, deployed.inputs, device=arguments.device)
    costs = engine.cost(deployed.traced), engine.cost(deployed.traced, deployed.selection)
    row, lines = beside(costs, before, after)
    return Answer({"source": loaded.source, "device": arguments.device, **row}, "\n".join(lines))


def _measured(
    arguments: argparse.Namespace,
    loaded: Loaded,
    traced: Traced,
    plan: Plan,
    data: Samples | None,
    step: Step,
) -> Answer:
    """One model: its slowest layers, and what a plan would leave of its time."""
    from slimgui import engine
    from slimgui.core.text_files import write_text

    _use(arguments)
    table = _table(arguments, loaded, traced, step)
    if arguments.export_latency:
        write_text(arguments.export_latency, table.to_json())
    wrote = [f"Wrote {arguments.export_latency}."] if arguments.export_latency else []
    if not says_something(arguments):
        row, lines = _slowest(table, engine.cost(traced), traced)
    else:
        row, lines = _planned(arguments, loaded, traced, plan, data, table)
    row = {"source": loaded.source, "device": table.device, **row, "unmeasured": list(table.unmeasured)}
    return Answer(row, "\n".join([*lines, *_unmeasured(table), *wrote]))


def beside(costs: tuple[Cost, Cost], before: Latency, after: Latency) -> tuple[dict[str, Any], list[str]]:
    """Measured times beside MACs, as JSON and as sentences; a warning where they do not go together."""
    from slimgui.core.latency_advice import stalled

    macs, time = costs[1].macs / costs[0].macs if costs[0].macs else 1.0, after.median / before.median
    warning = stalled(macs, time)
    row = {
        "macs": {"before": costs[0].macs, "after": costs[1].macs},
        "seconds": {"before": before.median, "after": after.median},
        "spread": {"before": before.spread, "after": after.spread},
        "time_left": time,
        "warning": warning,
    }
    said = (
        f"Measured in turns, {before.runs} runs each: {_ms(before.median)} ± {_ms(before.spread)} before, "
        f"{_ms(after.median)} ± {_ms(after.spread)} after. {100 * time:.1f} % of the time and "
        f"{100 * macs:.1f} % of the MACs stay."
    )
    return row, [said, *filter(None, [warning])]


def timed_report(timed: Timed, targets: Sequence[Target]) -> tuple[dict[str, Any], list[str]]:
    """What a target of latency came to; said once more where that is far from it."""
    from slimgui import engine

    traced = timed.deployed.traced
    assert traced is not None, "deploy keeps it"
    costs = engine.cost(traced), engine.cost(traced, timed.deployed.selection)
    row, lines = beside(costs, timed.before, timed.after)
    asked = next(one.amount for one in targets if one.resource == "latency")
    if timed.left > asked + MISSED:
        lines.append(f"Asked for {100 * asked:.0f} % of the time: no plan that was tried comes nearer.")
    return {"latency": {**row, "predicted": timed.predicted}}, lines


def _use(arguments: argparse.Namespace) -> None:
    """Make torch use as many threads as was asked for; raises SlimError where it has no such device."""
    import torch

    from slimgui.engine.timing import usable

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    usable(arguments.device)


def _table(arguments: argparse.Namespace, loaded: Loaded, traced: Traced, step: Step) -> LatencyModel:
    """The times of another device from a file, else those of this one."""
    from slimgui import engine
    from slimgui.engine.latency_target import held_to

    if arguments.latency_table:
        return _read(arguments, traced)
    told = partial(step, "Measuring ops")
    found = engine.latency_model(traced, device=arguments.device, told=told)
    step("Measuring whole models", 0, 0)
    time = partial(engine.measure_latency, inputs=traced.inputs, device=arguments.device)
    return held_to(found, loaded.model, traced, time)


def _read(arguments: argparse.Namespace, traced: Traced) -> LatencyModel:
    from slimgui.core.latency import read_latency

    return read_latency(arguments.latency_table, frozenset(group.id for group in traced.groups))


def _slowest(table: LatencyModel, cost: Cost, traced: Traced) -> tuple[dict[str, Any], list[str]]:
    from slimgui.core.cost import full_counts

    full = full_counts(traced.groups)
    seconds, layers = table.at(full), table.by_layer(full)
    slowest = sorted(layers.items(), key=lambda item: -item[1])[:SLOWEST]
    row = {"seconds": seconds, "macs": cost.macs, "layers": layers}
    head = f"{_ms(seconds)} for one forward pass, {cost.macs:,} MACs, on {table.device}. The slowest layers:"
    return row, [head, *(f"{name or '(model)':<40} {_ms(own):>10}" for name, own in slowest)]


def _planned(
    arguments: argparse.Namespace,
    loaded: Loaded,
    traced: Traced,
    plan: Plan,
    data: Samples | None,
    table: LatencyModel,
) -> tuple[dict[str, Any], list[str]]:
    """What a plan leaves by the table, and measured where the table is of this machine."""
    from slimgui import engine
    from slimgui.core.cost import full_counts
    from slimgui.core.latency_advice import helpful_multiple, stalled

    selection = engine.resolve(traced, plan, loaded.model, data)
    counts, full = selection.counts(), full_counts(traced.groups)
    before, after = table.at(full), table.at(counts)
    rounded = helpful_multiple(table, traced.groups, plan, counts)
    advice = [str(rounded)] if rounded else []
    row: dict[str, Any] = {
        "predicted": {"before": before, "after": after},
        "multiple": rounded.multiple if rounded else None,
    }
    said = f"Predicted: {_ms(before)} before, {_ms(after)} after, {100 * after / before:.1f} % of the time."
    costs = engine.cost(traced), engine.cost(traced, selection)
    if arguments.latency_table:
        warning = stalled(costs[1].macs / costs[0].macs, after / before) if costs[0].macs else ""
        note = f"The times are of {table.device}; nothing was measured here."
        return {**row, "warning": warning}, [said, note, *filter(None, [warning]), *advice]
    deployed = engine.deploy(loaded.model, traced, selection)
    models = [loaded.model, deployed.model]
    found, lines = beside(costs, *engine.measure_latency(models, traced.inputs, device=arguments.device))
    return {**row, **found}, [said, *lines, *advice]


def _unmeasured(table: LatencyModel) -> list[str]:
    if not table.unmeasured:
        return []
    return [f"Ops that could not be measured alone, and count as nothing: {', '.join(table.unmeasured)}."]


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"
