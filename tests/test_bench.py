import torch
from torch import nn

from benchmarks.accuracy import page, peer
from benchmarks.accuracy.subjects import Subject
from benchmarks.bench import document, growth, latency, speed
from slimgui import engine


def test_the_exponent_is_that_of_the_upper_points():
    # constant below, then seconds = size^1.5 / 1000
    points = [growth.Point("blocks", size, size, 1.0, 0) for size in (1, 10)]
    points += [growth.Point("blocks", size, size, size**1.5 / 1000, 0) for size in (100, 400, 900, 1600)]
    assert round(growth.exponent(points), 6) == 1.5


def test_a_section_is_written_anew_and_the_others_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(document, "_setting", lambda: "a machine")
    page = tmp_path / "benchmarks.md"
    for section, text in (("growth", "old rows"), ("speed", "table"), ("growth", "new rows")):
        document.write(section, [text], page)
    written = page.read_text(encoding="utf-8")
    assert "old rows" not in written
    assert written.index("table") < written.index("new rows")  # the order of the page, not of writing
    assert "`make bench ARGS=growth`, a machine." in written


def ran(seconds: float) -> dict[str, object]:
    """What a process says of a job that went well."""
    return {"error": "", "seconds": seconds, "peak": 1, "left": 50, "complaint": "", "stages": {}}


def test_the_first_run_of_a_process_is_cold_and_the_others_are_warm():
    side = speed.Side()
    for seconds, first in ((9.0, True), (2.0, False), (4.0, False), (3.0, False)):
        side.add(ran(seconds), first)
    assert (side.cold, side.median) == (9.0, 3.0)


def test_a_row_where_the_peer_fails_has_no_ratio():
    row = speed.Row("net", parameters=100)
    for side, seconds in zip(row.sides.values(), (1.0, 4.0), strict=True):
        side.add(ran(seconds), first=True)
    assert row.ratio("cold") == 0.25
    row.sides[speed.PEER].failure = "not done after 120 s"
    assert row.ratio("cold") is None
    assert "not done after 120 s" in speed.cells(row)[-1]
    assert "nothing to compare" in speed.summary([row])


ACCURACY = {
    "model": "net", "data": "pictures", "what": "images", "samples": 1000, "held": 2000, "share": 0.7,
    "macs": 0.3, "commit": "abc", "whole": 99.0, "cut": 50.0, "merge": 55.0, "absorb": 60.0,
    "recalibrate": 60.0, "fold": 97.0, "peers": {"L1 local": (80.0, 81.0), "L2 local": (70.0, 90.0)},
}  # fmt: skip


def splits(**changed: object) -> list[dict[str, object]]:
    """Three splits; of the second and third the fold gives 98."""
    row = {**ACCURACY, **changed}
    return [{**row, "seed": seed, **({"fold": 98.0} if seed else {})} for seed in range(3)]


def test_a_row_of_accuracy_is_the_mean_of_the_splits_with_its_spread():
    lines = page.page(splits())
    found = "97.67 ± 0.67 | 80.00 ± 0.00 | L1 local | 90.00 ± 0.00 | L2 local"  # (97 + 98 + 98) / 3
    assert lines[2].startswith("| net | 3 | 70.0 % | 99.00 ± 0.00 | 50.00 ± 0.00 |")
    assert lines[2].endswith(f"{found} |")
    assert "random splits into 1,000 images" in lines[4]
    assert 'Measured with the engine of commit "abc".' in lines


def test_every_requirement_has_a_verdict_that_can_fail():
    # lost: 1.33 points; the cut lost 49, the peer's best 9
    kept = page.page(splits())[-5:]
    assert "- 3 splits each: holds, 1 of 1." in kept
    assert any(line.startswith("- Five models: does not hold") for line in kept)
    assert [" holds, 1 of 1" in line for line in kept] == [False, True, True, True, True]
    # the cut lost 5 and recovery wins 2 of them back; the peer's best lost 2 points, and half of that is 1
    missed = page.page([{**row, "cut": 94.0, "fold": 96.0, "peers": {"L1": (97.0, 90.0)}, "macs": 0.32}
                        for row in splits()[:2]])[-4:]  # fmt: skip
    assert all("does not hold, 0 of 1; not: net without 70 %" in line for line in missed)


def test_the_peer_gets_the_gradients_of_the_mean_loss():
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    images, labels = torch.randn(300, 4), torch.randint(3, (300,))
    subject = Subject("net", model, images, labels, "numbers")
    task = peer.Task(subject, images, labels, 1, 1, frozenset())
    nn.functional.cross_entropy(model(images), labels).backward()
    for parameter, gradient in zip(model.parameters(), task.gradients, strict=True):
        torch.testing.assert_close(gradient, parameter.grad)


def test_every_setting_of_the_peer_has_a_name_of_its_own():
    names = [str(setting) for setting in peer.settings(frozenset({"conv"}))]
    assert len(set(names)) == len(names)
    assert {"L2 global", "Taylor sums local in 5 steps, the same layers"} <= set(names)
    assert not any("same layers" in str(setting) for setting in peer.settings(frozenset()))


def test_layers_that_could_be_cut_and_are_not_are_told():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3))
    traced = engine.trace(model, torch.randn(2, 4))
    plan = engine.Plan(counts=(("0", 3),))
    selection = engine.resolve(traced, plan, model)
    assert peer.left_whole(model, traced, selection) == {"2"}  # the last one gives the answer


def test_rows_of_latency_are_kept_and_taken_again(tmp_path, monkeypatch):
    asked = []

    def measured(name: str) -> latency.Row:
        asked.append(name)
        return latency.Row(name, 1, 1, 1.0, 1.0, [(1.0, 1.0)], 0.6, 0.6, 0.5, "")

    monkeypatch.setattr(latency, "STORE", tmp_path / "latency.jsonl")
    monkeypatch.setattr(latency, "_measured", measured)
    first = latency.measure(["a", "b"])
    assert latency.measure(["a", "b", "c"], resume=True)[:2] == first
    latency.measure(["b"])
    assert asked == ["a", "b", "c", "b"]
