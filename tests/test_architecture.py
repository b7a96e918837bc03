"""What import-linter cannot say: what a started program has loaded, and how long files may grow."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "slimgui").rglob("*.py"))
MAX_LINES_PER_FILE, MAX_LINES_PER_FUNCTION = 400, 40
TORCH = ("torch", "torchvision")
QT = ("PySide6", "pyqtgraph")


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh python has loaded after `statement`."""
    code = f"import sys\n{statement}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("slimgui", (*TORCH, *QT)),
        ("slimgui.errors", (*TORCH, *QT, "numpy")),
        ("slimgui.core.wire", (*TORCH, *QT)),
        ("slimgui.scanner.process", (*TORCH, *QT, "numpy", "msgspec")),
        ("slimgui.files.contents", (*TORCH, *QT, "numpy", "safetensors")),
        ("slimgui.cli", (*TORCH, *QT)),
        ("slimgui.gui.app", (*TORCH, "scipy", "fast_sugiyama")),
        ("slimgui.gui.main_window", (*TORCH, "scipy", "fast_sugiyama")),
        ("slimgui.engine", QT),
        ("slimgui.engine.host", QT),
    ],
)
def test_a_room_loads_only_what_it_needs(module, absent):
    loaded = loaded_by(f"import {module}")
    assert not loaded.intersection(absent)


def test_the_loop_of_the_engine_is_there_before_torch_is():
    # A ping is answered from then on; the package's facade, which imports torch, is kept out of the way.
    bare = (
        "import types; bare = types.ModuleType('slimgui.engine'); bare.__path__ = ['slimgui/engine']; "
        "sys.modules['slimgui.engine'] = bare; import slimgui.engine.host"
    )
    assert not loaded_by(bare).intersection((*TORCH, *QT))


def test_errors_imports_nothing():
    tree = ast.parse((ROOT / "slimgui" / "errors.py").read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_keep_their_budget(source):
    text = source.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_LINES_PER_FILE
    functions = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = {f.name: body_lines(f) for f in functions if body_lines(f) > MAX_LINES_PER_FUNCTION}
    assert not long


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines from `def` to the end, without the docstring."""
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= first.end_lineno - first.lineno + 1
    return lines


def test_this_python_and_qt_keep_their_references_to_none():
    # PySide6-Essentials 6.12.0 on Python 3.11 drops a reference to None in nearly every void call,
    # until the process dies with none_dealloc. 2,000 calls lose about 2,000 of them there; the margin
    # is for what else happens meanwhile. From Python 3.12 on None is immortal and the count constant.
    code = (
        "import sys\n"
        "from PySide6.QtCore import QObject\n"
        "thing = QObject()\n"
        "before = sys.getrefcount(None)\n"
        "for _ in range(2000): thing.setObjectName('x')\n"
        "print(before - sys.getrefcount(None))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert abs(int(done.stdout)) < 100


LIBRARIES = "torchvision|timm|transformers|ultralytics|segmentation_models|diffusers|torchaudio|fairseq"
FAMILIES = (
    "resnet|densenet|googlenet|inception|mobilenet|shufflenet|efficientnet|convnext|swin|vit_|yolo|bert|llama"
)


@pytest.mark.parametrize("source", sorted((ROOT / "slimgui/engine").rglob("*.py")), ids=lambda p: p.name)
def test_the_engine_names_no_library_and_no_model(source):
    """One model's special case would mean that the mechanism is wrong; loading has to name libraries."""
    if "load" in source.relative_to(ROOT / "slimgui/engine").parts:
        return
    named = re.findall(f"(?i){LIBRARIES}|{FAMILIES}", source.read_text(encoding="utf-8"))
    assert not named
