"""The cost of a small net by hand: conv 3 -> a, 3x3, on 8x8; conv a -> b, 1x1; linear b -> 10."""

from __future__ import annotations

from slimgui.core.cost import Cost, CostModel, by_group, by_layer, full_counts
from slimgui.core.groups import Group
from slimgui.core.sizes import Product, Size

A, B = Size(0, ((1, ("a",)),)), Size(0, ((1, ("b",)),))
GROUPS = (Group("a", 16), Group("b", 32))
PARAMS = (
    Product("conv1", 27, (A,)), Product("conv1", 1, (A,)), Product("conv2", 1, (A, B)),
    Product("fc", 10, (B,)), Product("fc", 10, ()),
)  # fmt: skip
MACS = (Product("conv1", 27 * 64, (A,)), Product("conv2", 64, (A, B)), Product("fc", 10, (B,)))
MODEL = CostModel(PARAMS, MACS, tuple(Product(p.layer, 4 * p.scale, p.factors) for p in PARAMS), ())


def test_the_whole_model_costs_what_its_layers_cost() -> None:
    cost = MODEL.at(full_counts(GROUPS))
    params = 27 * 16 + 16 + 16 * 32 + 320 + 10  # 1290
    assert cost == Cost(params, 27 * 64 * 16 + 64 * 16 * 32 + 320, 4 * params, 0)


def test_half_of_both_groups_quarters_what_lies_between_them() -> None:
    assert MODEL.at({"a": 8, "b": 16}).macs == 27 * 64 * 8 + 64 * 8 * 16 + 160


def test_full_counts_are_the_sizes() -> None:
    assert full_counts(GROUPS) == {"a": 16, "b": 32}


def test_by_group_counts_a_shared_product_for_both() -> None:
    found = by_group(MACS, {"a": 2, "b": 3})
    assert found == {"a": 27 * 64 * 2 + 64 * 6, "b": 64 * 6 + 30}


def test_by_layer_adds_up_to_the_total() -> None:
    counts = {"a": 5, "b": 7}
    found = by_layer(PARAMS, counts)
    assert found == {"conv1": 28 * 5, "conv2": 35, "fc": 80}
    assert sum(found.values()) == MODEL.at(counts).params


def test_removing_channels_never_costs_more() -> None:
    before = MODEL.at({"a": 16, "b": 32})
    for name, size in full_counts(GROUPS).items():
        after = MODEL.at({**full_counts(GROUPS), name: size - 1})
        assert after.params < before.params
        assert after.macs < before.macs


def test_an_empty_model_costs_nothing() -> None:
    assert CostModel().at({}) == Cost(0, 0, 0, 0)
