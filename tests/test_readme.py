"""The code in the README runs as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_fine_tuning_as_the_readme_says(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Fine-tune it")[2]
    command = re.search(r"`slimgui (slim [^`]+)`", text)
    code = re.search(r"```python\n(.+?)```", text, re.DOTALL)
    assert command
    assert code
    (tmp_path / "resources").symlink_to(ROOT / "resources")
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=150,
            env={**os.environ, "PYTHONPATH": paths},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("-m", "slimgui", *command[1].split())
    losses = [float(line.split()[1]) for line in run("-c", code[1]).splitlines()]
    assert len(losses) == 20  # 2,000 images, 100 at a time
    assert sum(losses[-5:]) < 0.6 * sum(losses[:5])
    assert (tmp_path / "tuned.pt").exists()
