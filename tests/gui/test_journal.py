"""What is left of a plan when its window is killed, and how the next window gets it back."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from demo import demo
from fakes import FakeTransport
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from slimgui.core import wire
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet, Statistics
from slimgui.gui.facts.notice import Notice
from slimgui.gui.journal.record import Entry
from slimgui.gui.journal.writer import LAST, Journal, orphans, read
from slimgui.gui.main_window import MainWindow
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.data_folder / "journal"


def journals(folder: Path) -> list[Path]:
    return sorted(folder.glob("*-*.json"))


def leave(folder: Path, plans: PlanSet, name: str = "demo.pt", when: float = 0.0) -> Path:
    """A journal that no window writes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"99-{when:.0f}.json"
    path.write_text(Entry(name, f"/models/{name}", "", when, plans).to_json())
    return path


def test_an_entry_comes_back_as_it_was(tmp_path: Path) -> None:
    numbers = tmp_path / "own.safetensors"
    numbers.touch()
    plan = Plan(ratio=0.5, counts=(("stem", 3),))
    plans = PlanSet.numbered("Plan", [plan, Plan()])
    plans = plans.with_statistics("Plan 1", Statistics(plan, str(numbers), "8 samples"))
    entry = Entry("net.pt", "/models/net.pt", "1x3x8x8", 1.5, plans)

    assert Entry.from_json(entry.to_json()).found() == entry
    numbers.unlink()
    assert Entry.from_json(entry.to_json()).found().plans.statistics == ()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"journal": 99}', '{"journal": 1, "name": "a"}', "\x00"])
def test_what_is_no_journal_is_no_entry(tmp_path: Path, text: str) -> None:
    (tmp_path / "1-a.json").write_text(text)
    assert read(tmp_path / "1-a.json") is None
    assert orphans(tmp_path) == []
    assert not (tmp_path / "1-a.json").exists()


