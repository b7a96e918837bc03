"""Colours: text can be read, groups can be told apart."""

import itertools
import math

import pytest
from PySide6.QtGui import QPalette

from slimgui.gui.theme import (
    DARK,
    GROUP_COLOURS,
    LIGHT,
    LOCKED_COLOUR,
    Colours,
    mixed,
    palette_of,
    palettes_of_kinds,
)
from slimgui.gui.views.lit_item import VEIL

Rgb = tuple[float, float, float]

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB
_VISIONS = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.01182, 0.04294, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.3039),
    ),
}


def linear(name: str) -> Rgb:
    parts = [int(name[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return red, green, blue


def lab(rgb: Rgb) -> Rgb:
    """CIE Lab under D65."""
    r, g, b = (min(1.0, max(0.0, part)) for part in rgb)
    xyz = (
        0.4124 * r + 0.3576 * g + 0.1805 * b,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        0.0193 * r + 0.1192 * g + 0.9505 * b,
    )
    x, y, z = (
        t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116
        for t in (part / white for part, white in zip(xyz, (0.95047, 1.0, 1.08883), strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("vision", _VISIONS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_groups_can_be_told_apart_by_colour_blind_people(vision: str, dark: bool) -> None:
    def seen(name: str) -> Rgb:
        red, green, blue = (
            sum(a * b for a, b in zip(row, linear(name), strict=True)) for row in _VISIONS[vision]
        )
        return lab((red, green, blue))

    names = (*GROUP_COLOURS[dark], LOCKED_COLOUR)
    assert all(math.dist(seen(a), seen(b)) >= 15 for a, b in itertools.combinations(names, 2))


@pytest.mark.parametrize(("dark", "table"), [(False, LIGHT), (True, DARK)], ids=["light", "dark"])
def test_every_group_shows_on_every_surface_it_is_drawn_on(dark: bool, table: Colours) -> None:
    for name, back in itertools.product(GROUP_COLOURS[dark], (table.raised, table.canvas, table.surface)):
        assert contrast(name, back) >= 3  # WCAG 1.4.11, graphical objects


@pytest.mark.parametrize("table", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read_on_every_surface(table: Colours) -> None:
    for back in (table.window, table.surface, table.raised, table.canvas):
        for text in (table.text, table.muted, table.accent, table.error, table.success):
            assert contrast(text, back) >= 4.5
    assert contrast(table.on_accent, table.accent) >= 4.5


def contrast(one: str, other: str) -> float:
    """WCAG 2: (L1 + 0.05) / (L2 + 0.05) of the relative luminances."""
    low, high = sorted(luminance(name) for name in (one, other))
    return (high + 0.05) / (low + 0.05)


def luminance(name: str) -> float:
    red, green, blue = linear(name)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("table", [LIGHT, DARK], ids=["light", "dark"])
def test_a_selected_row_and_an_open_menu_can_be_read(table: Colours) -> None:
    kinds = palettes_of_kinds(palette_of(table), table)
    for kind in ("QTreeView", "QTableView", "QListView"):
        back = kinds[kind].color(QPalette.ColorRole.Highlight).name()
        assert contrast(table.text, back) >= 4.5
        assert contrast(table.muted, back) >= 4.5
        assert contrast(table.accent, back) >= 3  # the pencil, the swatch and the curve are drawings
    menu = kinds["QMenu"].color(QPalette.ColorRole.Base).name()
    assert contrast(table.text, menu) >= 4.5


def test_fields_have_a_frame_on_a_dark_window() -> None:
    kinds = palettes_of_kinds(palette_of(DARK), DARK)
    frame = kinds["QLineEdit"].color(QPalette.ColorRole.Window).darker(140).name()  # as Fusion draws it
    assert contrast(frame, DARK.window) >= 2.5
    plain = palette_of(DARK).color(QPalette.ColorRole.Window).darker(140).name()
    assert contrast(plain, DARK.window) < 1.5


@pytest.mark.parametrize("table", [LIGHT, DARK], ids=["light", "dark"])
def test_what_is_dimmed_can_still_be_read(table: Colours) -> None:
    share = VEIL / 255
    ink, back = (mixed(table.canvas, name, share).name() for name in (table.muted, table.raised))
    assert contrast(ink, back) >= 4.5
