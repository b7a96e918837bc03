"""The question which samples are meant: a folder or a file, how much of it, which pixels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
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

from slimgui.core.paths import exists
from slimgui.core.sampling import SampleSource
from slimgui.core.words import to_numbers
from slimgui.errors import PlanError
from slimgui.gui.theme import SPACE
from slimgui.gui.views.calm_wheel import CalmWheel
from slimgui.gui.views.problem import Problem

FILES: Final = "Samples (*.npz *.py);;All files (*)"
WIDTH: Final = 540
_MOST: Final = 1_000_000
_SIZE: Final = re.compile(r"(\d{1,5})\s*[x×]\s*(\d{1,5})")


@dataclass(frozen=True, slots=True)
class Purpose:
    """What samples are asked for: title of the dialog, a sentence on which ones fit, the button's text."""

    title: str
    aside: str
    button: str


class SampleForm(QWidget):
    """The fields that make up a SampleSource."""

    changed = Signal()

    def __init__(self, parent: QWidget, start: SampleSource) -> None:
        super().__init__(parent)
        self._trusted = start.trusted
        self.samples = _line(start.path, "Samples", "A folder of images, an .npz of arrays or a .py")
        self.limit = QSpinBox(self)
        self.limit.setRange(1, _MOST)
        self.limit.setGroupSeparatorShown(True)
        self.limit.setValue(start.limit)
        CalmWheel(self.limit, parent=self)
        self.limit.setAccessibleName("Samples at most")
        usual = "as the model says; for example"
        self.mean = _line(" ".join(map(str, start.mean)), "Mean of pixels", f"{usual} 0.485 0.456 0.406")
        self.std = _line(" ".join(map(str, start.std)), "Deviation of pixels", f"{usual} 0.229 0.224 0.225")
        size = "x".join(map(str, start.size)) if start.size else ""
        self.size_of = _line(size, "Size of images", "that of the model's input; for example 224x224")
        self._arrange()
        for line in (self.samples, self.mean, self.std, self.size_of):
            line.textChanged.connect(self.changed)

    def source(self) -> SampleSource:
        """What the fields say. Raises PlanError when one cannot be read."""
        mean, std = (to_numbers(line.text()) for line in (self.mean, self.std))
        size = _to_size(self.size_of.text())
        return SampleSource(self.samples.text().strip(), self.limit.value(), mean, std, size, self._trusted)

    def problem(self, required: bool = True) -> str:
        """What is missing or wrong, "" for a whole answer."""
        try:
            wanted = self.source()
        except PlanError as error:
            return error.what
        if not wanted.path:
            return "Choose a file or a folder." if required else ""
        if not exists(wanted.path):
            return f"There is no {wanted.path}."
        if bool(wanted.mean) != bool(wanted.std):
            return "Give both mean and standard deviation, or neither."
        return ""

    def _arrange(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.samples, 1)
        order: list[QWidget] = [self.samples]
        for title, choose in (("&File…", self._choose_file), ("F&older…", self._choose_folder)):
            button = QPushButton(title, self)
            button.setAutoDefault(False)
            button.clicked.connect(choose)
            row.addWidget(button)
            order.append(button)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("&Samples:", row)
        rest = (self.limit, self.mean, self.std, self.size_of)
        for title, field in zip(
            ("&At most:", "&Mean:", "Std &deviation:", "&Image size:"), rest, strict=True
        ):
            form.addRow(title, field)
        label = form.labelForField(row)
        if isinstance(label, QLabel):
            label.setBuddy(self.samples)
        for one, other in pairwise([*order, *rest]):
            self.setTabOrder(one, other)

    def _choose_file(self) -> None:
        found = QFileDialog.getOpenFileName(self, "Choose samples", self._folder(), FILES)[0]
        self.samples.setText(found or self.samples.text())

    def _choose_folder(self) -> None:
        found = QFileDialog.getExistingDirectory(self, "Choose a folder of images", self._folder())
        self.samples.setText(found or self.samples.text())

    def _folder(self) -> str:
        return str(Path(self.samples.text()).parent) if self.samples.text() else str(Path.home())


class SamplesDialog(QDialog):
    """Asks for samples.

    Args:
        parent: the window.
        purpose: what they are for.
        start: what the fields show at first.
    """

    def __init__(self, parent: QWidget, purpose: Purpose, start: SampleSource) -> None:
        super().__init__(parent)
        self.setWindowTitle(purpose.title)
        aside = QLabel(purpose.aside, self)
        aside.setWordWrap(True)
        aside.setMinimumWidth(WIDTH)
        aside.setMinimumHeight(aside.heightForWidth(WIDTH))
        self.form, self.problem = SampleForm(self, start), Problem(self)
        buttons = QDialogButtonBox.StandardButton
        self.box = QDialogButtonBox(buttons.Ok | buttons.Cancel, self)
        self.run = self.box.button(buttons.Ok)
        self.run.setText(purpose.button)
        column = QVBoxLayout(self)
        column.setSpacing(2 * SPACE)
        column.addWidget(aside)
        column.addWidget(self.form)
        column.addLayout(self.problem.beside(self.box))
        self.box.accepted.connect(self.accept)
        self.box.rejected.connect(self.reject)
        self.form.changed.connect(self._check)
        self.form.samples.setFocus()
        self._check()

    def wanted(self) -> SampleSource:
        """What the fields say. Raises PlanError when one cannot be read."""
        return self.form.source()

    def _check(self) -> None:
        """Say what is missing; only whole answers can be given."""
        problem = self.form.problem()
        self.problem.tell(problem)
        self.run.setEnabled(not problem)


def _to_size(text: str) -> tuple[int, int] | None:
    if not text.strip():
        return None
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None or not (int(match[1]) and int(match[2])):
        raise PlanError(f"{text.strip()!r} is no size, as 224x224.")
    return int(match[1]), int(match[2])


def _line(value: str, name: str, shown: str) -> QLineEdit:
    line = QLineEdit(value)
    line.setAccessibleName(name)
    line.setPlaceholderText(shown)
    return line
