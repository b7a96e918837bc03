"""The panel of the whole model: what is to be left of it, what goes first, and the rules for counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QGridLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from slimgui.core.criteria import CRITERIA, title_of
from slimgui.core.plan import Plan, Scope
from slimgui.gui.session import Session
from slimgui.gui.theme import SPACE, scaled
from slimgui.gui.turns import NEXT_TURN
from slimgui.gui.views.calm_wheel import CalmWheel
from slimgui.gui.views.own_keys import escape_reverts
from slimgui.gui.views.targets import Targets

SCOPES: Final[tuple[tuple[Scope, str, str], ...]] = (
    ("local", "each group by itself", "The same share of every group goes: the safe start"),
    ("global", "all groups together", "The least important channels of the whole model go first"),
    ("isomorphic", "groups of the same structure", "Compares only what is built alike: for transformers"),
)  # fmt: skip
RULES: Final = (
    ("round_to", "M&ultiple of", "Counts are rounded up: 8, 16 and 32 are fast on most devices", 1, 512),
    ("bins", "E&qual steps", "Every group shrinks in this many equal steps; off: to any count", 0, 100),
    ("min_count", "At lea&st", "So many channels always stay in a group", 1, 100_000),
    ("min_ratio", "&At least share", "This share of every group always stays", 0, 100),
)  # fmt: skip
BUTTONS: Final = ("plan_minimum", "plan_maximum", "plan_sample", "plan_lock", "reset_all")


class PlanPanel(QScrollArea):
    """Shows the current plan's settings; every change is one edit of the session.

    Args:
        session: whose current plan is shown and edited.
    """

    importance_chosen = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setAccessibleName("Plan for the whole model")
        self.targets = Targets(self)
        self.by_sensitivity = QCheckBox("By measured sensitivity", self)
        self.advice = QLabel(self)
        self.use_multiple = QToolButton(self)
        self.importance, self.scope = QComboBox(self), QComboBox(self)
        self.only_exact = QCheckBox("Leave approximate groups whole", self)
        self.rules = {field: QSpinBox(self) for field, *_ in RULES}
        self._fill_in = QGridLayout()
        self._set_up()
        self._arrange()
        self._connect()

    def _set_up(self) -> None:
        self.by_sensitivity.setToolTip("Channels are worth what was measured to be lost with them")
        self.advice.setWordWrap(True)
        self.advice.setAccessibleName("Advice on latency")
        self.use_multiple.setAccessibleName("Use the multiple that takes least time")
        self.use_multiple.setToolTip("Round all counts up to multiples of it, which takes least time here")
        self.use_multiple.hide()
        self.importance.setAccessibleName("What says which channels go first")
        self.scope.setAccessibleName("Which channels are compared")
        for box in (self.importance, self.scope):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(10)
            box.view().setAccessibleName(box.accessibleName())
        for scope, title, tip in SCOPES:
            self.scope.addItem(title, scope)
            self.scope.setItemData(self.scope.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.only_exact.setToolTip("Cut only where the result is exact")
        for field, title, tip, low, high in RULES:
            rule = self.rules[field]
            rule.setRange(low, high)
            rule.setKeyboardTracking(False)
            escape_reverts(rule)
            rule.setToolTip(tip)
            rule.setAccessibleName(title.replace("&", ""))
            rule.installEventFilter(self)
        CalmWheel(*self.rules.values(), self.importance, self.scope, parent=self)
        self.rules["min_ratio"].setSuffix(" %")
        self.rules["bins"].setSpecialValueText("off")

    def _arrange(self) -> None:
        inner = QWidget(self)
        column = QVBoxLayout(inner)
        column.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        first, rules = QFormLayout(), QFormLayout()
        for form in (first, rules):
            form.setHorizontalSpacing(SPACE)
        first.addRow("&Importance", self.importance)
        first.addRow("C&ompare", self.scope)
        for field, title, *_ in RULES:
            rules.addRow(title, self.rules[field])
        for title, content in (
            ("What is to be left", (self.targets, self.by_sensitivity, self.advice, self.use_multiple)),
            ("Which channels go first", (first, self.only_exact)),
            ("Rules for counts", (rules,)),
            ("Fill in, lock, reset", (self._fill_in,)),
        ):
            heading = QLabel(title, inner)
            heading.setFont(scaled(self.font(), 1.0, bold=True))
            column.addWidget(heading)
            for part in content:
                column.addWidget(part) if isinstance(part, QWidget) else column.addLayout(part)
            column.addSpacing(SPACE)
        column.addStretch()
        labels = [label for label in inner.findChildren(QLabel) if label.buddy()]
        for label in labels:  # so that all fields begin at one line
            label.setMinimumWidth(max(one.sizeHint().width() for one in labels))
        self.setWidget(inner)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar = self.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(inner.minimumSizeHint().width() + bar)

    def _connect(self) -> None:
        session = self._session
        self.targets.wanted.connect(lambda targets: session.meet(targets, self.by_sensitivity.isChecked()))
        self.importance.activated.connect(self._on_importance_chosen)
        self.scope.activated.connect(self._on_scope_chosen)
        self.only_exact.clicked.connect(self._on_exact_clicked)
        self.use_multiple.clicked.connect(self._on_multiple_taken)
        for field in self.rules:
            self.rules[field].valueChanged.connect(
                lambda value, field=field: self._on_rule_changed(field, value)
            )
        session.document_changed.connect(self._on_document_changed)
        session.snapshot_changed.connect(self.refresh)
        session.insight.changed.connect(self.refresh)
        session.data.changed.connect(self.refresh)

    def set_actions(self, actions: Mapping[str, QAction]) -> None:
        """Give what fills in all groups its buttons; they are grey when their actions are, and say why."""
        for place, key in enumerate(BUTTONS):
            button = QToolButton(self)
            button.setDefaultAction(actions[key])
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setAccessibleName(actions[key].text().replace("&", ""))
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self._fill_in.addWidget(button, place // 2, place % 2)

    # --- what is shown

    def _on_document_changed(self) -> None:
        assert self._session.document, "the session said so"
        self.targets.clear()
        self.importance.clear()
        for name in self._session.document.criteria:
            self.importance.addItem(title_of(name), name)
            self.importance.setItemData(self.importance.count() - 1, _when(name), Qt.ItemDataRole.ToolTipRole)
        self.refresh()

    def refresh(self) -> None:
        """Show the current plan as it is now, without saying so."""
        session = self._session
        if session.snapshot is None or session.base is None:
            return
        plan = session.snapshot.plan
        self.importance.setCurrentIndex(self.importance.findData(plan.importance))
        self.importance.setToolTip(_when(plan.importance))
        self.scope.setCurrentIndex(self.scope.findData(plan.scope))
        self.scope.setToolTip(str(self.scope.currentData(Qt.ItemDataRole.ToolTipRole)))
        self.only_exact.setChecked(plan.only_exact)
        for field, box in self.rules.items():
            with QSignalBlocker(box):
                box.setValue(round(100 * plan.min_ratio) if field == "min_ratio" else getattr(plan, field))
        self.by_sensitivity.setVisible(session.data.sensed is not None)
        self.targets.set_costs(session.base.cost, session.snapshot.cost)
        self._show_time()

    def _show_time(self) -> None:
        insight = self._session.insight
        timed = insight.measured.timed if insight.measured else None
        self.targets.set_time(timed.after / timed.before if timed and insight.is_current else None)
        said = f"{timed.warning} {timed.advice}".strip() if timed and insight.is_current else ""
        self.advice.setText(said)
        self.advice.setVisible(bool(said))
        self.use_multiple.setVisible(bool(said and timed and timed.multiple))
        self.use_multiple.setText(f"Use Multiples of {timed.multiple}" if timed else "")

    def showEvent(self, event: Any) -> None:
        """Work out what can be reached: it takes a moment, and nobody needs it before."""
        super().showEvent(event)
        QTimer.singleShot(
            NEXT_TURN, self, self._show_reach
        )  # behind another tab it is shown only for a moment

    def _show_reach(self) -> None:
        if self.isVisible():
            self.targets.set_reach(self._session.insight.reach())

    # --- what the user changes

    def _edit(self, title: str, subject: str, **changes: Any) -> None:
        plan: Plan = replace(self._session.plans.plan, **changes)
        if plan != self._session.plans.plan:
            self._session.edit(title, plan, subject)
        self.refresh()  # what was refused goes back

    def _on_importance_chosen(self) -> None:
        self.importance_chosen.emit(self.importance.currentData())
        self.refresh()

    def _on_scope_chosen(self) -> None:
        scope = self.scope.currentData()
        self._edit(f"Compare {self.scope.currentText()}", "", scope=scope)

    def _on_exact_clicked(self, checked: bool) -> None:
        title = "Leave approximate groups whole" if checked else "Cut approximate groups too"
        self._edit(title, "", only_exact=checked)

    def _on_rule_changed(self, field: str, value: int) -> None:
        title = self.rules[field].accessibleName()
        self._edit(f"{title}: {value}", field, **{field: value / 100 if field == "min_ratio" else value})

    def _on_multiple_taken(self) -> None:
        measured = self._session.insight.measured
        if measured is not None:
            multiple = measured.timed.multiple
            self._edit(f"Use multiples of {multiple}", "", round_to=multiple, counts=self._rounded(multiple))

    def _rounded(self, multiple: int) -> tuple[tuple[str, int], ...]:
        """Written counts, rounded up: rules shape only what is not written down."""
        rows = {row.id: row.size for row in self._session.document.groups} if self._session.document else {}
        counts = self._session.plans.plan.counts
        return tuple((name, min(rows.get(name, n), -(-n // multiple) * multiple)) for name, n in counts)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Steps of one visit to a box are one undo step."""
        if event.type() == QEvent.Type.FocusIn:
            self._session.begin_gesture()
        elif event.type() == QEvent.Type.FocusOut:
            self._session.end_gesture()
        return super().eventFilter(watched, event)


def _when(name: str) -> str:
    """When to use a criterion, with the name that files and commands know it by."""
    return f"{CRITERIA[name].when}\nIn plans and commands: {name}" if name in CRITERIA else ""
