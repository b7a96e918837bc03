"""What is needed to get a plan back: the model it is for and the plans, as JSON text. No Qt."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from slimgui.core.plan_set import PlanSet
from slimgui.errors import PlanError

FORMAT: Final = 1
_DAY: Final = "%Y-%m-%d"


@dataclass(frozen=True, slots=True)
class Entry:
    """The plans of one document at one moment.

    Attributes:
        name: of the document, for people.
        source: what opens it.
        shape: of its input as the user gave it, "" when it was found by itself.
        when: seconds since 1970.
        plans: with the whole paths of their statistics.
    """

    name: str
    source: str
    shape: str
    when: float
    plans: PlanSet

    @property
    def moment(self) -> str:
        """When it was, in words: the time of day, with the day unless that is today."""
        then, now = time.localtime(self.when), time.localtime()
        today = time.strftime(_DAY, then) == time.strftime(_DAY, now)
        return time.strftime("%H:%M" if today else f"{_DAY}, %H:%M", then)

    def to_json(self) -> str:
        """It as JSON text; statistics that are out of date are left out."""
        content: dict[str, Any] = {"journal": FORMAT, "name": self.name, "source": self.source}
        content |= {"shape": self.shape, "when": self.when, "plans": self.plans.to_json()}
        return json.dumps(content)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The entry written by `to_json`. Raises PlanError for anything else."""
        try:
            content = json.loads(text)
            if content["journal"] != FORMAT:
                raise PlanError("This journal is of another version of SlimGUI.")
            name, source, shape = (str(content[key]) for key in ("name", "source", "shape"))
            return cls(name, source, shape, float(content["when"]), PlanSet.from_json(content["plans"]))
        except (KeyError, TypeError, ValueError) as error:
            raise PlanError("This journal is damaged.", f"{error}.") from None

    def found(self) -> Self:
        """Without the statistics whose files are gone."""
        there = tuple(pair for pair in self.plans.statistics if Path(pair[1].file).exists())
        return replace(self, plans=replace(self.plans, statistics=there))
