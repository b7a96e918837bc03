"""Names and shapes of weights -> the architectures they may be of, the likeliest first.

Names and shapes say nothing of what lies between the weights: two architectures may share them all and
compute different things. So this is always a list to choose from, never an answer.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

from slimgui import resources
from slimgui.core.architectures import FILE, Form, Index, Maker, Shapes, key, read

Match = Literal["same", "head", "slim"]

# What wrappers of torch call the module in them; they may lie around any part of a model.
INNER: Final = frozenset({"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
_DEEPEST: Final = 3  # parts of parts that are looked at
_WRAPPERS: Final = 8  # around one model
_FEW: Final = 3
_OF_ONE_LENGTH: Final = frozenset({"weight", "bias", "running_mean", "running_var"})
_KERNEL: Final = 2  # from this dimension on a weight has sizes of space, which are never slimmed


class Tensorlike(Protocol):
    """A tensor, or what is known of one that was not read."""

    @property
    def shape(self) -> Sequence[int]: ...

    @property
    def dtype(self) -> object: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """An architecture that the weights may be of.

    Attributes:
        factory: that makes it, with the arguments it takes: "torchvision.models:resnet18(num_classes=10)".
        match: "same" when every shape is the architecture's, "head" when it is after giving it another number
            of classes (or tokens), "slim" when some layers are narrower.
        share: of the architecture's numbers that the weights have.
        entry: which of the file's weights these are, "" for the only ones.
    """

    factory: str
    match: Match
    share: float = 1.0
    entry: str = ""

    @property
    def how(self) -> str:
        """How it matches, in words."""
        if self.match == "slim":
            return f"the same names, and narrower layers with {self.share:.0%} of its numbers"
        return "the same names and shapes" + (", with another head" if self.match == "head" else "")

    @property
    def named(self) -> str:
        """The factory, and which weights of the file it is for."""
        return f"{self.factory} for {self.entry!r}" if self.entry else self.factory

    def source(self, path: str) -> str:
        """What `engine.load` takes, to load the weights at `path` into it."""
        return f"{path}#{self.entry}@{self.factory}" if self.entry else f"{path}@{self.factory}"


@functools.cache
def known() -> Index:
    """The index that SlimGUI ships."""
    return read(resources.path(FILE))


def makers(name: str) -> list[Maker]:
    """Everything in the shipped index whose factory has this name, whatever its arguments."""
    return _by_name().get(name, [])


@functools.cache
def _by_name() -> dict[str, list[Maker]]:
    found: dict[str, list[Maker]] = {}
    for form in (form for forms in known().forms.values() for form in forms):
        for maker in form.makers:
            found.setdefault(maker.factory.partition("(")[0], []).append(maker)
    return found


def learned(state: Mapping[str, Tensorlike]) -> dict[str, tuple[int, ...]]:
    """Shapes of the floating-point tensors: of all but counters and tables."""
    return {name: tuple(value.shape) for name, value in state.items() if "float" in str(value.dtype)}


def recognise(sets: Mapping[str, Mapping[str, Tensorlike]], index: Index | None = None) -> list[Candidate]:
    """The architectures that a file's weights may be of.

    Args:
        sets: every set of weights in the file, by where it lies.
        index: of all architectures; None for the one that SlimGUI ships.

    Returns:
        The likeliest first; empty when no architecture is like them. Those with the same shapes come before
        those that had to be given another head, and these before narrower ones.
    """
    index = known() if index is None else index
    found: list[Candidate] = []
    for name, state in sets.items():
        for place, candidate in _in_set(learned(state), index):
            found.append(replace(candidate, entry=".".join(filter(None, (name, place)))))
    if len({candidate.entry for candidate in found}) == 1:  # then it need not be said
        found = [replace(candidate, entry="") for candidate in found]
    order = {"same": 0, "head": 1, "slim": 2}
    best = min((order[candidate.match] for candidate in found), default=0)
    kept = [one for one in found if order[one.match] < order["slim"] or best == order["slim"]]
    return sorted(kept, key=lambda one: (order[one.match], -one.share))


def sentence(candidates: Sequence[Candidate]) -> str:
    """The first few of the list for a sentence: "a, b, c or 4 others"."""
    names = [candidate.named for candidate in candidates]
    more = len(names) - _FEW
    if more > 1:
        names[_FEW:] = [f"{more} others"]
    return ", ".join(names[:-1]) + (" or " if names[1:] else "") + names[-1]


def _in_set(shapes: Shapes, index: Index) -> Iterator[tuple[str, Candidate]]:
    """Of the whole set, whatever its names begin with; else of parts of it, those nearest the top."""
    levels = _unwrapped("", _without_inner(shapes))
    for _, whole in levels:
        found = list(_of(whole, index))
        if found:
            yield from (("", candidate) for candidate in found)  # `load` unwraps such names by itself
            return
    parts = [("", levels[-1][1])]
    for _ in range(_DEEPEST):
        chains = [_unwrapped(*part) for place, whole in parts for part in _parts(place, whole)]
        hits = [(place, one) for chain in chains for place, part in chain for one in _of(part, index)]
        if hits:
            yield from hits
            return
        parts = [chain[-1] for chain in chains]


def _without_inner(shapes: Shapes) -> Shapes:
    return {".".join(part for part in name.split(".") if part not in INNER): shapes[name] for name in shapes}


def _unwrapped(place: str, shapes: Shapes) -> list[tuple[str, Shapes]]:
    """The set, and what is left of it each time that all its names begin with the same part."""
    levels = [(place, shapes)]
    while shapes and len(levels) <= _WRAPPERS:
        halves = [name.partition(".") for name in shapes]
        if len({head for head, _, _ in halves}) > 1 or not all(rest for _, _, rest in halves):
            break
        place = f"{place}.{halves[0][0]}".lstrip(".")
        shapes = {rest: shapes[f"{head}.{rest}"] for head, _, rest in halves}
        levels.append((place, shapes))
    return levels


def _parts(place: str, shapes: Shapes) -> Iterator[tuple[str, Shapes]]:
    """The set by the first part of its names."""
    parts: dict[str, dict[str, Sequence[int]]] = {}
    for name, shape in shapes.items():
        head, dot, rest = name.partition(".")
        if dot:
            parts.setdefault(head, {})[rest] = shape
    yield from ((f"{place}.{head}".lstrip("."), part) for head, part in parts.items())


def _of(shapes: Shapes, index: Index) -> Iterator[Candidate]:
    """Architectures with exactly these names."""
    given = _Given(shapes)
    for form in index.forms.get(key(shapes), ()):
        yield from given.compared(form)


class _Given:
    """The weights of a file, prepared to be compared with many forms."""

    def __init__(self, shapes: Shapes) -> None:
        rows = sorted(shapes.items())
        self._sizes = [size for _, shape in rows for size in shape]
        self._shapes = [shape for _, shape in rows]
        self._fixed: list[int] = []  # places of sizes that no slimming changes
        self._lengths: list[tuple[int, str]] = []  # places of sizes that agree within a module
        place = 0
        for name, shape in rows:
            module, _, last = name.rpartition(".")
            if last == "weight" and max(shape[:_KERNEL], default=1) > 1:
                self._fixed += range(place + _KERNEL, place + len(shape))
            if last in _OF_ONE_LENGTH and shape:
                self._lengths.append((place, module))
            place += len(shape)

    def compared(self, form: Form) -> Iterator[Candidate]:
        """Everything that makes this form and may have made the weights."""
        whole = form.sizes
        differing = {place for place, (a, b) in enumerate(zip(self._sizes, whole, strict=True)) if a != b}
        narrower = functools.cache(lambda free: self._is_narrower(whole, differing - free))
        for maker in form.makers:
            numbers, settled = self._numbers(maker, whole)
            rest = differing - settled
            factory = maker.source(numbers)
            if not rest:
                yield Candidate(factory, "head" if differing else "same")
            elif narrower(settled):
                yield Candidate(factory, "slim", self._share(whole, settled))

    def _numbers(self, maker: Maker, whole: Sequence[int]) -> tuple[dict[str, int], frozenset[int]]:
        """The numbers to give the maker, and the places that these explain."""
        numbers, settled = {}, set[int]()
        for free in maker.free:
            found = {divmod(self._sizes[place] - whole[place], step) for place, step in free.places}
            more, rest = next(iter(found))
            if len(found) == 1 and not rest and free.number + more > 0:
                numbers[free.argument] = free.number + more
                settled.update(place for place, _ in free.places)
            else:
                numbers[free.argument] = free.number
        return numbers, frozenset(settled)

    def _is_narrower(self, whole: Sequence[int], places: set[int]) -> bool:
        """Whether every size at these places is what slimming can leave of the architecture's."""
        if any(not 0 < self._sizes[place] < whole[place] for place in places):
            return False
        if not places.isdisjoint(self._fixed):
            return False
        lengths: dict[tuple[str, int], int] = {}
        return all(
            lengths.setdefault((module, whole[place]), self._sizes[place]) == self._sizes[place]
            for place, module in self._lengths
        )

    def _share(self, whole: Sequence[int], settled: frozenset[int]) -> float:
        """Numbers in the weights for each that the architecture would have with the same head."""
        sizes = [self._sizes[place] if place in settled else size for place, size in enumerate(whole)]
        return _elements(self._shapes, self._sizes) / _elements(self._shapes, sizes)


def _elements(shapes: Iterable[Sequence[int]], sizes: Sequence[int]) -> int:
    total, place = 0, 0
    for shape in shapes:
        total += math.prod(sizes[place : place + len(shape)])
        place += len(shape)
    return total
