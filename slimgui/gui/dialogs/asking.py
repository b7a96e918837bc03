"""The few questions that stop the user; tests answer them in place of the user."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QFileDialog,
    QInputDialog,
    QMessageBox,
    QPushButton,
    QWidget,
)

from slimgui.core import file_formats, wire
from slimgui.core.paths import exists
from slimgui.core.recovery import Recovery
from slimgui.core.sampling import SampleSource

if TYPE_CHECKING:
    from slimgui.gui.dialogs.samples import Purpose

Unsaved = Literal["save", "plans", "discard", "cancel"]
Consent = Literal["once", "remember", "cancel"]
SHOWN: Final = 8  # lines of what would run
MODELS = "PyTorch models (*.pt *.pth *.bin *.ckpt *.safetensors);;Python files (*.py);;All files (*)"


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
        kinds: str = file_formats.PATTERNS,
    ) -> str:
        """Where to save something; the name has a suffix that fits the chosen one of `kinds`."""
        path, chosen = QFileDialog.getSaveFileName(parent, title, suggestion, kinds)
        named = file_formats.with_suffix_of(path, chosen, kinds.partition(";;")[0]) if path else ""
        return named if named == path or self.may_replace(parent, named) else ""

    def folder_path(self, parent: QWidget, folder: str, title: str) -> str:
        """Which folder to use for something."""
        return QFileDialog.getExistingDirectory(parent, title, folder)

    def may_replace(self, parent: QWidget, path: str) -> bool:
        """Whether a file that the dialog has not asked about may be replaced; when it is not there, yes."""
        if not exists(path):
            return True
        buttons = QMessageBox.StandardButton
        text = f"{Path(path).name} already exists. Do you want to replace it?"
        return QMessageBox.question(parent, "Replace the file?", text) == buttons.Yes

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

    def unsaved(self, parent: QWidget, name: str, is_cut: bool) -> Unsaved:
        """What to do with edits that were not saved; `is_cut`: there is a smaller model to save."""
        box = QMessageBox(parent)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Save your edits?")
        box.setText(f"Your edits of {name} have not been saved.")
        box.setInformativeText(
            "Save the smaller model, which holds the current plan, or all plans to go on with them later."
        )
        buttons, role = QMessageBox.StandardButton, QMessageBox.ButtonRole.AcceptRole
        answers: dict[QAbstractButton | None, Unsaved] = {}
        if is_cut:
            answers[box.addButton("Save Smaller &Model…", role)] = "save"
        answers[box.addButton("Save &Plans…", role)] = "plans"
        answers[box.addButton(buttons.Discard)] = "discard"
        box.setEscapeButton(box.addButton(buttons.Cancel))
        box.exec()
        box.deleteLater()
        return answers.get(box.clickedButton(), "cancel")

    def stop(self, parent: QWidget, doing: str) -> bool:
        """Whether what the engine is doing may be stopped, because the window closes."""
        box = QMessageBox(parent)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Stop and close?")
        box.setText(f"SlimGUI is still {doing}.")
        box.setInformativeText("Nothing of it is kept when you close the window now.")
        stop = box.addButton("&Stop and Close", QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(cancel)
        box.setEscapeButton(cancel)
        box.exec()
        box.deleteLater()
        return box.clickedButton() is stop

    def consent(self, parent: QWidget, code: wire.Code) -> Consent:
        """Whether the code of a file may run; Cancel unless the user goes and presses the other button."""
        box, run, remember = consent_box(parent, code)
        box.exec()
        box.deleteLater()
        if box.clickedButton() is not run:
            return "cancel"
        return "remember" if remember.isChecked() else "once"

    def architecture(self, parent: QWidget, path: str, rows: Sequence[wire.Architecture]) -> str:
        """Which architecture the weights at `path` are of, as the source to open."""
        from slimgui.gui.views.architectures import Architectures

        dialog = Architectures(parent, path, rows)
        source = dialog.chosen() if dialog.exec() else ""
        dialog.deleteLater()
        return source

    def samples(self, parent: QWidget, purpose: Purpose, start: SampleSource) -> SampleSource | None:
        """Which samples to use for something; None for a user who changed their mind."""
        from slimgui.gui.dialogs.samples import SamplesDialog

        dialog = SamplesDialog(parent, purpose, start)
        accepted = dialog.exec()
        dialog.deleteLater()
        return dialog.wanted() if accepted else None

    def sensitivity(self, parent: QWidget, start: SampleSource) -> tuple[SampleSource, bool] | None:
        """Samples, and whether outputs are compared though they have labels; None as in `samples`."""
        from slimgui.gui.dialogs.sensitivity import SensitivityDialog

        dialog = SensitivityDialog(parent, start)
        accepted = dialog.exec()
        dialog.deleteLater()
        return (dialog.wanted(), dialog.by_distance()) if accepted else None

    def recovery(self, parent: QWidget, start: Recovery | None, samples: SampleSource) -> Recovery | None:
        """How to recover accuracy; None for a user who changed their mind."""
        from slimgui.gui.dialogs.recovery import RecoveryDialog

        dialog = RecoveryDialog(parent, start, samples)
        accepted = dialog.exec()
        dialog.deleteLater()
        return dialog.wanted() if accepted else None

    def proof(self, parent: QWidget, original: str) -> wire.Prove | None:
        """Which file to prove against which original; None for a user who changed their mind."""
        from slimgui.gui.dialogs.sources import ProveDialog

        dialog = ProveDialog(parent, original)
        accepted = dialog.exec()
        dialog.deleteLater()
        return dialog.wanted() if accepted else None

    def model_source(self, parent: QWidget, source: str, shape: str) -> tuple[str, str] | None:
        """What to open, and the shape of its input; None for a user who changed their mind."""
        from slimgui.gui.dialogs.sources import OpenWithDialog

        dialog = OpenWithDialog(parent, source, shape)
        accepted = dialog.exec()
        dialog.deleteLater()
        return dialog.wanted() if accepted else None

    def input_shape(self, parent: QWidget, name: str, value: str) -> str:
        """The shape of one input; `value` stands there at first."""
        label = f"Shape of one input of {name}, for example 1x3x224x224:"
        return self.text(parent, "Shape of the input", label, value) or ""

    def about(self, parent: QWidget, versions: Sequence[tuple[str, str]]) -> None:
        """Who we are, and which versions of what run."""
        rows = "".join(f"<tr><td>{name}&nbsp;</td><td>{version}</td></tr>" for name, version in versions)
        QMessageBox.about(
            parent,
            "About SlimGUI",
            f"<b>SlimGUI</b><p>Makes trained PyTorch models smaller, and proves it.</p><table>{rows}</table>"
            "<p>Everything stays on this computer: no network, no telemetry.</p><p>MIT licence.</p>",
        )


def consent_box(parent: QWidget, code: wire.Code) -> tuple[QMessageBox, QPushButton, QCheckBox]:
    """The question whether the code of a file may run, its button that runs it, and the box to remember."""
    name = Path(code.path).name
    more = [f"and {len(code.runs) - SHOWN} more"] if len(code.runs) > SHOWN else []
    lines = "\n".join(f"•  {line}" for line in (*code.runs[:SHOWN], *more))
    box = QMessageBox(QMessageBox.Icon.Warning, "Run code from a file?", f"Run the code that {name} needs?")
    box.setParent(parent, Qt.WindowType.Dialog)
    box.setTextFormat(Qt.TextFormat.PlainText)  # a file says what stands here
    box.setInformativeText(
        f"Opening it runs:\n{lines}\n\n"
        "This code can do everything that you can do on this computer: read and delete your files, and send "
        "them away. Run it only if you wrote it, or trust who did.\n\n"
        f"{code.path}\nSHA-256 {code.sha256[:16]}…"
    )
    remember = QCheckBox("Do not ask again for exactly this file", box)
    remember.setToolTip(
        f"Remembered by its content, SHA-256 {code.sha256}; a changed file is asked about again."
    )
    box.setCheckBox(remember)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    run = box.addButton("Run its code", QMessageBox.ButtonRole.AcceptRole)
    run.setAutoDefault(False)
    box.setDefaultButton(cancel)
    box.setEscapeButton(cancel)
    return box, run, remember
