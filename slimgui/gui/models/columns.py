"""The columns of the tree of groups, and the roles in which its model answers."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from PySide6.QtCore import Qt


class Column(IntEnum):
    """Columns, left to right."""

    GROUP = 0
    KEEP = 1
    OF = 2
    REMOVED = 3
    PARAMS = 4
    MACS = 5
    IMPORTANCE = 6
    STATE = 7


class Role(IntEnum):
    """Roles of our own."""

    SORT = Qt.ItemDataRole.UserRole
    GROUP_ID = Qt.ItemDataRole.UserRole + 1
    SIZE = Qt.ItemDataRole.UserRole + 2
    CELL = Qt.ItemDataRole.UserRole + 3  # a Cell: all that is painted, in one call


HEADERS: Final = {
    Column.GROUP: ("Group", "Channels that only go together, named after the first layer that writes them"),
    Column.KEEP: ("Keep", "How many channels stay. Double-click to change; 50%, /2, -8 and =64 work as well"),
    Column.OF: ("Of", "How many channels there are in the original model"),
    Column.REMOVED: ("Removed", "Share of the group's channels that is removed"),
    Column.PARAMS: ("Params", "Parameters of all layers this group touches, as they are now"),
    Column.MACS: ("MACs", "Share of the multiply-adds in this group's layers; a layer may be in two"),
    Column.IMPORTANCE: (
        "Importance",
        "Importance of the channels, largest first; what stays is coloured, unless it was picked by hand",
    ),
    Column.STATE: (
        "State",
        "Check: an exact cut; waves: an approximate one; lock: stays whole; pencil: by you",
    ),
}  # fmt: skip
EMPTY: Final = frozenset((Column.MACS, Column.IMPORTANCE))  # of a layer: its sizes may lie over them
NUMBERS: Final = frozenset((Column.KEEP, Column.OF, Column.REMOVED, Column.PARAMS, Column.MACS))
