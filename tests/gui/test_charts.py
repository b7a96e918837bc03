"""Charts: stages, the front of plans, and searches that are not bound by the one before."""

from pathlib import Path

import numpy as np
import pytest
from demo import demo
from fakes import FakeDialogs, FakeTransport
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QWidget
from pytestqt.qtbot import QtBot

from slimgui.core import budget, wire
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet
from slimgui.core.targets import target
from slimgui.core.variants import sample
from slimgui.gui.facts.searched import Searched
from slimgui.gui.facts.snapshot import Resolver
from slimgui.gui.facts.stages import MANY, layers_of, stages, sums
from slimgui.gui.facts.worth import Worth
from slimgui.gui.main_window import MainWindow
from slimgui.gui.session import Session
from slimgui.gui.views.charts import Charts


def scores() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    return {row.id: rng.random(row.size) for row in demo().groups}


def found(share: float) -> budget.Found:
    document = demo()
    groups = Resolver(document).groups
    return budget.find(groups, document.cost, [target("macs", share)], scores())


def front() -> tuple[wire.FrontPoint, ...]:
    return tuple(wire.FrontPoint(one.plan, one.cost, one.kept) for one in map(found, (0.25, 0.5, 0.75)))


# --- without a window


def test_a_stage_is_the_shortest_path_that_tells_layers_apart() -> None:
    names = ["net.stem", "net.stage1.0.conv", "net.stage1.1.conv", "net.head"]
    assert list(stages(names).values()) == ["net.stem", "net.stage1", "net.stage1", "net.head"]
    assert list(stages(["0", "1"]).values()) == ["0", "1"]
    assert stages([""]) == {"": "(model)"}
    assert stages([]) == {}


def test_many_stages_share_bars_with_their_neighbours() -> None:
    of = stages([str(number) for number in range(50)])  # three to a bar: 17 bars
    assert len(set(of.values())) == 17 <= MANY
    assert (of["0"], of["2"], of["49"]) == ("0 – 2", "0 – 2", "48 – 49")


def test_stages_add_up_to_the_whole() -> None:
    base = Resolver(demo()).snapshot(Plan())
    of = stages(layers_of((base.layer_params, base.layer_macs)))
    assert sum(sums(of, base.layer_macs).values()) == base.cost.macs
    assert sum(sums(of, base.layer_params).values()) == base.cost.params


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_the_window_counts_importance_as_the_search_does(share: float) -> None:
    one, resolver = found(share), Resolver(demo())
    assert Worth(demo().groups, scores()).kept(resolver.snapshot(one.plan)) == pytest.approx(one.kept)


def test_hand_picked_channels_are_worth_what_they_are() -> None:
    own = {row.id: np.ones(row.size) for row in demo().groups}
    own["down.0.conv"][:8] = 8.0  # of 64: 56 · 1 + 8 · 8 = 120
    resolver = Resolver(demo())
    size = sum(row.size for row in demo().groups if row.locked is None)
    for picked, kept in ((range(8), 64 / 120), (range(8, 16), 8 / 120)):
        plan = Plan().with_indices("down.0.conv", picked)
        share = Worth(demo().groups, own).kept(resolver.snapshot(plan))
        assert share == pytest.approx((size - 64 + 64 * kept) / size)


def test_a_search_starts_from_what_the_user_wrote() -> None:
    searched, mine = Searched(), Plan(round_to=4).with_count("stem.conv", 12)
    result = mine.with_count("down.0.conv", 20).with_count("down.1.conv", 40)
    assert searched.start(result) == result  # nobody knows that a search wrote it
    searched.remember(result, mine)

    assert searched.start(result) == mine
    assert searched.start(result.with_count("down.0.conv", 24)) == mine.with_count("down.0.conv", 24)
    assert searched.start(Plan(ratio=0.5)) == Plan(ratio=0.5)


def test_what_data_chose_is_searched_by_the_same_criterion_again() -> None:
    searched, start = Searched(), Plan(importance="taylor")
    searched.remember(Plan().with_indices("stem.conv", (1, 2)), start)
    assert searched.start(Plan().with_indices("stem.conv", (1, 2))) == start


def test_a_second_target_is_not_bound_by_the_first(opened: Session, transport: FakeTransport) -> None:
    opened.set_count("stem.conv", 20)
    mine = opened.plans.plan
    opened.meet("macs=50%")
    transport.answer(
        wire.Met, plan=mine.with_count("down.0.conv", 20).with_count("down.1.conv", 20), kept=0.9
    )
    opened.meet("macs=40%")

    assert transport.requests[-1].plan == mine


def test_a_glance_at_another_plan_leaves_the_current_one_as_it_is() -> None:
    resolver, plan = Resolver(demo()), sample(Resolver(demo()), 3)
    current = resolver.snapshot(plan)
    glance = resolver.glance(Plan(ratio=0.5))
    assert glance == Resolver(demo()).snapshot(Plan(ratio=0.5))
    assert resolver.glance(Plan(ratio=0.5)) is glance
    assert resolver.snapshot(plan) is current


# --- in the window


