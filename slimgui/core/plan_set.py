"""Several named plans of one document, one of them current, and the file that holds them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from slimgui.core.plan import FORMAT, Plan, read_format
from slimgui.errors import PlanError

FIRST: Final = "Plan 1"


@dataclass(frozen=True, slots=True)
class Statistics:
    """Running statistics of norms, taken anew for one plan; the numbers are in a file.

    Attributes:
        plan: the plan they belong to: a model cut in another way has others.
        file: path of the .safetensors file.
        samples: what they were taken of, in words: "1,000 samples of heldout.npz".
    """

    plan: Plan
    file: str
    samples: str


@dataclass(frozen=True, slots=True)
class PlanSet:
    """Named plans; a new value for every change.

    Attributes:
        plans: (name, plan) in the order in which they were made; at least one, no name twice.
        current: the name of the one that is shown and saved.
        statistics: (name of a plan, statistics of its own); out of date while that plan says otherwise than
            when they were taken.
        parents: (name of a plan, name of the one that it was branched from); plans that are in no pair began
            on their own.
    """

    plans: tuple[tuple[str, Plan], ...] = ((FIRST, Plan()),)
    current: str = FIRST
    statistics: tuple[tuple[str, Statistics], ...] = ()
    parents: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        names, own = self.names, [name for name, _ in self.statistics]
        if not names or len(set(names)) != len(names) or not all(names) or self.current not in names:
            raise PlanError("These plans have no clear names.", "Every plan has a name of its own.")
        if len(set(own)) != len(own) or not set(own) <= set(names):
            raise PlanError("These statistics belong to no plan.", "Every plan has its own, or none.")
        if not _is_forest(self.parents, set(names)):
            raise PlanError(
                "These plans were branched from nothing.", "A plan has one plan before it, or none."
            )

    @classmethod
    def numbered(cls, stem: str, plans: Sequence[Plan]) -> Self:
        """Plans named "stem 1", "stem 2", ..., the first one current."""
        named = tuple((f"{stem} {number}", plan) for number, plan in enumerate(plans, 1))
        return cls(named, f"{stem} 1")

    @classmethod
    def by_shares(cls, of: str, plans: Iterable[tuple[float, Plan]]) -> Self:
        """Plans named by the share of `of` that they leave, "50 % of the MACs", the first one current.

        A name that is taken gets a number.
        """
        first, *rest = [(f"{100 * share:.4g} % of the {of}", plan) for share, plan in plans]
        made = cls((first,), first[0])
        for name, plan in rest:
            made = made.added(made.unique(name), plan)
        return made.switched(first[0])

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(name for name, _ in self.plans)

    @property
    def plan(self) -> Plan:
        """The current plan."""
        return dict(self.plans)[self.current]

    @property
    def fresh(self) -> dict[str, Statistics]:
        """The statistics that fit their plans, by name."""
        plans = dict(self.plans)
        return {name: own for name, own in self.statistics if own.plan == plans[name]}

    @property
    def stale(self) -> dict[str, Statistics]:
        """The statistics whose plans say something else by now, by name."""
        fresh = self.fresh
        return {name: own for name, own in self.statistics if name not in fresh}

    def with_statistics(self, name: str, own: Statistics | None) -> Self:
        """The plan of that name has these statistics, or none of its own any more."""
        others = tuple(pair for pair in self.statistics if pair[0] != name)
        return replace(self, statistics=others if own is None else (*others, (name, own)))

    def mapped(self, change: Callable[[Plan], Plan]) -> Self:
        """With every plan changed the same way; statistics stay with theirs."""
        plans = tuple((name, change(plan)) for name, plan in self.plans)
        owns = tuple((name, replace(own, plan=change(own.plan))) for name, own in self.statistics)
        return replace(self, plans=plans, statistics=owns)

    def judged_anew(self, importance: str) -> Self:
        """Without the statistics of plans by that criterion: by other scores they keep other channels."""
        owns = tuple(pair for pair in self.statistics if pair[1].plan.importance != importance)
        return replace(self, statistics=owns)

    def with_plan(self, plan: Plan) -> Self:
        """The current plan is another one."""
        pairs = ((name, plan if name == self.current else old) for name, old in self.plans)
        return replace(self, plans=tuple(pairs))

    def added(self, name: str, plan: Plan) -> Self:
        """One more plan, made current. Raises PlanError when the name is taken."""
        self._check_new(name)
        return replace(self, plans=(*self.plans, (name, plan)), current=name)

    def branched(self, name: str) -> Self:
        """One more plan, which starts as the current one, and is current. Raises PlanError as `added`."""
        made = self.added(name, self.plan)
        return replace(made, parents=(*self.parents, (name, self.current)))

    def renamed(self, name: str, old: str = "") -> Self:
        """The plan `old`, the current one for "", has another name. Raises PlanError when that is taken."""
        self._check_new(name)
        names = {known: known for known in self.names} | {old or self.current: name}
        pairs = tuple((names[known], plan) for known, plan in self.plans)
        owns = tuple((names[known], own) for known, own in self.statistics)
        ways = tuple((names[one], names[above]) for one, above in self.parents)
        return type(self)(pairs, names[self.current], owns, ways)

    def removed(self, name: str = "") -> Self:
        """Without the plan `name`, by default the current one, whose neighbour becomes current.

        Raises PlanError for the last one.
        """
        gone = name or self.current
        if len(self.plans) == 1:
            raise PlanError("A document keeps at least one plan.", "", "Reset it instead.")
        place = self.names.index(gone)
        left = self.plans[:place] + self.plans[place + 1 :]
        rest, above = self.with_statistics(gone, None), dict(self.parents)
        over = above.pop(gone, None)
        moved = ((one, over if old == gone else old) for one, old in above.items())
        ways = tuple((one, old) for one, old in moved if old is not None)
        current = left[max(0, place - 1)][0] if gone == self.current else self.current
        return replace(rest, plans=left, current=current, parents=ways)

    def switched(self, name: str) -> Self:
        """Another plan is current. Raises PlanError when there is none of that name."""
        if name not in self.names:
            raise PlanError(f"There is no plan {name!r}.", "", f"Choose one of: {', '.join(self.names)}.")
        return replace(self, current=name)

    def merged(self, others: Self, stem: str) -> Self:
        """With all plans of `others` too, whose current one becomes current.

        A set that nobody has touched gives way. A single plan is called `stem`; a name that is taken gets a
        number.
        """
        if self == type(self)() and len(others.plans) > 1:
            return others
        start, owns, names = self, dict(others.statistics), dict[str, str]()
        for name, plan in others.plans:
            wanted = name if len(others.plans) > 1 else stem
            here = start.added(start.unique(wanted), plan)
            here = here.with_statistics(here.current, owns.get(name))
            names[name] = here.current
            start = here if name == others.current else replace(here, current=start.current)
        ways = ((names[one], names[above]) for one, above in others.parents)
        return replace(start, parents=(*start.parents, *ways))

    def with_below(self, others: Self) -> Self:
        """With the plans of `others` that are not here below the current one, which stays the current one."""
        known, made = {plan for _, plan in self.plans}, self
        for name, plan in others.plans:
            if plan not in known:
                made = made.added(made.unique(name), plan)
        ways = ((name, self.current) for name in made.names[len(self.plans) :])
        return replace(made, current=self.current, parents=(*self.parents, *ways))

    def unique(self, name: str) -> str:
        """`name`, or with a number when it is taken."""
        return self.free_name(name) if name in self.names else name

    def free_name(self, stem: str = "Plan") -> str:
        """A name that is not taken: "Plan 2"."""
        number = 1
        while (name := f"{stem} {number}") in self.names:
            number += 1
        return name

    def _check_new(self, name: str) -> None:
        if not name or name in self.names:
            what = f"There already is a plan {name!r}." if name else "A plan needs a name."
            raise PlanError(what, "", "Choose another name.")

    def to_json(self) -> str:
        """All plans as JSON text, with its format version; statistics that fit, by the names of their files.

        A reader that knows neither statistics nor parents passes over them.
        """
        content: dict[str, Any] = {"format": FORMAT, "current": self.current}
        content["plans"] = {name: asdict(plan) for name, plan in self.plans}
        if self.fresh:
            owns = {name: {"file": own.file, "samples": own.samples} for name, own in self.fresh.items()}
            content["statistics"] = owns
        if self.parents:
            content["parents"] = dict(self.parents)
        return json.dumps(content, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The plans written by `to_json`, or the one plan written by `Plan.to_json`.

        Raises:
            PlanError: it is no plan, damaged, or of a newer format.
        """
        data = read_format(text)
        if "plans" not in data:
            return cls.numbered("Plan", [Plan.from_fields(data)])
        plans: Any = data["plans"]
        try:
            pairs = {str(name): Plan.from_fields(dict(fields)) for name, fields in plans.items()}
            owns = tuple(
                (str(name), Statistics(pairs[name], str(own["file"]), str(own["samples"])))
                for name, own in data.get("statistics", {}).items()
            )
            ways = tuple((str(one), str(above)) for one, above in data.get("parents", {}).items())
            return cls(tuple(pairs.items()), str(data["current"]), owns, ways)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise PlanError("These plans are damaged.", f"{error}.", "Save them again.") from None

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """The plans in the file at `path`."""
        return cls.from_json(path.read_text(encoding="utf-8"))


def _is_forest(parents: Sequence[tuple[str, str]], names: set[str]) -> bool:
    """Whether every plan has at most one before it, all of them are there, and no way leads in a circle."""
    above = dict(parents)
    if len(above) != len(parents) or not {*above, *above.values()} <= names:
        return False
    for start in above:
        at, seen = start, {start}
        while at in above:
            at = above[at]
            if at in seen:
                return False
            seen.add(at)
    return True
