"""MACs or parameters stage by stage: what the whole model has, and what the plan leaves."""

from __future__ import annotations

from typing import Final

import pyqtgraph
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from slimgui.gui.facts import text
from slimgui.gui.facts.snapshot import Snapshot
from slimgui.gui.facts.stages import layers_of, stages, sums
from slimgui.gui.session import Session
from slimgui.gui.theme import SPACE, colours
from slimgui.gui.views import plots
from slimgui.gui.views.calm_wheel import CalmWheel

_WHAT: Final = ("MACs", "Parameters")


class StageChart(QWidget):
    """One bar per stage, with what is left of it in front.

    Args:
        session: whose model is shown.
    """

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: object = None  # the document that the stages are of
        self._of: dict[str, str] = {}
        self.what = QComboBox(self)
        self.what.setAccessibleName("What the bars show")
        self.what.view().setAccessibleName("What the bars show")
        self.what.addItems([f"{name} per stage" for name in _WHAT])
        CalmWheel(self.what, parent=self)
        self.what.currentIndexChanged.connect(self.refresh)
        self.plot = plots.plot("Stages of the model", self)
        self.before, self.after = (pyqtgraph.BarGraphItem(x0=0, y=[], height=0.7, width=[]) for _ in range(2))
        for bars in (self.before, self.after):
            self.plot.addItem(bars)
        self.plot.getViewBox().invertY(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE, 0, SPACE, SPACE)
        column.addWidget(self.what)
        column.addWidget(self.plot)
        self.refresh_colours()

    def refresh_colours(self) -> None:
        """Follow the theme."""
        table = colours(self.palette())
        plots.paint(self.plot, self.palette())
        self.before.setOpts(brush=table.border, pen=None)
        self.after.setOpts(brush=table.accent, pen=None)

    def refresh(self) -> None:
        """Show the current plan."""
        base, snapshot = self._session.base, self._session.snapshot
        if base is None or snapshot is None:
            return
        if self._shown is not self._session.document:
            self._show_stages(base)
        whole, left = (sums(self._of, self._amounts(each)) for each in (base, snapshot))
        rows = list(range(len(whole)))
        for bars, amounts in ((self.before, whole), (self.after, left)):
            bars.setOpts(x0=0, y=rows, height=0.7, width=list(amounts.values()))
        most = max(whole.values(), default=0)
        self.plot.setXRange(0, 1.15 * most or 1, padding=0.03)  # room for the last number
        self.plot.setYRange(-0.5, len(rows) - 0.5, padding=0)
        self.plot.getAxis("bottom").setTicks(
            [[(share * most, text.short(share * most)) for share in (0, 0.5, 1)]]
        )
        said = (f"{name}: {text.short(left[name])} of {text.short(whole[name])}" for name in whole)
        self.plot.setAccessibleDescription("; ".join(said))
        self.plot.setToolTip("\n".join(self.plot.accessibleDescription().split("; ")))

    def _amounts(self, snapshot: Snapshot) -> dict[str, int]:
        costs = snapshot.layer_macs if self.what.currentIndex() == 0 else snapshot.layer_params
        return dict(costs)

    def _show_stages(self, base: Snapshot) -> None:
        document = self._session.document
        assert document, "a base is of an open model"
        self._shown = document
        self._of = stages(layers_of((base.layer_params, base.layer_macs)))
        names = list(dict.fromkeys(self._of.values()))
        self.plot.getAxis("left").setTicks([list(enumerate(names))])
