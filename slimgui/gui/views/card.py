"""A card inside the window: an error, a success or a note, never a dialog in the way."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QGuiApplication,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from slimgui.gui import icons
from slimgui.gui.facts.notice import Notice
from slimgui.gui.theme import SPACE, colours, scaled

OFFERS: Final = {
    "inputs": "Give the Input Shape…",
    "accept": "Save Anyway",
    "folder": "Show in Folder",
    "consent": "See What Would Run…",
    "architecture": "Say Which Architecture…",
    "restore": "Restore",
    "forget": "Remove from the List",
    "look": "Look into the File…",
}
REFUSALS: Final = {"restore": "Discard"}  # where saying no has to be said


class Card(QWidget):
    """Shows one notice at a time; the extra buttons leave as `offer_taken` and `offer_refused`."""

    offer_taken = Signal(object)  # Notice
    offer_refused = Signal(object)  # Notice

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.notice: Notice | None = None
        self.setAccessibleName("Message")
        self._icon = QLabel(self)
        self._icon.setAccessibleName("Kind of message")
        self.what, self.why, self.hint = (
            _label(self, "Message"),
            _label(self, "Reason"),
            _label(self, "What to do"),
        )
        self.what.setFont(scaled(self.font(), 1.08, bold=True))
        self.details = QPlainTextEdit(self)
        self.details.setReadOnly(True)
        self.details.setAccessibleName("Technical details")
        self.details.setMaximumHeight(150)
        self.offer = _button(self, "", "Does what the message offers")
        self.refusal = _button(self, "", "Declines what the message offers")
        self.show_details = _button(self, "De&tails", "Show what a developer wants to know")
        self.show_details.setCheckable(True)
        self.show_details.toggled.connect(self.details.setVisible)
        self.copy = _button(self, "Cop&y", "Copy the message with its details")
        self.close_button = QToolButton(self)
        self.close_button.setAutoRaise(True)
        self.close_button.setAccessibleName("Dismiss the message")
        self.close_button.setToolTip("Dismiss (Esc)")
        self.offer.clicked.connect(self._on_offer_clicked)
        self.refusal.clicked.connect(self._on_refusal_clicked)
        self.copy.clicked.connect(self._on_copy_clicked)
        self.close_button.clicked.connect(self.dismiss)
        self._arrange()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    def _arrange(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(3)
        for label in (self.what, self.why, self.hint):
            words.addWidget(label)
        buttons = QHBoxLayout()  # below the words, which need the whole width
        buttons.setContentsMargins(0, SPACE // 2, 0, 0)
        for button in (self.offer, self.refusal, self.show_details, self.copy):
            buttons.addWidget(button)
        buttons.addStretch()
        words.addLayout(buttons)
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addSpacing(4)
        row.addLayout(words, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * SPACE + 4, SPACE + 4, SPACE, SPACE + 4)
        column.addLayout(row)
        column.addWidget(self.details)

    def show_notice(self, notice: Notice) -> None:
        """Show `notice` in place of what was shown."""
        self.notice = notice
        for label, content in ((self.what, notice.what), (self.why, notice.why), (self.hint, notice.hint)):
            label.setText(content)
            label.setVisible(bool(content))
        self.offer.setText(OFFERS.get(notice.offer, ""))
        self.offer.setVisible(bool(notice.offer))
        self.refusal.setText(REFUSALS.get(notice.offer, ""))
        self.refusal.setVisible(notice.offer in REFUSALS)
        self.details.setPlainText(notice.details)
        self.show_details.setChecked(False)
        self.details.hide()
        self.show_details.setVisible(bool(notice.details))
        self.copy.setVisible(notice.kind == "error")
        self.setAccessibleDescription(
            " ".join(part for part in (notice.what, notice.why, notice.hint) if part)
        )
        self.refresh_icons()
        self.show()
        self.update()
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))  # it is read aloud

    def dismiss(self) -> None:
        """Hide the card."""
        self.notice = None
        self.hide()

    def refresh_icons(self) -> None:
        """Draw the icons in the colours of the theme."""
        self.close_button.setIcon(icons.icon("close", self.palette()))
        if self.notice is not None:
            self._icon.setPixmap(icons.pixmap(self.notice.kind, self._accent(), 22))

    def _accent(self) -> str:
        kind = self.notice.kind if self.notice else "note"
        table = colours(self.palette())
        return {"error": table.error, "success": table.success, "note": table.note}[kind]

    def paintEvent(self, event: QPaintEvent) -> None:
        """A raised surface with a stripe in the colour of its kind."""
        del event
        table = colours(self.palette())
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(table.raised))
        painter.fillRect(0, 0, 4, self.height(), QColor(self._accent()))
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(table.border))

    def _on_offer_clicked(self) -> None:
        if (notice := self.notice) is not None:
            if notice.offer != "folder":
                self.dismiss()
            self.offer_taken.emit(notice)

    def _on_refusal_clicked(self) -> None:
        if (notice := self.notice) is not None:
            self.dismiss()
            self.offer_refused.emit(notice)

    def _on_copy_clicked(self) -> None:
        if self.notice is not None:
            parts = (self.notice.what, self.notice.why, self.notice.hint, self.notice.details)
            QGuiApplication.clipboard().setText("\n".join(part for part in parts if part))


def _label(parent: QWidget, name: str) -> QLabel:
    label = QLabel(parent)
    label.setWordWrap(True)
    label.setMinimumWidth(1)  # a long path must not push the panels aside
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setAccessibleName(name)
    return label


def _button(parent: QWidget, title: str, tip: str) -> QPushButton:
    button = QPushButton(title, parent)
    button.setToolTip(tip)
    button.setAccessibleName(title.replace("&", "") or tip)
    return button
