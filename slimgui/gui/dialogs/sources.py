"""Questions that name models: which file to prove against which original, and what a file does not say."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from slimgui.core import wire
from slimgui.core.paths import exists
from slimgui.core.words import to_shapes
from slimgui.gui.dialogs.samples import WIDTH
from slimgui.gui.theme import SPACE
from slimgui.gui.views.problem import Problem

MODELS: Final = "PyTorch models (*.pt *.pth *.bin *.ckpt *.safetensors *.json);;All files (*)"
FACTORIES: Final = "Python files (*.py);;All files (*)"
_PROVE: Final = (
    "Both files are read from the disk and compared: the saved one with its original, in which the removed "
    "channels are switched off. Do this after a copy or a download, or before you rely on an old file."
)
_OPEN: Final = (
    "For what a file does not say: the model that bare weights belong to, the shape of its input, or a model "
    "that is made by a function. A factory alone, as torchvision.models:resnet50, needs no file."
)
_TIMED: Final = (
    "Both run in turns, on the device and with the threads that latency is measured with: for a model that "
    "was cut on another computer"
)
_SHAPE: Final = "for example 1x3x224x224"


class SourceLine(QWidget):
    """A path, or any other source, to type or to choose.

    Args:
        parent: the dialog.
        value: shown at first.
        name: what it is, for a screen reader.
        shown: while nothing is typed.
        kinds: of files to choose from.
        folders: whether a folder may be chosen, too.
    """

    changed = Signal()

    def __init__(
        self, parent: QWidget, value: str, name: str, shown: str, kinds: str, *, folders: bool = False
    ) -> None:
        super().__init__(parent)
        self._kinds = kinds
        self.line = QLineEdit(value, self)
        self.line.setAccessibleName(name)
        self.line.setPlaceholderText(shown)
        self.line.textChanged.connect(self.changed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        self._add_button(row, "File…", f"Choose a file: {name}", self._choose_file)
        if folders:
            self._add_button(row, "Folder…", f"Choose a folder: {name}", self._choose_folder)
        self.setFocusProxy(self.line)

    def text(self) -> str:
        """What it says."""
        return self.line.text().strip()

    def _add_button(self, row: QHBoxLayout, title: str, name: str, choose: object) -> None:
        button = QPushButton(title, self)
        button.setAutoDefault(False)
        button.setAccessibleName(name)
        button.setToolTip(name)
        button.clicked.connect(choose)
        row.addWidget(button)

    def _choose_file(self) -> None:
        folder = str(Path(self.text()).parent) if self.text() else ""
        found = QFileDialog.getOpenFileName(self, self.line.accessibleName(), folder, self._kinds)[0]
        self.line.setText(found or self.text())

    def _choose_folder(self) -> None:
        found = QFileDialog.getExistingDirectory(self, self.line.accessibleName(), self.text())
        self.line.setText(found or self.text())


class _SourceDialog(QDialog):
    """A sentence, a form, what is wrong with it, and two buttons. Used through its two kinds below."""

    def __init__(self, parent: QWidget, title: str, aside: str, button: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        words = QLabel(aside, self)
        words.setWordWrap(True)
        words.setMinimumWidth(WIDTH)
        words.setTextFormat(Qt.TextFormat.PlainText)
        self.form, self.problem = QFormLayout(), Problem(self)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.shape = QLineEdit(self)
        self.shape.setAccessibleName("Shape of the input")
        self.shape.setToolTip("Sizes with x, several inputs with commas; 2x16:30522 for words below 30,522")
        buttons = QDialogButtonBox.StandardButton
        self.box = QDialogButtonBox(buttons.Ok | buttons.Cancel, self)
        self.run = self.box.button(buttons.Ok)
        self.run.setText(button)
        column = QVBoxLayout(self)
        column.setSpacing(2 * SPACE)
        column.addWidget(words)
        column.addLayout(self.form)
        column.addLayout(self.problem.beside(self.box))
        self.box.accepted.connect(self.accept)
        self.box.rejected.connect(self.reject)

    def _add(self, title: str, field: QWidget) -> None:
        """A row whose letter leads to the field."""
        label = QLabel(title, self)
        label.setBuddy(field)
        self.form.addRow(label, field)

    def _shape_problem(self) -> str:
        typed = self.shape.text().strip()
        return "" if not typed or to_shapes(typed) else f"{typed!r} is no shape, as 1x3x224x224."

    def _tell(self, problem: str) -> None:
        self.problem.tell(problem)
        self.run.setEnabled(not problem)


class ProveDialog(_SourceDialog):
    """Asks what to prove against what.

    Args:
        parent: the window.
        original: shown at first: the open model, "" without one.
    """

    def __init__(self, parent: QWidget, original: str) -> None:
        super().__init__(parent, "Prove a saved file", _PROVE, "&Prove")
        self.small = SourceLine(self, "", "The smaller model", "A file that SlimGUI saved", MODELS)
        self.original = SourceLine(self, original, "The original", "the one that the file names", MODELS)
        self.shape.setPlaceholderText(f"that in the file; {_SHAPE}")
        for title, field in (
            ("&Smaller model:", self.small),
            ("O&riginal:", self.original),
            ("&Input shape:", self.shape),
        ):
            self._add(title, field)
        self.is_timed = QCheckBox("&Measure how long both take, too", self)
        self.is_timed.setToolTip(_TIMED)
        self.is_timed.setAccessibleDescription(_TIMED)
        self.form.addRow("", self.is_timed)
        for field in (self.small, self.original):
            field.changed.connect(self._check)
        self.shape.textChanged.connect(self._check)
        self.small.setFocus()
        self._check()

    def wanted(self) -> wire.Prove:
        """What was chosen."""
        shape, is_timed = self.shape.text().strip(), self.is_timed.isChecked()
        return wire.Prove(0, self.small.text(), self.original.text(), shape, is_timed=is_timed)

    def _check(self) -> None:
        small = self.small.text()
        missing = "" if exists(small) else f"There is no {small}." if small else ""
        self._tell(missing or self._shape_problem() or ("" if small else "Choose the file to prove."))


class OpenWithDialog(_SourceDialog):
    """Asks for a model that a file alone does not say.

    Args:
        parent: the window.
        source: of the open model, "" without one.
        shape: of its input, as the user gave it.
    """

    def __init__(self, parent: QWidget, source: str, shape: str) -> None:
        super().__init__(parent, "Open with", _OPEN, "&Open")
        file, at, factory = source.rpartition("@")
        file, factory = (file, factory) if at else (source, "")
        named = "A file, a folder, weights.pt#ema, or a factory"
        self.source = SourceLine(self, file, "File, folder or factory", named, MODELS, folders=True)
        made = "as the file says; my_net.py:build, or torchvision.models:resnet50"
        self.factory = SourceLine(self, factory, "Factory of the model", made, FACTORIES)
        self.shape.setText(shape)
        self.shape.setPlaceholderText(f"as the file says, or a guess; {_SHAPE}")
        for title, field in (
            ("&File, folder or factory:", self.source),
            ("&Model of the weights:", self.factory),
            ("&Input shape:", self.shape),
        ):
            self._add(title, field)
        for field in (self.source, self.factory):
            field.changed.connect(self._check)
        self.shape.textChanged.connect(self._check)
        self.source.setFocus()
        self._check()

    def wanted(self) -> tuple[str, str]:
        """The source, and the shape of the input."""
        source, factory = self.source.text(), self.factory.text()
        return f"{source}@{factory}" if factory else source, self.shape.text().strip()

    def _check(self) -> None:
        missing = "" if self.source.text() else "Choose a file or a folder, or name a factory."
        self._tell(self._shape_problem() or missing)
