"""The whole program: real widgets, the real child process, real files."""

import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from program import PATIENCE, Program
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from slimgui import resources
from slimgui.gui.views.delegates import CountEditor

ROOT = Path(__file__).parents[2]

CHECK = """
import json, sys
sys.path[:0] = [sys.argv[3], sys.argv[3] + "/tests"]
import torch
import oracle
from slimgui import engine

original, small = engine.load(sys.argv[1]), engine.load(sys.argv[2])
kept = small.provenance.kept
masked = oracle.zeroed(original.model, kept)
wrong = oracle.zeroed(original.model, oracle.shifted(kept, original.model))
x = torch.randn(5, *original.example_inputs[0].shape[1:], generator=torch.Generator().manual_seed(7))
with torch.no_grad():
    single = oracle.error([masked.eval()(x)], [small.model.eval()(x)])
want, have = oracle.run(masked, (x,)), oracle.run(small.model, (x,))
count = lambda model: sum(p.numel() for p in model.parameters())
print(json.dumps({
    "before": count(original.model), "after": count(small.model), "spread": float(want[0].std()),
    "float32": single, "float64": oracle.error(want, have),
    "control": oracle.error(oracle.run(wrong, (x,)), have),
}))
"""


@pytest.mark.timeout(300)
def test_a_group_is_halved_undone_redone_saved_and_the_file_proves_equal(
    program: Program, tmp_path: Path, qtbot: QtBot
) -> None:
    window, target = program.window, tmp_path / "small.pt"
    document = program.open_example()
    assert window.panels.graph.isVisible()
    assert len(window.panels.groups.shown_rows()) == len(document.groups)
    group = next(row for row in document.groups if row.locked is None and row.size >= 16)
    before = window.session.snapshot.cost

    window.session.select(group.id)
    window.menus.actions["edit_count"].trigger()
    editor = window.panels.groups.tree.findChild(CountEditor)
    editor.selectAll()
    qtbot.keyClicks(editor, "50%")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    half = window.session.snapshot
    assert half.counts[group.id] == group.size // 2
    assert half.cost.params < before.params
    assert half.cost.macs < before.macs
    window.menus.actions["undo"].trigger()
    assert window.session.snapshot.cost == before
    assert not window.isWindowModified()
    window.menus.actions["redo"].trigger()
    assert window.session.snapshot == half

    program.dialogs.path = str(target)
    window.menus.actions["save"].trigger()
    program.wait_idle()
    assert program.notices[-1].kind == "success", program.notices[-1]
    assert "Proven" in window.card.why.text()
    assert not window.isWindowModified()

    found = check(target)
    assert found["after"] == half.cost.params < found["before"] == before.params
    assert found["spread"] > 1e-2  # the outputs are no constants
    assert found["float32"] <= 1e-5
    assert found["float64"] <= 1e-10
    assert found["control"] > 1e-8  # 100 x the tolerance: a wrong index would have been seen


