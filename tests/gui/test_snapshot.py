"""What the window computes for itself must be what the engine's cost model says."""

import random

import pytest
from demo import demo

from slimgui.core.cost import by_group, by_layer
from slimgui.core.plan import Plan
from slimgui.gui.facts.snapshot import Change, Resolver, difference


@pytest.mark.parametrize("seed", range(5))
def test_a_snapshot_agrees_with_the_cost_model(seed: int) -> None:
    document, rng = demo(), random.Random(seed)
    plan = Plan(ratio=rng.random() * 0.9)
    for row in document.groups[:4]:
        plan = plan.with_count(row.id, rng.randint(1, row.size))

    found = Resolver(document).snapshot(plan)

    assert found.cost == document.cost.at(found.counts)
    assert found.params == by_group(document.cost.params, found.counts)
    assert found.macs == by_group(document.cost.macs, found.counts)
    assert found.layer_params == by_layer(document.cost.params, found.counts)
    assert found.layer_macs == by_layer(document.cost.macs, found.counts)
    assert found.channels == tuple(layer.channels.at(found.counts) for layer in document.graph.layers)


def test_a_way_through_many_plans_ends_at_the_same_snapshot_as_a_jump() -> None:
    document, rng, walker = demo(), random.Random(1), Resolver(demo())
    plan = Plan()
    for _ in range(60):
        row = rng.choice(document.groups[:6])
        plan = rng.choice([plan.with_count(row.id, rng.randint(1, row.size)), Plan(ratio=rng.random() * 0.9)])
        assert walker.snapshot(plan) == Resolver(document).snapshot(plan)


def test_only_what_differs_is_named() -> None:
    resolver = Resolver(demo())
    whole = resolver.snapshot(Plan())
    cut = resolver.snapshot(Plan().with_count("stages.0.0.conv1", 8))

    change = difference(whole, cut)

    names = {resolver.document.graph.layers[number].name for number in change.layers}
    assert change.groups == {"stages.0.0.conv1"}
    assert names == {"stages.0.0.conv1", "stages.0.0.norm1"}
    assert difference(cut, cut) == Change(frozenset(), frozenset())
