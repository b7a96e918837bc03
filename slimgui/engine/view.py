"""A labelled pass once a cut is made: the shape of every value, and what remains of its labels."""

from __future__ import annotations

import torch
from torch import Tensor

from slimgui.engine.keep import cut_field, stays_along
from slimgui.engine.labels import Field
from slimgui.engine.propagate import Labelled
from slimgui.engine.recording import Ref


class View:
    """A labelled pass once the labels in `gone` are removed."""

    def __init__(self, labelled: Labelled, gone: Tensor) -> None:
        self.labelled, self.gone = labelled, gone
        self._shapes: dict[int, tuple[int, ...]] = {}
        # by identity of the labels, which are kept alive, so that their ids stay their own
        self._along: dict[int, tuple[Tensor, dict[int, Tensor]]] = {}
        self._rest: dict[int, tuple[Tensor, Tensor]] = {}

    def along(self, field: Field) -> dict[int, Tensor]:
        """Per live dimension of the field, which of its indices stay: bool [size]."""
        key = id(field.labels)
        if key not in self._along:
            self._along[key] = field.labels, stays_along(field, self.gone)
        return self._along[key][1]

    def rest(self, field: Field) -> Tensor:
        """The labels of the field that remain."""
        key = id(field.labels)
        if key not in self._rest:
            self._rest[key] = field.labels, cut_field(field, self.gone)
        return self._rest[key][1]

    def shape(self, value: Ref | int) -> tuple[int, ...]:
        """The shape a value will have."""
        index = value.index if isinstance(value, Ref) else value
        if index not in self._shapes:
            operand = self.labelled.operands[index]
            sizes = list(operand.shape)
            for field in operand.fields:
                for dim, stays in self.along(field).items():
                    sizes[dim] = int(stays.sum())
            self._shapes[index] = tuple(sizes)
        return self._shapes[index]

    def old_shape(self, value: Ref | int) -> tuple[int, ...]:
        """The shape it was traced with."""
        return self.labelled.operands[value.index if isinstance(value, Ref) else value].shape

    def stays(self, value: Ref | int, dim: int) -> list[bool]:
        """Which indices along one dimension stay."""
        operand = self.labelled.operands[value.index if isinstance(value, Ref) else value]
        stays = torch.ones(operand.shape[dim], dtype=torch.bool)
        for field in operand.fields:
            if dim in field.live:
                stays = stays & self.along(field)[dim]
        found: list[bool] = stays.tolist()
        return found
