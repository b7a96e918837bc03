"""Channels that go into and come out of every layer: counts of groups -> widths of layers, and back."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from slimgui.core.cost import full_counts
from slimgui.core.groups import Group
from slimgui.core.sizes import Size
from slimgui.errors import PlanError


@dataclass(frozen=True, slots=True)
class Widths:
    """Channels of one layer as closed forms of the group counts; None for a side it does not have."""

    entering: Size | None
    leaving: Size | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Channels that a layer is to have after a cut, and those it has before; None where nothing is said."""

    layer: str
    entering: int | None = None
    leaving: int | None = None
    raw_entering: int | None = None
    raw_leaving: int | None = None


@dataclass(frozen=True, slots=True)
class _Fact:
    """One side of one layer: `size` has to become `wanted`."""

    layer: str
    side: str
    size: Size
    whole: int
    wanted: int

    def __str__(self) -> str:
        return f"{self.layer} ({self.side})"


def counts_of(
    groups: Sequence[Group],
    widths: Mapping[str, Widths],
    wanted: Iterable[Wanted],
    whole_outer: bool = True,
) -> dict[str, int]:
    """The counts under which the layers get the widths that are wanted, for the groups these speak of.

    A side that one group fills gives its count; then others become known. Where heads and their width, or the
    groups of a convolution and the channels in each, could both shrink, heads and groups stay whole; or they
    are refused, where `whole_outer` is False.

    Args:
        groups: as found by `trace`.
        widths: of every layer, by dotted path.
        wanted: in any order.
        whole_outer: whether heads and groups of convolutions stay whole when nothing is said of them.

    Raises:
        PlanError: a layer is unknown, has other channels than the file says, or the widths contradict each
            other, a lock, or leave open which group is to shrink.
    """
    full = full_counts(groups)
    facts = [fact for item in wanted for fact in _facts(item, widths, full)]
    known = {group.id: group.size for group in groups if group.locked}
    _infer(facts, known, full)
    outer = [group for group in groups if whole_outer and group.kind in ("heads", "conv_groups")]
    known.update((group.id, group.size) for group in outer if group.id not in known)
    _infer(facts, known, full)
    for fact in facts:
        _check(fact, known, groups)
    return known


def _facts(item: Wanted, widths: Mapping[str, Widths], full: Mapping[str, int]) -> Iterator[_Fact]:
    layer = widths.get(item.layer)
    if layer is None:
        near = difflib.get_close_matches(item.layer, list(widths), n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "Check that the file is for this architecture."
        raise PlanError(f"The file names {item.layer!r}, which is no layer of this model.", "", hint)
    sides = (
        ("input", layer.entering, item.entering, item.raw_entering),
        ("output", layer.leaving, item.leaving, item.raw_leaving),
    )
    for side, size, wanted, raw in sides:
        if size is None:
            continue
        whole = size.at(full)
        if raw is not None and raw != whole:
            raise PlanError(
                f"{item.layer!r} has {whole} {side} channels, not {raw} as the file says.",
                "The file was made for a model of other widths.",
                "Open the model that it was made for.",
            )
        if wanted is not None:
            yield _Fact(item.layer, side, size, whole, wanted)


def _infer(facts: Sequence[_Fact], known: dict[str, int], full: Mapping[str, int]) -> None:
    """Add to `known` every count that follows, until nothing more does."""
    open_facts, before = list(facts), -1
    while before != len(known):
        before = len(known)
        open_facts = [fact for fact in open_facts if fact.size.groups() - known.keys()]
        for fact in open_facts:
            unknown = fact.size.groups() - known.keys()
            if fact.wanted == fact.whole:  # a size only shrinks: nothing of it was removed
                known.update((name, full[name]) for name in unknown)
            elif len(unknown) == 1:
                _solve(fact, next(iter(unknown)), known, full)


def _solve(fact: _Fact, name: str, known: dict[str, int], full: Mapping[str, int]) -> None:
    """The size is a + b·n in its one unknown n."""
    at_one, at_two = (fact.size.at({**known, name: n}) for n in (1, 2))
    count, rest = divmod(fact.wanted - at_one, at_two - at_one)
    if rest or not 1 <= count + 1 <= full[name]:
        step = at_two - at_one
        raise PlanError(
            f"{fact} cannot have {fact.wanted} channels.",
            f"It can have {at_one} to {fact.whole}" + (f", in steps of {step}." if step > 1 else "."),
        )
    known[name] = count + 1


def _check(fact: _Fact, known: Mapping[str, int], groups: Sequence[Group]) -> None:
    unknown = sorted(fact.size.groups() - known.keys())
    if unknown:
        names = " and ".join(map(repr, unknown))
        raise PlanError(
            f"{fact} is to have {fact.wanted} channels, but nothing says how they are shared.",
            f"They are of {names}.",
            "Add the output channels of these layers to the file.",
        )
    found = fact.size.at(known)
    if found == fact.wanted:
        return
    why = f"{found} follow from other layers." if fact.size.groups() else _lock(fact, groups)
    raise PlanError(f"{fact} cannot have {fact.wanted} channels.", why, "Mend the file.")


def _lock(fact: _Fact, groups: Sequence[Group]) -> str:
    """Why the channels of this side may not be cut."""
    dim = 0 if fact.side == "output" else 1
    for group in groups:
        if group.locked and any((member.layer, member.dim) == (fact.layer, dim) for member in group.members):
            return f"They may not be cut: {group.locked}"
    return f"All {fact.whole} have to stay."
