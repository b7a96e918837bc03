"""What edits a count in the tree: a spin box that understands arithmetic, with a slider beside it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QHideEvent, QMoveEvent, QResizeEvent, QShowEvent, QValidator
from PySide6.QtWidgets import QSlider, QSpinBox, QWidget

from slimgui.gui.facts.text import parse_count

WIDTH: Final = 62  # of the box, where its column is narrower: four digits and the steps
SLIDER_WIDTH: Final = 90  # at least


class CountEditor(QSpinBox):
    """A spin box that also understands "50%", "/2", "-8", "=64", meant for the count it started from.

    The slider lies over the columns to the right. It takes no focus, so that the tree closes both together
    when the focus leaves the box.
    """

    def __init__(self, size: int, current: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.start = current
        self.room = 0  # of the box and the slider; the box takes its part of it
        self._typed = ""
        self.slider = QSlider(Qt.Orientation.Horizontal, parent)
        self.destroyed.connect(self.slider.deleteLater)
        self.setRange(1, size)
        self.setValue(current)
        self.setKeyboardTracking(False)
        self.setFrame(False)
        self.setAutoFillBackground(True)
        self.setAccessibleName("Channels to keep")
        self.setToolTip(f"1 to {size}; 50%, /2, -8 and =64 work as well. Enter takes it, Esc goes back")
        self._set_up_slider(size, current)
        self.lineEdit().textEdited.connect(self._on_edited)
        self.valueChanged.connect(self._show_value)

    def _set_up_slider(self, size: int, current: int) -> None:
        slider = self.slider
        slider.setRange(1, size)
        slider.setValue(current)
        slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        slider.setAutoFillBackground(True)
        slider.setAccessibleName("Channels to keep, slider")
        slider.setToolTip(self.toolTip())
        slider.valueChanged.connect(self._on_slid)

    @property
    def expression(self) -> str:
        """What was done here, so that it can be done to other groups: what was typed, else the share."""
        return self._typed or f"{100 * self.value() / self.maximum():.6f}%"

    @property
    def is_typed(self) -> bool:
        """Whether the text was typed, and neither stepped to nor slid to."""
        return bool(self._typed)

    def revert(self) -> None:
        """Show the count that the editor started from, without saying so."""
        with QSignalBlocker(self):
            self._typed = ""
            self.setValue(self.start)
            self.lineEdit().setText(str(self.start))

    def stepBy(self, steps: int) -> None:
        """See Qt."""
        self.interpretText()
        self._typed = ""
        super().stepBy(steps)

    def validate(self, typed: str, position: int) -> tuple[QValidator.State, str, int]:
        """Anything that can still become a count is allowed while typing."""
        known = self._parse(typed) is not None
        hopeful = not typed.strip("0123456789.,%=+-*/ ")
        state = QValidator.State
        return (
            state.Acceptable if known else state.Intermediate if hopeful else state.Invalid,
            typed,
            position,
        )

    def valueFromText(self, typed: str) -> int:
        """The count that `typed` means."""
        count = self._parse(typed)
        return self.value() if count is None else count

    def fixup(self, typed: str) -> str:
        """What cannot be understood goes back to the present count."""
        del typed
        return str(self.value())

    def _parse(self, typed: str) -> int | None:
        return parse_count(typed, self.start, self.maximum())

    def _on_edited(self, typed: str) -> None:
        self._typed = typed

    def _on_slid(self, count: int) -> None:
        self._typed = ""
        self.setValue(count)

    def _show_value(self, count: int) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(count)

    # --- the slider goes where the box goes

    def _place_slider(self) -> None:
        here = self.geometry()
        width = max(SLIDER_WIDTH, self.room - here.width())
        self.slider.setGeometry(here.right() + 1, here.top(), width, here.height())

    def moveEvent(self, event: QMoveEvent) -> None:
        """See Qt."""
        super().moveEvent(event)
        self._place_slider()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """See Qt."""
        super().resizeEvent(event)
        self._place_slider()

    def showEvent(self, event: QShowEvent) -> None:
        """See Qt."""
        super().showEvent(event)
        self.slider.show()

    def hideEvent(self, event: QHideEvent) -> None:
        """See Qt."""
        super().hideEvent(event)
        self.slider.hide()
