"""The question what a sensitivity is measured on, and what counts as a loss there."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QWidget

from slimgui.core.sampling import SampleSource
from slimgui.gui.dialogs.samples import Purpose, SamplesDialog
from slimgui.gui.theme import colours
from slimgui.gui.views.calm_wheel import CalmWheel

_PURPOSE: Final = Purpose(
    "Measure sensitivity",
    "Each group alone is cut by a quarter, half, three quarters and nine tenths, to see what is lost. Every "
    "cut is one pass over the samples, so a few hundred will do; what is cancelled goes on where it was. "
    "Take data like that the model was trained on.",
    "Measure",
)
# What is shown, when to take it, and whether outputs are compared also where the samples have labels.
LOSSES: Final = (
    (
        "Accuracy, where the samples have labels",
        "For the groups to be told apart by what counts in the end. Without labels, outputs are compared.",
        False,
    ),
    (
        "Distance of the outputs from the whole model's",
        "For few samples, or labels that are not the model's own: outputs move though no answer changes.",
        True,
    ),
)


class SensitivityDialog(SamplesDialog):
    """Asks for samples and for the loss.

    Args:
        parent: the window.
        start: what the fields show at first.
    """

    def __init__(self, parent: QWidget, start: SampleSource) -> None:
        self.loss, self._when = QComboBox(), QLabel()
        super().__init__(parent, _PURPOSE, start)
        for title, when, by_distance in LOSSES:
            self.loss.addItem(title, (when, by_distance))
        for part in (self.loss, self.loss.view()):
            part.setAccessibleName("What counts as a loss")
        CalmWheel(self.loss, parent=self)
        self._when.setWordWrap(True)
        self._when.setStyleSheet(f"color: {colours(self.palette()).muted}")
        self._when.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 2)  # no dialog asks for it itself
        fields = self.form.layout()
        assert isinstance(fields, QFormLayout), "samples are asked for in a form"
        fields.addRow("&Loss:", self.loss)
        fields.addRow(self._when)
        self.setTabOrder(self.form.size_of, self.loss)
        self.loss.currentIndexChanged.connect(self._explain)
        self._explain()

    def by_distance(self) -> bool:
        """Whether outputs are compared also where the samples have labels."""
        return bool(self.loss.currentData()[1])

    def _explain(self) -> None:
        when = self.loss.currentData()[0]
        self._when.setText(when)
        self.loss.setAccessibleDescription(when)
