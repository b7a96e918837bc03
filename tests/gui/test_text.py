"""Numbers as shown and as typed."""

import pytest

from slimgui.gui.facts import text


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        ("48", 48),
        ("=64", 64),
        ("50%", 50),  # half of the 100 channels of the group
        ("/2", 40),  # half of the 80 that stay now
        ("-8", 72),
        ("+8", 88),
        (" 12 ", 12),
        ("33,4 %", 33),
        ("12,5", 12),
        ("1,024", 100),  # a thousand, and never one
        ("1.024", 100),
        ("-1,024", 1),
        ("/1,250", 64),
        ("0", 1),  # never empty
        ("999", 100),  # never more than there are
        ("-200", 1),
        ("", None),
        ("/0", None),
        ("half", None),
        ("4-2", None),
    ],
)
def test_what_is_typed_becomes_a_count(typed: str, count: int | None) -> None:
    assert text.parse_count(typed, current=80, size=100) == count


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1234, "1.23 k"),
        (25_557_032, "25.6 M"),
        (4_089_184_256, "4.09 G"),
        (999_600, "1.00 M"),
    ],
)
def test_large_numbers_have_three_digits(value: float, shown: str) -> None:
    assert text.short(value) == shown


def test_sizes_shares_changes_and_times_read_well() -> None:
    assert text.file_size(512) == "512 bytes"
    assert text.file_size(1_234_567) == "1.23 MB"
    assert text.percent(43, 100) == "43 %"
    assert text.percent(1, 0) == "0 %"
    assert text.change(100, 51) == "−49 %"
    assert text.change(7, 7) == "no change"
    assert text.elapsed(7.9) == "7 s"
    assert text.elapsed(125) == "2 min 05 s"
    assert text.tiny(3.04e-07) == "3e-7"
    assert text.tiny(0) == "0"
    assert text.shape((1, 3, 8)) == "1 × 3 × 8"
    assert text.plural(1, "layer") == "1 layer"
