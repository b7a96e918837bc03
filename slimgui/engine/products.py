"""A contraction as it runs -> a matrix product: rows of what it reads, and where in memory its weights lie.

y[g, m, n] = sum over k of x[g, m, k] · w[g, k, n]: a matrix product has one g, a batched one or a grouped
convolution several; the k of a convolution are its channels times the taps of its kernel, its m the images
times the positions. A transposed convolution is one over its input with zeros in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

aten = torch.ops.aten

Take = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """One call.

    Attributes:
        count: number of rows m.
        x: row numbers [m] -> what these rows read, [g, m, k].
        y: row numbers [m] -> what came out, [g, m, n].
        places: int64 [g, k, n]: position in the weight's storage of every factor.
    """

    count: int
    x: Take
    y: Take
    places: Tensor


# Positions of data, weight and bias among the arguments; matrix products take the weight on either side.
OPERANDS: Final = {
    aten.convolution: ((0, 1),),
    aten.mm: ((0, 1), (1, 0)),
    aten.bmm: ((0, 1), (1, 0)),
    aten.addmm: ((1, 2), (2, 1)),
    aten.baddbmm: ((1, 2), (2, 1)),
}
BIAS: Final = {aten.convolution: 2, aten.addmm: 0, aten.baddbmm: 0}


def storage_of(tensor: Tensor) -> int:
    """What identifies the memory of a tensor, shared by its views."""
    return int(tensor.untyped_storage()._cdata)


def positions(tensor: Tensor) -> Tensor:
    """Int64, of the shape of `tensor`: where in its storage each element lies."""
    size = tensor.untyped_storage().nbytes() // tensor.element_size()
    return torch.arange(size).as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())


def product(func: Any, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor, weight: int) -> Product:
    """The call as a matrix product.

    Args:
        func: an overload of a key of OPERANDS.
        args: its arguments.
        kwargs: its keyword arguments.
        out: its result.
        weight: position of the weight among `args`.
    """
    packet = func.overloadpacket
    if packet is aten.convolution:
        return _convolution(out, *args)
    data = next(args[one] for one, other in OPERANDS[packet] if other == weight)
    matrix, alpha = args[weight], kwargs.get("alpha", 1)
    right = OPERANDS[packet][0][1] == weight
    x, y, w = (t if t.ndim == 3 else t[None] for t in (data, out, matrix))
    places = positions(w)
    if not right:  # y = w · x is yᵀ = xᵀ · wᵀ
        x, y, places = x.mT, y.mT, places.mT
    if w.shape[0] > 1 and w.stride(0) == 0:  # one weight for every sample of a batch
        x, y, places = (t.reshape(1, -1, t.shape[-1]) for t in (x, y, places[:1]))
    return Product(x.shape[1], lambda rows: x[:, rows] * alpha, lambda rows: y[:, rows], places)


def _convolution(
    out: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None, stride: Sequence[int],
    padding: Sequence[int], dilation: Sequence[int], transposed: bool, output_padding: Sequence[int],
    groups: int,
) -> Product:  # fmt: skip
    places, dims = positions(weight), range(2, x.ndim)
    kernel = weight.shape[2:]
    if transposed:
        x = _spread(x, stride)
        reach = [d * (k - 1) - p for d, k, p in zip(dilation, kernel, padding, strict=True)]
        sides = [(left, left + more) for left, more in zip(reach, output_padding, strict=True)]
        stride = [1] * len(kernel)
        places = places.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1).flip(list(dims))
    else:
        sides = [(p, p) for p in padding]
    x = F.pad(x, [size for pair in reversed(sides) for size in pair])
    for dim in dims:
        span = dilation[dim - 2] * (kernel[dim - 2] - 1) + 1
        x = x.unfold(dim, span, stride[dim - 2])[..., :: dilation[dim - 2]]
    windows = x.movedim(1, len(kernel) + 1)  # [batch, positions ..., channels, taps ...]
    shape = windows.shape[: len(kernel) + 1]

    def read(rows: Tensor) -> Tensor:
        found = windows[torch.unravel_index(rows, shape)]
        return found.reshape(len(rows), groups, -1).transpose(0, 1)

    def written(rows: Tensor) -> Tensor:
        found = out.movedim(1, -1)[torch.unravel_index(rows, shape)]
        return found.reshape(len(rows), groups, -1).transpose(0, 1)

    matrix = places.reshape(groups, places.shape[0] // groups, -1).mT
    return Product(int(torch.Size(shape).numel()), read, written, matrix)


def _spread(x: Tensor, stride: Sequence[int]) -> Tensor:
    """`x` with stride - 1 zeros between neighbours."""
    sizes = [(size - 1) * step + 1 for size, step in zip(x.shape[2:], stride, strict=True)]
    result = x.new_zeros(*x.shape[:2], *sizes)
    places: tuple[slice, ...] = tuple(slice(None, None, step) for step in stride)
    result[:, :, *places] = x
    return result


def elements(weight: Tensor, places: Tensor) -> Tensor:
    """Numbers, in the order of `weight`, of the elements at these positions of its memory."""
    where = positions(weight)
    numbers = torch.empty(int(where.max()) + 1, dtype=torch.int64)
    numbers[where] = torch.arange(weight.numel()).reshape(weight.shape)
    return numbers[places]


def memory(weight: Tensor) -> Tensor:
    """The memory of `weight`, as a vector that positions count in."""
    size = weight.untyped_storage().nbytes() // weight.element_size()
    return weight.detach().as_strided((size,), (1,), 0)
