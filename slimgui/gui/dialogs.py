"""The few questions that stop the user; tests answer them in place of the user."""

from __future__ import annotations

from typing import Literal

from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QWidget

Unsaved = Literal["save", "discard", "cancel"]
MODELS = "PyTorch models (*.pt *.pth *.bin *.ckpt *.safetensors);;All files (*)"


class Dialogs:
    """Asks; every answer may be "" or "cancel" for a user who changed their mind."""

    def open_path(self, parent: QWidget, folder: str) -> str:
        """Which file to open."""
        return QFileDialog.getOpenFileName(parent, "Open a model", folder, MODELS)[0]

    def save_path(self, parent: QWidget, suggestion: str) -> str:
        """Where to save the smaller model."""
        return QFileDialog.getSaveFileName(
            parent, "Save the smaller model", suggestion, "PyTorch model (*.pt)"
        )[0]

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
        typed, accepted = QInputDialog.getText(parent, "Shape of the input", label, text="1x3x224x224")
        return typed.strip() if accepted else ""

    def about(self, parent: QWidget, version: str) -> None:
        """Who we are."""
        QMessageBox.about(
            parent,
            "About SlimGUI",
            f"<b>SlimGUI {version}</b><p>Makes trained PyTorch models smaller, and proves it.</p>"
            "<p>Everything stays on this computer: no network, no telemetry.</p><p>MIT licence.</p>",
        )
