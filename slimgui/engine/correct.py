"""Deployed model and prediction -> the corrections that its forward code needs.

The forward pass of the deployed model is recorded in step with the traced one. Before each call its
arguments are compared with the prediction; a stale one is corrected on the spot, so that one pass finds
them all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes

from slimgui.engine.capture import capture
from slimgui.engine.predict import PREDICTORS, expected
from slimgui.engine.recorder import Arguments
from slimgui.engine.recording import Capture, Function
from slimgui.engine.view import View
from slimgui.errors import TraceError
from slimgui.runtime import Correction, Path, argument, replaced

EXACT = frozenset({"__getitem__", "__setitem__", "roll", "narrow"})

Kind = Literal["scale", "exact", "indices"]


class Stale:
    """Finds the corrections of one pass; give `revise` to `capture`."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.traced = {call.number: call for call in view.labelled.capture.functions}
        # per argument of a call in the code: what it needs each time the forward comes by, None for nothing
        self.seen: dict[tuple[str, str, Path], dict[int, Correction | None]] = {}
        self.open_sites: set[tuple[str, str]] = set()
        self.in_step = True
        self.module = ""  # where the pass is

    def revise(
        self, number: int, name: str, site: str, module: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Arguments:
        """The arguments, with the stale ones corrected."""
        call = self.traced.get(number)
        self.module = module if self.in_step else self.module
        if call is None or (call.name, call.site, call.module) != (name, site, module):
            self.in_step = False
        if not self.in_step or call is None:
            return args, kwargs
        with _disable_current_modes():  # what is computed here is no part of the pass
            wanted = list(self._wanted(call, args, kwargs))
        for path, kind, want in wanted:
            have = argument(args, kwargs, path)
            times = self.seen.setdefault((module, site, path), {})
            if _alike(have, want):
                times[call.time] = None
                continue
            correction = Correction(module, site, path, kind, None if kind == "indices" else have, want)
            times[call.time] = correction
            args, kwargs = replaced(args, kwargs, path, correction.apply)
        if call.is_open:
            self.open_sites.add((module, site))
        return args, kwargs

    def _wanted(
        self, call: Function, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Iterator[tuple[Path, Kind, Any]]:
        for path, number in expected(call, self.view):
            have = argument(args, kwargs, path)
            if isinstance(number, list):
                yield path, "indices", number
            elif isinstance(have, float):
                yield path, "scale", number
            elif have is None or isinstance(have, int):
                yield path, "exact" if have is None or call.name in EXACT else "scale", number
        if call.name not in PREDICTORS and not call.is_open:
            yield from self._numbers(call, args, kwargs)

    def _numbers(
        self, call: Function, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Iterator[tuple[Path, Kind, Any]]:
        """Numbers that are no sizes, as in x / C or q * scale: their old value is right."""
        pairs = [((i,), was, now) for i, (was, now) in enumerate(zip(call.args, args, strict=False))]
        pairs += [((name,), was, kwargs.get(name)) for name, was in call.kwargs.items()]  # type: ignore[misc]
        for path, was, now in pairs:
            if _is_number(was) and _is_number(now):
                yield path, "scale", was

    def corrections(self) -> list[Correction]:
        """What was found, with the functions that have to be opened to reach it.

        A correction that is the same each time holds always; otherwise every time gets its own.
        """
        found: list[Correction] = []
        for times in self.seen.values():
            needed = list(times.values())
            if needed[0] is not None and all(each == needed[0] for each in needed):
                found.append(needed[0])
            else:
                found += [replace(c, site=f"{c.site}#{time}") for time, c in times.items() if c is not None]
        inner = {(correction.module, correction.site.partition("#")[0]) for correction in found}
        opens = [
            Correction(module, site, (), "open")
            for module, site in sorted(self.open_sites)
            if any(where == module and place.endswith(f" < {site}") for where, place in inner)
        ]
        return found + opens


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _alike(have: Any, want: Any) -> bool:
    if isinstance(want, list):
        return isinstance(have, Tensor) and have.tolist() == want
    if isinstance(want, float) and isinstance(have, (int, float)):
        return math.isclose(have, want, rel_tol=1e-12)
    return bool(have == want)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The corrections that the forward code of a model needs, and its passes with those made.

    Attributes:
        corrections: over all passes.
        captures: the recorded passes, None where forward raised.
        stuck: the modules at which a pass raised, or made other calls than the traced one.
    """

    corrections: list[Correction]
    captures: list[Capture | None]
    stuck: frozenset[str]


def find_corrections(small: nn.Module, views: Sequence[View]) -> Found:
    """Run every pass of `small`, its stale calls corrected on the way."""
    found: dict[tuple[str, str, Path], Correction] = {}
    captures: list[Capture | None] = []
    stuck: set[str] = set()
    for view in views:
        stale, recorded = Stale(view), None
        try:
            recorded = capture(small, view.labelled.capture.setting, stale.revise)
        except TraceError as error:  # the comparison that follows says what is in the way
            stuck.add(error.module)
        captures.append(recorded)
        if not stale.in_step:
            stuck.add(stale.module)
        for correction in stale.corrections():
            found.setdefault((correction.module, correction.site, correction.path), correction)
    return Found(list(found.values()), captures, frozenset(stuck))
