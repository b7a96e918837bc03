"""The question what norm statistics are to be taken of: a folder or a file, how much of it, which pixels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from slimgui.core.words import to_numbers
from slimgui.errors import PlanError
from slimgui.gui.theme import SPACE, colours

FILES: Final = "Samples (*.npz *.py);;All files (*)"
USUAL: Final = 1000  # field studies take 100 to 1,000
_MOST: Final = 1_000_000
_ASIDE: Final = (
    "The statistics become the plain average over these samples; labels are not needed. Take data like that "
    "the model was trained on."
)


@dataclass(frozen=True, slots=True)
class Recalibration:
    """The answer: path of the samples, how many at most; mean and std of pixels, () for the model's own."""

    samples: str = ""
    limit: int = USUAL
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


class RecalibrationDialog(QDialog):
    """Asks for samples.

    Args:
        parent: the window.
        plan: name of the plan that gets the statistics.
        start: what the fields show at first.
    """

    def __init__(self, parent: QWidget, plan: str, start: Recalibration) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Recalibrate {plan}")
        self.samples = _line(start.samples, "Samples", "A folder of images, an .npz of arrays or a .py")
        self.limit = QSpinBox(self)
        self.limit.setRange(1, _MOST)
        self.limit.setGroupSeparatorShown(True)
        self.limit.setValue(start.limit)
        self.limit.setAccessibleName("Samples at most")
        usual = "as the model says; for example"
        self.mean = _line(" ".join(map(str, start.mean)), "Mean of pixels", f"{usual} 0.485 0.456 0.406")
        self.std = _line(" ".join(map(str, start.std)), "Deviation of pixels", f"{usual} 0.229 0.224 0.225")
        self.problem = QLabel(self)
        self.problem.setWordWrap(True)
        self.problem.setAccessibleName("What is missing")
        buttons = QDialogButtonBox.StandardButton
        self.box = QDialogButtonBox(buttons.Ok | buttons.Cancel, self)
        self.run = self.box.button(buttons.Ok)
        self.run.setText("Recalibrate")
        self._arrange()
        self.box.accepted.connect(self.accept)
        self.box.rejected.connect(self.reject)
        for line in (self.samples, self.mean, self.std):
            line.textChanged.connect(self._check)
        self._check()

    def wanted(self) -> Recalibration:
        """What the fields say. Raises PlanError when mean or std are no numbers."""
        mean, std = (to_numbers(line.text()) for line in (self.mean, self.std))
        return Recalibration(self.samples.text().strip(), self.limit.value(), mean, std)

    def _arrange(self) -> None:
        aside = QLabel(_ASIDE, self)
        aside.setWordWrap(True)
        aside.setMinimumWidth(520)
        row = QHBoxLayout()
        row.addWidget(self.samples, 1)
        order: list[QWidget] = [self.samples]
        for title, choose in (("&File…", self._choose_file), ("F&older…", self._choose_folder)):
            button = QPushButton(title, self)
            button.setAutoDefault(False)
            button.clicked.connect(choose)
            row.addWidget(button)
            order.append(button)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("&Samples:", row)
        form.addRow("&At most:", self.limit)
        form.addRow("&Mean:", self.mean)
        form.addRow("Std &deviation:", self.std)
        for widget in (self.samples, self.limit, self.mean, self.std):
            label = form.labelForField(row if widget is self.samples else widget)
            if isinstance(label, QLabel):
                label.setBuddy(widget)
        column = QVBoxLayout(self)
        column.setSpacing(2 * SPACE)
        column.addWidget(aside)
        column.addLayout(form)
        column.addWidget(self.problem)
        column.addWidget(self.box)
        for one, other in pairwise([*order, self.limit, self.mean, self.std]):
            self.setTabOrder(one, other)
        self.samples.setFocus()

    def _choose_file(self) -> None:
        found = QFileDialog.getOpenFileName(self, "Choose samples", self._folder(), FILES)[0]
        self.samples.setText(found or self.samples.text())

    def _choose_folder(self) -> None:
        found = QFileDialog.getExistingDirectory(self, "Choose a folder of images", self._folder())
        self.samples.setText(found or self.samples.text())

    def _folder(self) -> str:
        return str(Path(self.samples.text()).parent) if self.samples.text() else str(Path.home())

    def _check(self) -> None:
        """Say what is missing; only whole answers can be given."""
        problem = ""
        try:
            wanted = self.wanted()
            if not wanted.samples:
                problem = "Choose a file or a folder."
            elif not Path(wanted.samples).exists():
                problem = f"There is no {wanted.samples}."
            elif bool(wanted.mean) != bool(wanted.std):
                problem = "Give both mean and standard deviation, or neither."
        except PlanError as error:
            problem = error.what
        self.problem.setText(problem)
        self.problem.setStyleSheet(f"color: {colours(self.palette()).error}" if problem else "")
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.run.setEnabled(not problem)


def _line(value: str, name: str, shown: str) -> QLineEdit:
    line = QLineEdit(value)
    line.setAccessibleName(name)
    line.setPlaceholderText(shown)
    return line
