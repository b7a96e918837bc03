"""Groups: channels that must be cut together, and the reasons why some may not be cut."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["channels", "heads", "head_dim", "conv_groups"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something may not be cut, or is only cut inexactly: a value, not an exception.

    Attributes:
        what: one sentence in the user's words.
        op: name of the ATen op, "" when none is to blame.
        module: dotted path of the module it ran in, "" for the model itself.
        source: "file.py:123" of the line of forward, "" when unknown.
        path: layer names from the group to the op, nearest first: why the two belong together.
    """

    what: str
    op: str = ""
    module: str = ""
    source: str = ""
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = " · ".join(part for part in (self.op, self.module, self.source) if part)
        return f"{self.what} ({place})" if place else self.what


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One dimension of one parameter or buffer that a group cuts.

    Attributes:
        parameter: name in the state dict, "layer1.0.conv1.weight".
        dim: the dimension.
        indices: int array [size, k]: the k indices that channel i of the group owns.
    """

    parameter: str
    dim: int
    indices: NDArray[np.int64]

    @property
    def layer(self) -> str:
        """Dotted path of the module that owns the parameter."""
        return self.parameter.rpartition(".")[0]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Channels that must be cut together.

    Attributes:
        id: name of the first layer that writes these channels, readable and stable.
        size: number of channels.
        kind: what one channel of the group stands for.
        exact: cutting equals zeroing; False where a normaliser's statistics run over the cut dimension.
        locked: why the group may not be cut, or None.
        inexact: why it is not exact, or None.
        members: every dimension it cuts.
    """

    id: str
    size: int
    kind: Kind = "channels"
    exact: bool = True
    locked: Refusal | None = None
    inexact: Refusal | None = None
    members: tuple[Member, ...] = field(default=(), repr=False)

    @property
    def layers(self) -> tuple[str, ...]:
        """Dotted paths of the layers it touches, in order of the forward pass, each once."""
        return tuple(dict.fromkeys(member.layer for member in self.members))
