"""A trace -> its cost as closed forms of the group counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

import numpy as np
import torch

from slimgui.core.cost import CostModel
from slimgui.core.sizes import Product, Size
from slimgui.engine.algebra import Operand
from slimgui.engine.labels import Field, Where
from slimgui.engine.propagate import Labelled
from slimgui.engine.recording import Call, Ref
from slimgui.engine.trace import Traced

aten = torch.ops.aten
Sizes = tuple[Size, ...]


class SizeOf:
    """The lengths of dimensions as closed forms; every label tensor is looked at once."""

    def __init__(self, traced: Traced) -> None:
        self.solved = traced.solved
        self.ids = [group.id for group in traced.groups]
        self.sizes = [group.size for group in traced.groups]
        self.known: dict[tuple[int, int], tuple[torch.Tensor, Size]] = {}

    def __call__(self, operand: Operand) -> Sizes:
        """One size per dimension of a value."""
        sizes = [Size(length) for length in operand.shape]
        for field in operand.fields:
            for dim in field.live:
                sizes[dim] = self.along(field, dim)
        return tuple(sizes)

    def along(self, field: Field, dim: int) -> Size:
        """The length of one live dimension of a field."""
        key = (id(field.labels), dim)
        if key not in self.known:
            self.known[key] = (field.labels, self._along(field, dim))
        return self.known[key][1]

    def _along(self, field: Field, dim: int) -> Size:
        labels = field.labels
        for other in field.live:
            if other != dim:
                labels = labels.narrow(other, 0, 1)
        flat = labels.reshape(-1).numpy()
        fine, coarse = (group_of[flat] for group_of in self.solved.group_of)
        if len(field.live) > 1:
            fine = fine if field.axis(Where.FINE) == dim else np.full_like(fine, -1)
            coarse = coarse if field.axis(Where.COARSE) == dim else np.full_like(coarse, -1)
        pairs, counts = np.unique(np.stack((fine, coarse)), axis=1, return_counts=True)
        return self._size(pairs.T.tolist(), counts.tolist())

    def _size(self, pairs: list[list[int]], counts: list[int]) -> Size:
        fixed, terms = 0, []
        for pair, count in zip(pairs, counts, strict=True):
            groups = [index for index in pair if index >= 0]
            whole = prod(self.sizes[index] for index in groups)
            if not groups:
                fixed += count
            else:
                assert count % whole == 0, "every channel of a group owns the same number of indices"
                terms.append((count // whole, tuple(self.ids[index] for index in groups)))
        return Size(fixed, tuple(sorted(terms)))


def product(layer: str, sizes: Sizes, scale: int = 1) -> Product:
    """Scale · Π sizes, with the fixed sizes folded into the scale."""
    fixed = prod(size.fixed for size in sizes if not size.terms)
    return Product(layer, scale * fixed, tuple(size for size in sizes if size.terms))


def cost_model(traced: Traced) -> CostModel:
    """Closed forms of the cost of the eval pass and of all weights."""
    size_of, labelled = SizeOf(traced), traced.passes[0]
    params, stored = [], []
    for value, operand in zip(labelled.capture.values, labelled.operands, strict=True):
        if value.name:
            layer = value.name.rpartition(".")[0]
            sizes = size_of(operand)
            stored.append(product(layer, sizes, value.tensor.element_size()))
            if value.kind == "parameter":
                params.append(product(layer, sizes))
    macs = [form for call in labelled.capture.calls for form in _macs(call, labelled, size_of)]
    return CostModel(tuple(params), tuple(macs), tuple(stored), tuple(_written(labelled, size_of)))


def _written(labelled: Labelled, size_of: SizeOf) -> Iterator[Product]:
    """Memory that the forward pass writes: views and in-place results count once."""
    seen = {
        value.tensor.untyped_storage()._cdata
        for value in labelled.capture.values
        if value.kind != "activation"
    }
    for call in labelled.capture.calls:
        for index in call.outputs:
            if index is None:
                continue
            tensor = labelled.capture.values[index].tensor
            storage = tensor.untyped_storage()._cdata
            if storage not in seen:
                seen.add(storage)
                yield product(call.module, size_of(labelled.operands[index]), tensor.element_size())


def _macs(call: Call, labelled: Labelled, size_of: SizeOf) -> Iterator[Product]:
    count = MACS.get(call.func.overloadpacket)
    if count is None:
        return
    given = [labelled.operands[item.index] for item in call.args if isinstance(item, Ref)]
    result = labelled.operands[next(index for index in call.outputs if index is not None)]
    yield product(call.module, count(call, given, result, size_of))


Count = Callable[[Call, list[Operand], Operand, SizeOf], Sizes]


def _convolution(call: Call, given: list[Operand], result: Operand, size_of: SizeOf) -> Sizes:
    """Output elements x weights per output channel (transposed: input elements)."""
    slid = given[0] if call.args[6] else result
    return (*size_of(slid), *size_of(given[1])[1:])


def _product(call: Call, given: list[Operand], result: Operand, size_of: SizeOf) -> Sizes:
    """Every element of the result is a sum over the last dimension of the left factor."""
    left = given[-2]
    return (*size_of(result), size_of(left)[-1])


def _linear(call: Call, given: list[Operand], result: Operand, size_of: SizeOf) -> Sizes:
    return (*size_of(result), size_of(given[0])[-1])


MACS: dict[object, Count] = {
    aten.convolution: _convolution,
    aten.mm: _product,
    aten.addmm: _product,
    aten.bmm: _product,
    aten.baddbmm: _product,
    aten.mv: _product,
    aten.dot: _product,
    aten.linear: _linear,
}
