"""What people call groups -> the groups; unknown names are refused with the nearest one."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from slimgui.core.groups import Group
from slimgui.errors import PlanError


class Names:
    """Finds groups by what people call them: the id, or a layer that writes the group's channels."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._groups = groups
        self._by_id = {group.id: group for group in groups}
        self._writers: dict[str, list[Group]] = {}

    def find(self, name: str) -> Group:
        """The group with that id, else the one that holds the output channels of the layer of that name.

        Raises:
            PlanError: there is none, with the nearest name; or the layer writes several groups.
        """
        if name in self._by_id:
            return self._by_id[name]
        found = self._written_by(name)
        found = [group for group in found if group.locked is None] or found
        if len(found) > 1:
            ids = ", ".join(sorted(repr(group.id) for group in found))
            raise PlanError(f"{name!r} may mean several groups.", f"It is in {ids}.", "Name one of these.")
        if not found:
            raise self._unknown(name)
        return found[0]

    def below(self, path: str) -> list[Group]:
        """The groups whose id lies at or below a dotted path, else the one `find` finds."""
        return [group for group in self._groups if _is_below(group.id, path)] or [self.find(path)]

    def touching(self, path: str) -> list[Group]:
        """The groups with a layer at or below a dotted path. Raises PlanError when there is none."""
        found = [
            group
            for group in self._groups
            if any(_is_below(name, path) for name in (group.id, *group.layers))
        ]
        if not found:
            raise self._unknown(path)
        return found

    def _written_by(self, layer: str) -> list[Group]:
        if not self._writers:
            for group in self._groups:
                for name in dict.fromkeys(member.layer for member in group.members if member.dim == 0):
                    self._writers.setdefault(name, []).append(group)
        return self._writers.get(layer, [])

    def _unknown(self, name: str) -> PlanError:
        names = {*self._by_id, *(layer for group in self._groups for layer in group.layers)}
        paths = {path for known in names for path in _paths(known)}
        near = difflib.get_close_matches(name, sorted(names | paths), n=1)
        return PlanError(
            f"The plan names {name!r}, which this model does not have.",
            "",
            f"Did you mean {near[0]!r}?" if near else "Check that the plan was made for this architecture.",
        )


def _paths(name: str) -> Iterator[str]:
    """Paths above a dotted name: "a.b" and "a" above "a.b.c"."""
    while name := name.rpartition(".")[0]:
        yield name


def _is_below(name: str, path: str) -> bool:
    """Whether a dotted name is `path` or lies below it; "attn:heads" lies at "attn"."""
    return name == path or name.startswith((f"{path}.", f"{path}:"))
