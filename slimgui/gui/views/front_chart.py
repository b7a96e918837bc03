"""The plans worth having, as a picture: what each costs against what it keeps, with a slider along them."""

from __future__ import annotations

from typing import Any, Final

import pyqtgraph
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from slimgui.core.cost import Cost
from slimgui.core.plan import Plan
from slimgui.gui.facts.worth import Worth
from slimgui.gui.session import Session
from slimgui.gui.theme import SPACE, colours
from slimgui.gui.views import plots
from slimgui.gui.views.burst import Burst
from slimgui.gui.views.calm_wheel import CalmWheel

RESOURCES: Final = (
    ("macs", "MACs"),
    ("params", "Parameters"),
    ("bytes", "Size"),
    ("activation_bytes", "Activations"),
)
FEWEST: Final = 2  # plans of a front
MOST: Final = 200
Spot = tuple[
    float, float, Plan
]  # what is left of the cost and of the importance, in percent, and of which plan
_CURVE_TIP: Final = "No plan costs less than one of these and keeps more"
_SLIDER_TIP: Final = "Slide along the best plans, from the smallest to the whole model"
_KEY: Final = "Line: the best plans. Dots: your plans, the current one large; small: tried before."


class FrontChart(QWidget):
    """The front of plans and where others lie; a slide takes a plan of the front, a click any other one.

    Args:
        session: whose plans are shown, and who is told which one is taken.
        keep: keeps the front as plans.
    """

    def __init__(self, session: Session, keep: QAction, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._document = session.document  # that plans are remembered of
        self._known: dict[Plan, tuple[Worth, Cost, float]] = {}
        self.resource = QComboBox(self)
        self.points, self.keep = QSpinBox(self), QToolButton(self)
        self.search = QPushButton("Find the Best Plans", self)
        self.keep.setDefaultAction(keep)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.says = QLabel(self)
        self.key = QLabel(_KEY, self)
        self.plot = plots.plot("Plans worth having", self)
        self.curve = self.plot.plot([], [])
        self.tried, self.named, self.here = (pyqtgraph.ScatterPlotItem(size=size) for size in (5, 9, 13))
        for item in (self.tried, self.named, self.here):
            self.plot.addItem(item)
            item.sigClicked.connect(self._on_spot_clicked)
        self.plot.setLabel("left", "importance kept, %")
        self.plot.setXRange(0, 100)
        self.plot.setYRange(0, 100, padding=0.03)
        self._arrange()
        self._connect()
        self.refresh_colours()

    def _arrange(self) -> None:
        for name, title in RESOURCES:
            self.resource.addItem(title, name)
        self.resource.setAccessibleName("What the front is of")
        self.resource.view().setAccessibleName("What the front is of")
        self.points.setRange(FEWEST, MOST)
        self.points.setValue(self._session.insight.points)
        self.points.setSuffix(" plans")
        self.points.setAccessibleName("Plans to look for")
        self.points.setToolTip("Few to compare one by one, many to slide along smoothly")
        self.keep.setAccessibleName("Keep the front as plans")
        self.slider.setAccessibleName("Plans of the front, from the smallest")
        self.search.setToolTip(f"Search the best plan for every size. {_CURVE_TIP}")
        self.says.setWordWrap(True)
        self.key.setWordWrap(True)
        self.key.setAccessibleName("What the marks mean")
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE, SPACE, SPACE, 0)
        for row in ((self.resource, self.points), (self.search, self.keep)):
            line = QHBoxLayout()
            for control in row:
                line.addWidget(control)
            line.addStretch()
            column.addLayout(line)
        for widget in (self.plot, self.key, self.slider, self.says):
            column.addWidget(widget)

    def _connect(self) -> None:
        session = self._session
        self.search.clicked.connect(lambda: session.insight.search_front(self.resource.currentData()))
        self.resource.currentIndexChanged.connect(self.refresh)
        self.points.valueChanged.connect(self._on_points_changed)
        self.slider.sliderPressed.connect(session.begin_gesture)
        self.slider.sliderReleased.connect(session.end_gesture)
        CalmWheel(self.resource, self.points, self.slider, parent=self)
        self._burst = Burst(self.slider, parent=self)
        self._burst.begun.connect(session.begin_gesture)
        self._burst.ended.connect(session.end_gesture)
        self.slider.valueChanged.connect(self._on_slid)

    def refresh_colours(self) -> None:
        """Follow the theme."""
        table = colours(self.palette())
        plots.paint(self.plot, self.palette())
        self.key.setStyleSheet(f"color: {table.muted}")
        self.curve.setPen(pyqtgraph.mkPen(table.accent, width=2))
        self.tried.setBrush(table.edge)
        self.named.setBrush(table.muted)
        self.here.setBrush(table.error)
        for item in (self.tried, self.named, self.here):
            item.setPen(pyqtgraph.mkPen(table.surface))

    def refresh(self) -> None:
        """Show the front and the plans as they are now."""
        if self._session.document is not self._document:
            self._document, self._known = self._session.document, {}
        insight = self._session.insight
        is_shown = bool(insight.front) and insight.resource == self.resource.currentData()
        points = insight.front if is_shown else ()
        self.curve.setData(
            [self._left(point.cost) for point in points], [100 * point.kept for point in points]
        )
        self.slider.setEnabled(bool(points))
        self.slider.setToolTip(_SLIDER_TIP if points else "Find the best plans first")
        self.plot.setLabel("bottom", f"{self.resource.currentText()} left, %")
        self._show_slider()
        self._show_plans()

    def _show_slider(self) -> None:
        insight, plan = self._session.insight, self._session.plans.plan
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(0, len(insight.front) - 1))
            taken = [number for number, point in enumerate(insight.front) if point.plan == plan]
            if taken:
                self.slider.setValue(taken[0])

    def _show_plans(self) -> None:
        """Where plans lie, the named ones and those that were tried; without scores, nobody knows."""
        session, named = self._session, dict(self._session.plans.plans)
        spots = {name: self._spot(plan) for name, plan in named.items()}
        known = {name: spot for name, spot in spots.items() if spot is not None}
        others = [plan for plan in dict.fromkeys(session.insight.tried) if plan not in named.values()]
        tried = [spot for plan in others if (spot := self._spot(plan)) is not None]
        current = session.plans.current
        self.tried.setData(_scatter([("tried before", spot) for spot in tried]), hoverable=True, tip=_tip)
        for item, is_current in ((self.named, False), (self.here, True)):
            mine = [(name, spot) for name, spot in known.items() if (name == current) == is_current]
            item.setData(_scatter(mine), hoverable=True, tip=_tip)
        said = {
            name: f"{name}: {y:.0f} % of the importance at {x:.0f} %" for name, (x, y, _) in known.items()
        }
        self.plot.setAccessibleDescription("; ".join(said.values()))
        why = session.judging.why_not or "Judging…"
        self.says.setText(
            f"{said[current]} of the {self.resource.currentText()}." if current in said else why
        )

    def _spot(self, plan: Plan) -> Spot | None:
        """What a plan costs and keeps; None where its scores are not there."""
        session = self._session
        worth = session.judging.worth(plan.importance)
        if session.resolver is None or session.snapshot is None or worth is None:
            return None
        known = self._known.get(plan)
        if known is None or known[0] is not worth:
            is_current = plan == session.snapshot.plan
            snapshot = session.snapshot if is_current else session.resolver.glance(plan)
            known = self._known[plan] = (worth, snapshot.cost, 100 * worth.kept(snapshot))
        return self._left(known[1]), known[2], plan

    def _on_spot_clicked(self, item: object, points: Any) -> None:
        """Take the plan under the pointer: switch to a named one, or make the current one the same."""
        del item
        session = self._session
        for point in points[:1]:
            plan = point.data()[1]
            names = [name for name, known in session.plans.plans if known == plan]
            if names:
                session.edit_plans(f"Switch to {names[0]}", session.plans.switched(names[0]))
            else:
                session.edit("Take a plan that was tried before", plan)

    def _on_points_changed(self, number: int) -> None:
        self._session.insight.points = number

    def _on_slid(self, number: int) -> None:
        if not self.slider.isSliderDown():
            self._burst.step()
        self._session.insight.take(number)

    def _left(self, cost: Cost) -> float:
        assert self._session.base, "plans are of an open model"
        name = self.resource.currentData()
        whole = getattr(self._session.base.cost, name)
        return 100 * float(getattr(cost, name)) / whole if whole else 100.0


def _scatter(spots: list[tuple[str, Spot]]) -> list[dict[str, Any]]:
    """As pyqtgraph wants them; each remembers its title and its plan."""
    return [{"pos": (x, y), "data": (title, plan)} for title, (x, y, plan) in spots]


def _tip(x: float, y: float, data: tuple[str, Plan]) -> str:
    return f"{data[0]}: keeps {y:.1f} % of the importance at {x:.1f} %"
