"""Numbers as the user reads them, and what the user types as numbers: no Qt."""

from __future__ import annotations

import re

from slimgui.core.plan_set import PlanSet

_COUNT = re.compile(r"^\s*(?P<sign>[=/*+-]?)\s*(?P<number>\d+(?:[.,]\d+)?)\s*(?P<percent>%?)\s*$")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")  # no part of a channel can be kept
_STEPS = ("", "k", "M", "G", "T")


def short(value: float) -> str:
    """1234567 -> "1.23 M": three significant digits, metric."""
    step = 0
    while abs(value) >= 999.5 and step < len(_STEPS) - 1:
        value /= 1000
        step += 1
    if step == 0:
        return f"{value:.0f}"
    return f"{_three(value)} {_STEPS[step]}"


def file_size(count: float) -> str:
    """Bytes as "1.2 MB" (powers of 1000, as file managers show them)."""
    return f"{count:.0f} bytes" if count < 1000 else f"{short(count).replace('k', 'K')}B"


def percent(part: float, whole: float) -> str:
    """`part` of `whole` as "43 %", with one decimal below 10."""
    share = 100 * part / whole if whole else 0.0
    return f"{share:.1f} %" if 0 < share < 9.95 else f"{share:.0f} %"


def change(before: float, after: float) -> str:
    """The way from `before` to `after` as "−49 %", or "no change"."""
    if before == after or not before:
        return "no change"
    sign = "−" if after < before else "+"
    return f"{sign}{percent(abs(after - before), before)}"


def elapsed(seconds: float) -> str:
    """Seconds as "7 s" or "2 min 05 s"."""
    whole = int(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def seconds(value: float) -> str:
    """0.0123 -> "12.3 ms": three significant digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{_three(value / size)} {unit}"
    return f"{_three(value * 1e6)} µs"


def tiny(value: float) -> str:
    """3.04e-07 -> "3e-7"; exactly 0 stays "0"."""
    if not value:
        return "0"
    digits, _, exponent = f"{value:.0e}".partition("e")
    return f"{digits}e{int(exponent)}"


def shape(sizes: tuple[int, ...]) -> str:
    """(1, 3, 224, 224) -> "1 × 3 × 224 × 224"."""
    return " × ".join(str(size) for size in sizes) or "a single number"


def plural(count: int, word: str) -> str:
    """1 -> "1 channel", 2 -> "2 channels"."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def statistics(plans: PlanSet, name: str) -> str:
    """What a plan's entry says of norm statistics of its own, "" when it has none."""
    if name in plans.fresh:
        return "own statistics"
    return "statistics out of date" if name in plans.stale else ""


def parse_count(text: str, current: int, size: int) -> int | None:
    """How many channels to keep: "48", "50%" of the group, "/2" and "-8" of what stays now, "=64".

    Args:
        text: as typed.
        current: channels that stay now.
        size: channels of the whole group.

    Returns:
        The count, at least 1 and at most `size`; None when `text` is not understood.
    """
    match = _COUNT.match(text)
    if match is None:
        return None
    sign, share, written = match["sign"], match["percent"], match["number"]
    is_count = not share and sign not in ("*", "/")
    point = "" if is_count and _THOUSANDS.fullmatch(written) else "."
    number = float(re.sub("[.,]", point, written))
    if sign == "/" and not number:
        return None
    if share:
        number *= size / 100
    results = {
        "": number,
        "=": number,
        "+": current + number,
        "-": current - number,
        "*": current * number,
        "/": current / number if number else 0.0,
    }
    return max(1, min(size, round(results[sign])))


def _three(value: float) -> str:
    digits = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    return f"{value:.{digits}f}"
