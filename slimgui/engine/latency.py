"""A trace and a device -> how long the model takes there, as a function of the counts."""

from __future__ import annotations

import platform
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import torch

from slimgui.core.caches import cache_folder
from slimgui.core.cost import full_counts
from slimgui.core.latency import LatencyModel, TimedOp
from slimgui.core.latency_cache import LatencyCache
from slimgui.core.latency_table import Line, Table, table_of
from slimgui.core.plan import Selection
from slimgui.engine.costing import SizeOf
from slimgui.engine.keep import labels_gone
from slimgui.engine.op_calls import OpCall, Ready, op_call, refs, timed_functions
from slimgui.engine.op_grid import Counts, Form, GridAxis, axes, combined
from slimgui.engine.recording import Function
from slimgui.engine.timing import Clock, clock, ops_in_turns, usable
from slimgui.engine.trace import Traced
from slimgui.engine.view import View

ROUNDS = 7
CHUNK_BYTES, CHUNK_OPS = 192 << 20, 200  # measured in turns: more than caches hold, of memory and of kernels

Measure = Callable[[Sequence[OpCall]], list[float | None]]
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Gauge:
    """What measures ops, and how that is described.

    Attributes:
        setting: all that the seconds depend on, in words.
        measure: seconds of each call; None for one that cannot run alone.
    """

    setting: str
    measure: Measure


def latency_model(
    traced: Traced,
    *,
    device: str | torch.device = "cpu",
    gauge: Gauge | None = None,
    cache: Path | None = None,
    told: Told = lambda done, total: None,
) -> LatencyModel:
    """Measure every distinct op of the traced pass, whole and with fewer channels.

    Args:
        traced: what `trace` found; its example inputs say batch and image size.
        device: to measure on.
        gauge: what measures; by default `gauge_of` the device.
        cache: folder of known measurements; by default the user's.
        told: called with the ops measured and all ops, after every few.

    Returns:
        A model without overhead; `LatencyModel.fitted` holds it to measurements of whole models.
    """
    gauge = gauge or gauge_of(usable(device))
    known = LatencyCache(gauge.setting, cache_folder("latency") if cache is None else cache)
    plans = _op_plans(traced)
    wanted = {str(call): call for plan in plans for call in plan.calls}
    missing = [call for name, call in wanted.items() if name not in known]
    random.Random(0).shuffle(missing)  # noqa: S311 - in a model, too, an op follows one of another kind
    told(len(wanted) - len(missing), len(wanted))
    for start in range(0, len(missing), CHUNK_OPS):
        part = missing[start : start + CHUNK_OPS]
        known.add(dict(zip(map(str, part), gauge.measure(part), strict=True)))
        told(len(wanted) - len(missing) + start + len(part), len(wanted))
    return _assembled(gauge.setting, plans, known, full_counts(traced.groups))


def gauge_of(device: torch.device) -> Gauge:
    """What measures on a device of this machine, with the number of threads that torch has now."""
    timer = clock(device)
    words = [str(device), _processor(device), f"torch {torch.__version__}"]
    if device.type == "cpu":
        threads = torch.get_num_threads()
        words.append(f"{threads} thread{'s' * (threads != 1)}")
    return Gauge(", ".join(words), lambda calls: list(_measured(calls, device, timer)))


def _processor(device: torch.device) -> str:
    if device.type == "cpu":
        name = platform.processor() or platform.machine()
        return f"{name} {torch.backends.cpu.get_cpu_capability()}"
    properties = getattr(torch.get_device_module(device), "get_device_name", None)
    return str(properties(device)) if properties else platform.machine()


def _measured(calls: Sequence[OpCall], device: torch.device, timer: Clock) -> Iterable[float | None]:
    """Seconds of the calls, in their order; as many at once as fit into CHUNK_BYTES."""
    start = 0
    while start < len(calls):
        found: list[Ready | None] = []
        held = 0
        while start + len(found) < len(calls) and held < CHUNK_BYTES:
            found.append(_ready(calls[start + len(found)], device))
            held += found[-1].bytes if found[-1] else 0
        start += len(found)
        with torch.no_grad():
            seconds = iter(ops_in_turns([op for op in found if op], timer, ROUNDS))
        yield from (next(seconds) if op else None for op in found)


