"""Rows of the tree as text for spreadsheets: tabs for the clipboard, commas for a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex

from slimgui.gui.models.columns import HEADERS, Column

if TYPE_CHECKING:
    from slimgui.core.resolve import Scores
    from slimgui.core.wire import GroupRow


def table(rows: Iterable[QModelIndex], columns: Sequence[Column]) -> list[list[str]]:
    """What the rows say, below the titles of their columns.

    Args:
        rows: index of any cell of each row.
        columns: in the order in which they are shown.
    """
    head = [HEADERS[column][0] for column in columns]
    return [head, *([str(row.siblingAtColumn(c).data() or "") for c in columns] for row in rows)]


def channels(
    groups: Iterable[GroupRow], scores: Scores, kept: Callable[[str], Sequence[int] | None]
) -> Iterator[tuple[str, str, str, str]]:
    """A line per channel: its group, its number, its score, and whether it stays ("" while nobody knows)."""
    for row in groups:
        staying = kept(row.id)
        known = frozenset(() if staying is None else staying)
        for channel, score in enumerate(scores[row.id].tolist()):
            stays = "" if staying is None else "yes" if channel in known else "no"
            yield row.id, str(channel), repr(score), stays


def as_tsv(lines: Iterable[Sequence[str]]) -> str:
    """With tabs: what spreadsheets take from the clipboard."""
    return "\n".join("\t".join(line) for line in lines) + "\n"


def as_csv(lines: Iterable[Sequence[str]]) -> str:
    """With commas, quoted where it is needed (RFC 4180)."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(lines)
    return stream.getvalue()
