"""What the window shows before a model is open."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QColor, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import (
    QCommandLinkButton,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from slimgui.gui import icons
from slimgui.gui.journal.record import Entry
from slimgui.gui.theme import SPACE, colours, mixed, scaled

OPEN_TIP: Final = "Open a PyTorch checkpoint (Ctrl+O)"
EXAMPLE_TIP: Final = "A small trained network that comes with SlimGUI"
CONTINUE_TIP: Final = "Open what was open last, with its plans as they were saved"
_RECENT: Final = 420  # how wide the list of recent files is
DROP_HINT: Final = "or drop a file anywhere in this window"
_CENTER: Final = Qt.AlignmentFlag.AlignHCenter


class Welcome(QWidget):
    """Open, the example, recent files, and the hint that files can be dropped."""

    open_clicked = Signal()
    example_clicked = Signal()
    recent_clicked = Signal(str)
    pin_wanted = Signal(str, bool)
    forget_wanted = Signal(str)
    continue_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Start")
        title = QLabel("Make a trained model smaller", self)
        title.setFont(scaled(self.font(), 1.9, bold=True))
        title.setAccessibleName("Title")
        self._lead = QLabel(
            "Open a PyTorch model, choose how many channels each part keeps, watch the cost fall,\n"
            "and save a smaller model with a proof that it computes the same.",
            self,
        )
        self._lead.setAccessibleName("What SlimGUI does")
        self._lead.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.open_button = _big_button(self, "&Open a model…", OPEN_TIP)
        self.open_button.setDefault(True)
        self.example_button = _big_button(self, "Open the e&xample", EXAMPLE_TIP)
        self.continue_button = _big_button(self, "&Continue", CONTINUE_TIP)
        self.continue_button.clicked.connect(self.continue_clicked)
        self.continue_button.hide()
        self._drop = QLabel(DROP_HINT, self)
        self._drop.setAccessibleName("Hint")
        self.open_button.clicked.connect(self.open_clicked)
        self.example_button.clicked.connect(self.example_clicked)
        self._recent_title = QLabel("Recent", self)
        self._recent_title.setFont(scaled(self.font(), 1.0, bold=True))
        self._recent_title.setAccessibleName("Recent files")
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        self._arrange(title)
        self.set_recent(())

    def _arrange(self, title: QLabel) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE + 4)
        buttons.addStretch()
        buttons.addWidget(self.open_button)
        buttons.addWidget(self.example_button)
        buttons.addStretch()
        center = Qt.AlignmentFlag.AlignHCenter
        column = QVBoxLayout(self)
        column.setContentsMargins(48, 48, 48, 48)
        column.addStretch(3)
        column.addWidget(title, 0, center)
        column.addSpacing(SPACE)
        column.addWidget(self._lead, 0, center)
        column.addSpacing(3 * SPACE)
        column.addLayout(buttons)
        column.addSpacing(SPACE)
        column.addWidget(self.continue_button, 0, center)
        column.addSpacing(SPACE)
        column.addWidget(self._drop, 0, center)
        column.addSpacing(4 * SPACE)
        self._recent_title.setFixedWidth(_RECENT)
        self._recent_title.setIndent(SPACE)
        column.addWidget(self._recent_title, 0, center)
        column.addLayout(self._recent)
        column.addStretch(4)

    def set_last(self, last: Entry | None) -> None:
        """Offer to go on with what was open last, with its plan as it was saved."""
        self.continue_button.setVisible(last is not None)
        if last is not None:
            self.continue_button.setText(f"&Continue with {last.name.replace('&', '&&')}, {last.moment}")
            self.continue_button.setAccessibleName(f"Continue with {last.source}")

    def set_recent(self, sources: Sequence[str], pinned: Collection[str] = ()) -> None:
        """Show the sources opened last; those that are pinned say so."""
        while (item := self._recent.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        for source in sources[:5]:
            self._recent.addWidget(self._recent_button(source, source in pinned), 0, _CENTER)
        self._recent_title.setVisible(bool(sources))

    def _recent_button(self, source: str, is_pinned: bool) -> QCommandLinkButton:
        """Opens one of them; its menu keeps it in the list, or takes it out."""
        path = Path(source)
        name = path.name.replace("&", "&&") + ("  –  stays" if is_pinned else "")
        button = QCommandLinkButton(name, str(path.parent) if path.parent != Path() else "", self)
        button.setIcon(icons.icon("file", self.palette()))
        button.setAccessibleName(f"Open {source}")
        button.setToolTip(f"{source}\nA right click keeps it in this list, or takes it out")
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        button.setFixedSize(_RECENT, 52)
        button.clicked.connect(lambda: self.recent_clicked.emit(source))
        button.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        keep, remove = QAction("&Keep in the List", button), QAction("&Remove from the List", button)
        keep.setCheckable(True)
        keep.setChecked(is_pinned)
        keep.triggered.connect(lambda on: self.pin_wanted.emit(source, on))
        remove.triggered.connect(lambda: self.forget_wanted.emit(source))
        button.addActions([keep, remove])
        return button

    def set_busy(self, doing: str) -> None:
        """Say what is going on; nothing else can be opened meanwhile."""
        for button, tip in (
            (self.open_button, OPEN_TIP),
            (self.example_button, EXAMPLE_TIP),
            (self.continue_button, CONTINUE_TIP),
        ):
            button.setEnabled(not doing)
            button.setToolTip(f"SlimGUI is still {doing}" if doing else tip)
        self._drop.setText(f"{doing[0].upper()}{doing[1:]}…" if doing else DROP_HINT)

    def refresh_colours(self) -> None:
        """Follow the theme."""
        table = colours(self.palette())
        for label in (self._lead, self._drop, self._recent_title):
            palette = QPalette(self.palette())
            palette.setColor(QPalette.ColorRole.WindowText, QColor(table.muted))
            label.setPalette(palette)
        hover = mixed(table.accent, table.text, 0.85).name()
        self.open_button.setStyleSheet(
            _button_style(table.accent, table.on_accent, table.accent, hover, table.faint, table.edge)
        )
        plain = _button_style(table.raised, table.text, table.border, table.faint, table.faint, table.edge)
        self.example_button.setStyleSheet(plain)
        self.continue_button.setStyleSheet(plain)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A dashed frame: this is where a file may fall."""
        del event
        table = colours(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(table.border), 2, Qt.PenStyle.DashLine))
        painter.setBrush(QColor(table.canvas))
        painter.drawRoundedRect(self.rect().adjusted(16, 16, -16, -16), 12, 12)


def _button_style(back: str, text: str, border: str, hover: str, off: str, dim: str) -> str:
    return (
        f"QPushButton {{ background: {back}; color: {text}; border: 1px solid {border}; border-radius: 6px;"
        f" padding: 6px 18px; }} QPushButton:hover, QPushButton:focus {{ background: {hover}; }}"
        f" QPushButton:disabled {{ background: {off}; color: {dim}; border-color: {off}; }}"
    )


def _big_button(parent: QWidget, title: str, tip: str) -> QPushButton:
    button = QPushButton(title, parent)
    button.setToolTip(tip)
    button.setAccessibleName(title.replace("&", "").rstrip("…"))
    button.setMinimumSize(170, 38)
    return button
