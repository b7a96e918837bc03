"""What messages are made of: groups, documents and proofs, without index lists."""

from __future__ import annotations

import msgspec

from slimgui.core.cost import CostModel
from slimgui.core.graph import LayerGraph
from slimgui.core.groups import Group, Kind, Refusal
from slimgui.core.view import View


class Message(msgspec.Struct, frozen=True, tag=True):
    """Base of everything that crosses the door."""

    task: int


class MemberRow(msgspec.Struct, frozen=True):
    """A Member without its index lists: `width` indices of dimension `dim` per channel."""

    parameter: str
    dim: int
    width: int

    @property
    def layer(self) -> str:
        """Dotted path of the module that owns the parameter."""
        return self.parameter.rpartition(".")[0]


class GroupRow(msgspec.Struct, frozen=True):
    """A Group without its index lists; `core.resolve.counts` takes it for a Group."""

    id: str
    size: int
    kind: Kind
    exact: bool
    locked: Refusal | None
    inexact: Refusal | None
    layers: tuple[str, ...]
    members: tuple[MemberRow, ...]


class Document(msgspec.Struct, frozen=True):
    """Everything the window needs of an open model.

    `criteria`: names that a plan's importance may have.
    `view`: how `graph` is drawn at first.
    """

    name: str
    source: str
    input_shapes: tuple[tuple[int, ...], ...]
    groups: tuple[GroupRow, ...]
    graph: LayerGraph
    cost: CostModel
    view: View = View()
    notes: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()


class ProofRow(msgspec.Struct, frozen=True):
    """`max_error` is relative to the output's scale, None when nothing could be compared.

    `level` is "numeric", "blocks" or "structural"; `note` in words. `parted`: path of the first module whose
    output differs, "" for the model's own forward, None when none does.
    """

    passed: bool
    max_error: float | None
    level: str
    note: str = ""
    parted: str | None = None


class Code(msgspec.Struct, frozen=True):
    """Code that opening a file would run: that file, its hash, and a line for each thing it runs."""

    path: str
    sha256: str
    runs: tuple[str, ...]


class Architecture(msgspec.Struct, frozen=True):
    """What weights may be of: the source to open instead, its factory, and how well it fits, in words."""

    source: str
    factory: str
    how: str


class WeightSet(msgspec.Struct, frozen=True):
    """Tensors that belong together, column by column: so 50,000 are read in a moment.

    `name`: where in the file they lie, "" for the file itself. `shapes` are written 64x3x7x7, "" for a
    single number; `bytes` of the numbers, which were not read.
    """

    name: str
    names: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    bytes: tuple[int, ...] = ()


class Global(msgspec.Struct, frozen=True):
    """What a pickle asks for by name, what that means, and whether a file may ask for it."""

    name: str
    meaning: str
    allowed: bool


def group_row(group: Group) -> GroupRow:
    """What the window needs of `group`."""
    widths = [int(member.indices.shape[1]) for member in group.members]
    members = tuple(MemberRow(m.parameter, m.dim, k) for m, k in zip(group.members, widths, strict=True))
    return GroupRow(
        group.id, group.size, group.kind, group.exact, group.locked, group.inexact, group.layers, members
    )
