"""Light and dark: one table of colours each, a palette built from it, and what follows the system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

Choice = Literal["system", "light", "dark"]
CHOICES: Final[tuple[Choice, ...]] = ("system", "light", "dark")


@dataclass(frozen=True, slots=True)
class Colours:
    """What a colour is for -> the colour. Text on any surface has a contrast of at least 4.5 : 1."""

    window: str
    surface: str
    raised: str
    canvas: str
    text: str
    muted: str
    faint: str
    border: str
    edge: str
    accent: str
    on_accent: str
    error: str
    success: str
    note: str


LIGHT: Final = Colours(
    window="#f3f4f7", surface="#ffffff", raised="#ffffff", canvas="#f8f9fb", text="#1b1f2a", muted="#5a6275",
    faint="#e8eaf0", border="#d3d7e0", edge="#a2a9b8", accent="#2f62d9", on_accent="#ffffff", error="#b3261e",
    success="#1b6e3c", note="#2f62d9",
)  # fmt: skip
DARK: Final = Colours(
    window="#1e2127", surface="#16181d", raised="#272b33", canvas="#191c21", text="#e7e9ef", muted="#a3abbb",
    faint="#2b2f38", border="#3a404c", edge="#626b7c", accent="#8aadff", on_accent="#10131a", error="#ff9a91",
    success="#7fd8a0", note="#8aadff",
)  # fmt: skip

# Okabe and Ito's colours and a violet, moved until, in each theme, all have a contrast of 3 : 1 to every
# surface, and each two (grey as well) differ by 15 in CIE Lab, also as protanopes, deuteranopes and
# tritanopes see them (Machado et al. 2009). Nothing is told by colour alone. Grey: channels that must stay.
GROUP_COLOURS: Final = {
    False: ("#de6e17", "#268be4", "#116437", "#4b3883", "#6873a7", "#9e4a09", "#864a68", "#a4884f"),
    True: ("#fac35b", "#8ad4fb", "#1b8a4a", "#fdff33", "#7d99e0", "#cb7018", "#aa5ba0", "#7c68da"),
}  # by whether the theme is dark
LOCKED_COLOUR: Final = "#9a9fa8"
_INK: Final = (QPalette.ColorGroup.Active, QPalette.ColorRole.WindowText)  # a look-up is felt: it is slow
SPACE: Final = 8  # the unit of every margin and gap


def is_dark(palette: QPalette) -> bool:
    """Whether `palette` is a dark one."""
    return palette.color(*_INK).lightness() >= 128


def colours(palette: QPalette) -> Colours:
    """The table that `palette` was built from."""
    return DARK if is_dark(palette) else LIGHT


def group_colour(index: int) -> QColor:
    """Colour of the group number `index` in the theme that is shown."""
    shown = GROUP_COLOURS[is_dark(QGuiApplication.palette())]
    return QColor(shown[index % len(shown)])


def mixed(one: str, other: str, share: float) -> QColor:
    """A colour between two: `share` of `one`."""
    a, b = QColor(one), QColor(other)
    parts = zip((a.redF(), a.greenF(), a.blueF()), (b.redF(), b.greenF(), b.blueF()), strict=True)
    return QColor.fromRgbF(*(x * share + y * (1 - share) for x, y in parts))


def palette_of(table: Colours) -> QPalette:
    """A whole palette for Qt's Fusion style."""
    role = QPalette.ColorRole
    palette = QPalette(QColor(table.raised), QColor(table.window))
    for which, name in {
        role.Window: table.window, role.WindowText: table.text, role.Base: table.surface,
        role.AlternateBase: table.window, role.Text: table.text, role.Button: table.raised,
        role.ButtonText: table.text, role.ToolTipBase: table.raised, role.ToolTipText: table.text,
        role.PlaceholderText: table.muted, role.Highlight: table.accent,
        role.HighlightedText: table.on_accent, role.Link: table.accent, role.Accent: table.accent,
        role.Mid: table.border, role.Midlight: table.faint,
        role.Light: table.raised, role.Dark: table.border, role.Shadow: table.border,
    }.items():  # fmt: skip
        palette.setColor(which, QColor(name))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(table.edge))
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(table.border))
    return palette


def framed(palette: QPalette, shade: QColor) -> QPalette:
    """For check marks and fields: Fusion frames them in a darker shade of the window's colour.

    On a dark window that cannot be seen; these widgets paint nothing else in that colour.
    """
    copy = QPalette(palette)
    copy.setColor(QPalette.ColorRole.Window, shade)
    return copy


def soft(palette: QPalette, table: Colours) -> QPalette:
    """For lists: a selection that leaves colours, icons and bars in its rows visible."""
    copy = QPalette(palette)
    copy.setColor(QPalette.ColorRole.Highlight, mixed(table.accent, table.surface, 0.2))
    copy.setColor(QPalette.ColorRole.HighlightedText, QColor(table.text))
    return copy


def palettes_of_kinds(palette: QPalette, table: Colours) -> dict[str, QPalette]:
    """The palettes of what is not drawn well in that of the application, by the name of its class."""
    is_dark = table is DARK
    checks = framed(palette, QColor(table.muted if is_dark else table.edge))
    fields = framed(palette, mixed(table.muted, table.edge, 0.6) if is_dark else QColor(table.border))
    menus = QPalette(palette)
    menus.setColor(QPalette.ColorRole.Base, QColor(table.raised))  # on a dark window they have no edges
    boxes, lists = ("QCheckBox", "QRadioButton"), ("QTableView", "QListView")
    return {
        **dict.fromkeys(boxes, checks),
        **dict.fromkeys(("QLineEdit", "QAbstractSpinBox", "QComboBox"), fields),
        **dict.fromkeys(lists, soft(checks, table)),
        "QTreeView": soft(palette, table),
        "QMenu": menus,
    }


class Theme(QObject):
    """Keeps the application's palette in step with the user's choice and with the system."""

    changed = Signal()

    def __init__(self, app: QApplication, choice: Choice = "system") -> None:
        super().__init__(app)
        self._app = app
        self.choice: Choice = choice
        app.setStyle("Fusion")
        app.styleHints().colorSchemeChanged.connect(self._on_system_changed)
        self.choose(choice)

    def choose(self, choice: Choice) -> None:
        """Follow the system, or be light or dark whatever the system says."""
        self.choice = choice
        dark = choice == "dark" or (choice == "system" and _system_is_dark())
        table = DARK if dark else LIGHT
        palette = palette_of(table)
        self._app.setPalette(palette)
        for kind, own in palettes_of_kinds(palette, table).items():
            self._app.setPalette(own, kind)  # type: ignore[arg-type]  # PySide takes str alone
        self.changed.emit()

    def _on_system_changed(self) -> None:
        if self.choice == "system":
            self.choose("system")


def _system_is_dark() -> bool:
    return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark


def scaled(font: QFont, factor: float, bold: bool = False) -> QFont:
    """A copy of `font`, larger or smaller."""
    copy = QFont(font)
    copy.setPointSizeF(font.pointSizeF() * factor)
    copy.setBold(bold)
    return copy
