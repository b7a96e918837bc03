"""What the scanner found in a file; plain data that crosses between two processes as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["zip", "legacy", "pickle"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call the pickle would make.

    Attributes:
        name: dotted name of what is called, "" when it is not a plain global.
        bare: an object made without arguments (NEWOBJ with an empty tuple), as `torch.save` writes modules.
        touches: names of classes and made objects among the arguments.
    """

    name: str
    bare: bool
    touches: frozenset[str]


@dataclass(frozen=True, slots=True)
class Scan:
    """Everything a file's pickles ask for, in order of appearance, each once."""

    names: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()

    @staticmethod
    def union(scans: Iterable[Scan]) -> Scan:
        """What all of them ask for together."""
        known = list(scans)
        names = dict.fromkeys(name for scan in known for name in scan.names)
        calls = dict.fromkeys(call for scan in known for call in scan.calls)
        return Scan(tuple(names), tuple(calls))


@dataclass(frozen=True, slots=True)
class Report:
    """What lies in a file.

    Attributes:
        kind: which reader it needs.
        scan: what all its pickles ask for.
        records: names of the parts of an archive, without the folder they lie in.
        pickles: of an archive, the SHA-256 of every part that is a pickle, by its name in `records`.
    """

    kind: Kind
    scan: Scan
    records: tuple[str, ...] = ()
    pickles: dict[str, str] | None = None
