"""What the user wants (Plan), as JSON too, and what became of it for one model (Selection)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, Self, get_args

import msgspec

from slimgui.core.groups import Group
from slimgui.errors import PlanError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMAT: Final = 2
Scope = Literal["local", "global", "isomorphic"]
SCOPES: Final = get_args(Scope)


class HasGroups(Protocol):
    """Anything traced."""

    @property
    def groups(self) -> Sequence[Group]: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What the user wants, by name, so that it fits every model of the same architecture.

    What is said of one group goes before what is said of all: `locked` and `whole`, then `indices` and
    `counts`, `ratios`, `ratio`. `round_to`, `bins`, `min_count` and `min_ratio` shape the counts that follow
    from ratios, never those that were written down.

    Attributes:
        ratio: share of the channels removed, 0 <= ratio < 1.
        only_exact: leave inexact groups whole.
        counts: (group id or layer name, channels kept).
        locked: dotted paths; groups with a layer at or below one are left whole, so that nothing of these
            layers changes.
        round_to: counts are rounded up to a multiple of this.
        scope: "local" removes `ratio` of every group; "global" removes `ratio` of the channels of all groups
            together, the least important first; "isomorphic" the same among groups of the same structure.
        ratios: (dotted path, share removed) for the groups at or below it; the longest path wins.
        indices: (group id or layer name, the channels that stay, ascending).
        bins: counts are rounded up to one of this many equal steps of the group's size; 0: any count.
        min_count: channels that always stay in a group.
        min_ratio: share of a group's channels that always stays, 0 to 1.
        importance: name of the criterion that says which channels go first.
        whole: (group ids or layer names) that are left whole themselves, whatever else touches their layers.
    """

    ratio: float = 0.0
    only_exact: bool = False
    counts: tuple[tuple[str, int], ...] = ()
    locked: tuple[str, ...] = ()
    round_to: int = 1
    scope: Scope = "local"
    ratios: tuple[tuple[str, float], ...] = ()
    indices: tuple[tuple[str, tuple[int, ...]], ...] = ()
    bins: int = 0
    min_count: int = 1
    min_ratio: float = 0.0
    importance: str = "l1"
    whole: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for ratio in (self.ratio, *(share for _, share in self.ratios)):
            _check_ratio(ratio)
        for ok, text in (
            (
                self.scope in SCOPES,
                f"There is no scope {self.scope!r}: it is {', '.join(SCOPES[:-1])} or {SCOPES[-1]}.",
            ),
            (self.round_to >= 1, f"Counts cannot be multiples of {self.round_to}."),
            (self.bins >= 0, f"A group cannot have {self.bins} steps."),
            (self.min_count >= 1, f"At least one channel stays in a group, not {self.min_count}."),
            (0 <= self.min_ratio <= 1, f"The share that stays is from 0 to 1, not {self.min_ratio:g}."),
        ):
            if not ok:
                raise PlanError(text)
        for name, kept in self.indices:
            _check_indices(name, kept)

    @classmethod
    def uniform(cls, traced: HasGroups, ratio: float, only_exact: bool = False) -> Self:
        """Remove the same share of every group of `traced`."""
        del traced  # a uniform plan fits every model; the argument keeps the public signature
        return cls(ratio=ratio, only_exact=only_exact)

    def with_count(self, name: str, count: int) -> Self:
        """The plan that keeps `count` channels of the group with that id, or of the layer of that name."""
        return replace(self.without(name), counts=_put(self.counts, name, count))

    def with_indices(self, name: str, indices: Sequence[int]) -> Self:
        """The plan that keeps exactly these channels of a group; `name` as in `with_count`."""
        kept = tuple(sorted({int(index) for index in indices}))
        return replace(self.without(name), indices=_put(self.indices, name, kept))

    def with_ratio(self, path: str, ratio: float) -> Self:
        """The plan that removes the share `ratio` of the groups at or below a dotted path."""
        return replace(self, ratios=_put(self.ratios, path, ratio))

    def without(self, name: str) -> Self:
        """The plan in which neither count nor indices are written down for `name`."""
        counts = tuple(item for item in self.counts if item[0] != name)
        return replace(self, counts=counts, indices=tuple(i for i in self.indices if i[0] != name))

    def to_json(self) -> str:
        """The plan as JSON text, with its format version."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The plan written by `to_json`. Raises PlanError when it is none, or of a newer format."""
        return cls.from_fields(read_format(text))

    @classmethod
    def from_fields(cls, data: Mapping[str, Any]) -> Self:
        """The plan with these fields, every one of them. Raises PlanError."""
        names = {item.name for item in fields(cls)}
        if names != data.keys():
            wrong = ", ".join(sorted(names.symmetric_difference(data)))
            raise PlanError("This plan is damaged.", f"These fields are missing or unknown: {wrong}.")
        try:
            return msgspec.convert(data, cls)
        except msgspec.ValidationError as error:
            raise PlanError("This plan is damaged.", f"{error}.", "Save it again from the program.") from None


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Which channels stay: keep[group id] is a sorted int array; every group has an entry."""

    keep: Mapping[str, NDArray[np.int64]] = field(repr=False)

    def counts(self) -> dict[str, int]:
        """Channels kept per group."""
        return {group_id: len(kept) for group_id, kept in self.keep.items()}


def read_format(text: str) -> dict[str, Any]:
    """The content of a file with a format version, brought up to the newest one.

    Raises:
        PlanError: it is no plan, or of a newer format.
    """
    try:
        data = dict(json.loads(text))
        version = int(data.pop("format"))
    except (ValueError, TypeError, KeyError) as error:
        raise PlanError("This is not a plan.", str(error), "Choose a file saved with Save Plan.") from None
    if version > FORMAT:
        raise PlanError(
            "This plan was written by a newer version of SlimGUI.",
            f"Its format is {version}; this program reads up to {FORMAT}.",
            "Update SlimGUI to open it.",
        )
    while version < FORMAT:
        if version not in _MIGRATIONS:
            raise PlanError("This is not a plan.", f"There never was a format {version}.")
        data = _MIGRATIONS[version](data)
        version += 1
    return data


def _from_1(data: dict[str, Any]) -> dict[str, Any]:
    """Format 1 knew five fields: ratio, only_exact, counts, locked, round_to."""
    return {**asdict(Plan()), **data}


_MIGRATIONS: Final[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: _from_1}


def _put(pairs: tuple[tuple[str, Any], ...], name: str, value: Any) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted({**dict(pairs), name: value}.items()))


def _check_ratio(ratio: float) -> None:
    if not 0 <= ratio < 1:
        raise PlanError(
            f"A ratio of {ratio:g} is out of range.",
            "The ratio is the share of channels removed.",
            "Give a number from 0 up to, but not including, 1.",
        )


def _check_indices(name: str, kept: tuple[int, ...]) -> None:
    if not kept:
        raise PlanError(f"Nothing would remain of {name!r}.", "Every group keeps at least one channel.")
    if kept[0] < 0 or any(before >= after for before, after in pairwise(kept)):
        raise PlanError(
            f"The channels of {name!r} are not in order.", "They are numbered from 0.", "List each once."
        )
