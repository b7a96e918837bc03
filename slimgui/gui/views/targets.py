"""Boxes in which the user says what is to be left of MACs, parameters, size and time."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QPushButton, QWidget

from slimgui.core.cost import Cost
from slimgui.core.targets import RESOURCES, Reach
from slimgui.gui.facts import text
from slimgui.gui.theme import SPACE

_ROWS: Final = (
    ("macs", "&MACs", "multiply-adds"),
    ("params", "Parameters", "parameters"),
    ("bytes", "Si&ze", "bytes of weights"),
    ("activation_bytes", "Activations", "bytes of activations"),
    ("latency", "Late&ncy", "time"),
)


class Targets(QWidget):
    """One box per resource; Enter in any of them, or the button, leaves as `wanted`: "macs=50%"."""

    wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.boxes: dict[str, QLineEdit] = {}
        self.now: dict[str, QLabel] = {}
        self.search = QPushButton("Find the Plan", self)
        self.search.setToolTip(
            "Find the plan that leaves no more than this and keeps the most importance (Enter)"
        )
        self.search.clicked.connect(self._on_entered)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACE)
        grid.setVerticalSpacing(SPACE // 2)
        for row, (name, title, words) in enumerate(_ROWS):
            self._add_row(grid, row, name, title, words)
        grid.addWidget(self.search, len(_ROWS), 1, 1, 2)
        grid.setColumnStretch(1, 1)

    def _add_row(self, grid: QGridLayout, row: int, name: str, title: str, words: str) -> None:
        box, label, now = QLineEdit(self), QLabel(title, self), QLabel(self)
        box.setPlaceholderText("e.g. 50%")
        box.setAccessibleName(f"Target for {words}")
        box.setMinimumWidth(72)
        box.returnPressed.connect(self._on_entered)
        label.setBuddy(box)
        now.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        now.setAccessibleName(f"What stays of {words} now")
        for column, widget in enumerate((label, box, now)):
            grid.addWidget(widget, row, column)
        self.boxes[name], self.now[name] = box, now

    def set_costs(self, before: Cost, after: Cost) -> None:
        """Show what is left now."""
        for name in RESOURCES:
            whole, left = getattr(before, name), getattr(after, name)
            self.now[name].setText(f"now {text.percent(left, whole)}")

    def set_time(self, left: float | None) -> None:
        """Show which share of the time is left; None when nobody has measured it."""
        self.now["latency"].setText("not measured" if left is None else f"now {text.percent(left, 1)}")

    def set_reach(self, reachable: dict[str, Reach]) -> None:
        """Say what every resource can come down to."""
        for name, box in self.boxes.items():
            known = reachable.get(name)
            what = (
                f"It can be {known}."
                if known
                else "A share, as 60%: it is measured, a minute the first time."
            )
            box.setToolTip(f"What is to be left: 50%, 2.0G, or -30% for a reduction.\n{what}")

    def clear(self) -> None:
        """Forget what was typed."""
        for box in self.boxes.values():
            box.clear()

    def _on_entered(self) -> None:
        typed = {name: box.text().strip() for name, box in self.boxes.items()}
        if targets := ", ".join(f"{name}={amount}" for name, amount in typed.items() if amount):
            self.wanted.emit(targets)
