"""Where an open model came from -> what a saved file must say so that it can be built again.

A model that was itself cut before is traced back to the original class: kept indices are composed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slimgui.engine.load import own
from slimgui.engine.load.checkpoint import read
from slimgui.engine.load.narrow import narrowed_before
from slimgui.engine.load.source import is_trusted, parse
from slimgui.engine.replay import Kept
from slimgui.errors import LoadError
from slimgui.runtime import Correction


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """The original a model goes back to.

    Attributes:
        factory: that makes it whole, "" when unknown.
        trusted: whether a file may name that factory.
        kept: indices of the original that the open model has.
        repairs: attributes in which it differs from the original.
        corrections: calls that it makes otherwise than the original.
        checkpoint: what the file it came from holds, when that is a dict of another program; else None.
    """

    factory: str = ""
    trusted: bool = False
    kept: Kept | None = None
    repairs: tuple[own.StoredRepair, ...] = ()
    corrections: tuple[Correction, ...] = ()
    checkpoint: Mapping[str, Any] | None = None


def origin_of(source: str) -> Origin:
    """What is known of `source`; a file that is gone or unreadable by now says nothing."""
    try:
        parsed = parse(source)
        factory = parsed.factory
        kept: Kept | None = None
        repairs: tuple[own.StoredRepair, ...] = ()
        corrections: tuple[Correction, ...] = ()
        checkpoint: Mapping[str, Any] | None = None
        if parsed.path is not None:
            found = read(parsed.path)
            if own.is_own(found) and isinstance(found, dict):
                before = own.unpack(found, parsed.path.name)
                factory, kept = factory or before.original, before.kept
                repairs, corrections = before.repairs, before.corrections
                checkpoint = found if isinstance(found[own.KEY], dict) else None
            elif isinstance(found, dict) and "slimgui_factory" in found:
                factory = factory or str(found["slimgui_factory"])
            elif isinstance(found, dict):
                checkpoint = found
                narrow = narrowed_before(parsed, found) if factory and is_trusted(factory) else None
                if narrow is not None:
                    kept, corrections = narrow.kept, narrow.corrections
                    repairs = tuple(own.StoredRepair(r.module, r.attribute, r.value) for r in narrow.repairs)
        return Origin(factory, is_trusted(factory), kept, repairs, corrections, checkpoint)
    except LoadError:
        return Origin()


def compose(before: Kept | None, after: Kept) -> dict[str, dict[int, NDArray[np.int64]]]:
    """Indices of the original: `after` counts in what `before` left."""
    if before is None:
        return {name: dict(dims) for name, dims in after.items()}
    result = {name: dict(dims) for name, dims in before.items()}
    for name, dims in after.items():
        there = result.setdefault(name, {})
        for dim, indices in dims.items():
            there[dim] = there[dim][indices] if dim in there else indices
    return result
