"""How important each channel of a group is: a criterion by name -> scores. Higher is more important."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch import nn

from slimgui.core.criteria import find_criterion
from slimgui.core.groups import Group
from slimgui.engine.heap import blocks_kept
from slimgui.engine.importance import data, weights
from slimgui.engine.importance.registry import FUNCTIONS, Scores, Subject
from slimgui.engine.trace import Traced

__all__ = ["Scores", "data", "importance", "weights"]  # importing data and weights fills the table


@blocks_kept()
def importance(
    model: nn.Module,
    judged: Traced | Sequence[Group],
    criterion: str = "l1",
    samples: Iterable[Any] | None = None,
) -> Scores:
    """Scores of every channel of every group.

    Args:
        model: the model whose channels are judged; it is left bit-identical.
        judged: its trace; for criteria that look at weights only, groups will do.
        criterion: a key of `slimgui.core.criteria.CRITERIA`, which says when to use which.
        samples: for criteria that look at data: batches of inputs (a tensor, a tuple of args, a dict of
            kwargs), or pairs (inputs, labels).

    Returns:
        Per group id a float64 array [size]. A model on meta has no numbers: all its scores are equal, and
        `resolve` then keeps the lowest indices, so that a plan can be costed without the weights.

    Raises:
        PlanError: there is no criterion of that name.
        DataError: it looks at data, and there is none.
    """
    find_criterion(criterion)
    trace = judged if isinstance(judged, Traced) else None
    groups = judged.groups if isinstance(judged, Traced) else judged
    return FUNCTIONS[criterion](Subject(model, groups, trace, samples))
