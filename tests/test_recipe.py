"""What the window offers to paste is run, as a user would, and leaves the same counts."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from slimgui import engine
from slimgui.cli import main
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet
from slimgui.core.recipe import as_command, as_mask, as_python, as_supernet

ROOT = Path(__file__).parents[1]
EXAMPLE = str(ROOT / "resources" / "example" / "fashion_cnn.pt")
PLANS = [
    Plan(ratio=0.4, round_to=4, locked=("stage2",), whole=("stage1.0.conv1",)).with_count("stem", 10),
    Plan(ratio=0.3, scope="global", bins=8, min_count=3, importance="l2", only_exact=True)
    .with_indices("stage3.0.expand", [0, 1, 2, 3, 50, 159])
    .with_ratio("stage1", 0.5),
]


@pytest.fixture(scope="module")
def expected() -> list[dict[str, int]]:
    loaded = engine.load(EXAMPLE)
    traced = engine.trace(loaded.model, loaded.example_inputs)
    return [engine.resolve(traced, plan, loaded.model).counts() for plan in PLANS]


def kept_in(path: Path) -> dict[str, int]:
    provenance = engine.load(path, allow_code=False).provenance
    return {name: len(kept) for name, kept in provenance.selection.items()}


@pytest.mark.parametrize("number", range(len(PLANS)))
def test_the_command_line_does_what_the_plan_says(number: int, expected, tmp_path, capsys) -> None:
    words = shlex.split(as_command(PLANS[number], EXAMPLE, "1x1x28x28", str(tmp_path / "small.pt")))
    assert words[0] == "slimgui"
    assert main([*words[1:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"] == expected[number]
    assert kept_in(tmp_path / "small.pt") == expected[number]


def pasted(code: str, folder: Path) -> str:
    """What the code prints, run as a program of the user's own."""
    (folder / "pasted.py").write_text(code, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "pasted.py"],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_python_text_does_what_the_plan_says(expected, tmp_path) -> None:
    assert "passed=True" in pasted(as_python(PLANS[1], EXAMPLE), tmp_path)
    assert kept_in(tmp_path / "small.pt") == expected[1]


def params_of(plan: Plan) -> int:
    """By the engine, in this process."""
    loaded = engine.load(EXAMPLE)
    traced = engine.trace(loaded.model, loaded.example_inputs)
    deployed = engine.deploy(loaded.model, traced, engine.resolve(traced, plan, loaded.model))
    return sum(weight.numel() for weight in deployed.model.parameters())


def test_the_mask_and_the_supernet_to_paste_can_be_trained_and_cut(tmp_path) -> None:
    step = (
        "\nfor module in ({}):\n"
        "    loss = module(*loaded.example_inputs).square().mean()\n"
        "    loss.backward()\n"
        "assert all(weight.grad is not None for weight in loaded.model.parameters())\n"
        "print(sum(weight.numel() for weight in small.parameters()))\n"
    )
    said = pasted(as_mask(PLANS[0], EXAMPLE, "1x1x28x28") + step.format("masked,"), tmp_path)
    assert said.splitlines()[-1] == str(params_of(PLANS[0]))

    plans = PlanSet((("wide", Plan()), ("half's", PLANS[0]), ("deep", Plan(ratio=0.75))), "deep")
    said = pasted(as_supernet(plans, EXAMPLE) + step.format("*supernet.values(),"), tmp_path)
    rows = [f"{name} {params_of(plan)}" for name, plan in plans.plans]
    assert said.splitlines()[:3] == rows
