"""One slider for the whole model: the share removed from every group."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QSpinBox, QWidget

from slimgui.core.plan import Plan
from slimgui.gui.facts import text
from slimgui.gui.theme import SPACE
from slimgui.gui.views.burst import Burst
from slimgui.gui.views.calm_wheel import CalmWheel
from slimgui.gui.views.own_keys import escape_reverts

MOST = 95
_LABELS: Final = {
    "local": "&Remove from every group:",
    "global": "&Remove across all groups:",
    "isomorphic": "&Remove across like groups:",
}
_TIPS: Final = {
    "local": "Removes this share of every group",
    "global": "Removes this share of all channels, the least important ones of all groups first",
    "isomorphic": "Removes this share of all channels, comparing groups of the same structure",
}


class RatioControl(QWidget):
    """Slider and box, always in step; a drag is one gesture, and so are quick steps."""

    ratio_changed = Signal(float)
    gesture_started = Signal()
    gesture_ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tip = _TIPS["local"]
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.box = QSpinBox(self)
        self.label = QLabel(_LABELS["local"], self)
        self.label.setAccessibleName("What the ratio is of")
        self.label.setBuddy(self.box)
        for control, name in ((self.slider, "slider"), (self.box, "percent")):
            control.setRange(0, MOST)
            control.setAccessibleName(f"Share removed, {name}")
            control.valueChanged.connect(self._on_value_changed)
        self.slider.setFixedWidth(180)
        self.slider.setPageStep(5)
        self.box.setSuffix(" %")
        self.box.setFixedWidth(76)
        self.box.setKeyboardTracking(False)
        escape_reverts(self.box)
        self.slider.sliderPressed.connect(self.gesture_started)
        self.slider.sliderReleased.connect(self.gesture_ended)
        self._burst = Burst(self.slider, self.box, parent=self)
        CalmWheel(self.slider, self.box, parent=self)
        self._burst.begun.connect(self.gesture_started)
        self._burst.ended.connect(self.gesture_ended)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE, 0, SPACE, 0)
        row.setSpacing(SPACE)
        for widget in (self.label, self.slider, self.box):
            row.addWidget(widget)
        row.addStretch()
        self.explain("Open a model first")

    def explain(self, why_not: str) -> None:
        """Enable, or disable and say why."""
        self.setEnabled(not why_not)
        self._why_not = why_not
        for control in (self, self.slider, self.box):
            control.setToolTip(why_not or self._tip)

    def set_plan(self, plan: Plan) -> None:
        """Show what a plan removes, and of what, without saying so."""
        self.label.setText(_LABELS[plan.scope])
        by_hand = len({name for name, _ in (*plan.counts, *plan.indices)})
        stays = f"; what you set in {text.plural(by_hand, 'group')} stays" if by_hand else ""
        self._tip = f"{_TIPS[plan.scope]}{stays}"
        self.explain(self._why_not)
        self._set_ratio(plan.ratio)

    def _set_ratio(self, ratio: float) -> None:
        for control in (self.slider, self.box):
            with QSignalBlocker(control):
                control.setValue(round(100 * ratio))

    def _on_value_changed(self, percent: int) -> None:
        self._set_ratio(percent / 100)
        if not self.slider.isSliderDown():
            self._burst.step()
        self.ratio_changed.emit(percent / 100)
