"""What the user wants (Plan), and what it means for a given model (counts, Selection)."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from slimgui.core.groups import Group
from slimgui.errors import PlanError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = Mapping[str, NDArray[np.floating[Any]]]

FORMAT = 1


class HasGroups(Protocol):
    """Anything traced."""

    @property
    def groups(self) -> Sequence[Group]: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What the user wants, by name, so that it fits every model of the same architecture.

    Attributes:
        ratio: share of every group's channels removed, 0 <= ratio < 1.
        only_exact: leave inexact groups whole.
        counts: (group id or layer name, channels kept), set by hand; overrides `ratio`.
        locked: dotted paths; groups with a layer at or below one are left whole.
        round_to: counts that follow from `ratio` are rounded up to a multiple of this.
    """

    ratio: float = 0.0
    only_exact: bool = False
    counts: tuple[tuple[str, int], ...] = ()
    locked: tuple[str, ...] = ()
    round_to: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.ratio < 1:
            raise PlanError(
                f"A ratio of {self.ratio:g} is out of range.",
                "The ratio is the share of channels removed.",
                "Give a number from 0 up to, but not including, 1.",
            )

    @classmethod
    def uniform(cls, traced: HasGroups, ratio: float, only_exact: bool = False) -> Self:
        """Remove the same share of every group of `traced`."""
        del traced  # a uniform plan fits every model; the argument keeps the public signature
        return cls(ratio=ratio, only_exact=only_exact)

    def with_count(self, name: str, count: int) -> Self:
        """The plan that keeps `count` channels of the group with that id, or of the layer of that name."""
        return replace(self, counts=tuple(sorted({**dict(self.counts), name: count}.items())))

    def without_count(self, name: str) -> Self:
        """The plan in which `name` follows the ratio again."""
        return replace(self, counts=tuple(item for item in self.counts if item[0] != name))

    def to_json(self) -> str:
        """The plan as JSON text, with its format version."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The plan written by `to_json`. Raises PlanError when it is none, or of a newer format."""
        try:
            data = dict(json.loads(text))
            version = int(data.pop("format"))
        except (ValueError, TypeError, KeyError) as error:
            raise PlanError(
                "This is not a plan.", str(error), "Choose a file saved with Save plan."
            ) from None
        if version > FORMAT:
            raise PlanError(
                "This plan was written by a newer version of SlimGUI.",
                f"Its format is {version}; this program reads up to {FORMAT}.",
                "Update SlimGUI to open it.",
            )
        try:
            data["counts"] = tuple((str(name), int(count)) for name, count in data["counts"])
            data["locked"] = tuple(str(name) for name in data["locked"])
            return cls(**data)
        except (KeyError, TypeError, ValueError) as error:
            raise PlanError("This plan is damaged.", str(error), "Save it again from the program.") from None

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """The plan in the file at `path`."""
        return cls.from_json(path.read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Which channels stay: keep[group id] is a sorted int array; every group has an entry."""

    keep: Mapping[str, NDArray[np.int64]] = field(repr=False)

    def counts(self) -> dict[str, int]:
        """Channels kept per group."""
        return {group_id: len(kept) for group_id, kept in self.keep.items()}


def find_group(groups: Sequence[Group], name: str) -> Group:
    """The group with that id, else the one that holds the output channels of the layer of that name.

    Raises:
        PlanError: there is none; the message offers the nearest name.
    """
    for group in groups:
        if group.id == name:
            return group
    for group in groups:
        if any(member.layer == name and member.dim == 0 for member in group.members):
            return group
    names = [group.id for group in groups] + [layer for group in groups for layer in group.layers]
    near = difflib.get_close_matches(name, names, n=1)
    raise PlanError(
        f"The plan names {name!r}, which this model does not have.",
        "",
        f"Did you mean {near[0]!r}?" if near else "Check that the plan was made for this architecture.",
    )


def counts(groups: Sequence[Group], plan: Plan) -> dict[str, int]:
    """Channels each group keeps under `plan`, 1 <= count <= size; locked groups stay whole.

    Raises:
        PlanError: a name is unknown, a count is out of range, or a locked group is to be cut.
    """
    result = {group.id: _count(group, plan) for group in groups}
    for name, count in plan.counts:
        group = find_group(groups, name)
        _check_count(group, count)
        result[group.id] = count
    return result


def _count(group: Group, plan: Plan) -> int:
    names = (group.id, *group.layers)
    by_name = any(f"{name}.".startswith(f"{prefix}.") for prefix in plan.locked for name in names)
    if group.locked or by_name or (plan.only_exact and not group.exact):
        return group.size
    kept = group.size - int(group.size * plan.ratio + 1e-9)  # never removes more than asked
    kept = -(-kept // plan.round_to) * plan.round_to
    return max(1, min(kept, group.size))


def _check_count(group: Group, count: int) -> None:
    if not 1 <= count <= group.size:
        raise PlanError(
            f"{count} channels cannot stay in {group.id!r}.",
            f"The group has {group.size} channels and must keep at least one.",
            f"Give a number from 1 to {group.size}.",
        )
    if group.locked and count != group.size:
        raise PlanError(f"{group.id!r} may not be cut.", str(group.locked), "Leave this group whole.")


def resolve(groups: Sequence[Group], scores: Scores, plan: Plan) -> Selection:
    """Choose which channels stay: the highest scores, as many as the plan says.

    Args:
        groups: as found by `trace`, any order.
        scores: per group id a float array [size]; higher is more important.
        plan: see `Plan`.

    Returns:
        Sorted kept indices for every group; equal scores keep the lower index.

    Raises:
        PlanError: the plan does not fit these groups.
    """
    import numpy as np

    kept = {}
    for group_id, count in counts(groups, plan).items():
        order = np.argsort(-np.asarray(scores[group_id], dtype=np.float64), kind="stable")
        kept[group_id] = np.sort(order[:count]).astype(np.int64)
    return Selection(kept)
