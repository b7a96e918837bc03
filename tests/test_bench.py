from benchmarks.accuracy import __main__ as accuracy
from benchmarks.bench import document, growth, speed


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


def test_a_row_of_accuracy_is_the_mean_over_the_seeds():
    row = {
        "model": "net",
        "data": "pictures",
        "what": "images",
        "samples": 1000,
        "held": 3000,
        "share": 0.7,
        "macs": 0.29,
    }
    row |= {"whole": 99.0, "cut": 50.0, "absorb": 50.0, "recalibrate": 60.0}
    row |= {"peer": 80.0, "peer_name": "L1 local", "peer_norms": 81.0, "peer_norms_name": "L2 local"}
    lines = accuracy.table([{**row, "seed": 0, "fold": 97.0}, {**row, "seed": 1, "fold": 98.0}])
    cells = "net | 2 | 71.0 % | 99.00 | 50.00 | 50.00 | 60.00 | 97.50 | 80.00 | L1 local | 81.00 | L2 local"
    assert lines[2] == f"| {cells} |"
    assert "random splits into 1,000 images" in lines[-1]
