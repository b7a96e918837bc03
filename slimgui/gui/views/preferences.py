"""Preferences: what is chosen counts at once, there is nothing to confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from slimgui.core.criteria import CRITERIA, looks_at_data
from slimgui.gui.settings import MOST_RECENT
from slimgui.gui.views.calm_wheel import CalmWheel

if TYPE_CHECKING:
    from slimgui.gui.actions.comfort import ComfortActions
    from slimgui.gui.settings import Settings

THEMES: Final = {"system": "Like the system", "light": "Light", "dark": "Dark"}


class Preferences(QDialog):
    """One control per preference.

    Args:
        settings: hold what is chosen.
        actions: make it count at once.
    """

    def __init__(self, parent: QWidget, settings: Settings, actions: ComfortActions) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Preferences")
        self._settings, self._actions = settings, actions
        self._form = QFormLayout(self)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.theme = self._choice(THEMES, settings.theme, "&Theme")
        self.theme.currentIndexChanged.connect(lambda: actions.choose_theme(self.theme.currentData()))
        criteria = {
            name: f"{one.title}: {one.when}" for name, one in CRITERIA.items() if not looks_at_data(name)
        }
        self.importance = self._choice(criteria, settings.importance, "&Criterion of new plans")
        self.importance.currentIndexChanged.connect(self._set_importance)
        self.round_to = self._number(settings.round_to, 1, 512, "&Round counts of new plans to multiples of")
        self.round_to.valueChanged.connect(self._set_round_to)
        self.recent = self._number(settings.recent_limit, 0, MOST_RECENT, "Recent &files to remember")
        self.recent.valueChanged.connect(self._set_recent)
        self.cache = self._cache_row()
        reset = QPushButton("Reset &Layout", self)
        reset.setToolTip("Put every panel back where it was at first")
        reset.setAccessibleName("Reset the layout")
        reset.clicked.connect(actions.reset_layout)
        self._form.addRow("", reset)
        box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        box.rejected.connect(self.close)
        self._form.addRow(box)
        self.resize(560, self.sizeHint().height())

    def _choice(self, options: dict[str, str], value: str, label: str) -> QComboBox:
        box = QComboBox(self)
        for key, shown in options.items():
            box.addItem(shown, key)
        box.setCurrentIndex(list(options).index(value))
        for part in (box, box.view()):
            part.setAccessibleName(label.replace("&", ""))
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(40)
        CalmWheel(box, parent=box)
        self._form.addRow(label, box)
        return box

    def _number(self, value: int, low: int, high: int, label: str) -> QSpinBox:
        box = QSpinBox(self)
        box.setRange(low, high)
        box.setValue(value)
        CalmWheel(box, parent=box)
        box.setAccessibleName(label.replace("&", ""))
        self._form.addRow(label, box)
        return box

    def _cache_row(self) -> QLineEdit:
        """Where measured times and sensitivities are kept, to type or to choose."""
        line = QLineEdit(self._settings.cache, self)
        line.setPlaceholderText("where your system keeps such files")
        line.setAccessibleName("Folder of the cache")
        line.setClearButtonEnabled(True)
        line.editingFinished.connect(self._set_cache)
        choose = QPushButton("C&hoose…", self)
        choose.setAccessibleName("Choose the folder of the cache")
        choose.clicked.connect(self._choose_cache)
        row = QHBoxLayout()
        row.addWidget(line, 1)
        row.addWidget(choose)
        label = QLabel("Folder of the c&ache", self)
        label.setBuddy(line)
        self._form.addRow(label, row)
        return line

    def _choose_cache(self) -> None:
        if folder := self._actions.ask_folder(self, "Folder of the cache"):
            self.cache.setText(folder)
            self._set_cache()

    def _set_importance(self) -> None:
        self._settings.importance = self.importance.currentData()
        self._actions.apply()

    def _set_round_to(self, value: int) -> None:
        self._settings.round_to = value
        self._actions.apply()

    def _set_recent(self, value: int) -> None:
        self._settings.recent_limit = value
        self._actions.apply()

    def _set_cache(self) -> None:
        if self.cache.text().strip() != self._settings.cache:
            self._settings.cache = self.cache.text().strip()
            self._actions.use_cache()
