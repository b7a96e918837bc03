"""The session with a transport that has no process."""

from pathlib import Path

from demo import demo
from fakes import FakeTransport

from slimgui.core import wire
from slimgui.core.plan import Plan
from slimgui.gui.facts.notice import Notice
from slimgui.gui.session import Session


def kept(session: Session, group: str = "stem.conv") -> int:
    assert session.snapshot
    return session.snapshot.counts[group]


def test_an_edit_changes_plan_cost_and_title_mark(opened: Session) -> None:
    changes = []
    opened.snapshot_changed.connect(changes.append)

    opened.set_count("stem.conv", 16)

    assert kept(opened) == 16
    assert opened.modified
    assert opened.snapshot.cost.params < opened.base.cost.params
    assert changes[0].groups == {"stem.conv"}
    assert opened.undo_stack.undoText() == "Keep 16 of 32 channels of stem.conv"


def test_undo_and_redo_put_whole_plans_back(opened: Session) -> None:
    opened.set_count("stem.conv", 16)
    opened.set_ratio(0.5)
    plan = opened.snapshot.plan

    opened.undo_stack.undo()
    assert (kept(opened), opened.snapshot.plan.ratio) == (16, 0)
    opened.undo_stack.undo()
    assert opened.snapshot.plan == Plan()
    assert not opened.modified
    opened.undo_stack.redo()
    opened.undo_stack.redo()
    assert opened.snapshot.plan == plan


def test_steps_of_one_gesture_are_one_undo_step(opened: Session) -> None:
    opened.begin_gesture()
    for count in (31, 30, 29):
        opened.set_count("stem.conv", count)
    opened.end_gesture()
    opened.begin_gesture()
    opened.set_ratio(0.1)
    opened.set_ratio(0.2)
    opened.end_gesture()

    assert opened.undo_stack.count() == 2
    opened.undo_stack.undo()
    assert kept(opened) == 29
    opened.undo_stack.undo()
    assert kept(opened) == 32


def test_a_gesture_that_ends_where_it_began_leaves_no_step(opened: Session) -> None:
    opened.begin_gesture()
    opened.set_count("down.0.conv", 9)
    opened.set_ratio(0.3)
    opened.set_ratio(0.0)
    opened.end_gesture()

    assert opened.undo_stack.count() == 1


def test_two_edits_without_a_gesture_are_two_steps(opened: Session) -> None:
    opened.set_count("stem.conv", 30)
    opened.set_count("stem.conv", 29)

    assert opened.undo_stack.count() == 2


def test_a_group_set_by_hand_keeps_its_count_until_it_is_reset(opened: Session) -> None:
    opened.set_count("stem.conv", 30)
    opened.set_ratio(0.5)
    assert (kept(opened), kept(opened, "down.0.conv")) == (30, 32)

    opened.select("stem.conv")
    opened.marks.reset()
    assert kept(opened) == 16


def test_a_locked_group_is_refused_with_its_reason(opened: Session, notices: list[Notice]) -> None:
    opened.set_count("classifier", 5)

    assert kept(opened, "classifier") == 10
    assert opened.undo_stack.count() == 0
    assert "output of the model" in notices[-1].why


