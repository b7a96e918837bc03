"""What a command found -> the same as JSON and as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from slimgui.cli.exits import Exit

if TYPE_CHECKING:
    from slimgui.core.budget import Found
    from slimgui.core.cost import Cost
    from slimgui.core.groups import Group
    from slimgui.core.targets import Target
    from slimgui.engine.save import SaveReport
    from slimgui.engine.verify import Proof

_NAMES: Final = {"params": "parameters", "macs": "MACs", "bytes": "bytes"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command prints: `row` with --json, else `text`; and the exit status."""

    row: dict[str, Any]
    text: str
    status: Exit = Exit.DONE


def group_row(group: Group) -> dict[str, Any]:
    """A group as JSON."""
    members = [
        {"parameter": member.parameter, "dim": member.dim, "per_channel": int(member.indices.shape[1])}
        for member in group.members
    ]
    return {
        "id": group.id,
        "size": group.size,
        "kind": group.kind,
        "exact": group.exact,
        "locked": str(group.locked) if group.locked else None,
        "inexact": str(group.inexact) if group.inexact else None,
        "layers": list(group.layers),
        "members": members,
    }


def group_line(group: Group) -> str:
    """A group as a line."""
    inexact = "exact" if group.exact else f"inexact: {group.inexact}"
    state = f"locked: {group.locked}" if group.locked else inexact
    return f"{group.id:<40} {group.size:>6} {group.kind:<12} {state}"


def totals(cost: Cost) -> dict[str, int]:
    """Parameters, MACs and bytes, by the names they have in JSON."""
    return {name: int(getattr(cost, name)) for name in _NAMES}


def totals_line(groups: int, cost: Cost) -> str:
    """The last line of `slimgui groups`."""
    return f"{groups} groups, {cost.params:,} parameters, {cost.macs:,} MACs, {cost.bytes:,} bytes"


def change_row(before: Cost, after: Cost) -> dict[str, Any]:
    """What a cut leaves, in words and as numbers."""
    numbers = {name: {"before": getattr(before, name), "after": getattr(after, name)} for name in _NAMES}
    return {"kept": _kept(before, after), **numbers}


def change_line(before: Cost, after: Cost) -> str:
    """What a cut leaves, as a sentence."""
    return f"The smaller model {_kept(before, after)}."


def _kept(before: Cost, after: Cost) -> str:
    return "keeps " + ", ".join(
        f"{_share(getattr(after, name), getattr(before, name))} of the {word}"
        for name, word in _NAMES.items()
    )


def _share(after: int, before: int) -> str:
    return f"{100 * after / before:.1f} %" if before else "nothing"


def target_row(targets: Sequence[Target], found: Found | None) -> dict[str, Any]:
    """What was to be left, and what the search found, as JSON; nothing without targets."""
    if found is None:
        return {}
    left = {one.resource: getattr(found.cost, one.resource) for one in targets}
    asked = {one.resource: {"asked": str(one), "left": left[one.resource]} for one in targets}
    return {"targets": asked, "importance_kept": found.kept}


def target_lines(targets: Sequence[Target], found: Found | None) -> list[str]:
    """The same in sentences."""
    if found is None:
        return []
    asked = " and ".join(map(str, targets))
    return [f"Asked for a model that {asked}: {100 * found.kept:.1f} % of the importance stays."]


def proof_row(proof: Proof) -> dict[str, Any]:
    """A proof as JSON, which has no infinity."""
    return {**asdict(proof), "max_error": proof.max_error if math.isfinite(proof.max_error) else None}


def proof_line(proof: Proof) -> str:
    """A proof as a sentence or two."""
    verdict = "Proven equal to" if proof.passed else "Not equal to"
    found = f"largest difference {proof.max_error:.1e} ({proof.level})"
    return f"{verdict} the masked original: {found}. {proof.note}".strip()


def saved_row(report: SaveReport) -> dict[str, Any]:
    """A written file as JSON."""
    return {
        "out": str(report.path),
        "file_bytes": report.bytes,
        "needs": report.needs,
        "model": report.model,
        "file_notes": list(report.notes),
    }


def saved_lines(report: SaveReport) -> list[str]:
    """A written file in sentences."""
    return [f"Saved as {report.path}.", report.needs, *report.notes]
