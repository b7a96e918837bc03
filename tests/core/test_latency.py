"""Tables of measured ops, and the model of latency that is made of them: all seconds are made up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from slimgui.core.latency import LatencyModel, TimedOp, read_latency
from slimgui.core.latency_forms import PER_SECOND, closed_forms
from slimgui.core.latency_table import Line, Table, evenness, padded, table_of
from slimgui.core.sizes import Product, Size, total
from slimgui.errors import PlanError

GRID = (256, 192, 128, 64)
UNEVEN = (128, 127, 121, 120, 113, 112, 104, 97, 96)


def one_line(seconds: Callable[[int], float]) -> Table:
    """The table of an op of one length, from a made-up kernel."""
    return table_of("op", [Line(GRID, tuple((n, seconds(n)) for n in UNEVEN))], [seconds(n) for n in GRID])


def by_groups(*names: str) -> tuple[Product, ...]:
    return (Product("", 1, (Size(0, ((1, names),)),)),)


def two_convolutions() -> LatencyModel:
    """2 µs per channel of a in one layer; 1 ns per pair of channels of a and b in another."""
    first = table_of("first", [Line((64, 32))], [128e-6, 64e-6])
    second = table_of("second", [Line((64, 32)), Line((16, 8))], [1024e-9, 512e-9, 512e-9, 256e-9])
    ops = (TimedOp("stem", 0, (0,)), TimedOp("head", 1, (0, 1)))
    return LatencyModel("a device", (first, second), (by_groups("a"), by_groups("b")), ops)


def test_the_table_returns_what_was_measured_and_lines_between() -> None:
    table = one_line(lambda n: 1e-6 * n)
    assert [table.at([n]) for n in GRID] == pytest.approx([256e-6, 192e-6, 128e-6, 64e-6])
    assert table.at([100]) == pytest.approx(100e-6)
    assert table.axes[0].step == 1
    assert [factor for _, factor in table.axes[0].factors] == pytest.approx([1, 1, 1])


def test_a_kernel_that_works_on_sixteen_at_once_is_found_out() -> None:
    table = one_line(lambda n: 1e-6 * padded(n, 16))
    assert table.axes[0].step == 16
    # 57 channels take as long as 64, 65 as long as 80
    assert table.at([57]) == pytest.approx(64e-6)
    assert table.at([65]) == pytest.approx(80e-6)


def test_uneven_lengths_take_longer_by_their_own_factor() -> None:
    slow = {32: 1.0, 16: 1.0, 8: 1.25, 1: 1.5}
    table = one_line(lambda n: 1e-6 * n * slow[evenness(n)])
    assert table.axes[0].step == 1
    assert table.at([152]) == pytest.approx(1.25 * 152e-6)  # 152 = 19 · 8
    assert table.at([151]) == pytest.approx(1.5 * 151e-6)


def test_a_whole_length_that_is_uneven_itself_is_returned_as_measured() -> None:
    def seconds(n: int) -> float:
        return 1e-6 * n * (1.5 if n % 8 else 1.0)

    grid = (255, 192, 128, 64)
    line = Line(grid, tuple((n, seconds(n)) for n in UNEVEN))
    table = table_of("op", [line], [seconds(n) for n in grid])
    assert table.at([255]) == pytest.approx(1.5 * 255e-6)


def test_two_lengths_multiply() -> None:
    rows = [(64, 32), (16, 8)]
    table = table_of("op", [Line(row) for row in rows], [3e-9 * a * b for a in rows[0] for b in rows[1]])
    # inside, and beyond the smallest measured lengths
    assert table.at([48, 12]) == pytest.approx(3e-9 * 48 * 12)
    assert table.at([8, 4]) == pytest.approx(3e-9 * 8 * 4)


def test_few_channels_never_take_less_than_nothing() -> None:
    table = table_of("op", [Line((64, 32))], [100e-6, 40e-6])
    # the line through both crosses zero at 10.7 channels; 5 % of the nearest measurement stay
    assert table.at([1]) == pytest.approx(2e-6)


def test_seconds_add_up_per_layer_and_in_all() -> None:
    model = two_convolutions()
    counts = {"a": 32, "b": 8}
    assert model.by_layer(counts) == {"stem": pytest.approx(64e-6), "head": pytest.approx(256e-9)}
    assert model.at(counts) == pytest.approx(64.256e-6)
    assert model.groups() == {"a", "b"}


def test_scale_and_overhead_follow_from_whole_models() -> None:
    model = two_convolutions()
    counts = [{"a": 64, "b": 16}, {"a": 32, "b": 8}, {"a": 40, "b": 12}]
    measured = [(each, 10e-6 + 1.5 * model.at(each)) for each in counts]
    fitted = model.fitted(measured)
    assert (fitted.scale, fitted.overhead) == (pytest.approx(1.5), pytest.approx(10e-6))
    assert fitted.at(counts[2]) == pytest.approx(measured[2][1])


def test_one_whole_model_gives_the_scale_alone() -> None:
    model = two_convolutions()
    counts = {"a": 64, "b": 16}
    fitted = model.fitted([(counts, 3 * model.at(counts))])
    assert (fitted.scale, fitted.overhead) == (pytest.approx(3), 0.0)


def test_an_overhead_is_never_negative() -> None:
    model = two_convolutions()
    counts = [{"a": 64, "b": 16}, {"a": 32, "b": 8}]
    fitted = model.fitted([(each, 2 * model.at(each) - 20e-6) for each in counts])
    assert fitted.overhead == 0
    assert 1 < fitted.scale < 2


def test_closed_forms_of_kernels_that_multiply_are_their_seconds() -> None:
    model = two_convolutions()
    for counts in ({"a": 64, "b": 16}, {"a": 24, "b": 5}):
        found = total(closed_forms(model), counts) / PER_SECOND
        assert found == pytest.approx(model.at(counts), rel=1e-3)


def test_closed_forms_leave_out_a_length_that_does_not_matter() -> None:
    flat = table_of("op", [Line((64, 32))], [1e-3, 1e-3])
    model = LatencyModel("", (flat,), (by_groups("a"),), (TimedOp("", 0, (0,)),), overhead=2e-3)
    forms = closed_forms(model)
    assert total(forms, {"a": 1}) / PER_SECOND == pytest.approx(3e-3)
    assert not any(form.groups() for form in forms)


def test_closed_forms_of_a_sum_of_tensors_add_up() -> None:
    both = (Product("", 2, (Size(0, ((1, ("a",)),)),)), Product("", 3, (Size(0, ((1, ("b",)),)),)))
    table = table_of("cat", [Line((100, 50))], [100e-6, 50e-6])
    model = LatencyModel("", (table,), (both,), (TimedOp("", 0, (0,)),))
    # 2 · 5 + 3 · 4 = 22 elements of 1 µs
    assert total(closed_forms(model), {"a": 5, "b": 4}) / PER_SECOND == pytest.approx(22e-6)


def test_a_model_comes_back_from_json(tmp_path: Path) -> None:
    path = tmp_path / "device.json"
    model = two_convolutions().fitted([({"a": 64, "b": 16}, 1e-3)])
    path.write_text(model.to_json())
    read = read_latency(path, frozenset({"a", "b", "c"}))
    assert read.to_json() == model.to_json()
    assert read.at({"a": 40, "b": 3}) == model.at({"a": 40, "b": 3})


def test_the_table_of_another_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "device.json"
    path.write_text(two_convolutions().to_json())
    with pytest.raises(PlanError, match="of another model") as caught:
        read_latency(path, frozenset({"a"}))
    assert "'b'" in caught.value.why


@pytest.mark.parametrize("what", ["no json", "other", "newer", "short", "falling", "no table"])
def test_a_damaged_table_is_refused(what: str) -> None:
    data = json.loads(two_convolutions().to_json())
    if what == "newer":
        data["format"] = 99
    elif what == "short":
        data["tables"][0]["seconds"].pop()
    elif what == "falling":
        data["tables"][0]["axes"][0]["lengths"].reverse()
    elif what == "no table":
        data["ops"][0]["table"] = 7
    text = {"no json": "seconds: 3", "other": '{"format": 1}'}.get(what, json.dumps(data))
    with pytest.raises(PlanError, match="no table of latencies"):
        LatencyModel.from_json(text)
