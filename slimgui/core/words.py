"""A plan in words; lists of channels, shapes and numbers as people write them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from slimgui.core.plan import Plan
from slimgui.errors import PlanError

_FEW: Final = 3
_SHAPE: Final = re.compile(r"\d{1,9}(?:x\d{1,9})*(?::\d{1,18})?")
_BRACKETS: Final = re.compile(r"[(\[]([\d\s,]+)[)\]]")
_TIMES: Final = re.compile(r"\s*[xX*×]\s*")
_BELOW: Final = re.compile(r"\s*:\s*")
_RANGE: Final = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")  # no layer has a million channels


def describe(plan: Plan) -> str:
    """What `plan` does, in whole sentences."""
    return " ".join((*(list(_removes(plan)) or ["Removes nothing."]), *_limits(plan)))


def _removes(plan: Plan) -> Iterator[str]:
    if plan.ratio and plan.scope == "global":
        yield f"Removes {_percent(plan.ratio)} of all channels, the least important of all groups first."
    elif plan.ratio and plan.scope == "isomorphic":
        alike = "the least important of all groups of the same structure first"
        yield f"Removes {_percent(plan.ratio)} of all channels, {alike}."
    elif plan.ratio:
        yield f"Removes {_percent(plan.ratio)} of every group's channels."
    for path, ratio in plan.ratios:
        yield f"Removes {_percent(ratio)} of the groups in {path}."
    counts = [(name, count) for name, count in plan.counts if name not in plan.whole]
    named = [name for name, _ in plan.indices if name not in plan.whole]
    if 0 < len(counts) <= _FEW:
        yield from (f"Keeps {count} channels of {name}." for name, count in counts)
    elif counts:
        yield f"Sets the counts of {len(counts)} groups one by one."
    if named:
        yield f"Names the channels that stay in {_and(named)}."


def _limits(plan: Plan) -> Iterator[str]:
    if plan.locked or plan.whole:
        yield f"Leaves {_and((*plan.locked, *plan.whole))} whole."
    if plan.only_exact:
        yield "Leaves approximate groups whole."
    if plan.bins:
        yield f"Shrinks every group in {plan.bins} equal steps."
    if plan.round_to > 1:
        yield f"Rounds counts up to a multiple of {plan.round_to}."
    if plan.min_count > 1:
        yield f"Keeps at least {plan.min_count} channels of every group."
    if plan.min_ratio:
        yield f"Keeps at least {_percent(plan.min_ratio)} of every group."
    if plan.importance != Plan().importance:
        yield f"Judges channels by {plan.importance}."


def _percent(ratio: float) -> str:
    return f"{100 * ratio:g} %"


def _and(names: Iterable[str]) -> str:
    known = list(names)
    if len(known) > _FEW:
        return f"{len(known)} groups"
    return " and ".join(filter(None, (", ".join(known[:-1]), known[-1])))


def to_shapes(text: str) -> tuple[str, ...] | None:
    """The shapes of inputs as "1x3x224x224" or "1x16:30522"; None when they are written in another way.

    One shape may also be written as python and the window show it: "(1, 3, 224, 224)", "1 × 3 × 224 × 224".
    """
    joined = _BRACKETS.sub(lambda match: match[1].rstrip(", ").replace(",", "x"), text)
    parts = [part.strip() for part in _TIMES.sub("x", _BELOW.sub(":", joined)).split(",")]
    return tuple(parts) if all(map(_SHAPE.fullmatch, parts)) else None


def to_numbers(text: str) -> tuple[float, ...]:
    """Numbers with spaces or commas between them. Raises PlanError when they are written in another way."""
    try:
        numbers = tuple(map(float, text.replace(",", " ").split()))
    except ValueError:
        numbers = (math.nan,)
    if not all(map(math.isfinite, numbers)):
        raise PlanError(f"{text.strip()!r} is no list of numbers.", "", "Write it like 0.5 0.25.")
    return numbers


def to_shares(text: str) -> tuple[tuple[str, float], ...]:
    """("stage1", 0.3) for every "stage1=30%" of a list with commas. Raises PlanError for anything else."""
    shares = []
    for part in filter(None, map(str.strip, text.split(","))):
        path, _, amount = part.rpartition("=")
        try:
            number = float(amount.strip().removesuffix("%"))
        except ValueError:
            raise PlanError(f"{part!r} is no share of a part.", "", "Write it like stage1=30%.") from None
        share = number / 100 if amount.strip().endswith("%") else number
        if not path.strip() or not 0 <= share <= 1:
            raise PlanError(f"{part!r} is no share of a part.", "", "Write it like stage1=30%.")
        shares.append((path.strip(), share))
    return tuple(shares)


def to_ranges(indices: Sequence[int]) -> str:
    """(0, 1, 2, 5) -> "0-2,5"; `indices` ascend."""
    parts: list[list[int]] = []
    for index in indices:
        if parts and index == parts[-1][1] + 1:
            parts[-1][1] = index
        else:
            parts.append([index, index])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def from_ranges(text: str) -> tuple[int, ...]:
    """The inverse of `to_ranges`. Raises PlanError when it is written in another way."""
    found: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise PlanError(f"{text!r} is no list of channels.", "", "Write it like this: 0-7,12,20-31.")
        first, last = int(match[1]), int(match[2] or match[1])
        found.update(range(first, last + 1))
    return tuple(sorted(found))