def test_the_first_edit_is_written_at_once_and_a_drag_twice_a_second(
    opened: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    journal = Journal(opened, tmp_path)
    writes: list[int] = []
    journal.written.connect(lambda: writes.append(opened.snapshot.counts["stem.conv"]))
    with qtbot.waitSignal(journal.written):
        opened.set_count("stem.conv", 31)
    opened.begin_gesture()
    for count in range(30, 2, -1):  # a debounce would wait for the end of this
        opened.set_count("stem.conv", count)
        qtbot.wait(20)
    opened.end_gesture()
    qtbot.waitUntil(lambda: not journal._due and not journal._pause.isActive())

    (path,) = journals(tmp_path)
    entry = read(path)
    assert entry is not None
    assert entry.plans == opened.plans
    assert (entry.name, entry.source) == ("demo.pt", "/models/demo.pt")
    assert 2 <= len(writes) <= 28 * 20 / 500 + 8  # far fewer than edits, on a slow machine too
    journal.close()


def test_what_is_saved_or_undone_needs_no_journal(opened: Session, tmp_path: Path, qtbot: QtBot) -> None:
    journal = Journal(opened, tmp_path)
    opened.set_ratio(0.5)
    qtbot.waitUntil(lambda: journals(tmp_path) != [])
    opened.undo_stack.undo()
    qtbot.waitUntil(lambda: journals(tmp_path) == [])
    opened.undo_stack.redo()
    qtbot.waitUntil(lambda: journals(tmp_path) != [])
    opened.undo_stack.setClean()
    qtbot.waitUntil(lambda: journals(tmp_path) == [])
    journal.close()


def test_a_folder_that_cannot_be_written_is_said_once(
    opened: Session, tmp_path: Path, qtbot: QtBot, notices: list[Notice]
) -> None:
    (tmp_path / "file").touch()
    journal = Journal(opened, tmp_path / "file")
    opened.set_ratio(0.5)
    opened.set_ratio(0.25)

    assert [notice.what for notice in notices] == ["Your edits cannot be kept safe against a crash."]
    journal.close()


def test_the_journal_of_an_open_window_is_nobody_elses(opened: Session, tmp_path: Path, qtbot: QtBot) -> None:
    journal = Journal(opened, tmp_path)
    opened.set_ratio(0.5)
    qtbot.waitUntil(lambda: journals(tmp_path) != [])
    assert orphans(tmp_path) == []
    journal.close()
    assert journals(tmp_path) == []


def test_a_plan_that_was_left_behind_is_offered_and_restored(
    window: MainWindow, transport: FakeTransport, folder: Path, qtbot: QtBot
) -> None:
    path = leave(folder, PlanSet().with_plan(Plan(ratio=0.5)))
    window.restore.offer()
    assert window.card.what.text().startswith("Restore the plan of demo.pt from 1970-01-01, ")
    assert window.card.refusal.isVisible()

    window.card.offer.click()
    transport.open(demo())

    assert window.session.plans.plan.ratio == 0.5
    assert window.session.undo_stack.undoText().startswith("Restore the plan from")
    assert window.isWindowModified()
    qtbot.waitUntil(lambda: not path.exists())
    assert len(journals(folder)) == 1  # it is in ours now


def test_the_offer_survives_a_question_in_between(
    window: MainWindow, transport: FakeTransport, folder: Path
) -> None:
    leave(folder, PlanSet().with_plan(Plan(ratio=0.5)))
    window.restore.offer()
    window.card.offer.click()
    code = wire.Code("/models/demo.pt", "ab" * 32, ("demo.pt: code",))
    transport.fail("It needs code.", code=code)
    window.session.ask_again(transport.requests[-1], code.sha256)
    transport.open(demo())

    assert window.session.plans.plan.ratio == 0.5


def test_discard_forgets_it_and_offers_the_next(window: MainWindow, folder: Path) -> None:
    old, new = leave(folder, PlanSet(), "old.pt", 1.0), leave(folder, PlanSet(), "new.pt", 2.0)
    window.restore.offer()
    assert "new.pt" in window.card.what.text()
    window.card.refusal.click()
    assert "old.pt" in window.card.what.text()
    assert old.exists()
    assert not new.exists()
    window.card.dismiss()
    window.restore.close()
    assert [orphan.entry.name for orphan in orphans(folder)] == ["old.pt"]


def test_a_plan_that_no_longer_fits_is_told_and_kept(
    window: MainWindow, transport: FakeTransport, folder: Path
) -> None:
    path = leave(folder, PlanSet().with_plan(Plan(counts=(("gone.conv", 3),))))
    window.restore.offer()
    window.card.offer.click()
    transport.open(demo())

    assert window.card.notice.kind == "error"
    assert "gone.conv" in window.card.what.text()
    assert path.exists()


def test_what_was_open_last_is_offered_with_its_saved_plan(
    window: MainWindow, transport: FakeTransport, folder: Path, settings: Settings, qapp: QApplication
) -> None:
    assert not window.welcome.continue_button.isVisible()
    window.session.open("/models/demo.pt", "1x1x28x28")
    transport.open(demo())
    window.session.set_ratio(0.5)
    window.session.undo_stack.setClean()
    window.close()

    entry = read(folder / LAST)
    assert entry is not None
    assert (entry.shape, entry.plans.plan.ratio) == ("1x1x28x28", 0.5)


def test_continue_opens_it_again_as_saved(make_window, transport: FakeTransport, folder: Path) -> None:
    folder.mkdir(parents=True)
    plans = PlanSet().with_plan(Plan(ratio=0.5))
    (folder / LAST).write_text(Entry("demo.pt", "/models/demo.pt", "1x1x28x28", 0.0, plans).to_json())
    window = make_window(transport)
    assert window.welcome.continue_button.isVisible()
    window.welcome.continue_button.click()
    assert transport.requests[-1] == wire.Open(1, "/models/demo.pt", "1x1x28x28")
    transport.open(demo())

    assert window.session.plans == plans
    assert not window.isWindowModified()


def test_edits_made_while_another_model_is_opened_are_kept_and_offered_with_theirs(
    window: MainWindow, transport: FakeTransport
) -> None:
    session = window.session
    session.open("/models/demo.pt")
    transport.open(demo())
    session.open("/models/other.pt")
    session.set_count("stem.conv", 9)  # the user need not wait
    transport.open(demo(1, "other.pt"))
    assert session.document.name == "other.pt"
    assert window.card.what.text() == "Your last edits of demo.pt are kept."

    session.open("/models/demo.pt")
    transport.open(demo())
    assert window.card.what.text().startswith("Restore the plan of demo.pt")
    window.card.offer.click()
    assert session.snapshot.counts["stem.conv"] == 9


def test_edits_that_were_given_up_before_opening_are_not_kept(
    window: MainWindow, transport: FakeTransport, folder: Path
) -> None:
    session = window.session
    session.open("/models/demo.pt")
    transport.open(demo())
    session.set_count("stem.conv", 9)
    session.open("/models/other.pt")  # after the question, which the user answered with Discard
    transport.open(demo(1, "other.pt"))
    assert not window.card.isVisible()
    window.journal._pool.waitForDone()
    assert orphans(folder) == []


def test_edits_that_were_given_up_are_not_offered_again(
    window: MainWindow, transport: FakeTransport, folder: Path, dialogs
) -> None:
    window.session.open("/models/demo.pt")
    transport.open(demo())
    window.session.set_ratio(0.5)
    dialogs.answer = "discard"
    window.close()

    assert journals(folder) == []
    entry = read(folder / LAST)
    assert entry is not None
    assert entry.plans == PlanSet()


KILLED = """
    import os, random, sys, types
    sys.path[:0] = [{tests!r}, {root!r}]
    bare = types.ModuleType("slimgui.engine")  # without its facade, which would import torch
    bare.__path__ = [{root!r} + "/slimgui/engine"]
    sys.modules["slimgui.engine"] = bare
    from PySide6.QtCore import QCoreApplication, QTimer
    from demo import demo
    from fakes import FakeTransport
    from slimgui.gui.journal.writer import Journal
    from slimgui.gui.session import Session
    app = QCoreApplication([])
    transport = FakeTransport()
    session = Session(transport)
    journal = Journal(session, __import__("pathlib").Path({folder!r}))
    session.open("/models/demo.pt")
    transport.open(demo())
    draw = random.Random({seed})
    edits = [0]
    def edit():
        edits[0] += 1
        if edits[0] == {last}:
            os.kill(os.getpid(), 9)
        session.set_count("down.1.conv", 1 + edits[0] % 128)
        print("edit", edits[0] % 128 + 1, flush=True)
    journal.written.connect(lambda: print("written", flush=True))
    timer = QTimer(interval=draw.randint(3, 40))
    timer.timeout.connect(edit)
    timer.start()
    app.exec()
"""


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_killed_window_leaves_all_but_its_last_edits(tmp_path: Path, seed: int) -> None:
    names = {"tests": str(Path(__file__).parent), "root": str(ROOT), "folder": str(tmp_path)}
    script = textwrap.dedent(KILLED).format(**names, seed=seed, last=29 * seed)
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == -9

    said = done.stdout.split("\n")[:-1]
    (orphan,) = orphans(tmp_path)
    counts = [int(line.split()[1]) for line in said if line.startswith("edit")]
    kept = dict(orphan.entry.plans.plan.counts)["down.1.conv"]
    # What a write holds was edited before it began, and it began after the write before it was said: so the
    # journal has at least the edits said before the last word but one of a write.
    writes = [number for number, line in enumerate(said) if line == "written"]
    surely = [line for line in said[: writes[-2]] if line.startswith("edit")] if len(writes) > 1 else said[:1]
    assert counts.index(kept) + 1 >= len(surely) - 1
    orphan.remove()