def _ready(call: OpCall, device: torch.device) -> Ready | None:
    """The call with its tensors, None where it cannot be made on these."""
    try:
        with torch.no_grad():
            op = call.ready(device)
            op.run()
    except Exception:  # noqa: BLE001 - any op of any model; what cannot be measured is named in the model
        return None
    return op


@dataclass(frozen=True, slots=True, eq=False)
class _OpPlan:
    """One table to be: the calls at the points of its grid, then those at uneven lengths, axis by axis."""

    functions: list[Function]
    forms: list[tuple[Form, ...]]
    axes: tuple[GridAxis, ...]
    calls: tuple[OpCall, ...]


def _op_plans(traced: Traced) -> list[_OpPlan]:
    """One plan for each distinct op; calls that differ in nothing but the names of their groups share one."""
    labelled, full = traced.passes[0], full_counts(traced.groups)
    size_of, whole = SizeOf(traced), View(labelled, labels_gone(traced.solved, _selection(full)))
    plans: dict[str, _OpPlan] = {}
    for function, looks in timed_functions(labelled.capture):
        sizes = [] if looks else [size_of(labelled.operands[index]) for index in refs(function)]
        grid = axes(sizes, full)
        template = _template(op_call(function, whole), grid, sizes)
        if template not in plans:
            calls = [op_call(function, _view(traced, full, counts)) for counts in _points(grid)]
            plans[template] = _OpPlan([], [], grid, tuple(calls))
        plans[template].functions.append(function)
        plans[template].forms.append(tuple(axis.form for axis in grid))
    return list(plans.values())


def _points(grid: Sequence[GridAxis]) -> list[dict[str, int]]:
    """Counts of every measurement of one table; see `_OpPlan`."""
    points = combined([axis.points for axis in grid])
    for axis in grid:
        rest = {name: n for other in grid if other is not axis for name, n in other.points[0].items()}
        points += [{**rest, **counts} for counts in axis.uneven]
    return points


def _template(call: OpCall, grid: Sequence[GridAxis], sizes: Sequence[object]) -> str:
    names = {name: f"g{i}" for i, name in enumerate(name for axis in grid for name in axis.groups)}
    words = f"{call} {sizes}"
    for name in sorted(names, key=len, reverse=True):
        words = words.replace(f"'{name}'", names[name])
    return words


def _view(traced: Traced, full: Counts, counts: Counts) -> View:
    return View(traced.passes[0], labels_gone(traced.solved, _selection({**full, **counts})))


def _selection(counts: Counts) -> Selection:
    import numpy as np

    return Selection({name: np.arange(count) for name, count in counts.items()})


def _assembled(device: str, plans: Sequence[_OpPlan], known: LatencyCache, full: Counts) -> LatencyModel:
    """The tables, and every call of the pass with its lengths."""
    tables: list[Table] = []
    unmeasured: list[str] = []
    ops: dict[int, TimedOp] = {}
    lengths: dict[Form, int] = {}
    for plan in plans:
        found = [known[str(call)] for call in plan.calls]
        if any(seconds is None for seconds in found):
            unmeasured.append(str(plan.calls[0]))
            continue
        for function, forms in zip(plan.functions, plan.forms, strict=True):
            numbers = tuple(lengths.setdefault(form, len(lengths)) for form in forms)
            ops[function.number] = TimedOp(function.module, len(tables), numbers)
        tables.append(_table(plan, [seconds or 0.0 for seconds in found], full))
    in_order = tuple(ops[number] for number in sorted(ops))
    return LatencyModel(device, tuple(tables), tuple(lengths), in_order, unmeasured=tuple(unmeasured))


def _table(plan: _OpPlan, seconds: Sequence[float], full: Counts) -> Table:
    """The table of one op from its measurements, which are in `_points`' order."""
    rows = [tuple(axis.length({**full, **counts}) for counts in axis.points) for axis in plan.axes]
    grid = prod(map(len, rows))
    rest, lines = list(seconds[grid:]), []
    for axis, row in zip(plan.axes, rows, strict=True):
        uneven = [axis.length({**full, **counts}) for counts in axis.uneven]
        own, rest = rest[: len(uneven)], rest[len(uneven) :]
        lines.append(Line(row, tuple(zip(uneven, own, strict=True))))
    return table_of(str(plan.calls[0]), lines, seconds[:grid])
