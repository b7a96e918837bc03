"""Open saved files in a process that knows nothing of how they were made: `python opened.py MODE FOLDER`.

MODE "classes" has SlimGUI and the models' classes, "programs" has torch only, "onnx" neither. The file of the
net NAME in FORMAT is FOLDER/NAME.FORMAT; its input is NAME.x.npy, what it computes goes to NAME.FORMAT.y.npy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FORMATS = {"classes": ("pt", "safetensors", "pickle"), "programs": ("pt2",), "onnx": ("onnx",)}
ABSENT = {"classes": (), "programs": ("slimgui", "benchmarks"), "onnx": ("slimgui", "benchmarks", "torch")}

Run = Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]


def of_classes(name: str, file: Path) -> Run:
    """The model's own class, filled by SlimGUI; or the module as torch unpickles it."""
    import torch

    from benchmarks.soak.nets import MODELS
    from slimgui import engine

    if file.suffix == ".pickle":
        model = torch.load(file, weights_only=False)
    else:
        model = engine.load(file, model=MODELS[name][0]()).model
    return _run_by_torch(model.eval())


def of_program(_name: str, file: Path) -> Run:
    """An exported program."""
    import torch

    return _run_by_torch(torch.export.load(file).module())


def _run_by_torch(model: Callable[..., Any]) -> Run:
    import torch

    def run(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        with torch.no_grad():
            result: np.ndarray[Any, Any] = model(torch.from_numpy(x)).numpy()
        return result

    return run


def of_onnx(_name: str, file: Path) -> Run:
    """An ONNX model in onnxruntime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (only,) = session.get_inputs()
    return lambda x: np.asarray(session.run(None, {only.name: x})[0])


def main(mode: str, folder: Path) -> None:
    """Open every file of the formats of `mode`."""
    for package in ABSENT[mode]:
        assert package not in sys.modules, f"{package} is here already"
        sys.modules[package] = None  # type: ignore[assignment]  # importing it fails from now on
    opener = {"classes": of_classes, "programs": of_program, "onnx": of_onnx}[mode]
    for given in sorted(folder.glob("*.x.npy")):
        name, x = given.name.removesuffix(".x.npy"), np.load(given)
        for kind in FORMATS[mode]:
            np.save(folder / f"{name}.{kind}.y.npy", opener(name, folder / f"{name}.{kind}")(x))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
