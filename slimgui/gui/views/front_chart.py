"""The plans worth having, as a picture: what each costs against what it keeps, with a slider along them."""

from __future__ import annotations

from typing import Any, Final

import pyqtgraph
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from slimgui.core.cost import Cost
from slimgui.gui.session import Session
from slimgui.gui.theme import SPACE, colours
from slimgui.gui.views import plots

RESOURCES: Final = (("macs", "MACs"), ("params", "Parameters"), ("bytes", "Size"))
_CURVE_TIP: Final = "No plan costs less than one of these and keeps more"


class FrontChart(QWidget):
    """The front of plans and where the named plans lie; a slide takes a plan of the front.

    Args:
        session: whose plans are shown, and who is told which one is taken.
    """

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self.resource = QComboBox(self)
        self.search = QPushButton("Find the front", self)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.says = QLabel(self)
        self.plot = plots.plot("Plans worth having", self)
        self.curve = self.plot.plot([], [])
        self.tried, self.here = pyqtgraph.ScatterPlotItem(size=8), pyqtgraph.ScatterPlotItem(size=13)
        for item in (self.tried, self.here):
            self.plot.addItem(item)
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
        self.slider.setAccessibleName("Plans of the front, from the smallest")
        self.slider.setToolTip("Slide from the smallest plan to the whole model")
        self.search.setToolTip(f"Search the best plan for every size. {_CURVE_TIP}")
        self.says.setWordWrap(True)
        top = QHBoxLayout()
        top.addWidget(self.resource)
        top.addWidget(self.search)
        top.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE, SPACE, SPACE, 0)
        column.addLayout(top)
        for widget in (self.plot, self.slider, self.says):
            column.addWidget(widget)

    def _connect(self) -> None:
        session = self._session
        self.search.clicked.connect(lambda: session.insight.search_front(self.resource.currentData()))
        self.resource.currentIndexChanged.connect(self.refresh)
        self.slider.sliderPressed.connect(session.begin_gesture)
        self.slider.sliderReleased.connect(session.end_gesture)
        self.slider.valueChanged.connect(session.insight.take)

    def refresh_colours(self) -> None:
        """Follow the theme."""
        table = colours(self.palette())
        plots.paint(self.plot, self.palette())
        self.curve.setPen(pyqtgraph.mkPen(table.accent, width=2))
        self.tried.setBrush(table.muted)
        self.here.setBrush(table.error)
        for item in (self.tried, self.here):
            item.setPen(pyqtgraph.mkPen(table.surface))

    def refresh(self) -> None:
        """Show the front and the plans as they are now."""
        insight = self._session.insight
        is_shown = bool(insight.front) and insight.resource == self.resource.currentData()
        points = insight.front if is_shown else ()
        self.curve.setData(
            [self._left(point.cost) for point in points], [100 * point.kept for point in points]
        )
        self.slider.setEnabled(bool(points))
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
        """Where the named plans lie; without scores, nobody knows."""
        session = self._session
        spots = [self._spot(name) for name in session.plans.names]
        known: list[Any] = [spot for spot in spots if spot is not None]
        current = session.plans.current
        self.tried.setData([spot for spot in known if spot["data"] != current], hoverable=True, tip=_tip)
        self.here.setData([spot for spot in known if spot["data"] == current], hoverable=True, tip=_tip)
        said = [
            f"{spot['data']}: {spot['pos'][1]:.0f} % of the importance at {spot['pos'][0]:.0f} %"
            for spot in known
        ]
        self.plot.setAccessibleDescription("; ".join(said))
        why = "" if known else session.judging.why_not or "Judging…"
        self.says.setText(why or (said[_place(known, current)] + f" of the {self.resource.currentText()}."))

    def _spot(self, name: str) -> dict[str, Any] | None:
        """Where a named plan lies; None where its scores are not there."""
        session, plan = self._session, dict(self._session.plans.plans)[name]
        worth = session.judging.worth(plan.importance)
        if session.resolver is None or worth is None:
            return None
        snapshot = session.snapshot if name == session.plans.current else session.resolver.glance(plan)
        assert snapshot, "the current plan has a snapshot"
        return {"pos": (self._left(snapshot.cost), 100 * worth.kept(snapshot)), "data": name}

    def _left(self, cost: Cost) -> float:
        assert self._session.base, "plans are of an open model"
        name = self.resource.currentData()
        whole = getattr(self._session.base.cost, name)
        return 100 * float(getattr(cost, name)) / whole if whole else 100.0


def _tip(x: float, y: float, data: str) -> str:
    return f"{data}: keeps {y:.1f} % of the importance at {x:.1f} %"


def _place(spots: list[Any], name: str) -> int:
    return next((number for number, spot in enumerate(spots) if spot["data"] == name), 0)