def test_a_failed_open_leaves_everything_as_it_was(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.set_count("stem.conv", 16)
    document = opened.document

    opened.open("/models/bad.pt")
    transport.fail("This is not a model.", details="Traceback")

    assert opened.document is document
    assert kept(opened) == 16
    assert opened.undo_stack.canUndo()
    assert notices[-1].what == "This is not a model."
    assert opened.task is None


def test_late_answers_of_a_cancelled_task_are_ignored(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.open("/models/other.pt")
    opened.cancel()
    transport.open(demo(1, "other.pt"))

    assert opened.document.name == "demo.pt"
    assert notices[-1].kind == "note"
    assert notices[-1].what == "Cancelled opening other.pt."


def test_a_save_makes_the_plan_count_as_saved(opened: Session, transport: FakeTransport) -> None:
    opened.set_count("stem.conv", 16)
    opened.files.save("/tmp/no-such-folder/small.pt")
    request = transport.requests[-1]
    assert isinstance(request, wire.Save)
    assert request.plan == opened.snapshot.plan
    transport.save()

    assert not opened.modified
    opened.undo_stack.undo()
    assert opened.modified


def test_a_save_holds_one_plan_and_the_others_count_as_unsaved(
    opened: Session, transport: FakeTransport, notices: list[Notice], tmp_path: Path
) -> None:
    opened.set_ratio(0.25)
    opened.edit_plans("Add", opened.plans.branched("deep"))
    opened.set_ratio(0.75)
    opened.files.save("/tmp/no-such-folder/deep.pt")
    transport.save()
    assert opened.modified  # closing asks: "Plan 1" is in no file
    assert "Not saved yet: “Plan 1”" in notices[-1].why

    opened.files.save_plans(str(tmp_path / "plans.json"))
    assert not opened.modified
    opened.set_ratio(0.5)
    opened.files.save("/tmp/no-such-folder/deep.pt")
    transport.save()
    assert not opened.modified  # "Plan 1" is in the file of plans
    assert "Not saved yet" not in notices[-1].why


def test_an_edit_during_a_save_is_not_taken_for_saved(opened: Session, transport: FakeTransport) -> None:
    opened.set_count("stem.conv", 16)
    opened.files.save("/tmp/no-such-folder/small.pt")
    opened.set_count("stem.conv", 15)
    transport.save()

    assert opened.modified


def test_a_crash_while_opening_is_a_sentence(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.open("/models/huge.pt")
    transport.stop(log="Killed")

    assert opened.task is None
    assert notices[-1].what == "The engine stopped while opening huge.pt."
    assert notices[-1].why == "The open document is unchanged."
    assert notices[-1].details == "Killed"


def test_after_a_crash_a_save_reads_the_model_again_first(opened: Session, transport: FakeTransport) -> None:
    opened.set_count("stem.conv", 16)
    transport.stop()
    opened.files.save("/tmp/no-such-folder/small.pt")
    again = transport.requests[-1]
    assert isinstance(again, wire.Open)
    assert again.source == "/models/demo.pt"
    transport.open(demo())
    request = transport.requests[-1]
    assert isinstance(request, wire.Save)
    assert request.document == again.task
    transport.save()

    assert not opened.modified
    assert kept(opened) == 16


def test_a_file_that_is_gone_when_a_fresh_engine_reads_it_is_told_with_what_keeps_the_plans(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.set_count("stem.conv", 16)
    transport.stop()
    opened.files.verify()
    transport.fail("There is no file /models/demo.pt.", hint="Check the name.")

    assert notices[-1].what == "demo.pt cannot be read again."
    assert notices[-1].why == "There is no file /models/demo.pt."
    assert "Save Plans" in notices[-1].hint
    assert kept(opened) == 16


def test_a_proof_is_not_said_of_a_plan_that_was_changed_meanwhile(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.set_ratio(0.25)
    opened.files.verify()
    opened.set_ratio(0.5)
    transport.answer(wire.Verified, proof=wire.ProofRow(True, 3e-7, "numeric"))
    assert notices[-1].what == "“Plan 1” was changed while it was proven."
    assert notices[-1].kind == "note"


def test_a_file_that_changed_meanwhile_is_not_saved(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    transport.stop()
    opened.files.save("/tmp/no-such-folder/small.pt")
    transport.open(demo(1))

    assert notices[-1].what == "demo.pt has changed since it was opened."
    assert opened.document == demo()
    assert isinstance(transport.requests[-1], wire.Open)


def test_an_engine_that_never_starts_says_what_to_check(
    session: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    session.open("/models/demo.pt")
    transport.stop(ready=False, log="No module named 'torch'")

    assert "could not start" in notices[-1].what
    assert "PyTorch" in notices[-1].hint
    assert "torch" in notices[-1].details


def test_a_second_task_waits_for_the_first(
    session: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    session.open("/models/one.pt")
    session.open("/models/two.pt")

    assert len(transport.requests) == 1
    assert "still opening one.pt" in notices[-1].what


def test_an_unproven_model_is_saved_only_on_the_users_word(
    opened: Session, transport: FakeTransport, notices: list[Notice]
) -> None:
    opened.files.save("/tmp/no-such-folder/small.pt")
    row = wire.ProofRow(False, None, "structural", "Why.")
    transport.answered.emit(wire.Unproven(transport.requests[-1].task, "/tmp/no-such-folder/small.pt", row))
    assert (notices[-1].offer, notices[-1].subject) == ("accept", "/tmp/no-such-folder/small.pt")

    opened.files.save(notices[-1].subject, accept_unproven=True)
    assert transport.requests[-1].accept_unproven


def test_the_original_is_never_replaced(
    session: Session, transport: FakeTransport, notices: list[Notice], tmp_path
) -> None:
    source = tmp_path / "net.pt"
    source.touch()
    session.open(str(source))
    transport.open(demo(source=str(source)))

    session.files.save(str(source))

    assert len(transport.requests) == 1
    assert "replace the original" in notices[-1].what
