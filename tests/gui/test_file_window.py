"""Looking into a file, proving a saved one again, and opening what a file does not say alone."""

from pathlib import Path

import pytest
from demo import demo
from fakes import FakeDialogs, FakeTransport
from program import Program
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QAbstractButton, QDialog, QWidget
from pytestqt.qtbot import QtBot

from slimgui import resources
from slimgui.core import wire
from slimgui.gui.dialogs.sources import OpenWithDialog, ProveDialog
from slimgui.gui.main_window import MainWindow
from slimgui.gui.models.tensors import Column, TensorModel
from slimgui.gui.models.texts import TextModel
from slimgui.gui.settings import Settings
from slimgui.gui.views.file_window import FileWindow

STRICT = QAbstractItemModelTester.FailureReportingMode.Fatal
SETS = (
    wire.WeightSet(
        "model",
        ("layer10.weight", "layer2.weight", "layer2.bias"),
        ("8x4", "64x4x3x3", ""),
        ("float32", "float16", "float32"),
        (128, 4608, 4),
    ),
    wire.WeightSet("ema", ("layer2.weight",), ("64x4x3x3",), ("float32",), (9216,)),
)
FOUND = wire.Looked(
    0,
    path="/models/run.pt",
    kind="a checkpoint of torch.save",
    bytes=20_000,
    runs="Opening it would run 1 thing that no file may run.",
    facts=(("Kind", "a checkpoint of torch.save"), ("SHA-256", "ab" * 32)),
    sets=SETS,
    asks=(wire.Global("os.system", "this file tries to run programs", allowed=False),),
    refusal=("run.pt was not opened.", "It names os.system.", "Do not open it."),
)


def look(window: MainWindow, transport: FakeTransport, found: wire.Looked = FOUND) -> FileWindow:
    """The window that an answer opens."""
    window.session.others.look(found.path)
    transport.answered.emit(_with_task(found, transport))
    return next(shown for shown in window.findChildren(FileWindow) if shown.isVisible())


def _with_task(found: wire.Looked, transport: FakeTransport) -> wire.Looked:
    names = found.__struct_fields__
    fields = {name: getattr(found, name) for name in names}
    return wire.Looked(**{**fields, "task": transport.requests[-1].task})


def names(shown: FileWindow) -> list[str]:
    return [shown.tensors.index(row, Column.NAME).data() for row in range(shown.tensors.rowCount())]


def test_a_file_is_looked_into_while_no_model_is_open(
    window: MainWindow, transport: FakeTransport, dialogs: FakeDialogs, settings: Settings, tmp_path: Path
) -> None:
    dialogs.path = str(tmp_path / "run.pt")
    window.menus.actions["look"].trigger()
    request = transport.requests[-1]
    assert isinstance(request, wire.Look)
    assert (request.path, settings.folder) == (dialogs.path, str(tmp_path))
    assert window.session.task.doing == "looking into run.pt"
    assert "still looking into run.pt" in window.menus.actions["look"].property("reason")
    transport.answered.emit(_with_task(FOUND, transport))

    shown = window.findChild(FileWindow)
    assert shown.isVisible()
    assert not shown.isModal()
    assert window.session.document is None
    assert shown.windowTitle() == "In run.pt"
    shown.close()


def test_the_open_model_is_kept_and_two_files_may_be_looked_into(
    window: MainWindow, transport: FakeTransport
) -> None:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
    held = window.session.tasks.held
    one, other = look(window, transport), look(window, transport)
    assert one.isVisible()
    assert (window.session.document.name, window.session.tasks.held) == ("demo.pt", held)
    one.close()
    other.close()


def test_a_restarted_engine_looks_into_a_file_before_it_reads_the_open_model(
    window: MainWindow, transport: FakeTransport
) -> None:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
    transport.stop()
    window.session.others.look("/models/run.pt")
    assert isinstance(transport.requests[-1], wire.Look)
    transport.fail("No.")
    window.session.set_ratio(0.5)
    window.session.files.verify()
    assert isinstance(transport.requests[-1], wire.Open)


