"""Ten thousand random edits, undone and redone in any order, against a list that knows nothing of Qt."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from slimgui.core.plan_set import PlanSet
from slimgui.gui.session import Session

STEPS = 10_000


class History:
    """What undo and redo ought to show: a list of states and a place in it."""

    def __init__(self, start: PlanSet) -> None:
        self.states, self.place = [start], 0

    def push(self, state: PlanSet) -> None:
        if state != self.states[self.place]:
            self.states[self.place + 1 :] = [state]
            self.place += 1

    def step(self, by: int) -> None:
        self.place = min(max(self.place + by, 0), len(self.states) - 1)


def edits(session: Session, draw: random.Random) -> list[Callable[[], None]]:
    """One of each kind of edit, with random numbers."""
    plans, plan = session.plans, session.plans.plan
    rows = [row for row in session.document.groups if row.locked is None]
    row = draw.choice(rows)
    whole = set(plan.whole) ^ {row.id}
    return [
        lambda: session.set_count(row.id, draw.randint(1, row.size)),
        lambda: session.set_ratio(draw.randint(0, 9) / 10),
        lambda: (session.select(row.id), session.marks.reset()),
        lambda: session.edit("lock", replace(plan, whole=tuple(sorted(whole)))),
        lambda: session.edit("round", replace(plan, round_to=draw.choice([1, 2, 4, 8]))),
        lambda: session.edit("exact", replace(plan, only_exact=not plan.only_exact)),
        lambda: (
            session.edit_plans("add", plans.added(plans.free_name(), plan)) if len(plans.names) < 4 else None
        ),
        lambda: session.edit_plans("remove", plans.removed()) if len(plans.names) > 1 else None,
        lambda: session.edit_plans("switch", plans.switched(draw.choice(plans.names))),
        lambda: drag(session, row.id, draw.sample(range(1, row.size + 1), 3)),
    ]


def drag(session: Session, group_id: str, counts: list[int]) -> None:
    session.begin_gesture()
    for count in counts:
        session.set_count(group_id, count)
    session.end_gesture()


@pytest.mark.parametrize("seed", [7])
def test_ten_thousand_random_steps_come_back_to_the_same_plans(opened: Session, seed: int) -> None:
    draw, stack = random.Random(seed), opened.undo_stack
    history, start = History(opened.plans), opened.snapshot
    for _ in range(STEPS):
        kind = draw.random()
        if kind < 0.3:
            stack.undo()
            history.step(-1)
        elif kind < 0.5:
            stack.redo()
            history.step(1)
        else:
            draw.choice(edits(opened, draw))()
            history.push(opened.plans)
        assert opened.plans == history.states[history.place]
        assert stack.index() == history.place
        assert opened.snapshot.plan == opened.plans.plan

    end = opened.plans, opened.snapshot
    place = history.place
    stack.setIndex(0)
    assert (opened.plans, opened.snapshot) == (PlanSet(), start)
    assert not opened.modified
    stack.setIndex(place)
    assert (opened.plans, opened.snapshot) == end
