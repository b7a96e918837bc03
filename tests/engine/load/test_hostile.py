"""A few of the hostile and broken files that `make soak` opens in the window's engine: a sentence each."""

import itertools

import pytest

from benchmarks.soak.hostile import everything
from benchmarks.soak.payloads import pickles, remove, trips
from slimgui.engine.load import load
from slimgui.errors import LoadError


def test_plain_pickle_runs_the_payloads(tmp_path):
    # Without this nothing would be shown: a canary that cannot be tripped sits on its perch in any case.
    canary = tmp_path / "canary"
    payloads = list(pickles(canary))[::3]  # make soak tries them all
    assert len(payloads) > 40
    assert [name for name, data in payloads if not trips(data, canary)] == []


def test_there_are_more_hostile_files_than_two_hundred(tmp_path):
    names = [(file.kind, file.name) for file in everything(tmp_path / "canary")]
    assert len(set(names)) == len(names) > 200
    assert sum(kind == "truncation" for kind, _ in names) >= 100  # 50 places in two containers
    assert sum(kind == "bit flip" for kind, _ in names) >= 200


def chosen(files):
    """A few of each kind, spread over all of it."""
    for _, group in itertools.groupby(files, lambda file: file.kind):
        members = list(group)
        yield from members[:: max(len(members) // 6, 1)]


def test_a_few_of_every_kind_end_in_a_sentence_and_nothing_runs(tmp_path):
    canary = tmp_path / "canary"
    faults = {}
    files = list(chosen(everything(canary)))
    assert len(files) >= 60
    for number, file in enumerate(files):
        folder = tmp_path / str(number) / "in"
        folder.mkdir(parents=True)
        path = file.make(folder)
        with pytest.raises(LoadError) as refusal:
            load(path, allow_code=False)
        error = refusal.value
        if remove(canary) or not error.what.endswith(".") or not (error.why or error.hint):
            faults[file.kind, file.name] = str(error)
    assert faults == {}
