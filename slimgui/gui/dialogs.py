"""The few questions that stop the user; tests answer them in place of the user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QWidget

Unsaved = Literal["save", "discard", "cancel"]
MODELS = "PyTorch models (*.pt *.pth *.bin *.ckpt *.safetensors);;All files (*)"


class Dialogs:
    """Asks; every answer may be "" or "cancel" for a user who changed their mind."""

    def open_path(
        self, parent: QWidget, folder: str, title: str = "Open a model", kinds: str = MODELS
    ) -> str:
        """Which file to open."""
        return QFileDialog.getOpenFileName(parent, title, folder, kinds)[0]

    def save_path(
        self,
        parent: QWidget,
        suggestion: str,
        title: str = "Save the smaller model",
        kinds: str = "PyTorch model (*.pt)",
    ) -> str:
        """Where to save something."""
        return QFileDialog.getSaveFileName(parent, title, suggestion, kinds)[0]

    def text(self, parent: QWidget, title: str, label: str, value: str) -> str | None:
        """A line of text; None for a user who changed their mind."""
        typed, accepted = QInputDialog.getText(parent, title, label, text=value)
        return typed.strip() if accepted else None

    def number(self, parent: QWidget, title: str, label: str, value: int, low: int, high: int) -> int | None:
        """A whole number from `low` to `high`; None for a user who changed their mind."""
        typed, accepted = QInputDialog.getInt(parent, title, label, value, low, high)
        return typed if accepted else None

    def choice(
        self, parent: QWidget, title: str, label: str, options: Sequence[str], value: str
    ) -> str | None:
        """One of `options`; None for a user who changed their mind."""
        start = options.index(value) if value in options else 0
        picked, accepted = QInputDialog.getItem(parent, title, label, list(options), start, editable=False)
        return picked if accepted else None

    def unsaved(self, parent: QWidget, name: str) -> Unsaved:
        """What to do with edits that were not saved."""
        box = QMessageBox(parent)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Save the smaller model?")
        box.setText(f"The smaller version of {name} has not been saved.")
        box.setInformativeText("Your counts are lost if you do not save it.")
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Save)
        answers: dict[int, Unsaved] = {buttons.Save: "save", buttons.Discard: "discard"}
        return answers.get(box.exec(), "cancel")

    def input_shape(self, parent: QWidget, name: str) -> str:
        """The shape of one input."""
        label = f"Shape of one input of {name}, for example 1x3x224x224:"
        return self.text(parent, "Shape of the input", label, "1x3x224x224") or ""

    def about(self, parent: QWidget, version: str) -> None:
        """Who we are."""
        QMessageBox.about(
            parent,
            "About SlimGUI",
            f"<b>SlimGUI {version}</b><p>Makes trained PyTorch models smaller, and proves it.</p>"
            "<p>Everything stays on this computer: no network, no telemetry.</p><p>MIT licence.</p>",
        )
