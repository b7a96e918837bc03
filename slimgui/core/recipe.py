"""Plans as something to paste: a command line, or a piece of Python. Pure text."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet
from slimgui.core.words import to_ranges

OUT: Final = "small.pt"


def as_command(plan: Plan, source: str, shape: str = "", out: str = OUT) -> str:
    """The command that does what `plan` says.

    Args:
        plan: what is wanted.
        source: of the model, as `load` takes it.
        shape: of the input, "" to let it be found again.
        out: the file to write.
    """
    words = ["slimgui", "slim", source, *options(plan)]
    words += ["--input", shape] if shape else []
    return shlex.join([*words, "--out", out])


def options(plan: Plan) -> list[str]:
    """The options of `slimgui slim` that make up `plan`."""
    return [word for option, value in _options(plan) for word in ((option, value) if value else (option,))]


def _options(plan: Plan) -> Iterator[tuple[str, str]]:
    usual = Plan()
    if plan.ratio or not (plan.ratios or plan.counts or plan.indices):
        yield "--ratio", repr(plan.ratio)
    for option, field in (
        ("--scope", "scope"),
        ("--round-to", "round_to"),
        ("--bins", "bins"),
        ("--min-count", "min_count"),
        ("--min-ratio", "min_ratio"),
        ("--importance", "importance"),
    ):
        if getattr(plan, field) != getattr(usual, field):
            yield option, str(getattr(plan, field))
    if plan.only_exact:
        yield "--only-exact", ""
    yield from (("--lock", path) for path in plan.locked)
    yield from (("--whole", name) for name in plan.whole)
    yield from (("--ratio-of", f"{path}={ratio!r}") for path, ratio in plan.ratios)
    yield from (("--count", f"{name}={count}") for name, count in plan.counts)
    yield from (("--channels", f"{name}={to_ranges(kept)}") for name, kept in plan.indices)


def as_python(plan: Plan, source: str, shape: str = "", out: str = OUT) -> str:
    """A script that does what `plan` says; arguments as in `as_command`."""
    return f"""\
from dataclasses import replace

{_opening(source, shape)}
plan = {_call(plan)}
selection = engine.resolve(traced, plan, loaded.model)
deployed = engine.deploy(loaded.model, traced, selection)
proof = engine.verify(loaded.model, deployed, loaded.example_inputs)
print(proof)
engine.save(replace(deployed, source=loaded.source, proof=proof), {out!r})
small = deployed.model
"""


def as_mask(plan: Plan, source: str, shape: str = "") -> str:
    """A script that makes a module to train, which runs as if pruned by `plan`; see `as_command`."""
    return f"""\
{_opening(source, shape)}
plan = {_call(plan)}
selection = engine.resolve(traced, plan, loaded.model)
masked = engine.mask(loaded.model, traced, selection)  # a module on the weights of loaded.model: train it
print(engine.cost(traced, selection))
deployed = engine.deploy(loaded.model, traced, selection)  # after the training: nothing is cut before
small = deployed.model
"""


def as_supernet(plans: PlanSet, source: str, shape: str = "") -> str:
    """A script that makes every plan a subnet of one model, to train in turn; see `as_command`."""
    entries = "".join(f"    {name!r}: {_call(plan, 1)},\n" for name, plan in plans.plans)
    return f"""\
{_opening(source, shape)}
plans = {{
{entries}}}
supernet = engine.Supernet(loaded.model, traced)
for name, plan in plans.items():
    subnet = supernet.add(name, engine.resolve(traced, plan, loaded.model))  # a module: train them in turn
for name in supernet:  # after the training; supernet.recalibrate(name, batches) takes norm statistics anew
    small = supernet.deploy(name).model
    print(name, sum(weight.numel() for weight in small.parameters()))
"""


def _opening(source: str, shape: str) -> str:
    """The lines that open and trace the model."""
    inputs = f", {shape!r}" if shape else ""
    return f"""\
from slimgui import engine
from slimgui.engine.load import with_inputs

loaded = with_inputs(engine.load({source!r}){inputs})
traced = engine.trace(loaded.model, loaded.example_inputs)"""


def _call(plan: Plan, depth: int = 0) -> str:
    """What makes `plan`, of only what it says, indented by so many levels."""
    usual, indent = Plan(), "    " * depth
    given = [item.name for item in fields(plan) if getattr(plan, item.name) != getattr(usual, item.name)]
    lines = "".join(f"{indent}    {name}={getattr(plan, name)!r},\n" for name in given)
    return f"engine.Plan(\n{lines}{indent})" if lines else "engine.Plan()"