@pytest.mark.timeout(300)
def test_plans_of_the_window_are_those_of_the_engine(program: Program, tmp_path: Path) -> None:
    """What the window shows, writes and reads is what the engine makes of the plan."""
    window, session = program.window, program.window.session
    program.open_example()
    session.set_ratio(0.5)
    window.menus.actions["plan_global"].trigger()
    program.wait_idle()
    shown = dict(session.snapshot.counts)
    assert shown != {row.id: row.size - row.size // 2 for row in session.document.groups}

    program.dialogs.path = str(tmp_path / "kept.json")
    window.menus.actions["plan_kept"].trigger()
    program.wait_idle()
    kept = json.loads((tmp_path / "kept.json").read_text())["groups"]
    sizes = {row.id: row.size for row in session.document.groups}
    assert {name: len(kept.get(name, range(size))) for name, size in sizes.items()} == shown

    program.dialogs.path = str(tmp_path / "widths.yaml")
    for key in ("plan_export", "plan_open"):
        window.menus.actions[key].trigger()
        program.wait_idle()
    assert session.plans.names == ("Plan 1", "widths")
    assert session.snapshot.counts == shown
    assert session.snapshot.plan.importance == "first"


def check(target: Path) -> dict[str, float]:
    """What a fresh process says about the saved file."""
    arguments = [str(resources.path(resources.EXAMPLE)), str(target), str(ROOT)]
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CHECK), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.timeout(300)
def test_a_child_killed_during_a_trace_is_a_sentence_and_the_next_open_works(
    program: Program, tmp_path: Path, qtbot: QtBot
) -> None:
    document = program.open_example()
    window = program.window
    phases: list[str] = []
    program.worker.answered.connect(lambda answer: phases.append(getattr(answer, "phase", "")))
    window.document_actions.open_source("torchvision.models:resnet50")
    qtbot.waitUntil(lambda: any("through the model" in phase for phase in phases), timeout=PATIENCE)
    os.kill(program.worker.pid, signal.SIGKILL)
    program.wait_idle()

    assert program.notices[-1].what == "The engine stopped while opening torchvision.models:resnet50."
    assert window.card.isVisible()
    assert window.session.document == document
    window.session.set_ratio(0.5)
    assert window.session.snapshot.cost.params < window.session.base.cost.params
    program.dialogs.path, program.dialogs.answer = str(tmp_path / "small.pt"), "discard"
    window.menus.actions["save"].trigger()  # the fresh engine reads the model again first
    program.wait_idle()
    assert program.notices[-1].kind == "success", program.notices[-1]
    assert program.open_example() == document


class Evil:
    """Runs a command when a careless program unpickles it."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.proof}",)


@pytest.mark.timeout(300)
def test_files_that_are_no_models_are_three_sentences_and_run_nothing(
    program: Program, tmp_path: Path
) -> None:
    document = program.open_example()
    proof = tmp_path / "executed"
    text, cut, evil = tmp_path / "notes.txt", tmp_path / "cut.pt", tmp_path / "evil.pt"
    text.write_text("Not a model, just a shopping list.\n")
    whole = resources.path(resources.EXAMPLE).read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    evil.write_bytes(pickle.dumps(Evil(proof)))

    said = [program.open(path) for path in (text, cut, evil)]

    assert len({notice.what for notice in said if notice}) == 3
    for notice in said:
        assert notice is not None
        assert notice.kind == "error"
        assert notice.hint
        assert "Traceback" not in notice.what + notice.why + notice.hint
    assert not proof.exists()
    assert program.window.session.document == document


def test_the_engine_draws_other_modules_and_single_ops(program: Program, qtbot: QtBot) -> None:
    document = program.open_example()
    window, layers = program.window, len(document.graph.layers)
    opened = len(window.panels.graph.picture.boxes)

    window.menus.actions["graph_close"].trigger()
    qtbot.waitUntil(lambda: len(window.panels.graph.picture.boxes) < opened, timeout=PATIENCE)
    window.menus.actions["graph_layers"].trigger()
    qtbot.waitUntil(lambda: len(window.panels.graph.picture.boxes) == layers, timeout=PATIENCE)
    window.menus.actions["graph_ops"].trigger()
    program.wait_idle()

    assert len(window.session.document.graph.layers) > layers  # norms and activations are ops of their own
    assert window.session.document.groups == document.groups


@pytest.mark.timeout(300)
def test_a_smaller_model_of_a_users_class_opens_with_the_factory_of_that(
    program: Program, tmp_path: Path
) -> None:
    net, small = tmp_path / "net.py", tmp_path / "small.safetensors"
    net.write_text(OWN_NET)
    window, dialogs = program.window, program.dialogs
    dialogs.consents, dialogs.path, dialogs.answer = "once", str(small), "discard"
    program.open_source(f"{net}:build")
    window.session.set_ratio(0.5)
    window.menus.actions["save"].trigger()
    program.wait_idle()
    assert small.exists(), program.notices[-1]

    dialogs.chosen = f"{small}@{net}:build"
    program.open_source(str(small))
    assert window.session.document.name == "small.safetensors", program.notices
    assert {row.size for row in window.session.document.groups if row.locked is None} == {8}


OWN_NET = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = torch.nn.Conv2d(3, 16, 3), torch.nn.Conv2d(16, 4, 3)

    def forward(self, x):
        return self.two(self.one(x).relu())

def build():
    return Net()
"""
