"""What is said of time beside MACs, how a target is approached, and the file of known measurements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slimgui.core.approach import approach
from slimgui.core.groups import Group, Member
from slimgui.core.latency import LatencyModel, TimedOp
from slimgui.core.latency_advice import helpful_multiple, stalled
from slimgui.core.latency_cache import LatencyCache
from slimgui.core.latency_table import Axis, Table
from slimgui.core.plan import Plan
from slimgui.core.sizes import Product, Size


def group(name: str, size: int) -> Group:
    return Group(name, size, "channels", (Member(f"{name}.weight", 0, np.arange(size)[:, None]),))


def model_of(axis: Axis, seconds: tuple[float, ...]) -> LatencyModel:
    length = (Product("", 1, (Size(0, ((1, ("a",)),)),)),)
    return LatencyModel("", (Table("op", (axis,), seconds),), (length,), (TimedOp("", 0, (0,)),))


@pytest.mark.parametrize(
    ("macs", "time", "said"),
    [
        (0.5, 0.6, ""),  # time follows
        (0.88, 1.0, "MACs fall to 88 %, but time does not: 100 % of it stay."),
        (0.5, 0.9, "MACs fall to 50 %, but time hardly does: 90 % of it stay."),
        (1.0, 1.1, ""),  # nothing was cut
    ],
)
def test_a_warning_is_given_when_macs_fall_and_time_does_not(macs: float, time: float, said: str) -> None:
    assert stalled(macs, time) == said


def test_the_multiple_that_saves_time_is_offered() -> None:
    # 1 µs per channel, uneven ones 1.5 times that, multiples of 8 1.2 times; 16 and 32 are even
    model = model_of(Axis((32, 128), 1, ((1, 1.5), (8, 1.2))), (32e-6, 128e-6))
    found = helpful_multiple(model, [group("a", 128)], Plan(), {"a": 61})
    assert found is not None
    # 61 take 91.5 µs; 64, a multiple of 8, 16 and 32, take 64 µs: the first that does is offered
    assert (found.multiple, found.seconds) == (8, pytest.approx(64e-6))
    assert found.saved == pytest.approx(1 - 64 / 91.5)
    # 66 take 99 µs, 72 take 86.4 µs, 80 take 80 µs
    sixteen = helpful_multiple(model, [group("a", 128)], Plan(), {"a": 66})
    assert sixteen is not None
    assert sixteen.multiple == 16
    assert "multiples of 16" in str(sixteen)


def test_no_multiple_is_offered_where_none_saves_time() -> None:
    model = model_of(Axis((32, 128)), (32e-6, 128e-6))
    assert helpful_multiple(model, [group("a", 128)], Plan(), {"a": 61}) is None


def test_a_locked_group_is_not_rounded() -> None:
    model = model_of(Axis((32, 128), 1, ((1, 1.5),)), (32e-6, 128e-6))
    assert helpful_multiple(model, [group("a", 128)], Plan(whole=("a",)), {"a": 61}) is None


def test_a_measured_target_is_approached_by_the_ratio_missed() -> None:
    # what is found is half as fast again as was asked for: 0.6 gives 0.9, so 0.4 is asked for
    tried = approach(0.6, lambda asked: asked, lambda found: 1.5 * found, tolerance=0.01, attempts=5)
    assert [one.asked for one in tried] == pytest.approx([0.4, 0.6])
    assert tried[0].measured == pytest.approx(0.6)


def test_the_nearest_attempt_wins_when_none_is_near_enough() -> None:
    heard = iter((0.9, 0.7, 0.4))
    tried = approach(0.6, lambda asked: asked, lambda _: next(heard), tolerance=0.01, attempts=3)
    assert [one.measured for one in tried] == [0.7, 0.4, 0.9]


def test_measurements_are_known_the_next_time_and_under_the_same_setting_only(tmp_path: Path) -> None:
    LatencyCache("cpu", tmp_path).add({"conv": 1e-3, "odd": None})
    again, other = LatencyCache("cpu", tmp_path), LatencyCache("cuda", tmp_path)
    assert "conv" in again
    assert (again["conv"], again["odd"]) == (1e-3, None)
    assert "conv" not in other


def test_a_torn_line_is_measured_again(tmp_path: Path) -> None:
    cache = LatencyCache("cpu", tmp_path)
    cache.add({"conv": 1e-3})
    assert cache.path is not None
    with cache.path.open("a") as stream:
        stream.write('{"op": "linear", "sec')
    again = LatencyCache("cpu", tmp_path)
    assert "conv" in again
    assert "linear" not in again


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = LatencyCache("cpu", tmp_path / "file" / "folder")
    cache.add({"conv": 1e-3})
    assert cache["conv"] == 1e-3
