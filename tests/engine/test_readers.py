"""Who reads a group: found by labels, at the function calls of the code, whatever module they stand in."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slimgui import engine
from slimgui.engine.readers import Reader, Reading, readers_of


class Mixed(nn.Module):
    """A convolution, a depthwise one, a plain product with a bare parameter, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.deep = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3, groups=6)
        self.bare = nn.Parameter(torch.randn(6, 5))
        self.head = nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.deep(F.relu(self.one(x)))).mean((2, 3))
        return self.head(F.relu(x @ self.bare))


class Attention(nn.Module):
    """Two heads of width 4; queries and keys meet each other, the values meet the last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).reshape(len(x), -1, 3, 2, 4).permute(2, 0, 3, 1, 4)
        x = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(len(x), -1, 8)
        return self.out(x)


def found(model: nn.Module, *shape: int) -> tuple[engine.Traced, tuple[Reader, ...]]:
    traced = engine.trace(model.eval(), torch.randn(shape))
    return traced, readers_of(traced)


def test_a_depthwise_convolution_is_no_reader_and_a_bare_product_is_one() -> None:
    _, readers = found(Mixed(), 1, 3, 8, 8)
    have = [(r.group, r.parameter, r.data, r.dim, r.weight, r.weight_dim) for r in readers]
    # x @ bare sums over dimension 1 of x and 0 of bare; F.linear over dimension 1 of both
    assert have == [("one", "bare", 0, 1, 1, 0), ("bare", "head.weight", 0, 1, 1, 1)]
    assert readers[0].channels.tolist() == [0, 1, 2, 3, 4, 5]


def test_channels_of_a_concatenation_are_told_apart() -> None:
    class Joined(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right, self.last = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 3, 1), nn.Conv2d(5, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(torch.cat((self.left(x), self.right(x)), 1))

    _, readers = found(Joined(), 1, 3, 4, 4)
    have = {r.group: r.channels.tolist() for r in readers}
    assert have == {"left": [0, 1, -1, -1, -1], "right": [-1, -1, 0, 1, 2]}
    by_place = torch.arange(5.0)
    assert readers[1].per_channel(by_place, 3).tolist() == [2, 3, 4]


def test_queries_and_keys_read_each_other_and_the_output_reads_values_and_heads() -> None:
    _, readers = found(Attention(), 1, 5, 8)
    have = {(r.group.partition(":")[2], r.parameter, r.data, r.dim) for r in readers}
    inner = [r for r in readers if not r.parameter]
    assert {(r.data, r.weight, r.dim) for r in inner} == {(0, 1, 3), (1, 0, 3)}
    outer = [r for r in readers if r.parameter == "out.weight"]
    # place 4·h + d of the last layer's input is width d of head h
    assert sorted(r.channels.tolist() for r in outer) == [[0, 0, 0, 0, 1, 1, 1, 1], [0, 1, 2, 3] * 2], have


def test_the_strength_is_the_sum_of_squares_of_what_multiplies_a_place() -> None:
    channels = np.arange(4)
    reader = Reader("g", 0, 0, 1, channels, 1, 1, "")
    weight = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])[..., None]
    # a convolution in two groups: rows 0 and 1 read places 0 and 1, rows 2 and 3 read places 2 and 3
    assert reader.strength(weight).tolist() == [1 + 9, 4 + 16, 25 + 49, 36 + 64]
    assert reader.strength(torch.eye(4) * 3).tolist() == [9, 9, 9, 9]
    transposed = Reader("g", 0, 0, 1, channels, 1, 0, "")
    assert transposed.strength(weight).tolist() == [1 + 4, 9 + 16, 25 + 36, 49 + 64]


def test_reading_reports_the_data_at_another_batch_size_and_in_the_smaller_model() -> None:
    torch.manual_seed(0)
    model = Mixed()
    traced, readers = found(model, 1, 3, 8, 8)
    plan = engine.Plan().with_count("one", 4).with_count("bare", 2)
    small = engine.deploy(model, traced, engine.resolve(traced, plan, model)).model
    for net, widths in ((model, [6, 5]), (small, [4, 2])):
        seen: list[tuple[str, tuple[int, ...], int]] = []

        def report(reader: Reader, data: Tensor, weight: Tensor | None) -> None:
            assert weight is not None, "both weights are arguments"
            seen.append((reader.group, tuple(data.shape), weight.shape[reader.weight_dim]))  # noqa: B023

        with torch.no_grad(), Reading(traced, readers, report):
            net(torch.randn(7, 3, 8, 8))
        assert seen == [("one", (7, widths[0]), widths[0]), ("bare", (7, widths[1]), widths[1])]


def test_a_normed_weight_is_read_as_it_is_computed() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.utils.parametrizations.weight_norm(nn.Linear(4, 2)))
    traced, readers = found(model, 1, 3)
    (reader,) = readers
    weights: list[Tensor] = []
    with torch.no_grad(), Reading(traced, readers, lambda r, data, weight: weights.append(weight)):
        model(torch.randn(2, 3))
    assert reader.parameter == ""
    assert torch.equal(weights[0], model[2].weight)