def test_tensors_are_found_and_sorted_by_the_numbers_in_their_names(
    window: MainWindow, transport: FakeTransport
) -> None:
    shown = look(window, transport)
    assert names(shown) == ["layer10.weight", "layer2.weight", "layer2.bias", "layer2.weight"]
    assert shown.count.text() == "4 tensors"
    shown.table.sortByColumn(Column.NAME, Qt.SortOrder.AscendingOrder)
    assert names(shown) == ["layer2.bias", "layer2.weight", "layer2.weight", "layer10.weight"]
    shown.table.sortByColumn(Column.SIZE, Qt.SortOrder.DescendingOrder)
    assert [shown.tensors.index(row, Column.SIZE).data() for row in range(4)] == [
        "9.22 KB", "4.61 KB", "128 bytes", "4 bytes",
    ]  # fmt: skip
    shown.search.setText("FLOAT32 64x4")
    assert (names(shown), shown.count.text()) == (["layer2.weight"], "1 of 4 tensors")
    assert shown.tensors.index(0, Column.SET).data() == "ema"
    assert not shown.table.isColumnHidden(Column.SET)
    # 64 * 4 * 3 * 3 = 2,304
    assert shown.tensors.index(0, Column.NUMBERS).data() == "2,304"
    shown.close()


def test_selected_rows_are_copied_with_their_titles_all_when_none_is(
    window: MainWindow, transport: FakeTransport, qtbot: QtBot
) -> None:
    shown = look(window, transport)
    shown.copy_button.click()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t") == ["Tensor", "Shape", "Type", "Numbers", "Size", "Lies in"]
    assert len(lines) == 5
    assert lines[2].split("\t")[:3] == ["layer2.weight", "64 × 4 × 3 × 3", "float16"]
    shown.table.selectRow(2)
    shown.activateWindow()
    shown.table.setFocus()
    qtbot.waitUntil(shown.table.hasFocus)
    qtbot.keyClick(shown.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text().splitlines()[1].startswith("layer2.bias\ta single number")
    shown.tabs.setCurrentIndex(2)
    shown.copy_button.click()
    line = "os.system\tNot allowed\tthis file tries to run programs"
    assert QGuiApplication.clipboard().text().splitlines()[1] == line
    shown.close()


def test_a_file_that_cannot_be_opened_says_why_and_one_that_can_is_opened(
    window: MainWindow, transport: FakeTransport
) -> None:
    shown = look(window, transport)
    assert not shown.open_button.isEnabled()
    assert shown.open_button.toolTip() == "run.pt was not opened."
    shown.close()

    fine = wire.Looked(0, "/models/fine.pt", "safetensors", 10, "Opening it runs nothing.", sets=SETS[1:])
    shown = look(window, transport, fine)
    assert shown.table.isColumnHidden(Column.SET)
    shown.open_button.click()
    request = transport.requests[-1]
    assert isinstance(request, wire.Open)
    assert request.source == "/models/fine.pt"
    shown.close()


def test_a_refused_file_can_be_looked_into_from_its_card(
    window: MainWindow, transport: FakeTransport, tmp_path: Path
) -> None:
    path = tmp_path / "notes.pt"
    path.write_text("no model")
    window.document_actions.open_source(str(path))
    transport.fail("notes.pt is no model.")
    assert window.card.offer.text() == "Look into the File…"
    window.card.offer.click()
    request = transport.requests[-1]
    assert isinstance(request, wire.Look)
    assert request.path == str(path)

    transport.fail("It is gone.")
    assert not window.card.offer.isVisible()
    window.document_actions.open_source("no.such:factory")
    transport.fail("There is no module no.")
    assert not window.card.offer.isVisible()


def test_words_of_a_file_are_never_taken_for_markup(window: MainWindow, transport: FakeTransport) -> None:
    shown = look(window, transport, wire.Looked(0, "/models/<b>x.pt", "<img src=a>", 1, "<a href=b>run</a>"))
    labels = [label for label in shown.findChildren(QWidget) if "<" in str(label.property("text") or "")]
    assert len(labels) == 3
    assert {label.textFormat() for label in labels} == {Qt.TextFormat.PlainText}
    shown.close()


def test_the_tables_of_a_file_keep_their_promises(qtbot: QtBot) -> None:
    model = TensorModel(SETS)
    texts = TextModel(("What", "Says"), FOUND.facts)
    testers = [QAbstractItemModelTester(one, STRICT) for one in (model, texts, TensorModel(()))]
    model.find("layer2")
    model.sort(Column.SHAPE, Qt.SortOrder.DescendingOrder)
    assert [model.index(row, 1).data() for row in range(3)][-1] == "a single number"
    model.find("nothing of the kind")
    assert (model.rowCount(), model.size) == (0, 4)
    del testers


def nameless(parent: QWidget) -> list[str]:
    return [
        type(widget).__name__
        for widget in parent.findChildren(QWidget)
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not (widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text()))
        and not widget.objectName().startswith("qt_")
    ]


