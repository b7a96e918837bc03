"""Groups made by hand, and random plans for them: what tests of plans start from."""

from __future__ import annotations

import random

import numpy as np

from slimgui.core.groups import Group, Member, Refusal
from slimgui.core.plan import Plan, Selection


def group(
    name: str, size: int, *, exact: bool = True, locked: Refusal | None = None, feeds: str = ""
) -> Group:
    own = np.arange(size).reshape(size, 1)
    members = [Member(f"{name}.weight", 0, own), Member(f"{name}.bias", 0, own)]
    if feeds:
        members.append(Member(f"{feeds}.weight", 1, own))
    return Group(name, size, exact=exact, locked=locked, members=tuple(members))


REASON = Refusal("It is an output of the model.", "aten.addmm.default", "head", "net.py:12")
GROUPS = (
    group("stem", 10, feeds="layer1.conv"),
    group("layer1.conv", 16, feeds="layer1.norm"),
    group("layer1.norm", 7, exact=False, feeds="layer2.conv"),
    group("layer2.conv", 1, feeds="head"),
    group("head", 5, locked=REASON),
)


def scores(seed: int = 0, groups: tuple[Group, ...] = GROUPS) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {g.id: rng.random(g.size) for g in groups}


def same(one: Selection, other: Selection) -> bool:
    return one.keep.keys() == other.keep.keys() and all(
        np.array_equal(one.keep[name], other.keep[name]) for name in one.keep
    )


def any_plan(seed: int) -> Plan:
    """A plan that fits GROUPS and uses every field now and then."""
    rng = random.Random(seed)

    def maybe(value, otherwise):
        return value if rng.random() < 0.5 else otherwise

    plan = Plan(
        ratio=rng.choice([0.0, rng.uniform(0, 0.95)]),
        only_exact=rng.random() < 0.3,
        locked=maybe(tuple(rng.sample(["stem", "layer1", "layer2.conv"], rng.randint(1, 2))), ()),
        round_to=rng.choice([1, 2, 4, 8]),
        scope=rng.choice(["local", "global"]),
        bins=rng.choice([0, 3, 4, 10]),
        min_count=rng.choice([1, 2, 9]),
        min_ratio=maybe(rng.random(), 0.0),
        importance=rng.choice(["l1", "l2"]),
        whole=maybe((rng.choice(["stem", "layer1.norm"]),), ()),
    )
    if rng.random() < 0.5:
        plan = plan.with_ratio(rng.choice(["layer1", "layer1.conv", "stem"]), rng.uniform(0, 0.9))
    if rng.random() < 0.5:
        plan = plan.with_count("stem", rng.randint(1, 10))
    if rng.random() < 0.5:
        plan = plan.with_indices("layer1.conv", rng.sample(range(16), rng.randint(1, 15)))
    return plan
