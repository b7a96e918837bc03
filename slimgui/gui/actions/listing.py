"""Everything in the menus as one flat list, and how well a text fits a title. The menus say what there is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

_START: Final = 8  # worth of a letter that begins a word
_RUN: Final = 5  # of one that follows the letter before
_NUMBERED: Final = re.compile(r"&\d ")  # what makes an entry of a growing list quick to choose
_LATE: Final = 0.05  # lost per letter that is passed over


@dataclass(frozen=True, slots=True)
class Command:
    """One entry of a menu. `place`: the menus it is in. `reason`: why it cannot be used, "" when it can."""

    action: QAction
    title: str
    place: str
    keys: str
    reason: str


def commands(menus: Iterable[QMenu]) -> list[Command]:
    """What can be chosen in `menus` and the menus in them, each once, in their order."""
    seen: set[int] = set()
    found = []
    for action, place in _entries(menus, ()):
        if id(action) not in seen:
            seen.add(id(action))
            found.append(_command(action, place))
    return found


def _entries(menus: Iterable[QMenu], place: tuple[str, ...]) -> Iterator[tuple[QAction, tuple[str, ...]]]:
    for menu in menus:
        menu.aboutToShow.emit()  # some are filled when they are opened
        here = (*place, plain(menu.title()))
        for action in menu.actions():
            inner = action.menu()
            if isinstance(inner, QMenu):
                yield from _entries((inner,), here)
            elif not action.isSeparator():
                yield action, here


def _command(action: QAction, place: tuple[str, ...]) -> Command:
    keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    reason = str(action.property("reason") or "") if not action.isEnabled() else ""
    return Command(action, plain(_NUMBERED.sub("", action.text())), " › ".join(place), keys, reason)


def plain(title: str) -> str:
    """A title without its underlined letter and dots."""
    return title.replace("&&", "\0").replace("&", "").replace("\0", "&").rstrip("….")


def fit(typed: str, title: str) -> float:
    """How well `title` fits what was typed; 0 where its letters are not all there, in this order.

    Letters that begin a word, and letters in a row, count more.
    """
    word, here = typed.lower().replace(" ", ""), title.lower()
    score, place = 1.0, 0
    for letter in word:
        found = here.find(letter, place)
        start = here.find(f" {letter}", place)
        if start >= 0 and found != place:
            found = start + 1  # the next word rather than the middle of this one
        if found < 0:
            return 0.0
        begins = found == 0 or not here[found - 1].isalnum()
        score += _START * begins + _RUN * (found == place and place > 0) - _LATE * (found - place)
        place = found + 1
    return max(score, _LATE)


def ranked(found: Iterable[Command], typed: str) -> list[Command]:
    """The commands that fit, the best first; all in their order when nothing is typed."""
    scored = [(max(fit(typed, one.title), fit(typed, f"{one.place} {one.title}") / 2), one) for one in found]
    fitting = [pair for pair in scored if pair[0] > 0]
    return [one for _, one in sorted(fitting, key=lambda pair: -pair[0])] if typed.strip() else list(found)
