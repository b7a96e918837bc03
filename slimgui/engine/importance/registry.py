"""The table of criteria: one decorated function each, registering twice raises.

A criterion gets a `Subject` and returns scores, higher is more important: per group one number per channel,
reduced over all members of the group. Groups are compared only after their scores are divided by their mean
(`normalised` in `core/resolve.py`), so a criterion has no scale of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from slimgui.core.criteria import CRITERIA
from slimgui.core.groups import Group
from slimgui.engine.trace import Traced
from slimgui.errors import DataError, PlanError

Scores = dict[str, NDArray[np.floating[Any]]]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What is judged.

    Attributes:
        model: left bit-identical.
        groups: whose channels are judged.
        trace: of the model, None when only its weights are looked at.
        data: example inputs, or pairs (inputs, labels); None when there are none.
    """

    model: nn.Module
    groups: Sequence[Group]
    trace: Traced | None = None
    data: Iterable[Any] | None = None

    @property
    def traced(self) -> Traced:
        """The trace, for criteria that look at ops. Raises PlanError when only groups were given."""
        if self.trace is None:
            raise PlanError("This criterion looks at the model's ops.", "", "Give the trace, not its groups.")
        return self.trace

    @property
    def samples(self) -> Iterable[Any]:
        """The data. Raises DataError when there is none."""
        if self.data is None:
            raise DataError(
                "This criterion looks at data, and there is none.",
                "It judges channels by what they do on your own inputs.",
                "Give samples (--samples), or choose a criterion that looks at weights only: l2.",
            )
        return self.data


Function = Callable[[Subject], Scores]
FUNCTIONS: dict[str, Function] = {}


def criterion(name: str) -> Callable[[Function], Function]:
    """Register the decorated function under `name`, which `core/criteria.py` describes.

    Raises:
        ValueError: the name is taken, or nothing says when to use it.
    """

    def register(function: Function) -> Function:
        if name in FUNCTIONS:
            raise ValueError(f"there is a criterion {name!r} already: {FUNCTIONS[name].__name__}")
        if name not in CRITERIA:
            raise ValueError(f"core/criteria.py does not say when to use {name!r}")
        FUNCTIONS[name] = function
        return function

    return register
