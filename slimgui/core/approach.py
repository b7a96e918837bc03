"""Reach a value that can only be measured, by asking something that predicts it badly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from slimgui.errors import TargetError

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Tried(Generic[Found]):
    """One attempt: what was asked for, what was found, and what that turned out to be."""

    asked: float
    found: Found
    measured: float


def approach(
    wanted: float,
    find: Callable[[float], Found],
    measure: Callable[[Found], float],
    *,
    tolerance: float,
    attempts: int,
) -> list[Tried[Found]]:
    """Ask for `wanted`, measure, ask for more or less by the ratio missed; the nearest attempt comes first.

    Args:
        wanted: above 0.
        find: gives something whose value should be what was asked for.
        measure: gives the value that it has.
        tolerance: how far from `wanted`, as a share of it, is near enough.
        attempts: at most so many, at least 1.

    Raises:
        TargetError: `find` cannot find what it is asked for first.
    """
    tried: list[Tried[Found]] = []
    asked = wanted
    while len(tried) < attempts:
        try:
            found = find(asked)
        except TargetError:  # less than can be reached: what was tried before has to do
            if not tried:
                raise
            break
        tried.append(Tried(asked, found, measure(found)))
        if abs(tried[-1].measured / wanted - 1) <= tolerance:
            break
        asked *= wanted / tried[-1].measured
    return sorted(tried, key=lambda one: abs(one.measured - wanted))