@pytest.fixture
def charts(window: MainWindow, transport: FakeTransport, qtbot: QtBot) -> Charts:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
    packed = {name: own.tobytes() for name, own in scores().items()}
    window.session.resolver.take_scores(wire.Ranked(0, "l1", packed), None)
    assert window.panels.charts.stages is None  # nobody has looked
    qtbot.wait(30)  # the window arranges its panels
    assert window.panels.charts.stages is None
    window.panels.docks["charts"].raise_()
    qtbot.waitUntil(lambda: window.panels.charts.front is not None, timeout=60_000)
    return window.panels.charts


def test_charts_follow_the_plan_and_a_slide_takes_a_plan_of_the_front(
    charts: Charts, window: MainWindow, transport: FakeTransport
) -> None:
    session = window.session
    said = charts.stages.plot.accessibleDescription()
    session.set_ratio(0.5)
    assert charts.stages.plot.accessibleDescription() != said
    charts.stages.what.setCurrentIndex(1)
    assert "872 k" in charts.stages.plot.accessibleDescription() or "of" in said
    assert not charts.front.slider.isEnabled()

    charts.front.search.click()
    assert transport.requests[-1].resource == "macs"
    transport.answer(wire.Fronted, resource="macs", points=front())
    slider = charts.front.slider
    assert (slider.isEnabled(), slider.maximum()) == (True, 2)
    slider.sliderPressed.emit()
    for place in (1, 2, 1):
        slider.setValue(place)
    slider.sliderReleased.emit()
    assert session.plans.plan == front()[1].plan
    assert session.undo_stack.count() == 2
    kept = f"{100 * front()[1].kept:.0f} % of the importance"
    assert kept in charts.front.says.text()

    spots = {round(spot.pos().x()): spot for spot in charts.front.tried.points()}
    assert len(spots) == 1  # half of every group, before the slide
    charts.front.tried.sigClicked.emit(charts.front.tried, list(spots.values()), None)
    assert session.plans.plan == Plan(ratio=0.5)
    session.undo_stack.undo()
    session.edit_plans("Add", session.plans.added("deep", Plan(ratio=0.75)))
    assert charts.front.plot.accessibleDescription().count("of the importance") == 2
    charts.front.resource.setCurrentIndex(1)  # the front is of MACs
    assert not slider.isEnabled()
    assert not charts.grab().isNull()
    window.theme.choose("dark")
    assert not charts.grab().isNull()
    window.theme.choose("light")


def test_the_front_is_searched_as_finely_as_asked_for_and_kept_as_plans(
    charts: Charts, window: MainWindow, transport: FakeTransport
) -> None:
    session, action = window.session, window.menus.actions["front_keep"]
    assert "Find the front of plans first" in charts.front.keep.toolTip()
    charts.front.points.setValue(3)
    window.menus.actions["front"].trigger()
    assert transport.requests[-1].points == 3
    transport.answer(wire.Fronted, resource="macs", points=front())
    session.edit_plans("Rename", session.plans.renamed("mine"))
    before = session.plans
    charts.front.keep.click()
    whole = session.base.cost.macs
    names = [f"{100 * point.cost.macs / whole:.4g} % of the MACs" for point in front()]
    assert session.plans.names == ("mine", *names)
    assert (session.plans.current, session.plans.parents) == ("mine", tuple((name, "mine") for name in names))
    assert [plan for _, plan in session.plans.plans[1:]] == [point.plan for point in front()]
    assert window.card.what.text() == "Added 3 plans of the front below “mine”."
    kept = session.plans
    action.trigger()  # once more: they are there
    assert (session.plans, window.card.what.text()) == (
        kept,
        "All plans of the front are among your plans already.",
    )
    session.undo_stack.undo()
    assert session.plans == before


def test_the_front_is_written_to_a_file_that_the_command_line_takes(
    charts: Charts, window: MainWindow, transport: FakeTransport, dialogs: FakeDialogs, tmp_path: Path
) -> None:
    action, dialogs.path = window.menus.actions["front_export"], str(tmp_path / "front")
    assert not action.isEnabled()
    charts.front.resource.setCurrentIndex(1)
    charts.front.search.click()
    transport.answer(wire.Fronted, resource="params", points=front())
    action.trigger()
    assert dialogs.asked[-1].endswith("demo-front.json")
    plans = PlanSet.from_file(tmp_path / "front.json")
    assert [plan for _, plan in plans.plans] == [point.plan for point in front()]
    assert all(name.endswith(" % of the parameters") for name in plans.names)
    assert window.session.files.plans_path == ""  # where Save Plans writes is another matter
    dialogs.path = str(tmp_path / "nowhere" / "front.json")
    action.trigger()
    assert window.card.notice.kind == "error"


def test_every_part_of_a_chart_has_an_accessible_name(charts: Charts) -> None:
    nameless = [
        type(widget).__name__
        for widget in charts.findChildren(QWidget)
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not (widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text()))
        and not isinstance(widget.parent(), QAbstractSpinBox)
    ]
    assert nameless == []


def test_each_chart_is_made_in_a_turn_of_its_own(
    window: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
    charts, later = window.panels.charts, []
    charts._next_turn.timeout.connect(lambda: later.append(charts.front))
    with qtbot.waitSignal(charts.ready):
        window.panels.docks["charts"].raise_()
    assert len(later) == 2  # the second one, and showing both
    assert charts.stages is not None
    qtbot.waitUntil(lambda: charts.front.isVisible() and charts.stages.isVisible())
