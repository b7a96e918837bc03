"""Random chains of layers with skips and heads, as costs and scores: where a search for a target starts."""

from __future__ import annotations

import random

import numpy as np

from slimgui.core.cost import CostModel
from slimgui.core.groups import Group
from slimgui.core.sizes import Product, Size


def one(name: str) -> Size:
    return Size(0, ((1, (name,)),))


def random_net(
    seed: int, layers: int, widest: int
) -> tuple[tuple[Group, ...], CostModel, dict[str, np.ndarray]]:
    """Layer i reads layer i - 1, sometimes joined with an earlier one, or heads x width of two."""
    rng = random.Random(seed)
    groups = tuple(Group(f"layer{i}", rng.randint(2, widest)) for i in range(layers))
    ids = [group.id for group in groups]
    params, macs = [], []
    for i, name in enumerate(ids):
        factors: tuple[Size, ...] = (one(name),)
        if i:
            factors += (one(ids[i - 1]),)
        if i > 1 and rng.random() < 0.4:
            factors = (one(name), Size(2, ((1, (ids[i - 1],)), (1, (rng.choice(ids[: i - 1]),)))))
        elif i > 1 and rng.random() < 0.3:
            factors = (one(name), Size(0, ((1, (ids[i - 1], ids[i - 2])),)))
        kernel = rng.choice((1, 9, 25))
        params.append(Product(name, kernel, factors))
        macs.append(Product(name, kernel * rng.choice((1, 4, 16, 64)), factors))
    stored = tuple(Product(p.layer, 4 * p.scale, p.factors) for p in params)
    written = tuple(Product(name, rng.choice((4, 64)), (one(name),)) for name in ids)
    draws = np.random.default_rng(seed)
    scores = {g.id: draws.gamma(rng.choice((0.5, 1, 3)), size=g.size) for g in groups}
    return groups, CostModel(tuple(params), tuple(macs), stored, written), scores
