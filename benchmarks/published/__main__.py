"""Slim trained checkpoints that others published in packages, and try whether they still do their task.

python -m benchmarks.published [--only digits,faces] [--packages build/published]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.published import document
from benchmarks.published.material import FOLDER
from benchmarks.published.models import REFUSED, ROWS, Net, Row

ROOT = Path(__file__).resolve().parents[2]
STORE = ROOT / "build" / "published.json"
SECONDS = 3600  # for one step: folding runs both models once for every layer


def main() -> int:
    """A line for each row; 1 when a cut is not proven, or a task cannot be run."""
    parser = argparse.ArgumentParser(prog="make published ARGS=...", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="tasks, separated by commas")
    parser.add_argument(
        "--packages", type=Path, default=ROOT / "build" / "published", help="the folder they are in"
    )
    options = parser.parse_args()
    os.environ |= _environment(options.packages.resolve())
    wanted = [row for row in ROWS if not options.only or row.task in options.only.split(",")]
    found: dict[str, Any] = json.loads(STORE.read_text(encoding="utf-8")) if STORE.exists() else {}
    for row in wanted:
        with tempfile.TemporaryDirectory() as folder:
            found[row.task] = _row(row, Path(folder))
        print(document.line(row, found[row.task]), flush=True)
        _keep(found)
    if not options.only:
        found["refused"] = dict(_refusals())
        _keep(found)
    return int(any(document.is_fault(found[row.task]) for row in wanted))


def _environment(packages: Path) -> dict[str, str]:
    """Of every step: the packages are found behind this repository, and nothing is fetched."""
    paths = os.pathsep.join((str(ROOT), str(packages)))
    return {
        FOLDER: str(packages),
        "PYTHONPATH": paths,
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
    }


def _row(row: Row, folder: Path) -> dict[str, Any]:
    nets = {net.name: _step("slim", row.task, net.name, str(folder / f"{net.name}.pt")) for net in row.nets}
    failed = next((one for one in nets.values() if "error" in one), None)
    return {"nets": nets, "task": failed or _step("use", row.task, str(folder))}


def _step(*words: str) -> dict[str, Any]:
    """What the step printed; or {"error": its last line}."""
    command = [sys.executable, "-m", "benchmarks.published.steps", *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {SECONDS} s"}
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]}
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _refusals() -> Iterator[tuple[str, list[str]]]:
    """What the command line says to files that cannot be slimmed, or not without more."""
    for net in REFUSED:
        yield f"{net.file} {net.factory}".strip(), _refused(net)


def _refused(net: Net) -> list[str]:
    file = Path(os.environ[FOLDER]) / net.file
    model = ["--model", net.factory] if net.factory else []
    command = [sys.executable, "-m", "slimgui", "slim", str(file), *model, "--ratio", "0.3", "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    return [str(done.returncode), *done.stderr.strip().splitlines()]


def _keep(found: dict[str, Any]) -> None:
    STORE.parent.mkdir(exist_ok=True)
    STORE.write_text(json.dumps(found), encoding="utf-8")
    document.write(ROOT / "docs" / "published.md", found)


if __name__ == "__main__":
    sys.exit(main())
