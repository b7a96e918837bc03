"""How long a model takes on one device, as a function of the group counts: torch-free, and quick.

Seconds of a model = overhead + scale · Σ seconds of its ops. The ops are read off tables; scale and overhead
follow from measurements of whole models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from slimgui.core.latency_table import Table
from slimgui.core.sizes import Product, total
from slimgui.core.text_files import read_text
from slimgui.errors import PlanError

FORMAT: Final = 1
_LEAST: Final = 0.5  # of the scale without an overhead: what may remain of it beside one


@dataclass(frozen=True, slots=True)
class TimedOp:
    """One call of the forward pass.

    Attributes:
        layer: dotted path of its module.
        table: index into `LatencyModel.tables`.
        lengths: per axis of the table, an index into `LatencyModel.lengths`.
    """

    layer: str
    table: int
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LatencyModel:
    """Seconds of one model on one device.

    Attributes:
        device: what it was measured on, in words.
        tables: of every distinct op.
        lengths: closed forms of every distinct length: sums of products.
        ops: in order of the forward pass.
        scale: what whole models take per measured second of their ops.
        overhead: seconds that no op accounts for.
        unmeasured: ops that could not be run alone, with the reason; they count as nothing.
    """

    device: str
    tables: tuple[Table, ...]
    lengths: tuple[tuple[Product, ...], ...]
    ops: tuple[TimedOp, ...]
    scale: float = 1.0
    overhead: float = 0.0
    unmeasured: tuple[str, ...] = ()

    def at(self, counts: Mapping[str, int]) -> float:
        """Seconds when group g keeps counts[g] channels."""
        return self.overhead + self.scale * self.ops_at(counts)

    def ops_at(self, counts: Mapping[str, int]) -> float:
        """Seconds of the ops alone, as they were measured."""
        return sum(self._seconds(counts))

    def by_layer(self, counts: Mapping[str, int]) -> dict[str, float]:
        """Seconds per layer, without the overhead."""
        result: dict[str, float] = {}
        for op, seconds in zip(self.ops, self._seconds(counts), strict=True):
            result[op.layer] = result.get(op.layer, 0.0) + self.scale * seconds
        return result

    def groups(self) -> frozenset[str]:
        """Ids of the groups it depends on."""
        return frozenset[str]().union(*(item.groups() for form in self.lengths for item in form))

    def _seconds(self, counts: Mapping[str, int]) -> list[float]:
        lengths = [total(form, counts) for form in self.lengths]
        return [_read(self.tables[op.table], tuple(lengths[i] for i in op.lengths)) for op in self.ops]

    def fitted(self, measured: Sequence[tuple[Mapping[str, int], float]]) -> Self:
        """With the scale and the overhead that explain whole models best.

        Least squares of the relative error. One measurement gives the scale alone, and so do several that
        would leave less than half of the time to the ops, or an overhead below nothing: those are noise.

        Args:
            measured: (counts, seconds) of whole models, at least one.
        """
        pairs = [(self.ops_at(counts), seconds) for counts, seconds in measured]
        scale, overhead = _line(pairs)
        return replace(self, scale=scale, overhead=overhead)

    def to_json(self) -> str:
        """As text, to be used on another machine."""
        return msgspec.json.encode({"format": FORMAT, **asdict(self)}).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote. Raises PlanError when it is something else."""
        try:
            data: dict[str, Any] = msgspec.json.decode(text)
            _check_format(data.pop("format"))
            model = msgspec.convert(data, cls)
            _check(model)
        except (msgspec.MsgspecError, KeyError, AttributeError, PlanError) as error:
            hint = "Measure it there again: slimgui latency --export-latency."
            raise PlanError("This is no table of latencies.", f"{error}", hint) from None
        return model


@lru_cache(maxsize=1 << 16)
def _read(table: Table, lengths: tuple[int, ...]) -> float:
    """`table.at`: blocks that repeat share a table, and a search changes few lengths at a time."""
    return table.at(lengths)


def _line(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """(slope, intercept) of seconds over ops, weights 1 / seconds²; see `LatencyModel.fitted`."""
    weighed = [(1 / seconds**2, ops, seconds) for ops, seconds in pairs]
    w, x, y, xx, xy = (
        sum(row)
        for row in zip(*((w, w * x, w * y, w * x * x, w * x * y) for w, x, y in weighed), strict=True)
    )
    spread = w * xx - x * x
    if spread > 1e-9 * w * xx:
        slope = (w * xy - x * y) / spread
        intercept = (y - slope * x) / w
        if slope >= _LEAST * xy / xx and intercept >= 0:
            return slope, intercept
    return xy / xx, 0.0


def _check_format(version: Any) -> None:
    if version != FORMAT:
        raise PlanError(f"Its format is {version}, and this program reads {FORMAT}.")


def _check(model: LatencyModel) -> None:
    for table in model.tables:
        wanted = prod(len(axis.lengths) for axis in table.axes)
        rising = all(list(axis.lengths) == sorted(set(axis.lengths)) != [] for axis in table.axes)
        if len(table.seconds) != wanted or not rising or min(table.seconds) < 0:
            raise PlanError(f"The table of {table.op} is damaged.")
    for op in model.ops:
        known = 0 <= op.table < len(model.tables) and all(0 <= i < len(model.lengths) for i in op.lengths)
        if not known or len(op.lengths) != len(model.tables[op.table].axes):
            raise PlanError(f"An op of {op.layer!r} has no table.")


def read_latency(path: str | Path, groups: frozenset[str]) -> LatencyModel:
    """The table of latencies in a file.

    Args:
        path: of the file.
        groups: ids of the groups of the model that it is wanted for.

    Raises:
        PlanError: it cannot be read, is something else, or is of another model.
    """
    model = LatencyModel.from_json(read_text(path))
    if strange := sorted(model.groups() - groups):
        what = f"{Path(path).name} is the table of another model."
        raise PlanError(what, f"There is no group {strange[0]!r} here.", "Measure this model on that device.")
    return model
