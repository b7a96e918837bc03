"""The question how accuracy is to be recovered: which steps, when to take which, and with what samples."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from slimgui.core.recovery import RECOVERY, Recovery
from slimgui.core.sampling import SampleSource
from slimgui.gui.dialogs.samples import WIDTH, SampleForm
from slimgui.gui.theme import SPACE, colours
from slimgui.gui.views.problem import Problem

_INDENT = 26  # under a check box, where its text begins
_ASIDE = (
    "Without training and without labels. It is tried now, and done whenever a smaller model of this "
    "document is saved; a step that leads away from the outputs of the whole model is taken back."
)


class RecoveryDialog(QDialog):
    """Asks for steps and samples.

    Args:
        parent: the window.
        start: the steps that are checked at first; None for all of them.
        samples: what the fields show at first.
    """

    def __init__(self, parent: QWidget, start: Recovery | None, samples: SampleSource) -> None:
        super().__init__(parent)
        self.setWindowTitle("Recover accuracy")
        self.column = QVBoxLayout(self)
        self.column.setSpacing(SPACE)
        self._add_text(_ASIDE)
        usual = tuple(name for name, known in RECOVERY.items() if not known.without_samples)
        chosen = usual if start is None else start.steps
        self.steps = {name: self._add_step(name, name in chosen) for name in RECOVERY}
        self.form, self.problem = SampleForm(self, samples), Problem(self)
        buttons = QDialogButtonBox.StandardButton
        self.box = QDialogButtonBox(buttons.Ok | buttons.Cancel, self)
        self.run = self.box.button(buttons.Ok)
        self.column.addSpacing(SPACE)
        self.column.addWidget(self.form)
        self.column.addSpacing(SPACE)
        self.column.addLayout(self.problem.beside(self.box))
        self.box.accepted.connect(self.accept)
        self.box.rejected.connect(self.reject)
        self.form.changed.connect(self._check)
        for box in self.steps.values():
            box.toggled.connect(self._check)
        self._check()

    def wanted(self) -> Recovery:
        """What was chosen. Raises PlanError when a field cannot be read."""
        source = self.form.source()
        steps = tuple(name for name, box in self.steps.items() if box.isChecked())
        return Recovery(steps, source if source.path else None)

    def _add_text(self, content: str, indent: int = 0) -> QLabel:
        label = QLabel(content, self)
        label.setWordWrap(True)
        label.setMinimumWidth(WIDTH)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setContentsMargins(indent, 0, 0, SPACE if indent else 0)
        label.setMinimumHeight(label.heightForWidth(WIDTH))  # no dialog asks for it by itself
        self.column.addWidget(label)
        return label

    def _add_step(self, name: str, checked: bool) -> QCheckBox:
        known = RECOVERY[name]
        box = QCheckBox(known.title, self)
        box.setChecked(checked)
        box.setAccessibleDescription(known.when)
        self.column.addWidget(box)
        needs = " Needs samples." if known.needs_samples else ""
        self._add_text(known.when + needs, _INDENT).setStyleSheet(f"color: {colours(self.palette()).muted}")
        return box

    def _check(self) -> None:
        """Say what is missing; only whole answers can be given."""
        chosen = [name for name, box in self.steps.items() if box.isChecked()]
        problem = self.form.problem(required=any(RECOVERY[name].needs_samples for name in chosen))
        self.run.setText("Recover" if chosen else "Recover Nothing")
        self.problem.tell(problem)
        self.run.setEnabled(not problem)