def test_every_control_has_an_accessible_name(window: MainWindow, transport: FakeTransport) -> None:
    shown = look(window, transport)
    dialogs: list[QDialog] = [ProveDialog(window, ""), OpenWithDialog(window, "", "")]
    for one in (shown, *dialogs):
        assert nameless(one) == []
        one.close()
        one.deleteLater()


# --- proving a saved file


def test_a_saved_file_is_proven_against_the_open_model(
    window: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    window.document_actions.open_source("/models/demo.pt")
    transport.open(demo())
    dialogs.named = wire.Prove(0, "/tmp/small.pt", "/models/demo.pt")
    window.menus.actions["prove"].trigger()
    assert dialogs.asked[-1] == "/models/demo.pt"
    request = transport.requests[-1]
    assert isinstance(request, wire.Prove)
    assert (request.small, request.original) == ("/tmp/small.pt", "/models/demo.pt")

    proof = wire.ProofRow(True, 3e-7, "numeric")
    transport.answer(wire.Verified, proof=proof, small="/tmp/small.pt", original="/models/demo.pt")
    assert window.card.what.text() == "small.pt is proven."
    assert "Against /models/demo.pt." in window.card.why.text()

    window.menus.actions["prove"].trigger()
    proof = wire.ProofRow(False, 0.5, "numeric", "The outputs part in stem.", "stem")
    transport.answer(wire.Verified, proof=proof, small="/tmp/small.pt", original="/models/demo.pt")
    assert window.card.what.text() == "small.pt is not proven."
    assert "The outputs part in stem." in window.card.why.text()


def test_a_proof_whose_original_needs_code_asks_and_goes_on(
    window: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    dialogs.named = wire.Prove(0, "/tmp/small.pt", "/models/net.py:build", "1x3x8x8")
    window.menus.actions["prove"].trigger()
    code = wire.Code("/models/net.py", "ab" * 32, ("net.py: this program",))
    transport.fail("net.py was not run.", code=code)
    dialogs.consents = "once"
    window.card.offer.click()
    request = transport.requests[-1]
    assert isinstance(request, wire.Prove)
    assert (request.trusted, request.shape) == ((code.sha256,), "1x3x8x8")
    transport.fail("No shape.", needs="inputs")
    assert not window.card.offer.isVisible()  # the dialog has a field for it


def test_the_dialog_of_a_proof_wants_a_file_that_is_there(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = ProveDialog(window, "/models/demo.pt")
    qtbot.addWidget(dialog)
    assert (dialog.run.isEnabled(), dialog.problem.text()) == (False, "Choose the file to prove.")
    dialog.small.line.setText(str(tmp_path / "gone.pt"))
    assert dialog.problem.text().startswith("There is no ")
    (tmp_path / "small.pt").touch()
    dialog.small.line.setText(str(tmp_path / "small.pt"))
    assert dialog.run.isEnabled()
    dialog.shape.setText("1x3xlarge")
    assert dialog.problem.text() == "'1x3xlarge' is no shape, as 1x3x224x224."
    dialog.shape.setText("1x3x8x8, 2x16:30522")
    dialog.is_timed.setChecked(True)
    assert dialog.wanted() == wire.Prove(
        0, str(tmp_path / "small.pt"), "/models/demo.pt", "1x3x8x8, 2x16:30522", is_timed=True
    )


def test_a_saved_file_is_timed_beside_its_original_as_latency_is_measured(
    window: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    window.session.insight.use_threads(2)
    dialogs.named = wire.Prove(0, "/tmp/small.pt", "/models/demo.pt", is_timed=True)
    window.menus.actions["prove"].trigger()
    request = transport.requests[-1]
    assert (request.is_timed, request.device, request.threads) == (True, "cpu", 2)
    timed = wire.Timed(0, "cpu, 2 threads", 0.01, 0.005, (0.001, 0.001), "A warning.")
    proof = wire.ProofRow(True, 3e-7, "numeric")
    transport.answer(
        wire.Verified, proof=proof, small="/tmp/small.pt", original="/models/demo.pt", timed=timed
    )
    for said in (
        "Proven",
        "5.00 ms of 10.0 ms for one forward pass, measured in turns.",
        "A warning.",
        "2 threads",
    ):
        assert said in window.card.why.text()


# --- opening with help


def test_weights_are_opened_with_their_model_and_another_shape(
    window: MainWindow, transport: FakeTransport, dialogs: FakeDialogs
) -> None:
    dialogs.named = ("/models/w.pt@torchvision.models:resnet18", "1x3x64x64")
    window.menus.actions["open_with"].trigger()
    request = transport.requests[-1]
    assert isinstance(request, wire.Open)
    assert (request.source, request.shape) == dialogs.named
    transport.open(demo(source=request.source))
    window.menus.actions["open_with"].trigger()  # starts with what is open
    assert dialogs.asked[-2:] == [request.source, "1x3x64x64"]


def test_the_dialog_takes_a_source_apart_and_puts_it_together(window: MainWindow, qtbot: QtBot) -> None:
    dialog = OpenWithDialog(window, "/models/w.pt#ema@net.py:build", "1x3x8x8")
    qtbot.addWidget(dialog)
    assert (dialog.source.text(), dialog.factory.text()) == ("/models/w.pt#ema", "net.py:build")
    assert dialog.wanted() == ("/models/w.pt#ema@net.py:build", "1x3x8x8")
    dialog.factory.line.clear()
    assert dialog.wanted() == ("/models/w.pt#ema", "1x3x8x8")
    dialog.source.line.clear()
    assert not dialog.run.isEnabled()
    QTest.keyClicks(dialog.source.line, "torchvision.models:resnet18")
    assert dialog.run.isEnabled()


# --- with the real engine


@pytest.mark.timeout(300)
def test_the_example_is_looked_into_slimmed_and_its_file_proven_again(
    program: Program, tmp_path: Path
) -> None:
    window, session = program.window, program.window.session
    program.dialogs.path = str(resources.path(resources.EXAMPLE))
    window.menus.actions["look"].trigger()
    program.wait_idle()
    shown = window.findChild(FileWindow)
    assert shown.tensors.size > 100
    shown.search.setText("stem.weight")
    assert shown.tensors.rowCount() == 1
    shown.open_button.click()
    program.wait_idle()
    assert session.document, program.notices
    shown.close()

    session.set_ratio(0.5)
    program.dialogs.path = str(tmp_path / "small.pt")
    window.menus.actions["save"].trigger()
    program.wait_idle()
    program.dialogs.named = wire.Prove(0, str(tmp_path / "small.pt"))
    window.menus.actions["prove"].trigger()
    program.wait_idle()
    assert program.notices[-1].what == "small.pt is proven.", program.notices[-1]
