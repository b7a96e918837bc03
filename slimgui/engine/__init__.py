"""Everything that touches a model. These are the names other programs may rely on."""

from collections.abc import Iterable
from typing import Any

from torch import nn

from slimgui.core import resolve as _resolve
from slimgui.core import variants as _variants
from slimgui.core.budget import Found
from slimgui.core.cost import Cost, full_counts
from slimgui.core.criteria import CRITERIA
from slimgui.core.groups import Group, Member, Refusal
from slimgui.core.latency import LatencyModel
from slimgui.core.plan import Plan, Selection
from slimgui.core.sensitivity import Sensitivity, scores_from
from slimgui.core.targets import Reach
from slimgui.core.variants import maximum, minimum, sample
from slimgui.engine.data import Samples, samples
from slimgui.engine.deploy import Deployed, Recovery, deploy
from slimgui.engine.estimate import Estimate, estimate
from slimgui.engine.importance import importance
from slimgui.engine.insight import located, timed, timed_beside, write_times
from slimgui.engine.latency import latency_model
from slimgui.engine.load import Loaded, load
from slimgui.engine.load.preprocessing import Preprocessing, preprocessing_of
from slimgui.engine.mask import Subnet, mask
from slimgui.engine.plan_files import read_plans, write_config, write_kept
from slimgui.engine.plan_statistics import take_statistics, with_statistics
from slimgui.engine.planning import meet, pareto, plan_for, reach
from slimgui.engine.recover import recalibrate, recover
from slimgui.engine.report import write_report
from slimgui.engine.save import check_room, save
from slimgui.engine.sensitivity import sensitivity
from slimgui.engine.supernet import Supernet
from slimgui.engine.timing import Latency, measure_latency
from slimgui.engine.trace import Traced, trace
from slimgui.engine.verify import Proof, verify

__all__ = [
    "CRITERIA",
    "Cost",
    "Deployed",
    "Estimate",
    "Found",
    "Group",
    "Latency",
    "LatencyModel",
    "Loaded",
    "Member",
    "Plan",
    "Preprocessing",
    "Proof",
    "Reach",
    "Recovery",
    "Refusal",
    "Samples",
    "Selection",
    "Sensitivity",
    "Subnet",
    "Supernet",
    "Traced",
    "check_room",
    "cost",
    "deploy",
    "estimate",
    "importance",
    "latency_model",
    "load",
    "located",
    "mask",
    "maximum",
    "measure_latency",
    "meet",
    "minimum",
    "pareto",
    "plan_for",
    "preprocessing_of",
    "reach",
    "read_plans",
    "recalibrate",
    "recover",
    "resolve",
    "sample",
    "samples",
    "save",
    "scores_from",
    "sensitivity",
    "steps",
    "take_statistics",
    "timed",
    "timed_beside",
    "trace",
    "verify",
    "with_statistics",
    "write_config",
    "write_kept",
    "write_report",
    "write_times",
]


def resolve(traced: Traced, plan: Plan, model: nn.Module, samples: Iterable[Any] | None = None) -> Selection:
    """Choose which channels stay under `plan`, the most important ones by its criterion.

    Args:
        traced: of `model`.
        plan: see `Plan`.
        model: whose channels are judged.
        samples: for criteria that look at data, see `importance`.

    Raises:
        PlanError: the plan does not fit this model.
        DataError: its criterion looks at data, and there is none.
    """
    return _resolve.resolve(traced.groups, importance(model, traced, plan.importance, samples), plan)


def steps(
    traced: Traced, plan: Plan, model: nn.Module, number: int, samples: Iterable[Any] | None = None
) -> tuple[Plan, ...]:
    """Plans that lead to `plan` in `number` equal steps, for pruning with training in between.

    Raises:
        PlanError: the plan does not fit this model.
    """
    scores = importance(model, traced, plan.importance, samples)
    return _variants.steps(traced.groups, plan, number, scores)


def cost(traced: Traced, selection: Selection | None = None) -> Cost:
    """What the model costs: whole, or under `selection`."""
    counts = full_counts(traced.groups) if selection is None else selection.counts()
    return traced.cost_model.at(counts)
