"""What is typed into the search box -> which groups it means. No Qt.

Words are looked for in names and states. "locked:", "exact:", "approx:", "cut:", "whole:" and "hand:" ask for
a kind of group; "macs>1e8", "params>10k", "removed>30%", "keep<=8", "of>=64" and "layers>3" compare a number.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from slimgui.gui.models.cells import Cells

Test = Callable[[Cells, int], bool]
HELP: Final = (
    "Words are looked for in the names of groups and layers.\n"
    "locked:  exact:  approx:  cut:  whole:  hand:  show one kind of group.\n"
    "macs>1e8  macs>10%  params>10k  removed>30%  keep<=8  of>=64  layers>3  compare numbers."
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number that groups have: how it is read, and what 100 % of it is (None: it has no share)."""

    read: Callable[[Cells, int], float]
    whole: Callable[[Cells, int], float] | None = None


def _size(cells: Cells, number: int) -> float:
    return cells.rows[number].size


def _kept(cells: Cells, number: int) -> float:
    return cells.kept(cells.rows[number])


_NUMBERS: Final = {
    "macs": Number(lambda c, n: c.snapshot.macs.get(c.rows[n].id, 0), lambda c, _: c.snapshot.cost.macs),
    "params": Number(
        lambda c, n: c.snapshot.params.get(c.rows[n].id, 0), lambda c, _: c.snapshot.cost.params
    ),
    "removed": Number(lambda c, n: _size(c, n) - _kept(c, n), _size),
    "keep": Number(_kept, _size),
    "of": Number(_size),
    "layers": Number(lambda c, n: len(c.rows[n].layers)),
}
_KINDS: Final[dict[str, Test]] = {
    "locked": lambda c, n: c.rows[n].locked is not None or c.rows[n].id in c.snapshot.locked,
    "exact": lambda c, n: c.rows[n].exact and c.rows[n].locked is None,
    "approx": lambda c, n: not c.rows[n].exact and c.rows[n].locked is None,
    "approximate": lambda c, n: not c.rows[n].exact and c.rows[n].locked is None,
    "cut": lambda c, n: _kept(c, n) < _size(c, n),
    "whole": lambda c, n: _kept(c, n) == _size(c, n),
    "hand": lambda c, n: c.rows[n].id in c.snapshot.by_hand,
}
_COMPARE: Final = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "=": operator.eq,
}  # fmt: skip
_UNITS: Final = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "%": 0.01}
_NUMBER: Final = re.compile(
    r"(?P<what>[a-z]+)(?P<how>>=|<=|>|<|=)(?P<number>\d+\.?\d*(?:e\d+)?)(?P<unit>[kmgt%]?)"
)
_LOOSE: Final = re.compile(r"\s*(>=|<=|>|<|=)\s*|\s+(?=%)")  # "removed > 30 %" is one word
_BEGUN: Final = re.compile(r"(?P<what>[a-z]+)(?:>=|<=|>|<|=)")


def parse(typed: str) -> tuple[Test, ...]:
    """The tests that a group has to pass, one per word; a comparison without its number asks nothing."""
    joined = _LOOSE.sub(r"\1", typed.lower())
    return tuple(test for word in joined.split() if (test := _test(word)))


def matching(cells: Cells, tests: tuple[Test, ...]) -> frozenset[int]:
    """Numbers of the groups that pass all tests."""
    return frozenset(n for n in range(len(cells.rows)) if all(test(cells, n) for test in tests))


def _test(word: str) -> Test | None:
    if word.endswith(":") and word[:-1] in _KINDS:
        return _KINDS[word[:-1]]
    begun = _BEGUN.fullmatch(word)
    if begun and begun["what"] in _NUMBERS:
        return None
    match = _NUMBER.fullmatch(word.replace(",", "."))
    if match and match["what"] in _NUMBERS:
        return _comparison(match)
    return lambda cells, number: cells.has(number, word)


def _comparison(match: re.Match[str]) -> Test:
    """A comparison; a share is of the whole, and "removed>0.3" is one too."""
    known, compare = _NUMBERS[match["what"]], _COMPARE[match["how"]]
    amount = float(match["number"]) * _UNITS[match["unit"]]
    is_share = match["unit"] == "%" or (match["what"] == "removed" and 0 < amount < 1)
    whole = known.whole

    def test(cells: Cells, number: int) -> bool:
        unit = whole(cells, number) if is_share and whole is not None else 1.0
        return bool(compare(known.read(cells, number), amount * unit))

    return test
